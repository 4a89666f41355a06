/*
 * ribbon_dial: an agent calls somebody, POST /api/ribbon/calls. Steps: origin, session, row, courier, and once more row when
 * the courier went away. Row and quota are written in one transaction before anybody is asked, and the courier takes the row
 * once; so a request that is sent again with its idempotency key joins the first, and whatever dies, no more calls go out
 * than the month's limit has.
 */
#include <sys/types.h>

#include <stdio.h>

#include "api/reply.h"
#include "api/ribbon.h"
#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "base/mask.h"
#include "base/month.h"
#include "base/phone.h"
#include "db/stmt_worker.h"
#include "providers/exotel_dial.h"

#define ANSWER_MAX	4096
#define SOON_SECONDS	"1"
#define LATER_SECONDS	"5"
#define DETAIL_SIZE	64

enum { SESSION, ADDED, LOCKED, TOOK, ASKED, REFUSED_USE, REFUSED, FOUND };	/* statements of the job */
enum { LOOK_FOUND = 1 };							/* of one that only looks */
enum { A_KEY, A_USED, A_LIMIT, A_MARK };
enum { F_ID, F_SAME, F_STATE, F_CALL, F_ERROR, F_MODE, F_SENT_MS, F_CREATED_MS };

struct ribbon_dial {
	struct ribbon	 r;		/* the first: rq->state is either */
	struct str	 number, context, key;
	char		 month[MONTH_SIZE];
	struct uuid	 id;
	struct str	 mode;
	int64_t		 created_ms;
	bool		 read;		/* the body has been */
	bool		 handed_over;	/* the courier was asked: from then on rows are only looked at */
	bool		 looks;		/* so does the job under way: that, or there is no courier to ask */
};

static const struct {
	int		 status;
	const char	*code, *message, *retry_after;
} problems[EXOTEL_DIAL_OUTCOMES] = {
	[EXOTEL_DIAL_NOT_LINKED] = { 403, "account_inactive", "This app has no account at Exotel for such calls", NULL },
	[EXOTEL_DIAL_INACTIVE] = { 403, "account_inactive", "The account is switched off", NULL },
	[EXOTEL_DIAL_LIMIT] = { 429, "dial_limit", "Too many calls at once; Retry-After says when the next may go", NULL },
	[EXOTEL_DIAL_UNREACHABLE] = { 503, "exotel_unavailable", "Exotel is unavailable; no call was placed", LATER_SECONDS },
	[EXOTEL_DIAL_BUSY] = { 503, "overloaded", "Too much is under way; no call was placed", SOON_SECONDS },
	[EXOTEL_DIAL_DEVICE_OFF] = { 409, "agent_device_off", "Exotel cannot ring your phone: is it on, and the ribbon ready?", NULL },
	[EXOTEL_DIAL_AGENT_BUSY] = { 409, "agent_busy", "Exotel says you are in a call", NULL },
	[EXOTEL_DIAL_BALANCE] = { 503, "exotel_balance", "The account at Exotel has no money left", NULL },
	[EXOTEL_DIAL_REFUSED] = { 400, "dial_refused", "Exotel does not take this call: the number, most likely", NULL },
	[EXOTEL_DIAL_FORBIDDEN] = { 502, "exotel_failed", "Exotel does not accept this server's credentials; no call was placed", NULL },
	[EXOTEL_DIAL_BROKEN] = { 502, "exotel_failed",
	    "Exotel failed while it was asked; if the call was placed all the same, its events will tell", NULL },
	[EXOTEL_DIAL_UNKNOWN] = { 504, "dial_unknown",
	    "Exotel was asked and did not answer: the call may have been placed, and its events will tell", NULL },
	[EXOTEL_DIAL_PENDING] = { 409, "dial_pending", "Another request with this idempotency key is under way", SOON_SECONDS },
};

static void	send_row(struct api *api, struct http_request *rq);

