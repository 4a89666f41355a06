/*
 * dial: a call is placed for a client. Steps: take, send, write. The row of the call is taken in one statement, and whoever
 * took it sends, so that one row is one request to Dialpad at most, whoever asks how often. What certainly did nothing
 * gives the row back; what may have done something never does. A question about a dial that is under way here joins it
 * and gets the same answer.
 */
#include <sys/types.h>

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "courier/grant.h"
#include "courier/wish.h"
#include "providers/dialpad_dial.h"

#define BODY_MAX	16384
#define ANSWER_MEMORY	((size_t)256 * 1024)
#define PATIENCE_MS	2000	/* nobody waits for a minute of the budget beside a telephone: then it is "limit" */

struct dial {
	struct wish		 w;
	enum dialpad_dial_outcome outcome;	/* once it is known, with the next three */
	int			 status;
	int64_t			 wait_ms;		/* of a limit; -1: not known */
	char			 call_id[DIALPAD_USER_MAX + 1];	/* an id like a user's; "" when not said */
};

static void
answer(struct link_request *rq, const struct dial *d, enum dialpad_dial_outcome outcome)
{
	struct json_out j;
	struct buf b;

	buf_init(&b, COURIER_JSON_MAX);
	json_out_init(&j, &b);
	json_obj(&j);
	json_kstr(&j, "outcome", str_c(dialpad_dial_word(outcome)));
	json_kstr(&j, "call_id", d != NULL && d->call_id[0] != '\0' ? str_c(d->call_id) : STR_NONE);
	json_kint(&j, "wait_ms", d != NULL ? d->wait_ms : -1);
	json_obj_end(&j);
	courier_answer_json(rq, &j);
}

static void
end(struct dial *d)
{
	for (size_t i = 0; i < d->w.nwaiters; i++)
		answer(d->w.waiter[i], d, d->outcome);
	wish_free(&d->w);
}

/* ---- write */

static void
written(void *arg, const struct db_result *r)
{
	struct dial *d = arg;
	char id[UUID_TEXT_SIZE];

	log_about_app(d->w.app);
	uuid_format(id, d->w.id);
	/* Then the row says "sent", and the call's events, or their absence, say the rest. */
	if (db_outcome(r) != DB_OK)
		log_event(LEVEL_ERROR, "what came of a call could not be stored", LOG_C("error", db_error_text(r)), LOG_C("dial", id));
	end(d);
}

static void
log_outcome(const struct dial *d, const char *why)
{
	char id[UUID_TEXT_SIZE];

	log_about_app(d->w.app);
	uuid_format(id, d->w.id);
	if (d->outcome == DIALPAD_DIAL_PLACED)
		log_event(LEVEL_INFO, "call placed", LOG_C("dial", id), LOG_STR("call", d->call_id[0] != '\0' ? str_c(d->call_id) : STR_NONE));
	else
		log_event(LEVEL_WARN, "call not placed", LOG_C("outcome", dialpad_dial_word(d->outcome)), LOG_INT("status", d->status),
		    LOG_C("dial", id), LOG_STR("reason", why[0] != '\0' ? str_c(why) : STR_NONE));
}

static void
finish(struct dial *d, const char *why)
{
	const char *state = d->outcome == DIALPAD_DIAL_PLACED ? "placed" : d->outcome == DIALPAD_DIAL_UNKNOWN ? "sent" :
	    dialpad_dial_retryable(d->outcome) ? "asked" : "failed";
	struct db_job *j;
	DB_PARAMS(p, 5);

	log_outcome(d, why);
	if (d->w.courier->db == NULL) {		/* we are leaving, and the database has been left already */
		end(d);
		return;
	}
	db_put_uuid(&p, d->w.app);
	db_put_uuid(&p, d->w.id);
	db_put_cstr(&p, state);
	db_put_cstr(&p, d->call_id[0] != '\0' ? d->call_id : NULL);
	db_put_cstr(&p, d->outcome == DIALPAD_DIAL_PLACED ? NULL : dialpad_dial_word(d->outcome));
	j = db_job_new(d->w.courier->db, 0, written, d);
	db_job_add(j, C_DIAL_DONE, p.p, p.n);
	db_job_submit(j);
}

