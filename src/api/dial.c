/*
 * dial: click to call, POST /api/calls. Steps: wish, auth, row, courier, and once more row when the courier went away. The
 * row is written before anybody is asked, and the courier takes it once, so a request that is sent again with its
 * idempotency key never places a second call: it joins the first, gets its answer, or, where nothing had been done, is
 * the one that does it. What is not known is said to be so.
 */
#include <sys/types.h>

#include <stdio.h>

#include "api/audit.h"
#include "api/auth.h"
#include "api/dial.h"
#include "base/clock.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/mask.h"
#include "db/stmt_worker.h"
#include "providers/dialpad_dial.h"

#define ANSWER_MAX	4096
#define SOON_SECONDS	"1"
#define LATER_SECONDS	"5"

enum { KEY, ADDED, FOUND };		/* statements of the job */
enum { F_ID, F_SAME, F_STATE, F_CALL, F_ERROR, F_SENT_MS, F_CREATED_MS };	/* columns of a found row */

struct dial {
	struct caller		 caller;
	struct dial_wish	 wish;
	struct api		*api;
	struct http_request	*rq;
	struct uuid		 id;
	int64_t			 created_ms;
	bool			 again;		/* a disturbed job was submitted again once */
	bool			 handed_over;	/* the courier was asked */
};

static const struct {
	int		 status;
	const char	*code, *message, *retry_after;
} problems[DIALPAD_DIAL_OUTCOMES] = {
	[DIALPAD_DIAL_NOT_CONNECTED] = { 409, "dialpad_not_connected", "This app is not connected with Dialpad", NULL },
	[DIALPAD_DIAL_NEEDS_RECONNECT] = { 409, "dialpad_needs_reconnect",
	    "The connection with Dialpad has ended; somebody has to connect again", NULL },
	[DIALPAD_DIAL_LIMIT] = { 429, "dial_limit",
	    "Too many calls: Dialpad lets a user start 5 a minute; Retry-After says when the next may go", NULL },
	[DIALPAD_DIAL_UNREACHABLE] = { 503, "dialpad_unavailable", "Dialpad is unavailable; no call was placed", LATER_SECONDS },
	[DIALPAD_DIAL_BUSY] = { 503, "overloaded", "Too much is under way; no call was placed", SOON_SECONDS },
	[DIALPAD_DIAL_USER_UNKNOWN] = { 404, "dialpad_user_not_found", "Dialpad knows no user with this user_id", NULL },
	[DIALPAD_DIAL_REFUSED] = { 400, "dial_refused",
	    "Dialpad does not take this call: the number, or a user without a device that could ring", NULL },
	[DIALPAD_DIAL_FORBIDDEN] = { 403, "dialpad_forbidden", "The connection with Dialpad may not place calls for this user", NULL },
	[DIALPAD_DIAL_BROKEN] = { 502, "dialpad_failed",
	    "Dialpad failed while it was asked; if the call was placed all the same, its events will tell", NULL },
	[DIALPAD_DIAL_UNKNOWN] = { 504, "dial_unknown",
	    "Dialpad was asked and did not answer: the call may have been placed, and its events will tell", NULL },
	[DIALPAD_DIAL_PENDING] = { 409, "dial_pending", "Another request with this idempotency key is under way", SOON_SECONDS },
};

static void	send_row(struct api *api, struct http_request *rq);

static void
placed(struct dial *d, struct str call_id)
{
	struct http_request *rq = d->rq;
	char id[UUID_TEXT_SIZE];
	struct json_out j;
	struct buf b;

	uuid_format(id, d->id);
	buf_init(&b, ANSWER_MAX);
	json_out_init(&j, &b);
	json_obj(&j);
	json_kbool(&j, "success", true);
	json_key(&j, "data");
	json_obj(&j);
	json_kstr(&j, "id", str_c(id));
	json_kstr(&j, "state", STR("placed"));
	json_kstr(&j, "call_id", call_id);
	json_ktime(&j, "created_at", d->created_ms);
	json_obj_end(&j);
	json_obj_end(&j);
	http_answer(rq, 201, "application/json", &b);
	buf_free(&b);
}

static void
retry_after(struct http_request *rq, int64_t wait_ms)
{
	char seconds[24];

	snprintf(seconds, sizeof(seconds), "%lld", (long long)(wait_ms > 0 ? (wait_ms + 999) / 1000 : 1));
	http_add_header(rq, "Retry-After", seconds);
}

