/*
 * oauth_callback: the end of flow 1. Steps: cookie, state, exchange, and the outcome's word. The state is taken in one
 * statement, once; only then is the code handed to the courier. Every failure is a page that says what to do, and a line
 * in the log; neither ever holds the code.
 */
#include <sys/types.h>

#include "api/audit.h"
#include "api/oauth.h"
#include "api/oauth_pages.h"
#include "base/clock.h"
#include "base/json_read.h"
#include "base/log.h"
#include "db/param.h"
#include "db/stmt_worker.h"

#define CODE_MAX	4096	/* bytes of an authorization code */
#define SAID_MAX	128	/* bytes of the provider's own error word that are shown */
#define COURIER_MS	30000	/* two requests to the provider, and the way there */

struct callback {
	struct api		*api;
	struct http_request	*rq;
	struct str		 state, code, error, cookie, return_to;
	unsigned char		 state_hash[SHA256_SIZE], cookie_hash[SHA256_SIZE];
	int64_t			 now_ms;
	char			 app[UUID_TEXT_SIZE];
};

static void
finish(struct callback *k, enum oauth_outcome o, struct str detail)
{
	struct http_request *rq = k->rq;
	struct buf back;

	rq->step = oauth_outcome_word(o);
	if (o != OAUTH_CONNECTED)
		log_event(LEVEL_WARN, "Dialpad was not connected", LOG_C("outcome", oauth_outcome_word(o)));
	if (o != OAUTH_CONNECTED && k->app[0] != '\0')
		audit_refused(k->api->audit, &(struct audit_entry){ .app = k->app, .actor = "browser", .action = "dialpad.connect_failed",
		    .request_id = rq->id }, oauth_outcome_word(o));
	if (o == OAUTH_CONNECTED)
		oauth_cookie_set(rq, "", "0");
	buf_init(&back, OAUTH_URL_MAX);
	if (k->return_to.p != NULL) {
		buf_str(&back, k->return_to);
		buf_puts(&back, memchr(k->return_to.p, '?', k->return_to.n) != NULL ? "&dialpad=" : "?dialpad=");
		buf_puts(&back, oauth_outcome_word(o));
	}
	if (o == OAUTH_CONNECTED && back.len > 0 && !back.failed) {
		buf_putc(&back, '\0');
		http_add_header(rq, "Cache-Control", "no-store");
		http_add_header(rq, "Referrer-Policy", "no-referrer");
		http_add_header(rq, "Location", back.p);
		http_answer(rq, 303, NULL, NULL);
	} else {
		oauth_page(rq, o, detail, back.len > 0 ? buf_as_str(&back) : STR_NONE);
	}
	buf_free(&back);
}

static enum oauth_outcome
outcome_of(struct str word)
{
	for (int o = 0; o < OAUTH_OUTCOMES; o++)
		if (str_eq(word, str_c(oauth_outcome_word((enum oauth_outcome)o))))
			return (enum oauth_outcome)o;
	return OAUTH_UNAVAILABLE;
}

static void
exchanged(void *arg, enum link_outcome outcome, const struct frame *answer)
{
	static const struct json_limits limits = { .depth = 4, .tokens = 32 };
	struct callback *k = arg;
	struct json_error err;
	struct json_doc doc;

	http_resume(k->rq);
	if (outcome != LINK_ANSWERED || answer->code != FRAME_OK || answer->nfields != 1 ||
	    !json_parse(&doc, &k->rq->arena, arena_str(&k->rq->arena, answer->field[0]), &limits, &err)) {
		finish(k, OAUTH_UNAVAILABLE, STR_NONE);
		return;
	}
	finish(k, outcome_of(json_text(json_get(json_root(&doc), "outcome"), &k->rq->arena)),
	    json_text(json_get(json_root(&doc), "detail"), &k->rq->arena));
}

static void
hand_over(struct callback *k)
{
	char verifier[PKCE_VERIFIER_SIZE];
	struct str field[3];

	k->rq->step = "exchange";
	oauth_verifier(verifier, k->api, k->state, k->cookie);
	field[0] = str_c(k->app);
	field[1] = k->code;
	field[2] = str_c(verifier);
	link_call(k->api->courier, FRAME_CONNECT, field, 3, COURIER_MS, exchanged, k);
	hash_wipe(verifier, sizeof(verifier));
}

