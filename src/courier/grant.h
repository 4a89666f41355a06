/*
 * grant: an app's access to Dialpad, from the code it begins with to the request it is used for. Private to courier/.
 * Tokens are decrypted for a request and wiped after it.
 */
#ifndef RINGD_COURIER_GRANT_H
#define RINGD_COURIER_GRANT_H

#include "courier/internal.h"
#include "providers/dialpad_api.h"

/* A sealed token of a connection, as hex from the database, as its plain text. false: it does not open; logged. */
bool	grant_open(struct courier *c, struct secret *plain, const char *column, struct uuid app, struct uuid id, struct str hex);
/* Appends the record of a token at its place. */
bool	grant_seal(struct courier *c, struct buf *out, const char *column, struct uuid app, struct uuid id, struct str token);
void	grant_bearer(struct secret *header, struct str token);	/* "Bearer …" */
/*
 * When a token that lives from now to expires should be renewed: ahead of its end by dialpad.refresh_ahead, but never more
 * than a fifth of its life, and a little earlier or later so that a thousand tokens of one hour do not come due together.
 * Both ms; INT64_MIN when it does not expire.
 */
int64_t	grant_due_ms(int64_t now_ms, int64_t expires_ms, int64_t ahead_ms, uint32_t random);

/* ---- tokens for a code, or for a refresh token (token.c) */

/* fn as for errand_send(). false: no memory, or it does not fit; fn will not be called. */
bool	token_exchange(struct courier *c, struct str code, struct str verifier, int64_t deadline_ms, errand_fn fn, void *arg);
bool	token_refresh(struct courier *c, const struct secret *token, struct str company, int64_t deadline_ms, errand_fn fn,
	    void *arg);

/* ---- renewing */

enum refresh_outcome {
	REFRESH_DONE,
	REFRESH_NOTHING,	/* no such connection, or somebody else is at it, or has just been */
	REFRESH_FAILED,		/* will be tried again by itself */
	REFRESH_DEAD,		/* needs_reconnect */
};

typedef void	(*refresh_fn)(void *arg, enum refresh_outcome outcome, const char *why);

/* Whatever is due, forever. */
bool	keeper_start(struct courier *c);	/* false without memory */
void	keeper_stop(struct courier *c);	/* begins nothing more */
void	keeper_free(struct courier *c);	/* after the database is gone */
/* This app's now. spent: the sealed access token that was refused, as bytes; absent: renew whatever is there. */
void	refresh_now(struct courier *c, struct uuid app, struct str spent, refresh_fn fn, void *arg);

/* ---- using */

enum grant_outcome {
	GRANT_ANSWERED,
	GRANT_NONE,		/* the app is not connected, or not active */
	GRANT_DEAD,		/* the connection needs a new consent */
	GRANT_AWAY,		/* the database, or no answer within the deadline: why is in the answer if there is one. */
				/* Without an answer nothing was obeyed; CLIENT_BUSY with retry_after_ms: the budget is used up */
};

struct grant_request {
	struct uuid		 app;
	enum dialpad_endpoint	 endpoint;
	const struct origin	*origin;	/* NULL: the API's; must stay, and so must path */
	const char		*path;		/* as of errand.h */
	bool			 leaving;	/* of a connection that is being given up, and of no other */
	const char		*id;		/* appended to the path; NULL: nothing */
	struct str		 body;		/* JSON; absent: none */
	struct str		 user;		/* for limits by user */
	int64_t			 deadline_ms;	/* monotonic */
	int64_t			 patience_ms;	/* longest wait for the budget; 0: until the deadline */
};

/* The answer is valid inside the call only; NULL unless GRANT_ANSWERED, or perhaps GRANT_AWAY. */
typedef void	(*grant_fn)(void *arg, enum grant_outcome outcome, const struct client_answer *answer);

/* One request with the app's token. Refused as 401 it is asked once more with a renewed one. Everything is copied. */
void	grant_send(struct courier *c, const struct grant_request *rq, grant_fn fn, void *arg);
void	grant_stop(struct courier *c);	/* after client and database are gone: answers what is left, GRANT_AWAY */

#endif
