/*
 * calls: the read journeys. auth -> page -> (total, only when the page does not tell it) -> JSON. One round trip in the usual case;
 * the key's state, the tenant and the page travel in one statement. Rows become JSON here in C, straight from libpq's text.
 */
#include <sys/types.h>
#include <stdio.h>
#include <string.h>

#include "api/auth.h"
#include "api/calls_json.h"
#include "api/calls_query.h"
#include "base/json_write.h"
#include "base/log.h"

#define WRONG_SIZE	256
#define ANSWER_MAX	(8u << 20)	/* 200 calls with long transcriptions; more is an error, not a crash */

struct read {
	struct caller		 caller;
	struct calls_query	 query;
	struct uuid		 id;		/* GET /api/calls/{id} */
	struct api		*api;
	struct http_request	*rq;
	struct buf		 body;
	struct json_out		 out;
	int64_t			 rows;		/* on the page */
	bool			 has_more;
	int64_t			 last_us;
	struct uuid		 last_id;
	bool			 again;		/* a disturbed job was submitted again once */
	const char		*wrong;		/* code of what is wrong with the request's parameters; NULL: nothing */
	char			 wrong_text[WRONG_SIZE];
};

static void	send_wrong(struct api *api, struct http_request *rq);
static void	send_page(struct api *api, struct http_request *rq);
static void	send_total(struct read *rd);
static void	send_one(struct api *api, struct http_request *rq);

/* The body leaves rd first: answering ends the request, and rd lives in its arena. */
static void
finish(struct read *rd)
{
	struct buf body = rd->body;

	if (body.failed && body.len > ANSWER_MAX / 2)
		api_problem(rd->rq, 422, "answer_too_large", "The page is too large; ask for fewer rows with limit");
	else if (body.failed)
		api_no_memory(rd->rq);
	else
		http_answer(rd->rq, 200, "application/json", &body);
	buf_free(&body);
}

/* A cancel meant for another job hit this one: nothing was done, so it is sent again, once. */
static bool
once_more(struct read *rd, const struct db_result *r)
{
	bool again = db_outcome(r) == DB_DISTURBED && !rd->again;

	rd->again = rd->again || again;
	return again;
}

/* ---- a request that is wrong: whose it is comes first, so that strangers learn nothing and the key's limit holds */

static void
got_wrong(void *arg, const struct db_result *r)
{
	struct read *rd = arg;

	api_took(rd->rq, r);
	if (once_more(rd, r))
		send_wrong(rd->api, rd->rq);
	else if (db_outcome(r) != DB_OK)
		api_db_failed(rd->rq, r);
	else if (auth_accepts(rd->api, rd->rq, &rd->caller, r, 0))
		api_problem(rd->rq, 400, rd->wrong, rd->wrong_text);
}

static void
send_wrong(struct api *api, struct http_request *rq)
{
	struct read *rd = rq->state;
	struct db_job *j = db_job_new(api->db, 0, got_wrong, rd);
	DB_PARAMS(a, 2);

	rq->step = "parameters";
	auth_params(&a, &rd->caller);
	db_job_add(j, W_KEY_STATE, a.p, a.n);
	db_job_submit(j);
}

/* ---- the list */

static void
write_pagination(struct read *rd, int64_t total, bool capped)
{
	char cursor[CURSOR_TEXT_SIZE];
	struct json_out *j = &rd->out;

	json_key(j, "pagination");
	json_obj(j);
	json_kint(j, "limit", rd->query.limit);
	json_kint(j, "offset", rd->query.offset);
	json_kint(j, "total", total);
	if (capped)
		json_kbool(j, "total_capped", true);
	json_kbool(j, "has_more", rd->has_more);
	if (rd->has_more && secret_present(&rd->api->cursor_key)) {
		calls_cursor_make(cursor, &rd->query, &rd->api->cursor_key, rd->caller.app, rd->last_us, rd->last_id, total, capped);
		json_kstr(j, "next_cursor", str_c(cursor));
	}
	json_obj_end(j);
	json_obj_end(j);
	finish(rd);
}

static void
got_page(void *arg, const struct db_result *r)
{
	struct read *rd = arg;
	int rows, i;

	api_took(rd->rq, r);
	if (once_more(rd, r)) {
		send_page(rd->api, rd->rq);
		return;
	}
	if (db_outcome(r) != DB_OK) {
		api_db_failed(rd->rq, r);
		return;
	}
	if (!auth_accepts(rd->api, rd->rq, &rd->caller, r, 0))
		return;
	/* A good key without a page is one row whose call is NULL. */
	rows = db_text(r, 0, 0, C_ID).p == NULL ? 0 : db_rows(r, 0);
	rd->has_more = rows > rd->query.limit;
	rd->rows = rd->has_more ? rd->query.limit : rows;

	buf_init(&rd->body, ANSWER_MAX);
	buf_reserve(&rd->body, 256 + (size_t)rd->rows * 768);
	json_out_init(&rd->out, &rd->body);
	json_obj(&rd->out);
	json_kbool(&rd->out, "success", true);
	json_key(&rd->out, "data");
	json_arr(&rd->out);
	for (i = 0; i < rd->rows; i++)
		calls_json_row(&rd->out, r, 0, i);
	json_arr_end(&rd->out);
	if (rd->rows > 0) {
		db_parse_time_us(db_text(r, 0, (int)rd->rows - 1, C_STARTED), &rd->last_us);
		db_uuid(r, 0, (int)rd->rows - 1, C_ID, &rd->last_id);
	}
	if (rd->query.resumed)
		write_pagination(rd, rd->query.total, rd->query.total_capped);
	else if (!rd->has_more && (rd->rows > 0 || rd->query.offset == 0))
		write_pagination(rd, rd->query.offset + rd->rows, false);	/* the page itself tells */
	else {
		rd->again = false;
		send_total(rd);
	}
}

