/*
 * hook_dialpad: a Dialpad delivery from the wire to the ingest batch, in named steps: open -> verify -> json -> event -> route -> store.
 * The tenant comes from the secret that verified, in this order: hook token, any app's secret, the global secret with a
 * header key, then with the company the body names. Nothing is read from a body before its signature fits.
 * Dialpad never sends again what got a 4xx, 429 included: so 4xx only for what can never become right, 503 for all trouble of ours.
 */
#include <sys/types.h>
#include <string.h>

#include "api/auth.h"
#include "api/hooks.h"
#include "base/clock.h"
#include "base/json_write.h"
#include "base/log.h"
#include "base/token.h"
#include "db/stmt_worker.h"
#include "providers/dialpad.h"

#define FACTS_MAX	(2u << 20)	/* every field at its own limit, every byte of it escaped */
#define ANSWER_SMALL	512
#define ROW_OVERHEAD	512		/* bytes of a batch that are not payload or facts */
#define TRIAL_BYTES	(64u << 20)	/* hashed at most to find the secret of one delivery without token: some 50 ms */

struct journey {
	struct delivery		 d;		/* first: the store hands back a pointer to it */
	struct api		*api;
	struct http_request	*rq;
	struct dialpad_delivery	 in;
	struct json_doc		 doc;
	bool			 refreshed;	/* the hook table has been looked at again for this delivery */
	uint64_t		 hooks_version;	/* what it was when verification failed */
	int			 status;	/* what to answer if a fresh look changes nothing */
	const char		*code, *message;
	bool			 tried_all;	/* every secret that could fit was tried */
	bool			 by_global;
	struct caller		 label;		/* header key, used for routing only */
};

static void	verify(struct journey *w);
static void	route(struct journey *w);

static void
refuse(struct journey *w, int status, const char *code, const char *message)
{
	score_count(w->api->score, SCORE_EVENTS_REFUSED, 1);
	api_problem(w->rq, status, code, message);
}

/* All trouble of ours: the provider is to try again. */
static void
defer(struct journey *w)
{
	score_count(w->api->score, SCORE_EVENTS_DEFERRED, 1);
	api_away(w->rq);
}

static void
no_memory(struct journey *w)
{
	score_count(w->api->score, SCORE_EVENTS_DEFERRED, 1);
	api_no_memory(w->rq);
}

/* ---- store */

