/*
 * leg: everything known of one provider leg, as a value that only grows. One event is a leg value too (what that
 * delivery said); leg_join() is commutative, associative and idempotent, so that events may come late, doubled and in
 * any order and end in the same leg. Pure: no clock, no I/O. The record's JSON (leg_read, leg_write) is what stands in
 * webhook_events.facts and call_legs.state.
 *
 * Rules (facts about Dialpad, chapters 4.3-4.5): rank ringing < active < ended never goes down; post states (recording,
 * recap …) never touch it; equal rank: larger event time wins, then larger text; null erases nothing; a user as
 * target is never replaced by a group.
 */
#ifndef RINGD_LEG_H
#define RINGD_LEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#define LEG_NONE		INT64_MIN	/* a time or number that is not known */
#define LEG_RECORDINGS_MAX	32		/* kept per leg: the smallest keys, so that arrival does not show */

enum leg_rank { LEG_POST = 0, LEG_RINGING = 1, LEG_ACTIVE = 2, LEG_ENDED = 3 };

/* Which decisive states were ever seen, as a set. */
#define LEG_SEEN_CONNECTED	0x01u
#define LEG_SEEN_HANGUP		0x02u
#define LEG_SEEN_MISSED		0x04u
#define LEG_SEEN_VOICEMAIL	0x08u
#define LEG_SEEN_BLOCKED	0x10u
#define LEG_SEEN_QUEUED		0x20u
#define LEG_SEEN_TRANSFERRED	0x40u	/* is_transferred on any event */
#define LEG_SEEN_INTERNAL	0x80u
#define LEG_SEEN_PERSON		0x100u	/* the event itself says a person answered (seeds' call.started) */
#define LEG_SEEN_AFTER		0x200u	/* a known after-call state: with nothing live seen, the leg is over */
#define LEG_SEEN_UP		0x400u	/* said to be up, but not that people talked: counts until an end says otherwise */

struct leg_text {		/* a value and the event time it comes from; later wins, never erased */
	struct str	v;
	int64_t		ts;
};

struct leg_party {		/* target: our side. Joined as one: user beats group, then later time */
	struct str	type, id, name, email, phone;
	int64_t		ts;
};

struct leg_recording {
	struct str	id, type, url;
	int64_t		start_ms, duration_ms;
};

struct leg {
	struct str	id;		/* the provider's call id of this leg, as text (digits for Dialpad) */
	struct str	master, entry, operator_id;	/* other legs it names; absent when not */
	enum leg_rank	rank;
	struct str	state;		/* provider's word, of the (rank, state_ts) that won */
	int64_t		state_ts;
	unsigned	seen;
	struct leg_text	direction, external, internal, contact_name, contact_id;
	struct leg_text	custom_data, transcription, voicemail_url;
	struct leg_party target;
	int64_t		started, rang, queued, connected;	/* earliest known, ms */
	int64_t		ended;					/* latest known, ms */
	int64_t		again;		/* last said to live, where a leg can begin anew after its end; latest, ms */
	int64_t		presumed;	/* when ringd itself gave it up for over, having asked in vain; latest, ms */
	int64_t		talk_ms, hold_ms, duration_ms;		/* largest known */
	struct leg_recording rec[LEG_RECORDINGS_MAX];	/* one per key, ordered by key; only leg_add_recording() adds */
	size_t		nrec;
};

void	leg_init(struct leg *l);			/* knows nothing */
/* a becomes the join of both. Strings still point where they pointed. */
void	leg_join(struct leg *a, const struct leg *b);
/* The same knowledge: the event time of an absent text or party does not count. */
bool	leg_equal(const struct leg *a, const struct leg *b);
/* Would joining `said` to what is known change anything? */
bool	leg_adds(const struct leg *known, const struct leg *said);
/* A recording's key is its id, or its url when it has no id; one with neither is not kept. Same key: one recording. */
struct str leg_recording_key(const struct leg_recording *r);
void	leg_add_recording(struct leg *l, const struct leg_recording *r);
/* The same for any set of n recordings with room for max; returns the new n. */
size_t	leg_recording_put(struct leg_recording *set, size_t n, size_t max, const struct leg_recording *r);
void	leg_write(const struct leg *l, struct buf *out);	/* compact JSON object, absent fields left out */
bool	leg_read(struct leg *l, struct arena *a, struct str json);	/* false: not a record of ours */
/* Order of provider ids: shorter first, then bytes; for ids of digits this is the order of the numbers. */
int	leg_id_cmp(struct str a, struct str b);
/* The ids this leg names, itself first, junk ("", "0", "null") left out. Returns how many (<= 4). */
size_t	leg_ids(const struct leg *l, struct str out[4]);

#endif
