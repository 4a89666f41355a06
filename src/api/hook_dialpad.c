/*
 * hook_dialpad: a Dialpad delivery from the wire to the ingest batch, in named steps: open -> verify -> json -> event -> route -> store.
 * The tenant comes from the secret that verified, in this order: hook token, any app's secret, the global secret with a
 * header key, then with the company the body names. Nothing is read from a body before its signature fits.
 * Dialpad never sends again what got a 4xx, 429 included; intake.h says what follows.
 */
#include <sys/types.h>
#include <string.h>

#include "api/auth.h"
#include "api/intake.h"
#include "base/log.h"
#include "base/token.h"
#include "db/stmt_worker.h"
#include "providers/dialpad.h"

#define TRIAL_BYTES	(64u << 20)	/* hashed at most to find the secret of one delivery without token: some 50 ms */

struct journey {
	struct intake		 in;		/* first */
	struct dialpad_delivery	 got;
	bool			 tried_all;	/* every secret that could fit was tried */
	bool			 by_global;
	struct caller		 label;		/* header key, used for routing only */
};

static void	route(struct journey *w);

/* ---- route: only for what the global secret verified */

static void	route_by_org(struct journey *w);

static void
refreshed_for_org(void *arg, bool ok)
{
	struct journey *w = arg;

	(void)ok;			/* kept without a tenant rather than refused: nothing is lost */
	http_resume(w->in.rq);
	w->in.refreshed = true;
	route_by_org(w);
}

static void
route_by_org(struct journey *w)
{
	const struct hook *k;
	size_t i;

	for (i = 0; w->in.d.event.org_id.p != NULL && (k = hooks_at(w->in.api->hooks, i)) != NULL; i++)
		if (k->enabled && k->org_id != NULL && strcmp(k->provider, "dialpad") == 0 &&
		    str_eq(str_c(k->org_id), w->in.d.event.org_id)) {
			intake_use_hook(&w->in, k);
			break;
		}
	if (!w->in.d.has_hook && w->in.d.event.org_id.p != NULL && !w->in.refreshed)
		hooks_refresh(w->in.api->hooks, refreshed_for_org, w);
	else
		intake_store(&w->in);
}

static void
labelled(void *arg, const struct db_result *r)
{
	struct journey *w = arg;

	api_took(w->in.rq, r);
	if (db_outcome(r) != DB_OK) {
		score_count(w->in.api->score, SCORE_EVENTS_DEFERRED, 1);
		api_db_failed(w->in.rq, r);
	} else if (db_rows(r, 0) > 0 && db_uuid(r, 0, 0, 0, &w->in.d.app_id))
		intake_store(&w->in);
	else
		route_by_org(w);
}

static void
route(struct journey *w)
{
	struct str key = http_header(w->in.rq, "x-app-api-key");
	struct db_job *j;
	DB_PARAMS(a, 1);

	w->in.rq->step = "route";
	if (!w->by_global) {
		intake_store(&w->in);
		return;
	}
	if (!token_valid(key, TOKEN_SERVER_KEY)) {
		route_by_org(w);
		return;
	}
	token_hash(w->label.key_hash, key);
	db_put_bytes(&a, w->label.key_hash, SHA256_SIZE);
	j = db_job_new(w->in.api->db, 0, labelled, w);
	db_job_add(j, W_KEY_LOOKUP, a.p, a.n);
	db_job_submit(j);
}

/* ---- json, event */

static void
read_event(struct journey *w)
{
	struct delivery *d = &w->in.d;

	if (!intake_json(&w->in, w->got.payload))
		return;
	w->in.rq->step = "event";
	if (dialpad_event(&d->event, &w->in.rq->arena, d->payload, &w->in.doc, d->received_ms))
		route(w);
	else
		intake_no_memory(&w->in);
}

/* ---- verify */

static bool
fits(struct journey *w, const struct secret *s, const char *word)
{
	if (!secret_present(s) || dialpad_verify(&w->got, secret_bytes(s)) != DIALPAD_VERIFIED)
		return false;
	w->in.d.secret_used = word;
	return true;
}