static void
stored(struct delivery *d, enum store_outcome outcome)
{
	struct journey *w = (struct journey *)d;
	char id[UUID_TEXT_SIZE];
	struct json_out j;
	struct buf b;

	http_resume(w->rq);
	if (outcome == STORE_AWAY) {
		defer(w);
		return;
	}
	if (outcome == STORE_REFUSED) {
		refuse(w, 500, "event_refused", "The database refused this event; the log has the reason");
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
	http_answer(w->rq, 200, "application/json", &b);
	buf_free(&b);
}

static void
store(struct journey *w)
{
	struct delivery *d = &w->d;
	char app[UUID_TEXT_SIZE];
	struct buf facts;

	w->rq->step = "store";
	uuid_format(app, d->app_id);
	if (uuid_is_nil(d->app_id))
		log_event(LEVEL_WARN, "event without a tenant: stored unrouted", LOG_STR("org", d->event.org_id));
	else
		http_set_app(w->rq, app);
	log_event(LEVEL_DEBUG, "event verified", LOG_C("secret", d->secret_used), LOG_STR("type", d->event.type),
	    LOG_INT("bytes", d->payload.n));
	d->facts = STR_NONE;
	if (d->event.is_call) {
		buf_init(&facts, FACTS_MAX);
		leg_write(&d->event.leg, &facts);
		d->facts = facts.failed ? STR_NONE : arena_str(&w->rq->arena, buf_as_str(&facts));
		buf_free(&facts);
		if (d->facts.p == NULL) {
			no_memory(w);
			return;
		}
	}
	d->rq = w->rq;
	d->id = uuid_v7(d->received_ms);
	d->cost = d->payload.n + d->facts.n + ROW_OVERHEAD;
	d->held = w->rq->arena.used + ROW_OVERHEAD;
	d->done = stored;
	w->api->store(w->api->store_ctx, d);
}

/* ---- route: only for what the global secret verified */

static void	route_by_org(struct journey *w);

static void
refreshed_for_org(void *arg, bool ok)
{
	struct journey *w = arg;

	(void)ok;			/* kept without a tenant rather than refused: nothing is lost */
	http_resume(w->rq);
	w->refreshed = true;
	route_by_org(w);
}

static void
route_by_org(struct journey *w)
{
	const struct hook *k;
	size_t i;

	for (i = 0; w->d.event.org_id.p != NULL && (k = hooks_at(w->api->hooks, i)) != NULL; i++)
		if (k->enabled && k->org_id != NULL && strcmp(k->provider, "dialpad") == 0 &&
		    str_eq(str_c(k->org_id), w->d.event.org_id)) {
			w->d.app_id = k->app_id;
			w->d.hook_id = k->id;
			w->d.has_hook = true;
			break;
		}
	if (!w->d.has_hook && w->d.event.org_id.p != NULL && !w->refreshed)
		hooks_refresh(w->api->hooks, refreshed_for_org, w);
	else
		store(w);
}

static void
labelled(void *arg, const struct db_result *r)
{
	struct journey *w = arg;

	api_took(w->rq, r);
	if (db_outcome(r) != DB_OK) {
		score_count(w->api->score, SCORE_EVENTS_DEFERRED, 1);
		api_db_failed(w->rq, r);
	} else if (db_rows(r, 0) > 0 && db_uuid(r, 0, 0, 0, &w->d.app_id))
		store(w);
	else
		route_by_org(w);
}

static void
route(struct journey *w)
{
	struct str key = http_header(w->rq, "x-app-api-key");
	struct db_job *j;
	DB_PARAMS(a, 1);

	w->rq->step = "route";
	if (!w->by_global) {
		store(w);
		return;
	}
	if (!token_valid(key, TOKEN_SERVER_KEY)) {
		route_by_org(w);
		return;
	}
	token_hash(w->label.key_hash, key);
	db_put_bytes(&a, w->label.key_hash, SHA256_SIZE);
	j = db_job_new(w->api->db, 0, labelled, w);
	db_job_add(j, W_KEY_LOOKUP, a.p, a.n);
	db_job_submit(j);
}

/* ---- json, event */

static void
read_event(struct journey *w)
{
	const struct conf *c = w->api->conf;
	struct json_limits lim = { (size_t)c->json_depth, (size_t)c->json_tokens };
	struct json_error e;
	char message[160];

	w->rq->step = "json";
	if (!json_parse(&w->doc, &w->rq->arena, w->in.payload, &lim, &e)) {
		if (e.fault == JSON_NO_MEMORY) {
			no_memory(w);
			return;
		}
		snprintf(message, sizeof(message), "The payload is not acceptable JSON at byte %zu: expected %s", e.offset, e.expected);
		refuse(w, 400, e.fault == JSON_SYNTAX ? "invalid_json" : "json_too_complex", message);
		return;
	}
	w->rq->step = "event";
	w->d.payload = w->in.payload;
	if (!dialpad_event(&w->d.event, &w->rq->arena, w->in.payload, &w->doc, w->d.received_ms)) {
		no_memory(w);
		return;
	}
	route(w);
}

/* ---- verify */

static bool
fits(struct journey *w, const struct secret *s, const char *word)
{
	if (!secret_present(s) || dialpad_verify(&w->in, secret_bytes(s)) != DIALPAD_VERIFIED)
		return false;
	w->d.secret_used = word;
	return true;
}

static bool
fits_hook(struct journey *w, const struct hook *k)
{
	if (!k->enabled || strcmp(k->provider, "dialpad") != 0)
		return false;
	if (!fits(w, &k->secret, "current") && !(hook_previous_lives(k) && fits(w, &k->previous, "previous")))
		return false;
	w->d.app_id = k->app_id;
	w->d.hook_id = k->id;
	w->d.has_hook = true;
	return true;
}

static bool
fits_global(struct journey *w)
{
	return fits(w, &w->api->conf->dialpad_secret, "global") || fits(w, &w->api->conf->dialpad_previous_secret, "global_previous");
}

static bool
fits_any_hook(struct journey *w)
{
	const struct hook *k;
	int64_t trials = w->api->conf->webhook_secret_trials, affordable = (int64_t)(TRIAL_BYTES / (w->rq->body.n + 1));
	size_t i;

	if (trials > affordable)
		trials = affordable;
	/* None at all is the administrator's choice; some but not all leaves it open whose the delivery is. */
	w->tried_all = w->api->conf->webhook_secret_trials == 0 || (int64_t)hooks_count(w->api->hooks) <= trials;
	for (i = 0; trials > 0 && (k = hooks_at(w->api->hooks, i)) != NULL; i++, trials--)
		if (fits_hook(w, k))
			return true;
	return false;
}

static void
refreshed(void *arg, bool ok)
{
	struct journey *w = arg;

	http_resume(w->rq);
	w->refreshed = true;
	if (ok && hooks_version(w->api->hooks) == w->hooks_version)
		refuse(w, w->status, w->code, w->message);	/* nothing new that could fit */
	else if (ok)
		verify(w);
	else		/* we cannot know whether the hook or the secret is new: not the sender's fault */
		defer(w);
}

static void
look_again_or(struct journey *w, int status, const char *code, const char *message)
{
	if (w->refreshed) {
		refuse(w, status, code, message);
		return;
	}
	w->hooks_version = hooks_version(w->api->hooks);
	w->status = status;
	w->code = code;
	w->message = message;
	hooks_refresh(w->api->hooks, refreshed, w);
}

static void
verify_by_token(struct journey *w, struct str token)
{
	const struct hook *k = hooks_by_token(w->api->hooks, token);

	if (k == NULL || !k->enabled || strcmp(k->provider, "dialpad") != 0) {
		look_again_or(w, 404, "unknown_hook", "No such hook");
		return;
	}
	if (!fits_hook(w, k) && !fits_global(w)) {
		bool unsigned_json = w->in.form == DIALPAD_JSON && w->in.signature.p == NULL;
		if (!(unsigned_json && w->api->conf->dialpad_allow_unsigned)) {
			look_again_or(w, 401, "invalid_signature", "The signature does not fit");
			return;
		}
		w->d.secret_used = "none";
	}
	w->d.app_id = k->app_id;
	w->d.hook_id = k->id;
	w->d.has_hook = true;
	read_event(w);
}

static void
verify(struct journey *w)
{
	struct str token = w->rq->param[0];

	w->rq->step = "verify";
	if (token.p != NULL) {
		verify_by_token(w, token);
	} else if (fits_any_hook(w)) {
		read_event(w);
	} else if (fits_global(w)) {
		w->by_global = true;
		read_event(w);
	} else if (!w->tried_all) {
		/* Not proved wrong, so not refused for good: such a delivery belongs to an address with a hook token. */
		log_event(LEVEL_WARN, "delivery without hook token: not every hook's secret could be tried",
		    LOG_INT("bytes", w->rq->body.n), LOG_INT("hooks", hooks_count(w->api->hooks)));
		defer(w);
	} else {
		look_again_or(w, 401, "invalid_signature", "The signature does not fit");
	}
}

/* ---- open */

static bool
has_no_body_framing(const struct http_request *rq)
{
	return http_header(rq, "content-length").p == NULL && http_header(rq, "transfer-encoding").p == NULL;
}

static size_t
dots(struct str s)
{
	size_t n = 0, i;

	for (i = 0; i < s.n; i++)
		n += s.p[i] == '.';
	return n;
}

void
api_hook_dialpad(struct http_request *rq, void *ctx)
{
	struct api *api = ctx;
	struct json_limits lim = { (size_t)api->conf->json_depth, (size_t)api->conf->json_tokens };
	struct str encoding = http_header(rq, "content-encoding");
	struct journey *w = arena_alloc(&rq->arena, sizeof(*w));
	const char *why = "";
	enum dialpad_verdict v;

	rq->step = "open";
	if (w == NULL) {
		api_no_memory(rq);
		return;
	}
	w->api = api;
	w->rq = rq;
	w->d.received_ms = clock_real_ms();
	if (has_no_body_framing(rq)) {
		refuse(w, 411, "length_required", "A delivery needs a body with Content-Length or chunked");
	} else if (rq->body.n == 0) {
		refuse(w, 400, "empty_delivery", "A delivery has a body");
	} else if (encoding.p != NULL && !str_ieq(encoding, STR("identity"))) {
		refuse(w, 415, "unsupported_encoding", "Content-Encoding is not supported; send the body as it is");
	} else if (rq->param[0].p != NULL && !token_valid(rq->param[0], TOKEN_HOOK)) {
		refuse(w, 404, "unknown_hook", "No such hook");
	} else if ((v = dialpad_open(&w->in, &rq->arena, rq->body, http_header(rq, api->conf->dialpad_signature_header), &lim, &why)) ==
	    DIALPAD_VERIFIED) {
		verify(w);
	} else if (v == DIALPAD_NO_MEMORY) {
		no_memory(w);
	} else {
		/* Three parts are a JWT whose signature cannot count ("alg":"none", a key of another kind); anything else is no delivery. */
		bool jwt = dots(rq->body) == 2;
		refuse(w, jwt ? 401 : 400, jwt ? "invalid_signature" : "malformed_delivery", why);
	}
}