static void
placed(struct ribbon_dial *d, struct str call_sid)
{
	char id[UUID_TEXT_SIZE];
	struct json_out j;
	struct buf b;

	uuid_format(id, d->id);
	reply_begin(&j, &b, ANSWER_MAX, true);
	json_kstr(&j, "id", str_c(id));
	json_kstr(&j, "state", STR("placed"));
	json_kstr(&j, "call_sid", call_sid);
	json_kstr(&j, "mode", d->mode);
	json_kstr(&j, "phone_number", d->number);
	json_ktime(&j, "created_at", d->created_ms);
	reply_end(d->r.rq, &j, 201);
}

static void
finish(struct ribbon_dial *d, enum exotel_dial_outcome o, struct str call_sid, int64_t wait_ms)
{
	struct http_request *rq = d->r.rq;
	char seconds[24];

	if (o == EXOTEL_DIAL_PLACED) {
		placed(d, call_sid);
		return;
	}
	if (o == EXOTEL_DIAL_LIMIT || (o == EXOTEL_DIAL_UNREACHABLE && wait_ms > 0)) {
		snprintf(seconds, sizeof(seconds), "%lld", (long long)(wait_ms > 0 ? (wait_ms + 999) / 1000 : 1));
		http_add_header(rq, "Retry-After", seconds);
	} else if (problems[o].retry_after != NULL)
		http_add_header(rq, "Retry-After", problems[o].retry_after);
	api_problem(rq, problems[o].status, problems[o].code, problems[o].message);
}

/* ---- courier */

static void
answered(void *arg, enum link_outcome outcome, const struct frame *f)
{
	static const struct json_limits limits = { .depth = 4, .tokens = 32 };
	struct ribbon_dial *d = arg;
	struct http_request *rq = d->r.rq;
	enum exotel_dial_outcome o;
	struct json_error err;
	struct json_doc doc;
	int64_t wait_ms = -1;

	http_resume(rq);
	if (outcome == LINK_BUSY || (outcome == LINK_ANSWERED && f->code == FRAME_BUSY)) {
		api_courier_away(rq);
	} else if (outcome != LINK_ANSWERED) {
		send_row(d->r.api, rq);		/* what had become of it? */
	} else if (f->code == FRAME_DATABASE) {
		api_away(rq);
	} else if (f->code != FRAME_OK || f->nfields != 1 ||
	    !json_parse(&doc, &rq->arena, arena_str(&rq->arena, f->field[0]), &limits, &err) ||
	    !exotel_dial_outcome(json_text(json_get(json_root(&doc), "outcome"), &rq->arena), &o)) {
		api_problem(rq, 500, "internal_error", "The request could not be served; the log has the reason");
	} else {
		json_i64(json_get(json_root(&doc), "wait_ms"), &wait_ms);
		finish(d, o, json_text(json_get(json_root(&doc), "call_sid"), &rq->arena), wait_ms);
	}
}

static bool
courier_up(const struct ribbon_dial *d)
{
	return d->r.api->courier != NULL && link_client_up(d->r.api->courier);
}

static void
hand_over(struct ribbon_dial *d)
{
	struct api *api = d->r.api;
	char id[UUID_TEXT_SIZE];
	struct str field[2];

	if (d->handed_over || !courier_up(d)) {
		api_courier_away(d->r.rq);	/* nobody has taken the row: it waits for the same key */
		return;
	}
	d->r.rq->step = "courier";
	d->handed_over = true;
	uuid_format(id, d->id);
	field[0] = str_c(d->r.caller.app);
	field[1] = str_c(id);
	link_call(api->courier, FRAME_RIBBON_DIAL, field, COUNT(field), api->conf->courier_timeout_ms + 2 * FRAME_MARGIN_MS, answered, d);
}

/* ---- row */

