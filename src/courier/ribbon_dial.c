/*
 * ribbon_dial: a call is placed for an agent with a ribbon. Steps: take, send, write. The row of the call is taken in one
 * statement, and whoever took it sends, so that one row is one request to Exotel at most, whoever asks how often. What
 * certainly did nothing is given back to the client's quota in the statement that says so; what may have done something
 * never is. A question about a call that is under way here joins it and gets the same answer.
 */
#include <sys/types.h>

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "courier/exotel_line.h"
#include "courier/wish.h"
#include "providers/exotel_api.h"
#include "providers/exotel_dial.h"

#define BODY_MAX	16384
#define ANSWER_MEMORY	((size_t)256 * 1024)
#define PATIENCE_MS	2000	/* nobody waits for a minute of the budget beside a telephone: then it is "limit" */

struct ribbon_dial {
	struct wish		 w;
	bool			 webrtc;
	struct exotel_reply	 reply;		/* once it is known, with the next */
	int64_t			 wait_ms;	/* of a limit; -1: not known */
};

static void
answer(struct link_request *rq, const struct ribbon_dial *d, enum exotel_dial_outcome outcome)
{
	struct json_out j;
	struct buf b;

	buf_init(&b, COURIER_JSON_MAX);
	json_out_init(&j, &b);
	json_obj(&j);
	json_kstr(&j, "outcome", str_c(exotel_dial_word(outcome)));
	json_kstr(&j, "call_sid", d != NULL && d->reply.call_sid[0] != '\0' ? str_c(d->reply.call_sid) : STR_NONE);
	json_kint(&j, "wait_ms", d != NULL ? d->wait_ms : -1);
	json_obj_end(&j);
	courier_answer_json(rq, &j);
}

static void
end(struct ribbon_dial *d)
{
	for (size_t i = 0; i < d->w.nwaiters; i++)
		answer(d->w.waiter[i], d, d->reply.outcome);
	wish_free(&d->w);
}

/* ---- write */

static void
written(void *arg, const struct db_result *r)
{
	struct ribbon_dial *d = arg;
	char id[UUID_TEXT_SIZE];

	log_about_app(d->w.app);
	uuid_format(id, d->w.id);
	/* Then the row says "sent", and the call's events, or their absence, say the rest. */
	if (db_outcome(r) != DB_OK)
		log_event(LEVEL_ERROR, "what came of a call could not be stored", LOG_C("error", db_error_text(r)), LOG_C("ribbon_call", id));
	end(d);
}

static void
log_outcome(const struct ribbon_dial *d, const char *why)
{
	char id[UUID_TEXT_SIZE];

	log_about_app(d->w.app);
	uuid_format(id, d->w.id);
	if (d->reply.outcome == EXOTEL_DIAL_PLACED)
		log_event(LEVEL_INFO, "call placed", LOG_C("ribbon_call", id), LOG_STR("call",
		    d->reply.call_sid[0] != '\0' ? str_c(d->reply.call_sid) : STR_NONE));
	else
		log_event(LEVEL_WARN, "call not placed", LOG_C("outcome", exotel_dial_word(d->reply.outcome)),
		    LOG_INT("code", d->reply.code), LOG_C("ribbon_call", id),
		    LOG_STR("reason", why != NULL && why[0] != '\0' ? str_c(why) : STR_NONE));
}

static void
add_audit(struct db_job *j, const struct ribbon_dial *d)
{
	char id[UUID_TEXT_SIZE], text[128];
	struct json_out o;
	struct buf b;
	DB_PARAMS(p, 5);

	uuid_format(id, d->w.id);
	buf_init(&b, sizeof(text));
	json_out_init(&o, &b);
	json_obj(&o);
	json_kstr(&o, "outcome", str_c(exotel_dial_word(d->reply.outcome)));
	json_kint(&o, "code", d->reply.code);
	json_obj_end(&o);
	db_put_uuid(&p, d->w.app);
	db_put_cstr(&p, "courier");
	db_put_cstr(&p, "ribbon.dial_failed");
	db_put_cstr(&p, id);
	db_put_str(&p, buf_as_str(&b));
	db_job_add(j, C_AUDIT, p.p, p.n);
	buf_free(&b);
}

