/*
 * ribbon: what the journeys of the call ribbon share. A session is one agent's right to act from one page's origin for a while:
 * its token, of which the database has the hash, is the only secret a browser ever holds. Whether it is still good, with the
 * browser key, the agent and the app it hangs on, is part of every statement's own round trip, so an end is an end at once.
 */
#ifndef RINGD_RIBBON_H
#define RINGD_RIBBON_H

#include "api/body.h"
#include "api/cors.h"
#include "base/json_write.h"

#define RIBBON_BODY_MAX		((size_t)16 * 1024)
#define RIBBON_ANSWER_MAX	((size_t)2 << 20)
#define RIBBON_CONTEXT_MAX	2000	/* bytes a page may hand over with a call */
#define RIBBON_NOTE_MAX		4000
#define RIBBON_WORD_MAX		255	/* a disposition, a reason */

/* A request by session: the first member of its journey's state, which rq->state points to. */
struct ribbon {
	struct caller		 caller;
	struct page		 page;
	struct api		*api;
	struct http_request	*rq;
	auth_fn			 next;
	bool			 again;		/* a disturbed job was submitted again once */
	struct body_fault	 fault;		/* of the request */
	int			 fault_status;	/* 0: 400 */
};

/* Origin, token, tenant; then next, now or later. Answers itself when one of them is not good. rq->state must be r. */
void	ribbon_begin(struct api *api, struct http_request *rq, struct ribbon *r, auth_fn next);
/* $1 to $4 of every statement by session: room for 4. */
void	ribbon_params(struct db_params *p, const struct ribbon *r);
/*
 * The first thing in the callback of a job whose statement 0 is by session. true: the job went well and the session is good,
 * and counted. false: retry was called, because nothing had been done, or the request has been answered.
 */
bool	ribbon_accepts(struct ribbon *r, const struct db_result *result, auth_fn retry);
/*
 * Before anything is written. A request that is not counted yet may turn out to be one too many, and would have been obeyed when its 429
 * is told. true: it is counted. false: the session is asked about first, by itself, and next called then, or the request answered.
 */
bool	ribbon_counted(struct ribbon *r, auth_fn next);
/* Tells what r->fault says, to a session that is good: a stranger learns nothing, and the session's limit holds. */
void	ribbon_wrong(struct ribbon *r);
/* Sets it; false, to be returned. */
bool	ribbon_fault(struct ribbon *r, int status, const char *code, const char *text);
void	ribbon_problem(struct ribbon *r, int status, const char *code, const char *message);	/* answers and counts */
void	ribbon_refused(struct api *api, const char *code);	/* counts it, when it is about who may do what */
void	api_ribbon_dial(struct http_request *rq, void *ctx);	/* the POST of api_ribbon_calls() */
int64_t	ribbon_renew_in(int64_t life_ms);	/* when a page had better renew what lives so long */
/* A time as PostgreSQL writes it. */
void	ribbon_time(struct json_out *j, const char *name, struct str pg);

#endif
