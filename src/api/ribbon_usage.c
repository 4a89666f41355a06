/*
 * ribbon_usage: GET /api/ribbon/usage, how many calls each browser key of an app has started in a month. Steps: parameters,
 * auth, rows. One round trip, as the read journeys of calls.c. By API key it tells of all of the app's clients, by session
 * of the one the session began with.
 */
#include <sys/types.h>

#include <stdio.h>

#include "api/ribbon.h"
#include "base/clock.h"
#include "base/json_write.h"
#include "base/month.h"
#include "db/stmt_worker.h"

#define WRONG_SIZE	160
#define ANSWER_MAX	((size_t)2 << 20)

enum { U_KEY, U_NAME, U_USED, U_LIMIT, U_REFUSED };	/* columns of a row, after those of whoever asks */

struct usage {
	struct ribbon		 r;		/* first, as it must be; by API key only its caller, api, rq and again are used */
	bool			 by_session;
	char			 month[MONTH_SIZE];
	const char		*wrong;		/* code of what is wrong with the parameters; NULL: nothing */
	char			 wrong_text[WRONG_SIZE];
};

static void	send_usage(struct api *api, struct http_request *rq);

static void
write_client(struct json_out *j, const struct db_result *r, int row, int first)
{
	json_obj(j);
	json_kstr(j, "key_id", db_text(r, 0, row, first + U_KEY));
	json_kstr(j, "name", db_text(r, 0, row, first + U_NAME));
	json_kint(j, "used", db_i64(r, 0, row, first + U_USED, 0));
	json_key(j, "limit");
	if (db_text(r, 0, row, first + U_LIMIT).p != NULL)
		json_int(j, db_i64(r, 0, row, first + U_LIMIT, 0));
	else
		json_null(j);
	json_kint(j, "refused", db_i64(r, 0, row, first + U_REFUSED, 0));
	json_obj_end(j);
}

static void
answer(struct usage *u, const struct db_result *r)
{
	int first = u->by_session ? (int)SESSION_COLUMNS : (int)KEY_COLUMNS;
	/* A good key without clients is one row whose client is NULL. */
	int rows = db_text(r, 0, 0, first + U_KEY).p == NULL ? 0 : db_rows(r, 0);
	struct json_out j;
	struct buf b;

	buf_init(&b, ANSWER_MAX);
	json_out_init(&j, &b);
	json_obj(&j);
	json_kbool(&j, "success", true);
	json_key(&j, "data");
	json_obj(&j);
	json_kstr(&j, "month", str_c(u->month));
	json_key(&j, "clients");
	json_arr(&j);
	for (int i = 0; i < rows; i++)
		write_client(&j, r, i, first);
	json_arr_end(&j);
	json_obj_end(&j);
	json_obj_end(&j);
	if (rows > USAGE_CLIENTS_MAX)
		api_problem(u->r.rq, 422, "answer_too_large", "This app has more clients than fit; ringctl usage shows them all");
	else if (b.failed)
		api_no_memory(u->r.rq);
	else
		http_answer(u->r.rq, 200, "application/json", &b);
	buf_free(&b);
}

/* Is the asker good? false: retried or answered. */
static bool
accepts(struct usage *u, const struct db_result *r)
{
	if (u->by_session)
		return ribbon_accepts(&u->r, r, send_usage);
	api_took(u->r.rq, r);
	if (db_outcome(r) == DB_DISTURBED && !u->r.again) {
		u->r.again = true;
		send_usage(u->r.api, u->r.rq);
		return false;
	}
	if (db_outcome(r) != DB_OK) {
		api_db_failed(u->r.rq, r);
		return false;
	}
	return auth_accepts(u->r.api, u->r.rq, &u->r.caller, r, 0);
}

static void
got_usage(void *arg, const struct db_result *r)
{
	struct usage *u = arg;

	if (!accepts(u, r))
		return;
	if (u->wrong != NULL)
		api_problem(u->r.rq, 400, u->wrong, u->wrong_text);
	else
		answer(u, r);
}

/* Of a request that is wrong it is asked only whose it is, so that strangers learn nothing. */
static void
send_usage(struct api *api, struct http_request *rq)
{
	struct usage *u = rq->state;
	struct db_job *j = db_job_new(api->db, 0, got_usage, u);
	DB_PARAMS(p, 5);

	rq->step = "usage";
	if (u->by_session)
		ribbon_params(&p, &u->r);
	else
		auth_params(&p, &u->r.caller);
	if (u->wrong != NULL) {
		db_job_add(j, u->by_session ? W_SESSION : W_KEY_STATE, p.p, p.n);
	} else {
		db_put_cstr(&p, u->month);
		db_job_add(j, u->by_session ? W_SESSION_USAGE : W_USAGE, p.p, p.n);
	}
	db_job_submit(j);
}

/* month, once, or nothing. */
static void
read_parameters(struct usage *u)
{
	struct str rest = u->r.rq->query, name, value;
	bool given = false;
	int got;

	month_of(u->month, clock_real_ms());
	while ((got = http_query_next(&u->r.rq->arena, &rest, &name, &value)) > 0 && u->wrong == NULL) {
		if (!str_eq(name, STR("month"))) {
			u->wrong = "unknown_parameter";
			snprintf(u->wrong_text, sizeof(u->wrong_text), "There is only the parameter month");
		} else if (given || !month_parse(u->month, value)) {
			u->wrong = "invalid_parameter";
			snprintf(u->wrong_text, sizeof(u->wrong_text), "%s", given ? "month is given twice" :
			    "month: expected one such as 2026-11");
		}
		given = true;
	}
	if (got < 0) {
		u->wrong = "malformed_query";
		snprintf(u->wrong_text, sizeof(u->wrong_text), "The query string has no well-formed %%XX escapes");
	}
}

void
api_ribbon_usage(struct http_request *rq, void *ctx)
{
	struct api *api = ctx;
	struct usage *u = arena_alloc(&rq->arena, sizeof(*u));

	if (u == NULL) {
		api_no_memory(rq);
		return;
	}
	u->r.api = api;
	u->r.rq = rq;
	u->by_session = rq->method == HTTP_OPTIONS ||
	    (http_header(rq, "x-app-api-key").p == NULL && http_header(rq, "authorization").p != NULL);
	rq->state = u;
	rq->step = "parameters";
	read_parameters(u);
	if (u->by_session)
		ribbon_begin(api, rq, &u->r, send_usage);
	else
		auth_begin(api, rq, &u->r.caller, send_usage);
}
