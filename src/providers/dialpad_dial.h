/*
 * dialpad_dial: what is said to Dialpad to place a call, and what its answers mean. Pure. POST /api/v2/call rings all
 * devices of a user, then calls the number (Dialpad's OpenAPI document).
 */
#ifndef RINGD_DIALPAD_DIAL_H
#define RINGD_DIALPAD_DIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/uuid.h"

#define DIALPAD_DIAL_CUSTOM_MAX	1000	/* bytes of a client's own custom data */
#define DIALPAD_USER_MAX	19	/* digits of a user's id */

/* How asking for a call can end. The words stand in the database and in the courier's answers: stable. */
enum dialpad_dial_outcome {
	DIALPAD_DIAL_PLACED,
	/* Nothing was done, and asking again may do it. */
	DIALPAD_DIAL_NOT_CONNECTED,
	DIALPAD_DIAL_NEEDS_RECONNECT,
	DIALPAD_DIAL_LIMIT,		/* as many calls as the user may start in a minute, or Dialpad asked for a pause */
	DIALPAD_DIAL_UNREACHABLE,
	DIALPAD_DIAL_BUSY,		/* we have too much under way */
	/* Dialpad said no, and would again. */
	DIALPAD_DIAL_USER_UNKNOWN,
	DIALPAD_DIAL_REFUSED,		/* the number, most likely */
	DIALPAD_DIAL_FORBIDDEN,		/* this grant may not call for this user */
	DIALPAD_DIAL_BROKEN,		/* Dialpad failed: nobody knows how far it came */
	/* Not an end: */
	DIALPAD_DIAL_UNKNOWN,		/* it was sent, and no answer came: perhaps it was placed */
	DIALPAD_DIAL_PENDING,		/* another request with the same key is at it */
	DIALPAD_DIAL_OUTCOMES
};

const char	*dialpad_dial_word(enum dialpad_dial_outcome o);
bool		 dialpad_dial_outcome(struct str word, enum dialpad_dial_outcome *o);	/* false: no such word */
bool		 dialpad_dial_retryable(enum dialpad_dial_outcome o);	/* certainly nothing was done, so it may be sent anew */

bool		 dialpad_user_ok(struct str id);	/* digits, 1 to 2^63 - 1, as Dialpad writes them */

/* The body of the request; user as dialpad_user_ok() has it. */
void		 dialpad_dial_body(struct buf *b, struct uuid dial, struct str user, struct str number, struct str custom_data);
/* What an answer with this status means. retry: it came with Retry-After. */
enum dialpad_dial_outcome dialpad_dial_judge(int status, bool retry);
struct str	 dialpad_dial_call_id(struct arena *a, struct str body);	/* digits; absent: not said */

#endif
