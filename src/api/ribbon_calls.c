/*
 * ribbon_calls: what an agent sees of their own calls, and what they say of them: that one came, ended, is held or muted, what became
 * of it. Steps: origin, session, work. Nobody sees a call of another agent; what happens at Exotel is not asked for here, it
 * comes with its events.
 */
#include <sys/types.h>

#include "api/reply.h"
#include "api/ribbon.h"
#include "base/clock.h"
#include "base/count.h"
#include "base/month.h"
#include "base/num.h"
#include "db/stmt_worker.h"

#define LIST_DEFAULT	50
#define LIST_MAX	200

enum { SESSION, DONE };		/* statements of a change */
enum { CAME_AS = 2 };		/* and of a call that came */

struct of_call {
	struct ribbon		 r;		/* the first: rq->state is either */
	struct uuid		 id;
	int64_t			 limit;
	int			 stmt;		/* what changes it */
	struct str		 text[2];	/* reason; or disposition and note; or Exotel's name and number */
	int			 held, muted;	/* -1: not said */
	bool			 list;
};

static void	send_read(struct api *api, struct http_request *rq);
static void	send_change(struct api *api, struct http_request *rq);
static void	send_came(struct api *api, struct http_request *rq);

/* NULL: answered. */
static struct of_call *
new_state(struct http_request *rq)
{
	struct of_call *c = arena_alloc(&rq->arena, sizeof(*c));

	if (c == NULL) {
		api_no_memory(rq);
		return NULL;
	}
	c->held = c->muted = -1;
	rq->state = c;
	return c;
}

static bool
no_call(struct of_call *c)
{
	return ribbon_fault(&c->r, 404, "not_found", "You have no such call");
}

static bool
read_id(struct of_call *c)
{
	return uuid_parse(c->r.rq->param[0], &c->id) || no_call(c);
}

static void
not_found(struct of_call *c)
{
	no_call(c);
	api_problem(c->r.rq, c->r.fault_status, c->r.fault.code, c->r.fault.text);
}

/* ---- to read */

static void
put_call(struct json_out *j, const struct db_result *r, int row)
{
	static const struct { const char *name; int col; } texts[] = {
		{ "id", RC_ID }, { "state", RC_STATE }, { "call_sid", RC_CALL_SID }, { "phone_number", RC_NUMBER },
		{ "context", RC_CONTEXT }, { "mode", RC_MODE }, { "direction", RC_DIRECTION }, { "status", RC_STATUS }, { "outcome", RC_OUTCOME },
		{ "end_reason", RC_END_REASON }, { "error", RC_ERROR }, { "disposition", RC_DISPOSITION }, { "note", RC_NOTE },
	};

	json_obj(j);
	for (size_t i = 0; i < COUNT(texts); i++)
		json_kstr(j, texts[i].name, db_text(r, 0, row, texts[i].col));
	json_kbool(j, "held", db_bool(r, 0, row, RC_HELD));
	json_kbool(j, "muted", db_bool(r, 0, row, RC_MUTED));
	ribbon_time(j, "started_at", db_text(r, 0, row, RC_CREATED));
	ribbon_time(j, "connected_at", db_text(r, 0, row, RC_CONNECTED));
	ribbon_time(j, "ended_at", db_text(r, 0, row, RC_ENDED));
	json_obj_end(j);
}

/* A good session without a call is a row of which only the session's columns are there. */
static bool
is_call(const struct db_result *r, int row)
{
	return row < db_rows(r, 0) && db_text(r, 0, row, RC_ID).p != NULL;
}

static void
got(void *arg, const struct db_result *r)
{
	struct of_call *c = arg;
	struct json_out j;
	struct buf b;

	if (!ribbon_accepts(&c->r, r, send_read))
		return;
	if (!c->list && !is_call(r, 0)) {
		not_found(c);
		return;
	}
	buf_init(&b, RIBBON_ANSWER_MAX);
	json_out_init(&j, &b);
	json_obj(&j);
	json_kbool(&j, "success", true);
	json_key(&j, "data");
	if (c->list)
		json_arr(&j);
	for (int row = 0; is_call(r, row); row++)
		put_call(&j, r, row);
	if (c->list)
		json_arr_end(&j);
	json_obj_end(&j);
	if (json_done(&j))
		http_answer(c->r.rq, 200, "application/json", &b);
	else
		api_no_memory(c->r.rq);
	buf_free(&b);
}

/* ?limit= and nothing else. */
static bool
read_limit(struct of_call *c)
{
	struct http_request *rq = c->r.rq;
	struct str rest = rq->query, key, value;
	int r;

	c->limit = LIST_DEFAULT;
	while ((r = http_query_next(&rq->arena, &rest, &key, &value)) == 1)
		if (!str_eq(key, STR("limit")) || !num_i64(value, 1, LIST_MAX, &c->limit))
			return ribbon_fault(&c->r, 400, "invalid_parameter", "The one parameter is limit, 1 to 200");
	return r == 0 || ribbon_fault(&c->r, 400, "malformed_query", "A percent escape in the query is broken");
}