static bool
fits_hook(struct journey *w, const struct hook *k)
{
	if (!k->enabled || strcmp(k->provider, "dialpad") != 0)
		return false;
	if (!fits(w, &k->secret, "current") && !(hook_previous_lives(k) && fits(w, &k->previous, "previous")))
		return false;
	intake_use_hook(&w->in, k);
	return true;
}

static bool
fits_global(struct journey *w)
{
	return fits(w, &w->in.api->conf->dialpad_secret, "global") || fits(w, &w->in.api->conf->dialpad_previous_secret, "global_previous");
}

static bool
fits_any_hook(struct journey *w)
{
	const struct hook *k;
	int64_t trials = w->in.api->conf->webhook_secret_trials, affordable = (int64_t)(TRIAL_BYTES / (w->in.rq->body.n + 1));
	size_t i;

	/* None at all is the administrator's choice; some but not all leaves it open whose the delivery is. */
	w->tried_all = true;
	if (trials == 0)
		return false;
	if (trials > affordable)
		trials = affordable;
	for (i = 0; (k = hooks_at(w->in.api->hooks, i)) != NULL; i++) {
		if (strcmp(k->provider, "dialpad") != 0)
			continue;
		if (trials-- <= 0) {
			w->tried_all = false;
			return false;
		}
		if (fits_hook(w, k))
			return true;
	}
	return false;
}

static void
verify_by_token(struct journey *w, struct str token)
{
	const struct hook *k = hooks_by_token(w->in.api->hooks, token);

	if (k == NULL || !k->enabled || strcmp(k->provider, "dialpad") != 0) {
		intake_look_again_or(&w->in, 404, "unknown_hook", "No such hook");
		return;
	}
	if (!fits_hook(w, k) && !fits_global(w)) {
		bool unsigned_json = w->got.form == DIALPAD_JSON && w->got.signature.p == NULL;
		if (!(unsigned_json && w->in.api->conf->dialpad_allow_unsigned)) {
			intake_look_again_or(&w->in, 401, "invalid_signature", "The signature does not fit");
			return;
		}
		w->in.d.secret_used = "none";
	}
	intake_use_hook(&w->in, k);
	read_event(w);
}

static void
verify(struct intake *in)
{
	struct journey *w = (struct journey *)in;
	struct str token = w->in.rq->param[0];

	w->in.rq->step = "verify";
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
		    LOG_INT("bytes", w->in.rq->body.n), LOG_INT("hooks", hooks_count(w->in.api->hooks)));
		intake_defer(&w->in);
	} else {
		intake_look_again_or(&w->in, 401, "invalid_signature", "The signature does not fit");
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
	struct journey *w = arena_alloc(&rq->arena, sizeof(*w));
	const char *why = "";
	enum dialpad_verdict v;

	rq->step = "open";
	if (w == NULL) {
		api_no_memory(rq);
		return;
	}
	intake_begin(&w->in, api, rq, verify);
	if (has_no_body_framing(rq)) {
		intake_refuse(&w->in, 411, "length_required", "A delivery needs a body with Content-Length or chunked");
	} else if (rq->body.n == 0) {
		intake_refuse(&w->in, 400, "empty_delivery", "A delivery has a body");
	} else if (!intake_body_fits(&w->in)) {
		return;
	} else if (rq->param[0].p != NULL && !token_valid(rq->param[0], TOKEN_HOOK)) {
		intake_refuse(&w->in, 404, "unknown_hook", "No such hook");
	} else if ((v = dialpad_open(&w->got, &rq->arena, rq->body, http_header(rq, api->conf->dialpad_signature_header), &lim, &why)) ==
	    DIALPAD_VERIFIED) {
		verify(&w->in);
	} else if (v == DIALPAD_NO_MEMORY) {
		intake_no_memory(&w->in);
	} else {
		/* Three parts are a JWT whose signature cannot count ("alg":"none", a key of another kind); anything else is no delivery. */
		bool jwt = dots(rq->body) == 2;
		intake_refuse(&w->in, jwt ? 401 : 400, jwt ? "invalid_signature" : "malformed_delivery", why);
	}
}
