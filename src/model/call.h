/*
 * call: the one human call that several legs make up, as a pure function of the set of its legs. Nothing of it is kept
 * across calls to call_derive(): a merge of two calls is the derivation over both sets of legs.
 */
#ifndef RINGD_CALL_H
#define RINGD_CALL_H

#include "model/leg.h"

#define CALL_LEGS_MAX	256		/* of one call, answered and earliest first; more are not looked at */
#define CALL_RECORDINGS_MAX 64

enum call_status { CALL_RINGING, CALL_ACTIVE, CALL_ENDED };

struct call {
	struct str	 provider_id;	/* id of the entry-most leg known (seen or named) */
	enum call_status status;
	const char	*outcome;	/* answered missed voicemail abandoned blocked transferred; NULL: lives */
	struct str	 state;		/* the provider's word behind the status */
	int64_t		 state_ts;
	struct str	 direction;	/* inbound / outbound; absent when no leg said it */
	struct str	 external, internal, from, to;
	struct str	 agent_id, agent_name, agent_email;	/* last person who answered; else last rung */
	struct str	 group_type, group_id, group_name;	/* department, queue …; entry-most group target */
	struct str	 contact_name, contact_id, custom_data, transcription;
	int64_t		 started, rang, connected, ended;	/* connected: first time a person answered */
	int64_t		 talk_ms, hold_ms, duration_ms;
	bool		 transferred, internal_call;
	bool		 end_inferred;	/* ended only because a leg was given up for over: nobody said so */
	struct leg_recording rec[CALL_RECORDINGS_MAX];
	size_t		 nrec;
	struct str	 recording_url;	/* the first to show: callrecording, admincallrecording, voicemail, other */
	struct str	 recording_type;
};

const char *call_status_word(enum call_status s);	/* ringing, active, ended */
/*
 * Derives from n >= 1 legs (distinct ids), in any order, the same call. Strings point into the legs.
 * - status: every leg over -> ended; a leg open on which a person answered -> active; else ringing. Ended is not final
 *   here: an entry leg handed on and nothing else seen is ended/transferred until the next leg arrives and revives it.
 * - talk_ms, duration_ms: LEG_NONE while the call lives, and when it was answered but nobody told for how long.
 * - end_inferred: a leg that was presumed over stays so until it speaks again; a real end, however late, takes its place.
 * - from, to: by direction; a call whose direction nobody told is read as inbound.
 * - rec: ordered by start (unknown last), then key.
 */
void	call_derive(struct call *c, const struct leg *const *legs, size_t n);

#endif