static void
finish(struct dial *d, enum dialpad_dial_outcome o, struct str call_id, int64_t wait_ms)
{
	if (o == DIALPAD_DIAL_PLACED) {
		placed(d, call_id);
		return;
	}
	if (o == DIALPAD_DIAL_LIMIT)
		retry_after(d->rq, wait_ms);
	else if (problems[o].retry_after != NULL)
		http_add_header(d->rq, "Retry-After", problems[o].retry_after);
	api_problem(d->rq, problems[o].status, problems[o].code, problems[o].message);
}

/* ---- courier */

static void
answered(void *arg, enum link_outcome outcome, const struct frame *f)
{
	static const struct json_limits limits = { .depth = 4, .tokens = 32 };
	struct dial *d = arg;
	enum dialpad_dial_outcome o;
	struct json_error err;
	struct json_doc doc;
	int64_t wait_ms = -1;

	http_resume(d->rq);
	if (outcome == LINK_BUSY || (outcome == LINK_ANSWERED && f->code == FRAME_BUSY)) {
		api_courier_away(d->rq);
	} else if (outcome != LINK_ANSWERED) {
		send_row(d->api, d->rq);	/* what had become of it? */
	} else if (f->code == FRAME_DATABASE) {
		api_away(d->rq);
	} else if (f->code != FRAME_OK || f->nfields != 1 ||
	    !json_parse(&doc, &d->rq->arena, arena_str(&d->rq->arena, f->field[0]), &limits, &err) ||
	    !dialpad_dial_outcome(json_text(json_get(json_root(&doc), "outcome"), &d->rq->arena), &o)) {
		api_problem(d->rq, 500, "internal_error", "The request could not be served; the log has the reason");
	} else {
		json_i64(json_get(json_root(&doc), "wait_ms"), &wait_ms);
		finish(d, o, json_text(json_get(json_root(&doc), "call_id"), &d->rq->arena), wait_ms);
	}
}

static void
hand_over(struct dial *d)
{
	char id[UUID_TEXT_SIZE];
	struct str field[2];

	if (d->handed_over || !link_client_up(d->api->courier)) {
		api_courier_away(d->rq);	/* nobody has taken the row: it waits for the same key */
		return;
	}
	d->rq->step = "courier";
	d->handed_over = true;
	uuid_format(id, d->id);
	field[0] = str_c(d->caller.app);
	field[1] = str_c(id);
	link_call(d->api->courier, FRAME_DIAL, field, 2, d->api->conf->courier_timeout_ms + 2 * FRAME_MARGIN_MS, answered, d);
}

/* ---- row */

/* Some courier took it, and is at it still for all anybody can say: if it is ours, its answer will be ours too. */
static bool
under_way(const struct dial *d, const struct db_result *r)
{
	int64_t age_ms = clock_real_ms() - db_i64(r, FOUND, 0, F_SENT_MS, 0);

	return str_eq(db_text(r, FOUND, 0, F_STATE), STR("sent")) && db_text(r, FOUND, 0, F_ERROR).p == NULL &&
	    !d->handed_over && age_ms <= d->api->conf->courier_timeout_ms + 2 * FRAME_MARGIN_MS;
}

static void
go_on(struct dial *d, const struct db_result *r)
{
	struct str state = db_text(r, FOUND, 0, F_STATE), call_id = arena_str(&d->rq->arena, db_text(r, FOUND, 0, F_CALL));
	enum dialpad_dial_outcome o;

	if (str_eq(state, STR("asked")) || under_way(d, r)) {
		hand_over(d);
		return;
	}
	if (db_affected(r, ADDED) == 0 && !d->handed_over)
		http_add_header(d->rq, "Idempotent-Replayed", "true");
	if (str_eq(state, STR("placed")))
		o = DIALPAD_DIAL_PLACED;
	else if (str_eq(state, STR("sent")) || !dialpad_dial_outcome(db_text(r, FOUND, 0, F_ERROR), &o))
		o = DIALPAD_DIAL_UNKNOWN;
	finish(d, o, call_id, -1);
}