/* Why a state was not taken, from what it was before. Results: 0 the look, 1 the taking, 2 its ticket is used up. */
static enum oauth_outcome
why_not(const struct db_result *r)
{
	if (db_rows(r, 0) == 0)
		return OAUTH_UNKNOWN;
	if (db_bool(r, 0, 0, 0))		/* first: our success took the cookie away, and then the page was loaded again */
		return OAUTH_REPLAYED;
	if (!db_bool(r, 0, 0, 2))
		return OAUTH_OTHER_BROWSER;
	return db_bool(r, 0, 0, 1) ? OAUTH_EXPIRED : OAUTH_REPLAYED;
}

static void
taken(void *arg, const struct db_result *r)
{
	struct callback *k = arg;
	struct uuid app;

	api_took(k->rq, r);
	if (db_outcome(r) != DB_OK) {
		if (db_outcome(r) == DB_FAILED)
			log_event(LEVEL_ERROR, "state not taken", LOG_C("error", db_error_text(r)),
			    LOG_C("sqlstate", db_error_sqlstate(r)));
		finish(k, OAUTH_UNAVAILABLE, STR_NONE);
		return;
	}
	if (db_rows(r, 1) == 0 || !db_uuid(r, 1, 0, 0, &app)) {
		finish(k, why_not(r), STR_NONE);
		return;
	}
	uuid_format(k->app, app);
	http_set_app(k->rq, k->app);
	k->return_to = arena_str(&k->rq->arena, db_text(r, 1, 0, 1));
	if (k->error.p != NULL)
		finish(k, str_eq(k->error, STR("access_denied")) ? OAUTH_DENIED : OAUTH_REFUSED, k->error);
	else if (k->code.p == NULL)
		finish(k, OAUTH_INVALID, STR_NONE);
	else
		hand_over(k);
}

static void
take_state(struct callback *k)
{
	struct db_job *j = db_job_new(k->api->db, 0, taken, k);
	DB_PARAMS(a, 3);
	DB_PARAMS(use, 2);

	k->rq->step = "state";
	token_hash(k->state_hash, k->state);
	token_hash(k->cookie_hash, k->cookie);
	db_put_bytes(&a, k->state_hash, SHA256_SIZE);
	db_put_time_ms(&a, k->now_ms);
	db_put_bytes(&a, k->cookie_hash, SHA256_SIZE);
	db_put_bytes(&use, k->state_hash, SHA256_SIZE);
	db_put_time_ms(&use, k->now_ms);
	db_job_add(j, W_STATE_LOOK, a.p, a.n);
	db_job_add(j, W_STATE_TAKE, a.p, a.n);
	db_job_add(j, W_TICKET_USE, use.p, use.n);
	db_job_submit(j);
}

/* Visible ASCII, as RFC 6749 has codes, states and error words. */
static struct str
visible(struct str s, size_t max)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f)
			return STR_NONE;
	return s.n > 0 && s.n <= max ? s : STR_NONE;
}

/* Parameters we do not know are the provider's business (RFC 6749, 4.1.2). */
static bool
callback_parameters(struct callback *k)
{
	struct str rest = k->rq->query, name, value;
	int got;

	while ((got = http_query_next(&k->rq->arena, &rest, &name, &value)) > 0) {
		if (str_eq(name, STR("state")))
			k->state = value;
		else if (str_eq(name, STR("code")))
			k->code = visible(value, CODE_MAX);
		else if (str_eq(name, STR("error")))
			k->error = visible(value, SAID_MAX).p != NULL ? value : STR("unreadable");
	}
	return got == 0 && k->state.p != NULL;
}

void
api_oauth_callback(struct http_request *rq, void *ctx)
{
	struct api *api = ctx;
	struct callback *k = arena_alloc(&rq->arena, sizeof(*k));

	if (k == NULL) {
		api_no_memory(rq);
		return;
	}
	k->api = api;
	k->rq = rq;
	k->now_ms = clock_real_ms();
	k->cookie = oauth_cookie_find(rq);
	rq->state = k;
	rq->step = "cookie";
	if (!callback_parameters(k))
		finish(k, OAUTH_INVALID, STR_NONE);
	else if (!token_valid(k->state, TOKEN_STATE))
		finish(k, OAUTH_UNKNOWN, STR_NONE);
	else if (api->courier == NULL || !link_client_up(api->courier) || !secret_present(&api->oauth_key))
		finish(k, OAUTH_UNAVAILABLE, STR_NONE);
	else
		take_state(k);
}
