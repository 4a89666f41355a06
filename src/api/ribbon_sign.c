/*
 * ribbon_sign: POST /api/ribbon/sign. A SIP server asked the agent's browser for a digest; the browser asks here, and the courier,
 * which alone knows the password, answers that one question if it may. Steps: origin, session, body, courier. The answer is
 * good for one nonce and says nothing of the password.
 */
#include <sys/types.h>

#include <stdio.h>

#include "api/reply.h"
#include "api/ribbon.h"
#include "base/count.h"
#include "base/log.h"
#include "db/stmt_worker.h"

#define ANSWER_MAX	((size_t)16 * 1024)

struct sign {
	struct ribbon	r;		/* the first: rq->state is either */
	char		session[UUID_TEXT_SIZE];
};

static const struct {
	const char	*word;
	struct { int status; const char *code, *message; } p;
} refusals[] = {
	{ "session", .p = { 401, "session_revoked", "The session was ended" } },
	{ "realm", .p = { 403, "sip_realm_refused", "That SIP server is not this account's" } },
	{ "uri", .p = { 403, "sip_uri_refused", "That address is not of this account's SIP server" } },
	{ "method", .p = { 403, "sip_method_refused", "Requests of this method are not signed here" } },
	{ "algorithm", .p = { 400, "sip_algorithm_refused", "Only MD5 is spoken, with qop auth or without" } },
	{ "limit", .p = { 429, "sign_limit", "Too many signatures for one session" } },
	{ "not_linked", .p = { 403, "account_inactive", "The account at Exotel is not linked or switched off" } },
};

static void	send_session(struct api *api, struct http_request *rq);

static void
signed_by_courier(struct sign *s, struct str authorization)
{
	struct json_out j;
	struct buf b;

	reply_begin(&j, &b, ANSWER_MAX, true);
	json_kstr(&j, "authorization", authorization);
	reply_end(s->r.rq, &j, 200);
}

static void
refuse(struct sign *s, struct str word, int64_t wait_ms)
{
	char seconds[24];

	for (size_t i = 0; i < COUNT(refusals); i++) {
		if (!str_eq(word, str_c(refusals[i].word)))
			continue;
		if (refusals[i].p.status == 429) {
			snprintf(seconds, sizeof(seconds), "%lld", (long long)(wait_ms > 0 ? (wait_ms + 999) / 1000 : 1));
			http_add_header(s->r.rq, "Retry-After", seconds);
		}
		api_problem(s->r.rq, refusals[i].p.status, refusals[i].p.code, refusals[i].p.message);
		return;
	}
	log_event(LEVEL_ERROR, "the courier could not sign", LOG_STR("outcome", word));
	api_problem(s->r.rq, 500, "internal_error", "The request could not be served; the log has the reason");
}

static void
answered(void *arg, enum link_outcome outcome, const struct frame *f)
{
	static const struct json_limits limits = { .depth = 4, .tokens = 32 };
	struct sign *s = arg;
	struct arena *a = &s->r.rq->arena;
	struct str word = STR_NONE;
	struct json_error err;
	struct json_doc doc;
	int64_t wait_ms = -1;

	http_resume(s->r.rq);
	if (outcome != LINK_ANSWERED || f->code == FRAME_BUSY) {
		api_courier_away(s->r.rq);
		return;
	}
	if (f->code == FRAME_DATABASE) {
		api_away(s->r.rq);
		return;
	}
	if (f->code == FRAME_OK && f->nfields == 1 && json_parse(&doc, a, arena_str(a, f->field[0]), &limits, &err)) {
		word = json_text(json_get(json_root(&doc), "outcome"), a);
		json_i64(json_get(json_root(&doc), "wait_ms"), &wait_ms);
	}
	if (str_eq(word, STR("ok")))
		signed_by_courier(s, json_text(json_get(json_root(&doc), "authorization"), a));
	else
		refuse(s, word, wait_ms);
}

static void
good(void *arg, const struct db_result *r)
{
	struct sign *s = arg;
	struct api *api = s->r.api;
	struct uuid id;
	struct str field[3];

	if (!ribbon_accepts(&s->r, r, send_session))
		return;
	if (api->courier == NULL || !link_client_up(api->courier) || !db_uuid(r, 0, 0, SESSION_ID, &id)) {
		api_courier_away(s->r.rq);
		return;
	}
	uuid_format(s->session, id);
	s->r.rq->step = "courier";
	field[0] = str_c(s->r.caller.app);
	field[1] = str_c(s->session);
	field[2] = s->r.rq->body;
	link_call(api->courier, FRAME_RIBBON_SIGN, field, COUNT(field), api->conf->db_job_timeout_ms + FRAME_MARGIN_MS, answered, s);
}

/* Each member once, so that nobody can read another question in it than the courier does. */
static bool
body_good(struct sign *s)
{
	static const char *const names[] = { "method", "uri", "realm", "nonce", "algorithm", "qop", "opaque", "nc", "cnonce" };
	struct json member[COUNT(names)];
	struct json_doc doc;

	return body_read(s->r.rq, &doc, names, COUNT(names), member, &s->r.fault);
}

static void
send_session(struct api *api, struct http_request *rq)
{
	struct sign *s = rq->state;
	struct db_job *j;
	DB_PARAMS(p, 4);

	rq->step = "body";
	if (!body_good(s)) {
		ribbon_wrong(&s->r);
		return;
	}
	ribbon_params(&p, &s->r);
	j = db_job_new(api->db, 0, good, s);
	db_job_add(j, W_SESSION, p.p, p.n);
	db_job_submit(j);
}

void
api_ribbon_sign(struct http_request *rq, void *ctx)
{
	struct sign *s = arena_alloc(&rq->arena, sizeof(*s));

	if (s == NULL) {
		api_no_memory(rq);
		return;
	}
	rq->state = s;
	ribbon_begin(ctx, rq, &s->r, send_session);
}