static enum score_counter
counter_of(enum exotel_dial_outcome o)
{
	if (o == EXOTEL_DIAL_PLACED)
		return SCORE_RIBBON_PLACED;
	if (exotel_dial_retryable(o))
		return SCORE_RIBBON_LATER;
	return exotel_dial_certain(o) ? SCORE_RIBBON_REFUSED : SCORE_RIBBON_UNKNOWN;
}

static void
finish(struct ribbon_dial *d, const char *why)
{
	enum exotel_dial_outcome outcome = d->reply.outcome;
	const char *state = outcome == EXOTEL_DIAL_PLACED ? "placed" : outcome == EXOTEL_DIAL_UNKNOWN ? "sent" :
	    exotel_dial_retryable(outcome) ? "refused" : "failed";
	struct db_job *j;
	DB_PARAMS(p, 7);

	log_outcome(d, why);
	score_count(d->w.courier->h->score, counter_of(outcome), 1);
	if (d->w.courier->db == NULL) {		/* we are leaving, and the database has been left already */
		end(d);
		return;
	}
	db_put_uuid(&p, d->w.app);
	db_put_uuid(&p, d->w.id);
	db_put_cstr(&p, state);
	db_put_cstr(&p, d->reply.call_sid[0] != '\0' ? d->reply.call_sid : NULL);
	db_put_cstr(&p, outcome == EXOTEL_DIAL_PLACED ? NULL : exotel_dial_word(outcome));
	db_put_bool(&p, exotel_dial_certain(outcome));
	db_put_time_ms(&p, clock_real_ms());
	j = db_job_new(d->w.courier->db, 0, written, d);
	db_job_add(j, C_RIBBON_CALL_DONE, p.p, p.n);
	if (outcome != EXOTEL_DIAL_PLACED)
		add_audit(j, d);
	db_job_submit(j);
}

static void
fail(struct ribbon_dial *d, enum exotel_dial_outcome outcome, const char *why)
{
	d->reply.outcome = outcome;
	finish(d, why);
}

/* ---- send */

/* No answer came. Was anything sent? */
static enum exotel_dial_outcome
judge_silence(const struct client_answer *a)
{
	switch (a->outcome) {
	case CLIENT_BUSY:
		return EXOTEL_DIAL_BUSY;
	case CLIENT_FORBIDDEN:
	case CLIENT_PRIVATE:
	case CLIENT_UNREACHABLE:
	case CLIENT_UNTRUSTED:
		return EXOTEL_DIAL_UNREACHABLE;
	case CLIENT_ANSWERED:
	case CLIENT_LATE:
	case CLIENT_TOO_LARGE:
	case CLIENT_BROKEN:
	case CLIENT_OUTCOMES:
		break;
	}
	return EXOTEL_DIAL_UNKNOWN;
}

static void
sent(void *arg, const struct errand_answer *whole)
{
	struct ribbon_dial *d = arg;
	const struct client_answer *a = whole->last;
	struct arena arena;

	if (a == NULL) {
		d->wait_ms = whole->wait_ms > 0 ? whole->wait_ms : -1;
		fail(d, whole->wait_ms > 0 ? EXOTEL_DIAL_LIMIT : EXOTEL_DIAL_BUSY, "the budget of requests is used up");
		return;
	}
	if (a->outcome != CLIENT_ANSWERED) {
		fail(d, judge_silence(a), a->why);
		return;
	}
	arena_init(&arena, ANSWER_MEMORY);
	exotel_dial_judge(&d->reply, &arena, a->status, a->retry_after_ms >= 0, a->body);
	arena_free(&arena);
	if (d->reply.outcome == EXOTEL_DIAL_LIMIT)
		d->wait_ms = a->retry_after_ms >= 0 ? a->retry_after_ms : ENDPOINT_MINUTE_MS;
	else if (d->reply.outcome == EXOTEL_DIAL_UNREACHABLE)
		d->wait_ms = a->retry_after_ms;
	finish(d, a->why);
}

/* The agent's SIP is rung: with the app's token. */
static bool
make_outbound(struct errand_request *rq, struct secret *header, struct buf *body, const struct exotel_line *l, struct str number,
    struct courier *c)
{
	if (l->agent.exotel_user_id.n == 0 || !exotel_account_rings_agents(&l->account) || !exotel_line_token(header, &l->account))
		return false;
	exotel_outbound_body(body, &l->account, l->agent.exotel_user_id, number);
	rq->endpoint = exotel_api(EXOTEL_OUTBOUND_CALL);
	rq->origin = &c->origin[ORIGIN_EXOTEL];
	rq->content_type = "application/json";
	return true;
}