static void
send_read(struct api *api, struct http_request *rq)
{
	struct of_call *c = rq->state;
	struct db_job *j;
	DB_PARAMS(p, 5);

	rq->step = "read";
	if (c->list ? !read_limit(c) : !read_id(c)) {
		ribbon_wrong(&c->r);
		return;
	}
	ribbon_params(&p, &c->r);
	if (c->list)
		db_put_i64(&p, c->limit);
	else
		db_put_uuid(&p, c->id);
	j = db_job_new(api->db, 0, got, c);
	db_job_add(j, c->list ? W_RCALL_LIST : W_RCALL_GET, p.p, p.n);
	db_job_submit(j);
}

void
api_ribbon_calls(struct http_request *rq, void *ctx)
{
	struct of_call *c;

	if (rq->method == HTTP_POST) {
		api_ribbon_dial(rq, ctx);
		return;
	}
	c = new_state(rq);
	if (c == NULL)
		return;
	c->list = true;
	ribbon_begin(ctx, rq, &c->r, send_read);
}

void
api_ribbon_call(struct http_request *rq, void *ctx)
{
	struct of_call *c = new_state(rq);

	if (c != NULL)
		ribbon_begin(ctx, rq, &c->r, send_read);
}

/* ---- to change */

static bool
read_end(struct of_call *c)
{
	static const char *const names[] = { "reason" };
	struct json member[COUNT(names)];
	struct json_doc doc;

	if (c->r.rq->body.n == 0)
		return true;
	return body_read(c->r.rq, &doc, names, COUNT(names), member, &c->r.fault) &&
	    (body_text(&c->text[0], member[0], &c->r.rq->arena, RIBBON_WORD_MAX) ||
	    ribbon_fault(&c->r, 400, "invalid_parameter", "reason must be a text of at most 255 bytes"));
}

static bool
read_flag(int *flag, struct json v)
{
	if (json_type(v) == JSON_BOOL)
		*flag = json_bool(v);
	return json_type(v) == JSON_BOOL || json_type(v) == JSON_ABSENT || json_type(v) == JSON_NULL;
}

static bool
read_state(struct of_call *c)
{
	static const char *const names[] = { "held", "muted" };
	struct json member[COUNT(names)];
	struct json_doc doc;

	if (!body_read(c->r.rq, &doc, names, COUNT(names), member, &c->r.fault))
		return false;
	if (!read_flag(&c->held, member[0]) || !read_flag(&c->muted, member[1]) || (c->held < 0 && c->muted < 0))
		return ribbon_fault(&c->r, 400, "invalid_parameter", "held and muted are true or false; one of them at least");
	return true;
}

static bool
disposition_known(const struct conf *conf, struct str said)
{
	for (size_t i = 0; i < conf->nribbon_dispositions; i++)
		if (str_eq(said, str_c(conf->ribbon_disposition[i])))
			return true;
	return conf->nribbon_dispositions == 0;
}

static bool
read_note(struct of_call *c)
{
	static const char *const names[] = { "disposition", "note" };
	struct json member[COUNT(names)];
	struct http_request *rq = c->r.rq;
	struct json_doc doc;

	if (!body_read(rq, &doc, names, COUNT(names), member, &c->r.fault))
		return false;
	if (!body_text(&c->text[0], member[0], &rq->arena, RIBBON_WORD_MAX) ||
	    (c->text[0].p != NULL && !disposition_known(c->r.api->conf, c->text[0])))
		return ribbon_fault(&c->r, 400, "invalid_disposition", "disposition must be one of those POST /api/ribbon/init told");
	if (!body_text(&c->text[1], member[1], &rq->arena, RIBBON_NOTE_MAX))
		return ribbon_fault(&c->r, 400, "invalid_note", "note must be a text of at most 4000 bytes");
	if (c->text[0].p == NULL && c->text[1].p == NULL)
		return ribbon_fault(&c->r, 400, "invalid_parameter", "Neither disposition nor note is there");
	return true;
}

static bool
read_change(struct of_call *c)
{
	if (!read_id(c))
		return false;
	switch (c->stmt) {
	case W_RCALL_END:
		return read_end(c);
	case W_RCALL_STATE:
		return read_state(c);
	default:
		return read_note(c);
	}
}

static void
changed(void *arg, const struct db_result *r)
{
	struct of_call *c = arg;
	struct json_out j;
	struct buf b;
	char id[UUID_TEXT_SIZE];

	if (!ribbon_accepts(&c->r, r, send_change))
		return;
	if (db_rows(r, DONE) == 0) {
		not_found(c);
		return;
	}
	uuid_format(id, c->id);
	reply_begin(&j, &b, RIBBON_ANSWER_MAX, true);
	json_kstr(&j, "id", str_c(id));
	json_kstr(&j, "state", db_text(r, DONE, 0, 0));
	reply_end(c->r.rq, &j, 200);
}