static void
found(void *arg, const struct db_result *r)
{
	struct dial *d = arg;

	api_took(d->rq, r);
	if (db_outcome(r) == DB_DISTURBED && !d->again) {
		d->again = true;
		send_row(d->api, d->rq);
	} else if (db_outcome(r) != DB_OK) {
		api_db_failed(d->rq, r);
	} else if (!auth_accepts(d->api, d->rq, &d->caller, r, KEY)) {
		return;
	} else if (db_rows(r, FOUND) == 0 || !db_uuid(r, FOUND, 0, F_ID, &d->id)) {
		api_away(d->rq);	/* swept away in this very moment */
	} else if (!db_bool(r, FOUND, 0, F_SAME)) {
		api_problem(d->rq, 422, "idempotency_key_reused", "This idempotency key belongs to another call");
	} else {
		d->created_ms = db_i64(r, FOUND, 0, F_CREATED_MS, d->created_ms);
		go_on(d, r);
	}
}

/* Who asked for what; the number as the log has it. */
static void
add_audit(struct db_job *j, const struct dial *d)
{
	char masked[MASK_SIZE];
	struct json_out out;
	struct buf b;
	DB_PARAMS(p, 5);

	mask_number(masked, d->wish.number);
	buf_init(&b, AUDIT_TEXT_MAX);
	json_out_init(&out, &b);
	json_obj(&out);
	json_kstr(&out, "user_id", d->wish.user);
	json_kstr(&out, "phone_number", str_c(masked));
	json_obj_end(&out);
	auth_params(&p, &d->caller);
	db_put_uuid(&p, d->id);
	db_put_str(&p, b.failed ? STR_NONE : buf_as_str(&b));
	db_put_cstr(&p, d->rq->id);
	db_job_add(j, W_DIAL_AUDIT, p.p, p.n);
	buf_free(&b);
}

/* The second time it finds its own row, and says so by adding nothing. */
static void
send_row(struct api *api, struct http_request *rq)
{
	struct dial *d = rq->state;
	struct db_job *j = db_job_new(api->db, 0, found, d);
	DB_PARAMS(p, 8);

	rq->step = "row";
	auth_params(&p, &d->caller);
	db_job_add(j, W_DIAL_KEY, p.p, p.n);
	db_put_uuid(&p, d->id);
	db_put_str(&p, d->wish.key);
	db_put_str(&p, d->wish.user);
	db_put_str(&p, d->wish.number);
	db_put_str(&p, d->wish.custom_data);
	db_put_time_ms(&p, d->created_ms);
	db_job_add(j, W_DIAL_ADD, p.p, p.n);
	db_job_add(j, W_DIAL_FIND, p.p, p.n - 1);
	if (!d->handed_over)
		add_audit(j, d);
	db_job_submit(j);
}

/* ---- what is wrong with a request: told to a good key only, so that strangers learn nothing and the key's limit holds */

static void	send_wrong(struct api *api, struct http_request *rq);

static void
got_wrong(void *arg, const struct db_result *r)
{
	struct dial *d = arg;

	api_took(d->rq, r);
	if (db_outcome(r) == DB_DISTURBED && !d->again) {
		d->again = true;
		send_wrong(d->api, d->rq);
	} else if (db_outcome(r) != DB_OK) {
		api_db_failed(d->rq, r);
	} else if (!auth_accepts(d->api, d->rq, &d->caller, r, KEY)) {
		return;
	} else if (d->wish.fault.code != NULL) {
		api_problem(d->rq, 400, d->wish.fault.code, d->wish.fault.text);
	} else
		api_problem(d->rq, 503, "dialpad_not_configured", "This server is not set up for Dialpad");
}

static void
send_wrong(struct api *api, struct http_request *rq)
{
	struct dial *d = rq->state;
	struct db_job *j = db_job_new(api->db, 0, got_wrong, d);
	DB_PARAMS(p, 2);

	auth_params(&p, &d->caller);
	db_job_add(j, W_DIAL_KEY, p.p, p.n);
	db_job_submit(j);
}

void
api_dial(struct http_request *rq, void *ctx)
{
	struct api *api = ctx;
	struct dial *d = arena_alloc(&rq->arena, sizeof(*d));
	bool good;

	if (d == NULL) {
		api_no_memory(rq);
		return;
	}
	d->api = api;
	d->rq = rq;
	rq->state = d;
	rq->step = "wish";
	good = dial_wish_read(&d->wish, rq) && api->conf->dialpad_client_id != NULL && api->courier != NULL;
	d->created_ms = clock_real_ms();
	d->id = uuid_v7(d->created_ms);
	auth_begin(api, rq, &d->caller, good ? send_row : send_wrong);
}