/* The agent's telephone is rung: with the API's key and token. */
static bool
make_connect(struct errand_request *rq, struct secret *header, struct buf *body, struct buf *path, const struct ribbon_dial *d,
    const struct exotel_line *l, struct str number)
{
	if (l->phone.n == 0 || l->caller_id.n == 0 || !exotel_account_connects(&l->account) || !exotel_line_basic(header, &l->account))
		return false;
	exotel_connect_form(body, d->w.id, l->phone, number, l->caller_id, l->account.hook_url);
	exotel_connect_path(path, &l->account);
	buf_putc(path, '\0');
	body->failed = body->failed || path->failed;
	rq->endpoint = exotel_api(EXOTEL_CONNECT);
	rq->origin = &d->w.courier->origin[ORIGIN_EXOTEL_API];
	rq->id = path->p;
	rq->content_type = "application/x-www-form-urlencoded";
	return true;
}

static void
send_it(struct ribbon_dial *d, const struct exotel_line *l, struct str number)
{
	struct errand_request rq = { .account = l->account.account_sid, .deadline_ms = d->w.deadline_ms, .patience_ms = PATIENCE_MS,
	    .once = true };
	struct secret header = { 0 };
	struct buf body, path;
	bool able;

	buf_init(&body, BODY_MAX);
	buf_init(&path, BODY_MAX);
	able = d->webrtc ? make_outbound(&rq, &header, &body, l, number, d->w.courier) :
	    make_connect(&rq, &header, &body, &path, d, l, number);
	if (!able) {
		fail(d, EXOTEL_DIAL_NOT_LINKED, d->webrtc ? "no token of the app, or the agent is nobody at Exotel" :
		    "no key of the API, no caller id, or the agent has no telephone number");
	} else if (body.failed) {
		fail(d, EXOTEL_DIAL_BUSY, "out of memory");
	} else {
		rq.body = buf_as_str(&body);
		rq.authorization = &header;
		errand_send(d->w.courier->errands, &rq, sent, d);
	}
	secret_free(&header);
	buf_wipe_free(&body);		/* the hook's address is in it */
	buf_free(&path);
}

/* ---- take */

static void
use_line(struct ribbon_dial *d, const struct db_result *r)
{
	struct exotel_line line;

	d->webrtc = str_eq(db_text(r, 0, 0, 0), STR("webrtc"));
	switch (exotel_line_read(&line, d->w.courier, d->w.app, r, 0, 2)) {
	case LINE_OK:
		send_it(d, &line, db_text(r, 0, 0, 1));
		break;
	case LINE_NOT_LINKED:
	case LINE_AGENT_UNKNOWN:
	case LINE_STATES:
		fail(d, EXOTEL_DIAL_NOT_LINKED, "no Exotel account is linked");
		break;
	case LINE_INACTIVE:
		fail(d, EXOTEL_DIAL_INACTIVE, "app, account or agent is switched off");
		break;
	case LINE_BROKEN:
		fail(d, EXOTEL_DIAL_NOT_LINKED, "the credentials do not open");
		break;
	}
	exotel_line_free(&line);
}

static void
taken(void *arg, const struct db_result *r)
{
	struct ribbon_dial *d = arg;

	if (db_outcome(r) != DB_OK) {
		wish_db_failed(&d->w, r);
	} else if (db_rows(r, 0) == 0) {
		d->reply.outcome = EXOTEL_DIAL_PENDING;	/* another courier has it, or had it */
		end(d);
	} else {
		use_line(d, r);
	}
}

void
courier_ribbon_dial(struct courier *c, struct link_request *rq)
{
	struct wish *w;

	switch (wish_begin(&w, &c->ribbon_dials, c, rq, sizeof(struct ribbon_dial))) {
	case WISH_NEW:
		((struct ribbon_dial *)w)->wait_ms = -1;
		wish_take(w, C_RIBBON_CALL_TAKE, taken);
		break;
	case WISH_CROWDED:
		answer(rq, NULL, EXOTEL_DIAL_PENDING);
		break;
	case WISH_JOINED:
		break;
	}
}
