/*
 * ribbon: see ribbon.h.
 */
#include <sys/types.h>

#include <string.h>

#include "api/limit.h"
#include "api/ribbon.h"
#include "base/count.h"
#include "base/token.h"
#include "db/stmt_worker.h"

#define BEARER	"Bearer "

void
ribbon_refused(struct api *api, const char *code)
{
	static const struct { const char *code; enum score_counter counter; } known[] = {
		{ "origin_not_allowed", SCORE_RIBBON_NO_ORIGIN },
		{ "missing_api_key", SCORE_RIBBON_NO_KEY }, { "invalid_api_key", SCORE_RIBBON_NO_KEY },
		{ "invalid_agent_token", SCORE_RIBBON_NO_AGENT }, { "agent_token_expired", SCORE_RIBBON_NO_AGENT },
		{ "agent_unknown", SCORE_RIBBON_NO_AGENT },
		{ "account_inactive", SCORE_RIBBON_NO_ACCOUNT },
		{ "invalid_session", SCORE_RIBBON_NO_SESSION }, { "session_expired", SCORE_RIBBON_NO_SESSION },
		{ "session_revoked", SCORE_RIBBON_NO_SESSION },
		{ "limit_reached", SCORE_RIBBON_NO_CALLS },
	};

	for (size_t i = 0; i < COUNT(known); i++)
		if (strcmp(known[i].code, code) == 0)
			score_count(api->score, known[i].counter, 1);
}

static void
fail(struct api *api, struct http_request *rq, const char *code, const char *message)
{
	ribbon_refused(api, code);
	if (limit_failure(api, rq))
		api_problem(rq, 401, code, message);
}

/* Unknown, mistyped and long forgotten sessions get the same words. */
static void
unknown(struct api *api, struct http_request *rq)
{
	fail(api, rq, "invalid_session", "There is no such session; begin with POST /api/ribbon/init");
}

/* The one Authorization header's token; absent when there is not exactly one of ours. */
static struct str
bearer(const struct http_request *rq)
{
	struct str scheme = STR(BEARER), value = STR_NONE;
	size_t i, n = 0;

	for (i = 0; i < rq->nheaders; i++)
		if (str_ieq(rq->headers[i].name, STR("authorization"))) {
			value = rq->headers[i].value;
			n++;
		}
	if (n != 1 || value.n <= scheme.n || !str_ieq((struct str){ value.p, scheme.n }, scheme))
		return STR_NONE;
	value = str_trim((struct str){ value.p + scheme.n, value.n - scheme.n });
	return token_valid(value, TOKEN_SESSION) ? value : STR_NONE;
}

static void
find(struct api *api, struct http_request *rq)
{
	struct ribbon *r = rq->state;
	struct str token = bearer(rq);

	rq->step = "session";
	if (token.p == NULL) {
		unknown(api, rq);
		return;
	}
	token_hash(r->caller.key_hash, token);
	auth_find(api, rq, &r->caller, W_SESSION_LOOKUP, r->next, unknown);
}

void
ribbon_begin(struct api *api, struct http_request *rq, struct ribbon *r, auth_fn next)
{
	r->api = api;
	r->rq = rq;
	r->next = next;
	cors_begin(api, rq, &r->page, find);
}

void
ribbon_params(struct db_params *p, const struct ribbon *r)
{
	auth_params(p, &r->caller);
	cors_params(p, &r->page);
}

void
ribbon_problem(struct ribbon *r, int status, const char *code, const char *message)
{
	ribbon_refused(r->api, code);
	api_problem(r->rq, status, code, message);
}

/* What it is worth no longer, and why. */
static void
refuse(struct ribbon *r, struct str state)
{
	struct http_request *rq = r->rq;

	if (str_eq(state, STR("expired")))
		ribbon_problem(r, 401, "session_expired", "The session has expired; begin anew");
	else if (str_eq(state, STR("origin"))) {
		ribbon_refused(r->api, "origin_not_allowed");
		cors_refuse(rq);
	} else if (str_eq(state, STR("inactive")))
		ribbon_problem(r, 403, "account_inactive", "This account is switched off");
	else
		ribbon_problem(r, 401, "session_revoked", "The session was ended");
}

bool
ribbon_accepts(struct ribbon *r, const struct db_result *result, auth_fn retry)
{
	struct str state;

	api_took(r->rq, result);
	if (db_outcome(result) == DB_DISTURBED && !r->again) {
		r->again = true;
		retry(r->api, r->rq);
		return false;
	}
	if (db_outcome(result) != DB_OK) {
		api_db_failed(r->rq, result);
		return false;
	}
	if (db_rows(result, 0) == 0) {
		auth_bad(r->api, &r->caller);
		unknown(r->api, r->rq);
		return false;
	}
	state = db_text(result, 0, 0, KEY_STATE);
	if (str_eq(state, STR("ok")))
		return auth_good(r->api, r->rq, &r->caller, db_text(result, 0, 0, KEY_OWN_LIMIT));
	auth_bad(r->api, &r->caller);
	refuse(r, state);
	return false;
}

static void	ask_first(struct api *api, struct http_request *rq);

static void
asked_first(void *arg, const struct db_result *result)
{
	struct ribbon *r = arg;

	if (ribbon_accepts(r, result, ask_first))
		r->next(r->api, r->rq);
}

static void
ask_first(struct api *api, struct http_request *rq)
{
	struct ribbon *r = rq->state;
	struct db_job *j = db_job_new(api->db, 0, asked_first, r);
	DB_PARAMS(p, 4);

	ribbon_params(&p, r);
	db_job_add(j, W_SESSION, p.p, p.n);
	db_job_submit(j);
}

bool
ribbon_counted(struct ribbon *r, auth_fn next)
{
	if (r->caller.counted)
		return true;
	r->next = next;
	ask_first(r->api, r->rq);
	return false;
}

bool
ribbon_fault(struct ribbon *r, int status, const char *code, const char *text)
{
	r->fault_status = status;
	r->fault.code = code;
	r->fault.text = text;
	return false;
}

static void	send_wrong(struct api *api, struct http_request *rq);

static void
got_wrong(void *arg, const struct db_result *result)
{
	struct ribbon *r = arg;

	if (ribbon_accepts(r, result, send_wrong))
		api_problem(r->rq, r->fault_status != 0 ? r->fault_status : 400, r->fault.code, r->fault.text);
}

static void
send_wrong(struct api *api, struct http_request *rq)
{
	struct ribbon *r = rq->state;
	struct db_job *j = db_job_new(api->db, 0, got_wrong, r);
	DB_PARAMS(p, 4);

	ribbon_params(&p, r);
	db_job_add(j, W_SESSION, p.p, p.n);
	db_job_submit(j);
}

void
ribbon_wrong(struct ribbon *r)
{
	send_wrong(r->api, r->rq);
}

/* Well ahead of the end: a sleeping tab's timers are late by a minute. */
int64_t
ribbon_renew_in(int64_t life_ms)
{
	return life_ms * 2 / 3;
}

/* "2026-01-27 10:30:00.123456+00" */
void
ribbon_time(struct json_out *j, const char *name, struct str pg)
{
	int64_t us;

	json_ktime(j, name, pg.p != NULL && db_parse_time_us(pg, &us) ? us / 1000 : INT64_MIN);
}
