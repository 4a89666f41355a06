/*
 * exotel_states: which word ranks where and what it proves. The words are documented; that a call "in-progress" or
 * "completed" need not be one that people spoke in was seen: the first is said as soon as the first telephone rings,
 * the second of a menu too. Hence LEG_SEEN_UP, which other fields confirm or take back.
 */
#include <sys/types.h>

#include "base/count.h"
#include "providers/exotel_states.h"

static const struct exotel_state statuses[] = {
	{ "queued",			LEG_RINGING,	0 },
	{ "initiated",			LEG_RINGING,	0 },
	{ "ringing",			LEG_RINGING,	0 },
	{ "in-progress",		LEG_ACTIVE,	LEG_SEEN_UP },
	{ "answered",			LEG_ACTIVE,	LEG_SEEN_UP },
	{ "completed",			LEG_ENDED,	LEG_SEEN_HANGUP | LEG_SEEN_UP },
	{ "busy",			LEG_ENDED,	LEG_SEEN_MISSED },
	{ "no-answer",			LEG_ENDED,	LEG_SEEN_MISSED },
	{ "failed",			LEG_ENDED,	LEG_SEEN_MISSED },
	{ "canceled",			LEG_ENDED,	LEG_SEEN_MISSED },
	{ "cancelled",			LEG_ENDED,	LEG_SEEN_MISSED },
	{ "from_leg_unanswered",	LEG_ENDED,	LEG_SEEN_MISSED },
	{ "to_leg_unanswered",		LEG_ENDED,	LEG_SEEN_MISSED },
	{ "from_leg_cancelled",		LEG_ENDED,	LEG_SEEN_MISSED },
	{ "to_leg_cancelled",		LEG_ENDED,	LEG_SEEN_MISSED },
	{ "from_leg_no_dial",		LEG_ENDED,	LEG_SEEN_MISSED },
	{ "to_leg_no_dial",		LEG_ENDED,	LEG_SEEN_MISSED },
};

static const struct exotel_state call_types[] = {
	{ "call-attempt",		LEG_RINGING,	0 },
	{ "completed",			LEG_ENDED,	LEG_SEEN_HANGUP | LEG_SEEN_UP },
	{ "client-hangup",		LEG_ENDED,	LEG_SEEN_HANGUP },
	{ "incomplete",			LEG_ENDED,	LEG_SEEN_MISSED },
	{ "voicemail",			LEG_ENDED,	LEG_SEEN_VOICEMAIL },
};

/* "busy" is that the agent's telephone is taken up by this call, "free" that it no longer is. */
static const struct exotel_state rings[] = {
	{ "dial",			LEG_RINGING,	0 },
	{ "ringing",			LEG_RINGING,	0 },
	{ "busy",			LEG_RINGING,	0 },
	{ "answered",			LEG_ACTIVE,	LEG_SEEN_CONNECTED },
	{ "terminal",			LEG_ENDED,	LEG_SEEN_HANGUP },
	{ "free",			LEG_ENDED,	LEG_SEEN_HANGUP },
};

static struct exotel_state
look_up(const struct exotel_state *table, size_t n, struct str word)
{
	size_t	i;

	for (i = 0; i < n; i++) {
		if (str_eq(word, str_c(table[i].word)))
			return table[i];
	}
	return (struct exotel_state){ NULL, LEG_POST, 0 };
}

struct exotel_state
exotel_status(struct str word)
{
	return look_up(statuses, COUNT(statuses), word);
}

struct exotel_state
exotel_call_type(struct str word)
{
	return look_up(call_types, COUNT(call_types), word);
}

struct exotel_state
exotel_ring(struct str event)
{
	return look_up(rings, COUNT(rings), event);
}
