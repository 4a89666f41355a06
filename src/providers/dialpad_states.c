/*
 * dialpad_states: which state ranks where and what it proves. Known from the public list of subscription states; what
 * the states mean is partly inferred, so nothing but the rank and the bits below may be concluded from a word.
 * A word that is not here must never move a call.
 */
#include <sys/types.h>

#include "base/count.h"
#include "providers/dialpad_states.h"

/* The names are documented; what ringing and ended words mean was seen in captures, the in-call words are inferred. */
static const struct dialpad_state states[] = {
	{ "calling",		LEG_RINGING,	0 },
	{ "preanswer",		LEG_RINGING,	0 },
	{ "queued",		LEG_RINGING,	LEG_SEEN_QUEUED },
	{ "ringing",		LEG_RINGING,	0 },
	{ "connected",		LEG_ACTIVE,	LEG_SEEN_CONNECTED },
	{ "hold",		LEG_ACTIVE,	LEG_SEEN_CONNECTED },
	{ "parked",		LEG_ACTIVE,	LEG_SEEN_CONNECTED },
	{ "merged",		LEG_ACTIVE,	LEG_SEEN_CONNECTED },
	{ "monitor",		LEG_ACTIVE,	LEG_SEEN_CONNECTED },
	{ "eavesdrop",		LEG_ACTIVE,	LEG_SEEN_CONNECTED },
	{ "barge",		LEG_ACTIVE,	LEG_SEEN_CONNECTED },
	{ "takeover",		LEG_ACTIVE,	LEG_SEEN_CONNECTED },
	{ "hangup",		LEG_ENDED,	LEG_SEEN_HANGUP },
	{ "missed",		LEG_ENDED,	LEG_SEEN_MISSED },
	{ "voicemail",		LEG_ENDED,	LEG_SEEN_VOICEMAIL },
	{ "blocked",		LEG_ENDED,	LEG_SEEN_BLOCKED },
	{ "voicemail_uploaded",	LEG_POST,	LEG_SEEN_AFTER | LEG_SEEN_VOICEMAIL },
	{ "transcription",	LEG_POST,	LEG_SEEN_AFTER },
	{ "recording",		LEG_POST,	LEG_SEEN_AFTER },
	{ "admin",		LEG_POST,	LEG_SEEN_AFTER },
	{ "admin_recording",	LEG_POST,	LEG_SEEN_AFTER },
	{ "call_transcription",	LEG_POST,	LEG_SEEN_AFTER },
	{ "recap_summary",	LEG_POST,	LEG_SEEN_AFTER },
	{ "recap_outcome",	LEG_POST,	LEG_SEEN_AFTER },
	{ "recap_purposes",	LEG_POST,	LEG_SEEN_AFTER },
	{ "recap_action_items",	LEG_POST,	LEG_SEEN_AFTER },
	{ "csat",		LEG_POST,	LEG_SEEN_AFTER },
	{ "pcsat",		LEG_POST,	LEG_SEEN_AFTER },
	{ "postcall",		LEG_POST,	LEG_SEEN_AFTER },
	{ "dispositions",	LEG_POST,	LEG_SEEN_AFTER },
	{ "ai_playbook",	LEG_POST,	0 },	/* may come while people talk */
};

/* In the seeds' world "started" means that a person answered, and only an answered call has a recording. */
static const struct {
	const char		*event_type;
	struct dialpad_state	 state;
} seeds_events[] = {
	{ "call.ring",			{ "ringing", LEG_RINGING, 0 } },
	{ "call.started",		{ "connected", LEG_ACTIVE, LEG_SEEN_CONNECTED | LEG_SEEN_PERSON } },
	{ "call.ended",			{ "hangup", LEG_ENDED, LEG_SEEN_HANGUP } },
	{ "call.recording.completed",	{ "recording", LEG_POST, LEG_SEEN_CONNECTED | LEG_SEEN_AFTER } },
};

static const struct {
	const char		*word;
	struct dialpad_state	 state;
} endings[] = {
	{ "missed",		{ "missed", LEG_ENDED, LEG_SEEN_MISSED } },
	{ "no_answer",		{ "missed", LEG_ENDED, LEG_SEEN_MISSED } },
	{ "unanswered",		{ "missed", LEG_ENDED, LEG_SEEN_MISSED } },
	{ "voicemail",		{ "voicemail", LEG_ENDED, LEG_SEEN_VOICEMAIL } },
	{ "blocked",		{ "blocked", LEG_ENDED, LEG_SEEN_BLOCKED } },
	{ "abandoned",		{ "hangup", LEG_ENDED, LEG_SEEN_HANGUP | LEG_SEEN_QUEUED } },
	{ "transferred",	{ "hangup", LEG_ENDED, LEG_SEEN_HANGUP | LEG_SEEN_TRANSFERRED } },
	{ "answered",		{ "hangup", LEG_ENDED, LEG_SEEN_HANGUP | LEG_SEEN_PERSON } },
};

static const struct dialpad_state unknown = { NULL, LEG_POST, 0 };

struct dialpad_state
dialpad_state_of(struct str word)
{
	size_t	i;

	for (i = 0; i < COUNT(states); i++) {
		if (str_eq(word, str_c(states[i].word)))
			return states[i];
	}
	return unknown;
}

struct dialpad_state
dialpad_seeds_state_of(struct str event_type)
{
	struct str	scope;
	size_t		i;

	for (i = 0; i < COUNT(seeds_events); i++) {
		if (str_eq(event_type, str_c(seeds_events[i].event_type)))
			return seeds_events[i].state;
	}
	str_cut(&event_type, '.', &scope);
	return dialpad_state_of(event_type);
}

struct dialpad_state
dialpad_ending_of(struct str word)
{
	size_t	i;

	for (i = 0; i < COUNT(endings); i++) {
		if (str_eq(word, str_c(endings[i].word)))
			return endings[i].state;
	}
	return unknown;
}