/* ---- send */

static void
read_answer(struct dial *d, const struct client_answer *a)
{
	struct arena arena;
	struct str id;

	d->status = a->status;
	d->outcome = dialpad_dial_judge(a->status, a->retry_after_ms >= 0);
	if (d->outcome == DIALPAD_DIAL_LIMIT)
		d->wait_ms = a->retry_after_ms >= 0 ? a->retry_after_ms : ENDPOINT_MINUTE_MS;
	if (d->outcome != DIALPAD_DIAL_PLACED)
		return;
	arena_init(&arena, ANSWER_MEMORY);
	id = dialpad_dial_call_id(&arena, a->body);
	if (id.p != NULL && id.n < sizeof(d->call_id))
		memcpy(d->call_id, id.p, id.n);		/* the rest is zero */
	arena_free(&arena);
}

/* No answer came. Was anything sent? */
static enum dialpad_dial_outcome
judge_silence(const struct client_answer *a)
{
	if (a == NULL)
		return DIALPAD_DIAL_BUSY;
	switch (a->outcome) {
	case CLIENT_BUSY:
		return a->retry_after_ms >= 0 ? DIALPAD_DIAL_LIMIT : DIALPAD_DIAL_BUSY;
	case CLIENT_FORBIDDEN:
	case CLIENT_PRIVATE:
	case CLIENT_UNREACHABLE:
	case CLIENT_UNTRUSTED:
		return DIALPAD_DIAL_UNREACHABLE;
	case CLIENT_ANSWERED:
	case CLIENT_LATE:
	case CLIENT_TOO_LARGE:
	case CLIENT_BROKEN:
	case CLIENT_OUTCOMES:
		break;
	}
	return DIALPAD_DIAL_UNKNOWN;
}

static void
sent(void *arg, enum grant_outcome outcome, const struct client_answer *a)
{
	struct dial *d = arg;

	switch (outcome) {
	case GRANT_ANSWERED:
		read_answer(d, a);
		break;
	case GRANT_NONE:
		d->outcome = DIALPAD_DIAL_NOT_CONNECTED;
		break;
	case GRANT_DEAD:
		d->outcome = DIALPAD_DIAL_NEEDS_RECONNECT;
		break;
	case GRANT_AWAY:
		d->outcome = judge_silence(a);
		if (d->outcome == DIALPAD_DIAL_LIMIT)
			d->wait_ms = a->retry_after_ms;
		break;
	}
	finish(d, a != NULL ? a->why : "");
}

static void
send_it(struct dial *d, struct str user, struct str number, struct str custom_data)
{
	struct grant_request rq = { .app = d->w.app, .endpoint = DIALPAD_CALL_START, .user = user,
	    .deadline_ms = d->w.deadline_ms, .patience_ms = PATIENCE_MS };
	struct buf body;

	buf_init(&body, BODY_MAX);
	dialpad_dial_body(&body, d->w.id, user, number, custom_data);
	if (body.failed) {
		d->outcome = DIALPAD_DIAL_BUSY;
		finish(d, "out of memory");
	} else {
		rq.body = buf_as_str(&body);
		grant_send(d->w.courier, &rq, sent, d);
	}
	buf_free(&body);
}

/* ---- take */

static void
taken(void *arg, const struct db_result *r)
{
	struct dial *d = arg;

	if (db_outcome(r) != DB_OK) {
		wish_db_failed(&d->w, r);
	} else if (db_rows(r, 0) == 0) {
		d->outcome = DIALPAD_DIAL_PENDING;	/* another courier has it, or had it */
		end(d);
	} else {
		send_it(d, db_text(r, 0, 0, 0), db_text(r, 0, 0, 1), db_text(r, 0, 0, 2));
	}
}

void
courier_dial(struct courier *c, struct link_request *rq)
{
	struct wish *w;

	switch (wish_begin(&w, &c->dials, c, rq, sizeof(struct dial))) {
	case WISH_NEW:
		((struct dial *)w)->wait_ms = -1;
		wish_take(w, C_DIAL_TAKE, taken);
		break;
	case WISH_CROWDED:
		answer(rq, NULL, DIALPAD_DIAL_PENDING);
		break;
	case WISH_JOINED:
		break;
	}
}
