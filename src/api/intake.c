/*
 * intake: see intake.h.
 */
#include <sys/types.h>
#include <stdio.h>
#include <string.h>

#include "api/intake.h"
#include "base/clock.h"
#include "base/json_write.h"
#include "base/log.h"

#define FACTS_MAX	(2u << 20)	/* every field at its own limit, every byte of it escaped */
#define ANSWER_SMALL	512
#define ROW_OVERHEAD	512		/* bytes of a batch that are not payload or facts */

void
intake_begin(struct intake *in, struct api *api, struct http_request *rq, void (*verify)(struct intake *in))
{
	in->api = api;
	in->rq = rq;
	in->verify = verify;
	in->d.received_ms = clock_real_ms();
}

void
intake_refuse(struct intake *in, int status, const char *code, const char *message)
{
	score_count(in->api->score, SCORE_EVENTS_REFUSED, 1);
	if (status == 401 && in->challenge != NULL)
		http_add_header(in->rq, "WWW-Authenticate", in->challenge);
	api_problem(in->rq, status, code, message);
}

void
intake_defer(struct intake *in)
{
	score_count(in->api->score, SCORE_EVENTS_DEFERRED, 1);
	api_away(in->rq);
}

void
intake_no_memory(struct intake *in)
{
	score_count(in->api->score, SCORE_EVENTS_DEFERRED, 1);
	api_no_memory(in->rq);
}

bool
intake_body_fits(struct intake *in)
{
	struct str encoding = http_header(in->rq, "content-encoding");

	if (encoding.p == NULL || str_ieq(encoding, STR("identity")))
		return true;
	intake_refuse(in, 415, "unsupported_encoding", "Content-Encoding is not supported; send the body as it is");
	return false;
}

/* ---- another look */

static void
refreshed(void *arg, bool ok)
{
	struct intake *in = arg;

	http_resume(in->rq);
	in->refreshed = true;
	if (ok && hooks_version(in->api->hooks) == in->hooks_version)
		intake_refuse(in, in->status, in->code, in->message);	/* nothing new that could fit */
	else if (ok)
		in->verify(in);
	else		/* we cannot know whether the hook or the secret is new: not the sender's fault */
		intake_defer(in);
}

void
intake_look_again_or(struct intake *in, int status, const char *code, const char *message)
{
	if (in->refreshed) {
		intake_refuse(in, status, code, message);
		return;
	}
	in->hooks_version = hooks_version(in->api->hooks);
	in->status = status;
	in->code = code;
	in->message = message;
	hooks_refresh(in->api->hooks, refreshed, in);
}

/* ---- json */

bool
intake_json(struct intake *in, struct str payload)
{
	const struct conf *c = in->api->conf;
	struct json_limits lim = { (size_t)c->json_depth, (size_t)c->json_tokens };
	struct json_error e;
	char message[160];

	in->rq->step = "json";
	in->d.payload = payload;
	if (json_parse(&in->doc, &in->rq->arena, payload, &lim, &e))
		return true;
	if (e.fault == JSON_NO_MEMORY) {
		intake_no_memory(in);
		return false;
	}
	snprintf(message, sizeof(message), "The payload is not acceptable JSON at byte %zu: expected %s", e.offset, e.expected);
	intake_refuse(in, 400, e.fault == JSON_SYNTAX ? "invalid_json" : "json_too_complex", message);
	return false;
}

void
intake_use_hook(struct intake *in, const struct hook *k)
{
	in->d.app_id = k->app_id;
	in->d.hook_id = k->id;
	in->d.has_hook = true;
}

/* ---- store */

static void
stored(struct delivery *d, enum store_outcome outcome)
{
	struct intake *in = (struct intake *)d;
	char id[UUID_TEXT_SIZE];
	struct json_out j;
	struct buf b;

	http_resume(in->rq);
	if (outcome == STORE_AWAY) {
		intake_defer(in);
		return;
	}
	if (outcome == STORE_REFUSED) {
		intake_refuse(in, 500, "event_refused", "The database refused this event; the log has the reason");
		return;
	}
	buf_init(&b, ANSWER_SMALL);
	json_out_init(&j, &b);
	json_obj(&j);
	json_kbool(&j, "success", true);
	json_key(&j, "data");
	json_obj(&j);
	if (outcome == STORE_OK) {
		uuid_format(id, d->id);
		json_kstr(&j, "event_id", str_c(id));
	}
	json_kbool(&j, "duplicate", outcome == STORE_DUPLICATE);
	json_obj_end(&j);
	json_obj_end(&j);
	http_answer(in->rq, 200, "application/json", &b);
	buf_free(&b);
}

void
intake_store(struct intake *in)
{
	struct delivery *d = &in->d;
	char app[UUID_TEXT_SIZE];
	struct buf facts;

	in->rq->step = "store";
	uuid_format(app, d->app_id);
	if (uuid_is_nil(d->app_id))
		log_event(LEVEL_WARN, "event without a tenant: stored unrouted", LOG_STR("org", d->event.org_id));
	else
		http_set_app(in->rq, app);
	log_event(LEVEL_DEBUG, "event verified", LOG_C("secret", d->secret_used), LOG_STR("type", d->event.type),
	    LOG_INT("bytes", d->payload.n));
	d->facts = STR_NONE;
	if (d->event.is_call) {
		buf_init(&facts, FACTS_MAX);
		leg_write(&d->event.leg, &facts);
		d->facts = facts.failed ? STR_NONE : arena_str(&in->rq->arena, buf_as_str(&facts));
		buf_free(&facts);
		if (d->facts.p == NULL) {
			intake_no_memory(in);
			return;
		}
	}
	d->rq = in->rq;
	d->id = uuid_v7(d->received_ms);
	d->cost = d->payload.n + d->facts.n + ROW_OVERHEAD;
	d->held = in->rq->arena.used + ROW_OVERHEAD;
	d->done = stored;
	in->api->store(in->api->store_ctx, d);
}
