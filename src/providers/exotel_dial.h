/*
 * exotel_dial: what is said to Exotel to place a call, and what its answers mean. Pure. Two ways: outbound_call rings an
 * agent's SIP and then the customer; v1 Calls/connect rings the agent's telephone first (facts: Exotel's pages and its
 * own SDK). Answers of the first come in an envelope whose Code counts beside the HTTP status, and whose Error is a
 * string that holds JSON again.
 */
#ifndef RINGD_EXOTEL_DIAL_H
#define RINGD_EXOTEL_DIAL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/uuid.h"
#include "providers/exotel_account.h"

#define EXOTEL_SID_MAX	64	/* bytes of a CallSid */

/* How asking for a call can end. The words stand in the database and in the courier's answers: stable. */
enum exotel_dial_outcome {
	EXOTEL_DIAL_PLACED,
	/* Nothing was done, and asking again may do it. */
	EXOTEL_DIAL_NOT_LINKED,		/* no account, or no credentials for this way of calling */
	EXOTEL_DIAL_INACTIVE,		/* app, account or agent is switched off here */
	EXOTEL_DIAL_LIMIT,		/* as many requests as the account may make in a minute, or Exotel asked for a pause */
	EXOTEL_DIAL_UNREACHABLE,
	EXOTEL_DIAL_BUSY,		/* we have too much under way */
	/* Exotel said no: nothing was done. */
	EXOTEL_DIAL_DEVICE_OFF,		/* the agent's device is off or not registered */
	EXOTEL_DIAL_AGENT_BUSY,		/* the agent is in a call */
	EXOTEL_DIAL_BALANCE,		/* the account has no money left */
	EXOTEL_DIAL_REFUSED,		/* the number, most likely */
	EXOTEL_DIAL_FORBIDDEN,		/* credentials are not good any more, or not for this */
	EXOTEL_DIAL_BROKEN,		/* Exotel failed: nobody knows how far it came */
	/* Not an end: */
	EXOTEL_DIAL_UNKNOWN,		/* it was sent, and no answer came that says what happened: perhaps it was placed */
	EXOTEL_DIAL_PENDING,		/* another request for the same call is at it */
	EXOTEL_DIAL_OUTCOMES
};

const char	*exotel_dial_word(enum exotel_dial_outcome o);
bool		 exotel_dial_outcome(struct str word, enum exotel_dial_outcome *o);	/* false: no such word */
bool		 exotel_dial_certain(enum exotel_dial_outcome o);	/* nothing was done, for certain: it costs nothing */
bool		 exotel_dial_retryable(enum exotel_dial_outcome o);	/* and it may be sent anew */

/* Bodies: JSON for outbound_call, a form for connect. hook_url absent: nobody is told. */
void	exotel_outbound_body(struct buf *b, const struct exotel_account *x, struct str user_id, struct str number);
void	exotel_connect_form(struct buf *b, struct uuid call, struct str from, struct str to, struct str caller_id,
	    struct str hook_url);
/* What follows "/v1/Accounts/". */
void	exotel_connect_path(struct buf *b, const struct exotel_account *x);

struct exotel_reply {
	enum exotel_dial_outcome outcome;
	int	code;			/* the most exact number Exotel gave: its own, else the status; 0: none */
	char	call_sid[EXOTEL_SID_MAX + 1];	/* "": not said */
};

/* retry: it came with Retry-After. */
void	exotel_dial_judge(struct exotel_reply *r, struct arena *a, int status, bool retry, struct str body);

#endif
