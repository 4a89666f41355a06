/*
 * errand: one thing asked of a provider, with all that is due around a request: waiting for the budget, obeying Retry-After,
 * trying again what may be tried again, and an end by a deadline whatever happens.
 */
#ifndef RINGD_ERRAND_H
#define RINGD_ERRAND_H

#include "courier/client.h"
#include "proc/scoreboard.h"
#include "providers/endpoint.h"

#define ERRANDS_MAX		1024	/* under way and waiting; beyond: CLIENT_BUSY */
#define ERRAND_TRIES		4
#define ERRAND_BACKOFF_MIN_MS	250
#define ERRAND_BACKOFF_MAX_MS	5000

struct errands;

struct errand_request {
	const struct endpoint	*endpoint;
	struct str		 account;		/* whose budget; empty: not known, shared by all who do not know */
	struct str		 user;			/* for endpoints that are limited by user */
	const struct origin	*origin;		/* must stay */
	const char		*path;			/* NULL: the endpoint's own */
	const char		*id;			/* appended to the path; NULL: nothing */
	bool			 once;			/* any answer ends it, one that says "later" too */
	const char		*content_type;
	struct str		 body;
	const struct secret	*authorization;
	int64_t			 deadline_ms;		/* monotonic */
	int64_t			 patience_ms;		/* longest wait for the budget, or for a new try; 0: until the deadline */
};

struct errand_answer {
	const struct client_answer *last;	/* NULL: nothing was ever sent, the budget's wait is longer than deadline or patience */
	int64_t			 wait_ms;	/* then: how long that wait is */
	unsigned		 tries;
};

/* Exactly once, later, never from inside errand_send(); the answer is valid inside the call only. */
typedef void	(*errand_fn)(void *arg, const struct errand_answer *answer);

/* request_ms: the longest one request may take. NULL without memory. */
struct errands	*errands_new(struct loop *l, struct client *client, int64_t request_ms, struct score *score);
/* After client_free(), which answers what is under way. Those that wait are answered as if their deadline had come. */
void		 errands_free(struct errands *es);
void		 errand_send(struct errands *es, const struct errand_request *rq, errand_fn fn, void *arg);
size_t		 errands_waiting(const struct errands *es);

#endif
