/*
 * ribbon_session: a session lives on, or ends. Steps: origin, session, work. Both are one transaction that looks at all the session
 * hangs on before it changes anything.
 */
#include <sys/types.h>

#include "api/reply.h"
#include "api/ribbon.h"
#include "base/clock.h"
#include "db/stmt_worker.h"

#define ANSWER_MAX	((size_t)1024)

enum { SESSION, DONE };		/* statements of a job */

struct change {
	struct ribbon	r;	/* the first: rq->state is either */
	int64_t		now_ms;
};

static void	send_renew(struct api *api, struct http_request *rq);
static void	send_end(struct api *api, struct http_request *rq);

static void
begin(struct api *api, struct http_request *rq, auth_fn send)
{
	struct change *c = arena_alloc(&rq->arena, sizeof(*c));

	if (c == NULL) {
		api_no_memory(rq);
		return;
	}
	rq->state = c;
	ribbon_begin(api, rq, &c->r, send);
}

/* ---- renew */

static void
renewed(void *arg, const struct db_result *result)
{
	struct change *c = arg;
	int64_t expires_ms;
	struct json_out j;
	struct buf b;

	if (!ribbon_accepts(&c->r, result, send_renew))
		return;
	if (db_rows(result, DONE) == 0) {
		ribbon_problem(&c->r, 401, "session_expired", "The session has lived as long as one may; begin anew");
		return;
	}
	expires_ms = db_i64(result, DONE, 0, 0, 0);
	reply_begin(&j, &b, ANSWER_MAX, true);
	json_ktime(&j, "expires_at", expires_ms);
	json_kint(&j, "renew_in_ms", ribbon_renew_in(expires_ms - c->now_ms));
	reply_end(c->r.rq, &j, 200);
}

static void
send_renew(struct api *api, struct http_request *rq)
{
	struct change *c = rq->state;
	struct db_job *j;
	DB_PARAMS(p, 7);

	rq->step = "renew";
	if (!ribbon_counted(&c->r, send_renew))
		return;
	j = db_job_new(api->db, 0, renewed, c);
	c->now_ms = clock_real_ms();
	ribbon_params(&p, &c->r);
	db_job_add(j, W_SESSION, p.p, p.n);
	db_put_time_ms(&p, c->now_ms);
	db_put_time_ms(&p, c->now_ms + api->conf->ribbon_session_ms);
	db_put_i64(&p, api->conf->ribbon_session_max_ms);
	db_job_add(j, W_SESSION_RENEW, p.p, p.n);
	db_job_submit(j);
}

void
api_ribbon_renew(struct http_request *rq, void *ctx)
{
	begin(ctx, rq, send_renew);
}

/* ---- end */

static void
ended(void *arg, const struct db_result *result)
{
	struct change *c = arg;
	struct json_out j;
	struct buf b;

	if (!ribbon_accepts(&c->r, result, send_end))
		return;
	auth_bad(c->r.api, &c->r.caller);
	reply_begin(&j, &b, ANSWER_MAX, true);
	json_kbool(&j, "ended", true);
	reply_end(c->r.rq, &j, 200);
}

static void
send_end(struct api *api, struct http_request *rq)
{
	struct change *c = rq->state;
	struct db_job *j;
	DB_PARAMS(p, 6);

	rq->step = "end";
	if (!ribbon_counted(&c->r, send_end))
		return;
	j = db_job_new(api->db, 0, ended, c);
	ribbon_params(&p, &c->r);
	db_job_add(j, W_SESSION, p.p, p.n);
	db_put_time_ms(&p, clock_real_ms());
	db_job_add(j, W_SESSION_END, p.p, p.n);
	db_put_cstr(&p, rq->id);
	db_job_add(j, W_SESSION_END_AUDIT, p.p, p.n);
	db_job_submit(j);
}

void
api_ribbon_end(struct http_request *rq, void *ctx)
{
	begin(ctx, rq, send_end);
}
