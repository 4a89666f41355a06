/*
 * ribbon_session: a session lives on, or ends, or asks how much of the month is left. Steps: origin, session, work. Each is one
 * transaction that looks at all the session hangs on before it changes or tells anything.
 */
#include <sys/types.h>

#include "api/reply.h"
#include "api/ribbon.h"
#include "base/clock.h"
#include "base/month.h"
#include "db/stmt_worker.h"

#define ANSWER_MAX	((size_t)1024)

enum { SESSION, DONE };		/* statements of a job */
enum { U_KEY = SESSION_COLUMNS, U_NAME, U_USED, U_LIMIT, U_REFUSED };

struct change {
	struct ribbon	r;	/* the first: rq->state is either */
	int64_t		now_ms;
	char		month[MONTH_SIZE];
};

static void	send_renew(struct api *api, struct http_request *rq);
static void	send_end(struct api *api, struct http_request *rq);
static void	send_usage(struct api *api, struct http_request *rq);

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
		api_problem(c->r.rq, 401, "session_expired", "The session has lived as long as one may; begin anew");
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
	struct db_job *j = db_job_new(api->db, 0, renewed, c);
	DB_PARAMS(p, 7);

	rq->step = "renew";
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
	struct db_job *j = db_job_new(api->db, 0, ended, c);
	DB_PARAMS(p, 6);

	rq->step = "end";
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

/* ---- usage */

static void
got_usage(void *arg, const struct db_result *r)
{
	struct change *c = arg;
	struct json_out j;
	struct buf b;

	if (!ribbon_accepts(&c->r, r, send_usage))
		return;
	reply_begin(&j, &b, ANSWER_MAX, true);
	json_kstr(&j, "month", str_c(c->month));
	json_key(&j, "clients");
	json_arr(&j);
	json_obj(&j);
	json_kstr(&j, "key_id", db_text(r, 0, 0, U_KEY));
	json_kstr(&j, "name", db_text(r, 0, 0, U_NAME));
	json_kint(&j, "used", db_i64(r, 0, 0, U_USED, 0));
	json_key(&j, "limit");
	if (db_text(r, 0, 0, U_LIMIT).p != NULL)
		json_int(&j, db_i64(r, 0, 0, U_LIMIT, 0));
	else
		json_null(&j);
	json_kint(&j, "refused", db_i64(r, 0, 0, U_REFUSED, 0));
	json_obj_end(&j);
	json_arr_end(&j);
	reply_end(c->r.rq, &j, 200);
}

/* ?month= and nothing else; this one when absent. */
static bool
read_month(struct change *c)
{
	struct http_request *rq = c->r.rq;
	struct str rest = rq->query, key, value;
	bool given = false;
	int r;

	while ((r = http_query_next(&rq->arena, &rest, &key, &value)) == 1) {
		if (given || !str_eq(key, STR("month")) || !month_parse(c->month, value))
			return ribbon_fault(&c->r, 400, "invalid_parameter", "The one parameter is month, such as 2026-11");
		given = true;
	}
	return r == 0 || ribbon_fault(&c->r, 400, "malformed_query", "A percent escape in the query is broken");
}

static void
send_usage(struct api *api, struct http_request *rq)
{
	struct change *c = rq->state;
	struct db_job *j;
	DB_PARAMS(p, 5);

	rq->step = "usage";
	month_of(c->month, clock_real_ms());
	if (!read_month(c)) {
		ribbon_wrong(&c->r);
		return;
	}
	ribbon_params(&p, &c->r);
	db_put_cstr(&p, c->month);
	j = db_job_new(api->db, 0, got_usage, c);
	db_job_add(j, W_SESSION_USAGE, p.p, p.n);
	db_job_submit(j);
}

void
api_ribbon_own_usage(struct http_request *rq, void *ctx)
{
	begin(ctx, rq, send_usage);
}