static void
put_flag(struct db_params *p, int flag)
{
	if (flag < 0)
		db_put_null(p);
	else
		db_put_bool(p, flag != 0);
}

static void
send_change(struct api *api, struct http_request *rq)
{
	struct of_call *c = rq->state;
	struct db_job *j;
	DB_PARAMS(p, 8);

	rq->step = "change";
	if (!read_change(c)) {
		ribbon_wrong(&c->r);
		return;
	}
	if (!ribbon_counted(&c->r, send_change))
		return;
	ribbon_params(&p, &c->r);
	j = db_job_new(api->db, 0, changed, c);
	db_job_add(j, W_SESSION, p.p, p.n);
	db_put_uuid(&p, c->id);
	if (c->stmt == W_RCALL_STATE) {
		put_flag(&p, c->held);
		put_flag(&p, c->muted);
	} else {
		db_put_str(&p, c->text[0]);
		if (c->stmt == W_RCALL_NOTE)
			db_put_str(&p, c->text[1]);
		db_put_time_ms(&p, clock_real_ms());
	}
	db_job_add(j, c->stmt, p.p, p.n);
	db_job_submit(j);
}

static void
begin_change(struct http_request *rq, struct api *api, int stmt)
{
	struct of_call *c = new_state(rq);

	if (c == NULL)
		return;
	c->stmt = stmt;
	ribbon_begin(api, rq, &c->r, send_change);
}

void
api_ribbon_call_end(struct http_request *rq, void *ctx)
{
	begin_change(rq, ctx, W_RCALL_END);
}

void
api_ribbon_call_state(struct http_request *rq, void *ctx)
{
	begin_change(rq, ctx, W_RCALL_STATE);
}

void
api_ribbon_call_note(struct http_request *rq, void *ctx)
{
	begin_change(rq, ctx, W_RCALL_NOTE);
}

/* ---- to say that one came */

static bool
read_came(struct of_call *c)
{
	static const char *const names[] = { "call_sid", "phone_number" };
	struct json member[COUNT(names)];
	struct http_request *rq = c->r.rq;
	struct json_doc doc;

	if (!body_read(rq, &doc, names, COUNT(names), member, &c->r.fault))
		return false;
	if (!body_text(&c->text[0], member[0], &rq->arena, RIBBON_WORD_MAX) || c->text[0].n == 0)
		return ribbon_fault(&c->r, 400, "invalid_parameter", "call_sid must be a text of 1 to 255 bytes");
	if (!body_text(&c->text[1], member[1], &rq->arena, RIBBON_WORD_MAX))
		return ribbon_fault(&c->r, 400, "invalid_phone_number", "phone_number must be a text of at most 255 bytes");
	return true;
}

static void
came(void *arg, const struct db_result *r)
{
	struct of_call *c = arg;
	struct json_out j;
	struct buf b;

	if (!ribbon_accepts(&c->r, r, send_came))
		return;
	if (db_rows(r, CAME_AS) == 0) {
		api_away(c->r.rq);		/* the session ended, or the row was swept away, in this very moment */
		return;
	}
	reply_begin(&j, &b, RIBBON_ANSWER_MAX, true);
	json_kstr(&j, "id", db_text(r, CAME_AS, 0, 1));
	json_kstr(&j, "state", db_text(r, CAME_AS, 0, 0));
	reply_end(c->r.rq, &j, 200);
}

static void
send_came(struct api *api, struct http_request *rq)
{
	struct of_call *c = rq->state;
	char month[MONTH_SIZE];
	struct db_job *j;
	DB_PARAMS(p, 9);
	DB_PARAMS(as, 5);

	rq->step = "came";
	if (!read_came(c)) {
		ribbon_wrong(&c->r);
		return;
	}
	c->id = uuid_v7(clock_real_ms());
	month_of(month, clock_real_ms());
	ribbon_params(&p, &c->r);
	ribbon_params(&as, &c->r);
	j = db_job_new(api->db, 0, came, c);
	db_job_add(j, W_SESSION, p.p, p.n);
	db_put_uuid(&p, c->id);
	db_put_str(&p, c->text[0]);
	db_put_str(&p, c->text[1].p == NULL ? STR("") : c->text[1]);
	db_put_cstr(&p, month);
	db_put_time_ms(&p, clock_real_ms());
	db_job_add(j, W_RCALL_CAME, p.p, p.n);
	db_put_str(&as, c->text[0]);
	db_job_add(j, W_RCALL_CAME_AS, as.p, as.n);
	db_job_submit(j);
}

void
api_ribbon_incoming(struct http_request *rq, void *ctx)
{
	struct of_call *c = new_state(rq);

	if (c != NULL)
		ribbon_begin(ctx, rq, &c->r, send_came);
}