/* Some courier took it, and is at it still for all anybody can say: if it is ours, its answer will be ours too. */
static bool
under_way(const struct ribbon_dial *d, const struct db_result *r, int i)
{
	int64_t age_ms = clock_real_ms() - db_i64(r, i, 0, F_SENT_MS, 0);

	return str_eq(db_text(r, i, 0, F_STATE), STR("sent")) && db_text(r, i, 0, F_ERROR).p == NULL && !d->handed_over &&
	    age_ms <= d->r.api->conf->courier_timeout_ms + 2 * FRAME_MARGIN_MS;
}

static void
go_on(struct ribbon_dial *d, const struct db_result *r, int i)
{
	struct http_request *rq = d->r.rq;
	struct str state = db_text(r, i, 0, F_STATE), call_sid = arena_str(&rq->arena, db_text(r, i, 0, F_CALL));
	enum exotel_dial_outcome o;

	if (str_eq(state, STR("asked")) || under_way(d, r, i)) {
		hand_over(d);
		return;
	}
	if (d->looks && !d->handed_over && str_eq(state, STR("refused"))) {
		api_courier_away(rq);	/* to be decided anew when there is one */
		return;
	}
	if (!d->handed_over && (d->looks || db_affected(r, ADDED) == 0))
		http_add_header(rq, "Idempotent-Replayed", "true");
	if (str_eq(state, STR("refused")) && str_eq(db_text(r, i, 0, F_ERROR), STR("limit_reached"))) {
		ribbon_problem(&d->r, 429, "limit_reached", "This month's calls are used up");
		return;
	}
	if (str_eq(state, STR("placed")) || str_eq(state, STR("ended")))
		o = EXOTEL_DIAL_PLACED;
	else if (str_eq(state, STR("sent")) || !exotel_dial_outcome(db_text(r, i, 0, F_ERROR), &o))
		o = EXOTEL_DIAL_UNKNOWN;
	finish(d, o, call_sid, -1);
}

/* The month's calls are becoming few: an administrator should know before the agents do. */
static void
tell_mark(const struct db_result *r)
{
	if (db_rows(r, ASKED) > 0 && db_text(r, ASKED, 0, A_MARK).p != NULL)
		log_event(LEVEL_WARN, "a browser key's calls of this month are used up so far", LOG_STR("percent", db_text(r, ASKED, 0, A_MARK)),
		    LOG_STR("key", db_text(r, ASKED, 0, A_KEY)), LOG_STR("used", db_text(r, ASKED, 0, A_USED)),
		    LOG_STR("limit", db_text(r, ASKED, 0, A_LIMIT)));
}

static void
found(void *arg, const struct db_result *r)
{
	struct ribbon_dial *d = arg;
	int i = d->looks ? LOOK_FOUND : FOUND;

	if (!ribbon_accepts(&d->r, r, send_row))
		return;
	if (!d->looks)
		tell_mark(r);
	if (db_rows(r, i) == 0 && d->looks && !d->handed_over) {
		api_courier_away(d->r.rq);
	} else if (db_rows(r, i) == 0 || !db_uuid(r, i, 0, F_ID, &d->id)) {
		api_away(d->r.rq);	/* swept away in this very moment */
	} else if (!db_bool(r, i, 0, F_SAME)) {
		api_problem(d->r.rq, 422, "idempotency_key_reused", "This idempotency key belongs to another call");
	} else {
		d->mode = arena_str(&d->r.rq->arena, db_text(r, i, 0, F_MODE));
		d->created_ms = db_i64(r, i, 0, F_CREATED_MS, d->created_ms);
		go_on(d, r, i);
	}
}

/* $1 to $8 of what is done with the row. */
static void
row_params(struct db_params *p, const struct ribbon_dial *d)
{
	ribbon_params(p, &d->r);
	db_put_uuid(p, d->id);
	db_put_str(p, d->key);
	db_put_str(p, d->number);
	db_put_str(p, d->context);
}