static void
send_page(struct api *api, struct http_request *rq)
{
	struct read *rd = rq->state;
	struct db_job *j;
	DB_PARAMS(a, 13);

	rq->step = "page";
	if (rd->query.cursor_text.p != NULL && !rd->query.resumed) {
		if (!secret_present(&api->cursor_key)) {
			api_away(rq);
			return;
		}
		if (!calls_cursor_open(&rd->query, &api->cursor_key, rd->caller.app)) {
			rd->wrong = "invalid_cursor";
			snprintf(rd->wrong_text, sizeof(rd->wrong_text), "cursor is not one this API gave out for these filters");
			send_wrong(api, rq);
			return;
		}
	}
	auth_params(&a, &rd->caller);
	calls_query_params(&a, &rd->query, rd->query.limit + 1, rd->query.offset);
	j = db_job_new(api->db, 0, got_page, rd);
	db_job_add(j, W_CALLS + (int)rd->query.by, a.p, a.n);
	db_job_submit(j);
}

static void
got_total(void *arg, const struct db_result *r)
{
	struct read *rd = arg;
	int64_t cap = rd->api->conf->api_total_cap, total;
	struct buf body = rd->body;

	api_took(rd->rq, r);
	if (once_more(rd, r)) {
		send_total(rd);
		return;
	}
	if (db_outcome(r) != DB_OK || !auth_accepts(rd->api, rd->rq, &rd->caller, r, 0)) {
		if (db_outcome(r) != DB_OK)
			api_db_failed(rd->rq, r);
		buf_free(&body);	/* rd is gone with its request */
		return;
	}
	total = db_i64(r, 0, 0, KEY_COLUMNS, 0);
	write_pagination(rd, total > cap ? cap : total, total > cap);
}

static void
send_total(struct read *rd)
{
	struct db_job *j;
	DB_PARAMS(a, 13);

	rd->rq->step = "total";
	auth_params(&a, &rd->caller);
	calls_query_params(&a, &rd->query, rd->api->conf->api_total_cap + 1, 0);
	j = db_job_new(rd->api->db, 0, got_total, rd);
	db_job_add(j, W_CALLS_TOTAL + (int)rd->query.by, a.p, a.n);
	db_job_submit(j);
}

static struct read *
read_new(struct api *api, struct http_request *rq)
{
	struct read *rd = arena_alloc(&rq->arena, sizeof(*rd));

	if (rd == NULL) {
		api_no_memory(rq);
		return NULL;
	}
	rd->api = api;
	rd->rq = rq;
	rq->state = rd;
	return rd;
}

static void
list(struct http_request *rq, struct api *api, bool only_active)
{
	struct read *rd = read_new(api, rq);
	bool good;

	if (rd == NULL)
		return;
	good = calls_query_parse(&rd->query, &rq->arena, rq->query, api->conf, only_active, &rd->wrong, rd->wrong_text, WRONG_SIZE);
	auth_begin(api, rq, &rd->caller, good ? send_page : send_wrong);
}

void
api_calls(struct http_request *rq, void *ctx)
{
	if (rq->method == HTTP_POST)
		api_dial(rq, ctx);
	else
		list(rq, ctx, false);
}

void
api_calls_active(struct http_request *rq, void *ctx)
{
	list(rq, ctx, true);
}

/* ---- one call */

static void
got_one(void *arg, const struct db_result *r)
{
	struct read *rd = arg;

	api_took(rd->rq, r);
	if (once_more(rd, r)) {
		send_one(rd->api, rd->rq);
		return;
	}
	if (db_outcome(r) != DB_OK) {
		api_db_failed(rd->rq, r);
		return;
	}
	if (!auth_accepts(rd->api, rd->rq, &rd->caller, r, 0))
		return;
	if (db_text(r, 0, 0, C_ID).p == NULL) {
		api_problem(rd->rq, 404, "call_not_found", "Call not found");
		return;
	}
	buf_init(&rd->body, ANSWER_MAX);
	json_out_init(&rd->out, &rd->body);
	json_obj(&rd->out);
	json_kbool(&rd->out, "success", true);
	json_key(&rd->out, "data");
	calls_json_detail(&rd->out, r, 0);
	json_obj_end(&rd->out);
	finish(rd);
}

static void
send_one(struct api *api, struct http_request *rq)
{
	struct read *rd = rq->state;
	struct db_job *j;
	DB_PARAMS(a, 3);

	rq->step = "call";
	auth_params(&a, &rd->caller);
	db_put_uuid(&a, rd->id);
	j = db_job_new(api->db, 0, got_one, rd);
	db_job_add(j, W_CALL, a.p, a.n);
	db_job_submit(j);
}

void
api_call(struct http_request *rq, void *ctx)
{
	struct api *api = ctx;
	struct read *rd = read_new(api, rq);

	if (rd == NULL)
		return;
	/* Not a uuid: no such call; asked all the same under the nil id, so that the answer, key check included, is the one for any unknown id. */
	if (!uuid_parse(rq->param[0], &rd->id))
		memset(&rd->id, 0, sizeof(rd->id));
	auth_begin(api, rq, &rd->caller, send_one);
}