static void
add_row(struct db_job *j, const struct ribbon_dial *d)
{
	DB_PARAMS(p, 10);

	row_params(&p, d);
	db_put_cstr(&p, d->month);
	db_put_time_ms(&p, d->created_ms);
	db_job_add(j, W_RCALL_ADD, p.p, p.n);
}

static void
add_decision(struct db_job *j, const struct ribbon_dial *d)
{
	char masked[MASK_SIZE], detail[DETAIL_SIZE];
	DB_PARAMS(use, 10);
	DB_PARAMS(ask, 11);
	DB_PARAMS(no, 9);

	mask_number(masked, d->number);
	snprintf(detail, sizeof(detail), "{\"phone_number\":\"%s\"}", masked);
	row_params(&use, d);
	db_job_add(j, W_RCALL_LOCK, use.p, 6);
	db_put_cstr(&use, d->month);
	db_put_time_ms(&use, d->created_ms);
	db_job_add(j, W_USAGE_TAKE, use.p, use.n);
	row_params(&ask, d);
	db_put_cstr(&ask, d->month);
	db_put_cstr(&ask, d->r.rq->id);
	db_put_cstr(&ask, detail);
	db_job_add(j, W_RCALL_ASK, ask.p, ask.n);
	db_job_add(j, W_USAGE_REFUSE, use.p, use.n);
	row_params(&no, d);
	db_put_cstr(&no, d->r.rq->id);
	db_job_add(j, W_RCALL_REFUSE, no.p, no.n);
}

static bool
read_wish(struct ribbon_dial *d)
{
	enum { NUMBER, CONTEXT, KEY };
	static const char *const names[] = { "phone_number", "context", "idempotency_key" };
	struct http_request *rq = d->r.rq;
	struct json member[COUNT(names)];
	struct json_doc doc;

	if (!body_read(rq, &doc, names, COUNT(names), member, &d->r.fault))
		return false;
	d->number = json_text(member[NUMBER], &rq->arena);
	if (!phone_is_e164(d->number))
		return ribbon_fault(&d->r, 400, "invalid_phone_number", "phone_number must be in the form of E.164: + and 7 to 15 digits");
	if (!body_text(&d->context, member[CONTEXT], &rq->arena, RIBBON_CONTEXT_MAX))
		return ribbon_fault(&d->r, 400, "invalid_context", "context must be a text of at most 2000 bytes");
	d->read = body_idempotency_key(&d->key, rq, member[KEY], &d->r.fault);
	return d->read;
}

/*
 * Once the courier was asked, only what became of the row; and where there is none to ask, only what is there already: a place in
 * the month for a call that nobody can send would be missed until it is swept.
 */
static void
send_row(struct api *api, struct http_request *rq)
{
	struct ribbon_dial *d = rq->state;
	struct db_job *j;
	DB_PARAMS(p, 4);
	DB_PARAMS(find, 8);

	rq->step = "row";
	if (!d->read && !read_wish(d)) {
		ribbon_wrong(&d->r);
		return;
	}
	if (!ribbon_counted(&d->r, send_row))
		return;
	d->looks = d->handed_over || !courier_up(d);
	j = db_job_new(api->db, 0, found, d);
	ribbon_params(&p, &d->r);
	db_job_add(j, W_SESSION, p.p, p.n);
	if (!d->looks) {
		add_row(j, d);
		add_decision(j, d);
	}
	row_params(&find, d);
	db_job_add(j, W_RCALL_FIND, find.p, find.n);
	db_job_submit(j);
}

void
api_ribbon_dial(struct http_request *rq, void *ctx)
{
	struct ribbon_dial *d = arena_alloc(&rq->arena, sizeof(*d));

	if (d == NULL) {
		api_no_memory(rq);
		return;
	}
	rq->state = d;
	d->created_ms = clock_real_ms();
	d->id = uuid_v7(d->created_ms);
	month_of(d->month, d->created_ms);
	ribbon_begin(ctx, rq, &d->r, send_row);
}
