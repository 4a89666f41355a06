/*
 * oauth_connect: the beginning of flow 1. Steps: ask, state. An API key (scope connect) or a one-use ticket says whose
 * connect it is; the state is stored, then the browser is sent on to Dialpad, or a program is told where to send one.
 * A ticket may be opened more than once, because mail scanners open links too; it is used up when Dialpad's answer is taken.
 */
#include <sys/types.h>

#include <stdio.h>

#include "api/auth.h"
#include "api/oauth.h"
#include "api/oauth_pages.h"
#include "base/clock.h"
#include "base/json_write.h"
#include "db/stmt_worker.h"

struct connect {
	struct caller		 caller;	/* by key */
	struct api		*api;
	struct http_request	*rq;
	struct str		 return_to;
	bool			 by_ticket, json;
	char			 state[TOKEN_SIZE], cookie[TOKEN_SIZE], ticket[TOKEN_SIZE];
	unsigned char		 state_hash[SHA256_SIZE], cookie_hash[SHA256_SIZE], ticket_hash[SHA256_SIZE];
	int64_t			 now_ms;
};

/* The address a browser may be sent back to: one of the list, or below one of them that ends in '/'. */
static bool
may_return_to(const struct conf *c, struct str url)
{
	for (size_t i = 0; i < c->ndialpad_return; i++) {
		struct str allowed = str_c(c->dialpad_return[i]);

		if (str_eq(url, allowed) || (allowed.n > 0 && allowed.p[allowed.n - 1] == '/' && str_starts(url, allowed)))
			return true;
	}
	return false;
}

/* Whether this installation can connect at all; answers when not. */
static bool
can_connect(struct api *api, struct http_request *rq)
{
	if (api->conf->dialpad_client_id == NULL || api->conf->dialpad_redirect_uri == NULL) {
		api_problem(rq, 503, "dialpad_not_configured", "This server has no client id and redirect address for Dialpad");
		return false;
	}
	if (api->courier == NULL || !link_client_up(api->courier)) {
		api_courier_away(rq);
		return false;
	}
	if (!secret_present(&api->oauth_key)) {
		api_away(rq);
		return false;
	}
	return true;
}

static void
authorize_url(const struct connect *k, struct buf *b)
{
	const struct conf *c = k->api->conf;
	char verifier[PKCE_VERIFIER_SIZE], challenge[PKCE_CHALLENGE_SIZE];
	struct dialpad_authorize a = {
		.base_url = c->dialpad_oauth_url != NULL ? c->dialpad_oauth_url : c->dialpad_base_url,
		.path = c->dialpad_authorize_path, .client_id = c->dialpad_client_id,
		.redirect_uri = c->dialpad_redirect_uri, .scope = c->dialpad_scopes, .state = str_c(k->state),
	};

	oauth_verifier(verifier, k->api, str_c(k->state), str_c(k->cookie));
	pkce_challenge(challenge, str_c(verifier));
	hash_wipe(verifier, sizeof(verifier));
	a.challenge = str_c(challenge);
	dialpad_authorize_url(b, &a);
}

/* Two addresses: Dialpad's, for whoever keeps the cookie of this very answer; and ours, for a browser that has none yet. */
static void
answer_json(struct connect *k, const char *url)
{
	struct json_out j;
	struct buf b, ours;

	buf_init(&ours, OAUTH_URL_MAX);
	if (k->api->conf->public_url != NULL)
		buf_puts(&ours, k->api->conf->public_url);
	buf_printf(&ours, "/auth/dialpad/connect?ticket=%s", k->ticket);
	buf_init(&b, 4 * OAUTH_URL_MAX);
	json_out_init(&j, &b);
	json_obj(&j);
	json_kbool(&j, "success", true);
	json_key(&j, "data");
	json_obj(&j);
	json_kstr(&j, "authorize_url", str_c(url));
	json_kstr(&j, "connect_url", k->by_ticket ? STR_NONE : buf_as_str(&ours));
	json_ktime(&j, "expires_at", k->now_ms + OAUTH_STATE_MS);
	json_obj_end(&j);
	json_obj_end(&j);
	http_answer(k->rq, 200, "application/json", &b);
	buf_free(&b);
	buf_free(&ours);
}

static void
send_on(struct connect *k)
{
	struct http_request *rq = k->rq;
	struct buf url;

	buf_init(&url, OAUTH_URL_MAX);
	authorize_url(k, &url);
	buf_putc(&url, '\0');
	if (url.failed) {
		buf_free(&url);
		api_no_memory(rq);
		return;
	}
	oauth_cookie_set(rq, k->cookie, OAUTH_STATE_SECONDS);
	http_add_header(rq, "Cache-Control", "no-store");
	if (k->json) {
		answer_json(k, url.p);
	} else {
		http_add_header(rq, "Referrer-Policy", "no-referrer");
		http_add_header(rq, "Location", url.p);
		http_answer(rq, 302, NULL, NULL);
	}
	buf_free(&url);
}

static void
stored_by_key(void *arg, const struct db_result *r)
{
	struct connect *k = arg;

	api_took(k->rq, r);
	if (db_outcome(r) != DB_OK)
		api_db_failed(k->rq, r);
	else if (auth_accepts(k->api, k->rq, &k->caller, r, 0))
		send_on(k);
}

static void
put_state(struct db_params *a, const struct connect *k)
{
	db_put_bytes(a, k->state_hash, SHA256_SIZE);
	db_put_bytes(a, k->cookie_hash, SHA256_SIZE);
	db_put_time_ms(a, k->now_ms);
	db_put_time_ms(a, k->now_ms + OAUTH_STATE_MS);
}

static void
store_by_key(struct api *api, struct http_request *rq)
{
	struct connect *k = rq->state;
	struct db_job *j = db_job_new(api->db, 0, stored_by_key, k);
	DB_PARAMS(check, 2);
	DB_PARAMS(state, 7);
	DB_PARAMS(ticket, 6);
	DB_PARAMS(audit, 3);

	rq->step = "state";
	auth_params(&check, &k->caller);
	auth_params(&state, &k->caller);
	put_state(&state, k);
	db_put_str(&state, k->return_to);
	auth_params(&ticket, &k->caller);
	db_put_bytes(&ticket, k->ticket_hash, SHA256_SIZE);
	db_put_time_ms(&ticket, k->now_ms);
	db_put_time_ms(&ticket, k->now_ms + OAUTH_STATE_MS);
	db_put_str(&ticket, k->return_to);
	db_job_add(j, W_CONNECT_KEY, check.p, check.n);
	db_job_add(j, W_STATE_BY_KEY, state.p, state.n);
	if (k->json)
		db_job_add(j, W_TICKET_BY_KEY, ticket.p, ticket.n);
	auth_params(&audit, &k->caller);
	db_put_cstr(&audit, rq->id);
	db_job_add(j, W_CONNECT_AUDIT, audit.p, audit.n);
	db_job_submit(j);
}

/* Results: 0 the tenant is set, 1 what the ticket is worth, 2 its start is counted, 3 the state is stored. */
static void
stored_by_ticket(void *arg, const struct db_result *r)
{
	struct connect *k = arg;

	api_took(k->rq, r);
	if (db_outcome(r) != DB_OK) {
		api_db_failed(k->rq, r);
		return;
	}
	if (db_affected(r, 3) == 1)
		send_on(k);
	else if (db_rows(r, 1) == 0)
		oauth_page(k->rq, OAUTH_UNKNOWN, STR_NONE, STR_NONE);
	else if (db_bool(r, 1, 0, 0))
		oauth_page(k->rq, OAUTH_REPLAYED, STR_NONE, STR_NONE);
	else if (db_bool(r, 1, 0, 1))
		oauth_page(k->rq, OAUTH_EXPIRED, STR_NONE, STR_NONE);
	else
		oauth_page(k->rq, OAUTH_UNKNOWN, STR_NONE, STR_NONE);
}

static void
store_by_ticket(struct connect *k)
{
	struct db_job *j = db_job_new(k->api->db, 0, stored_by_ticket, k);
	DB_PARAMS(hash, 1);
	DB_PARAMS(look, 2);
	DB_PARAMS(state, 5);
	DB_PARAMS(audit, 2);

	k->rq->step = "state";
	db_put_bytes(&hash, k->ticket_hash, SHA256_SIZE);
	db_put_bytes(&look, k->ticket_hash, SHA256_SIZE);
	db_put_time_ms(&look, k->now_ms);
	put_state(&state, k);
	db_put_bytes(&state, k->ticket_hash, SHA256_SIZE);
	db_job_add(j, W_TICKET_TENANT, hash.p, hash.n);
	db_job_add(j, W_TICKET_LOOK, look.p, look.n);
	db_job_add(j, W_TICKET_START, look.p, look.n);
	db_job_add(j, W_STATE_BY_TICKET, state.p, state.n);
	db_put_bytes(&audit, k->state_hash, SHA256_SIZE);
	db_put_cstr(&audit, k->rq->id);
	db_job_add(j, W_TICKET_AUDIT, audit.p, audit.n);
	db_job_submit(j);
}

static bool
wants_json(const struct http_request *rq)
{
	struct str accept = http_header(rq, "accept"), one, type;

	while (str_cut(&accept, ',', &one)) {
		str_cut(&one, ';', &type);
		if (str_ieq(str_trim(type), STR("application/json")))
			return true;
	}
	return false;
}

/* ticket and return_to of the query. false: something else, or a malformed one; answered. */
static bool
connect_parameters(struct connect *k, struct str *ticket)
{
	struct http_request *rq = k->rq;
	struct str rest = rq->query, name, value;
	int got;

	while ((got = http_query_next(&rq->arena, &rest, &name, &value)) > 0) {
		if (str_eq(name, STR("ticket")))
			*ticket = value;
		else if (str_eq(name, STR("return_to")))
			k->return_to = value;
		else {
			api_problem(rq, 400, "unknown_parameter", "Expected only ticket or return_to");
			return false;
		}
	}
	if (got < 0) {
		api_problem(rq, 400, "malformed_query", "The query string has no well-formed %XX escapes");
		return false;
	}
	if (k->return_to.p != NULL && !may_return_to(k->api->conf, k->return_to)) {
		api_problem(rq, 400, "return_to_not_allowed", "return_to is not one of the addresses this server may send browsers to");
		return false;
	}
	return true;
}

static void
draw_lots(struct connect *k)
{
	struct str cookie = oauth_cookie_find(k->rq);

	/* A browser keeps its cookie, so that two connects side by side do not end each other. */
	if (cookie.p != NULL)
		snprintf(k->cookie, sizeof(k->cookie), "%.*s", STR_ARG(cookie));
	else
		token_make(k->cookie, TOKEN_BROWSER);
	token_make(k->state, TOKEN_STATE);
	token_hash(k->state_hash, str_c(k->state));
	token_hash(k->cookie_hash, str_c(k->cookie));
	k->now_ms = clock_real_ms();
}

void
api_oauth_connect(struct http_request *rq, void *ctx)
{
	struct api *api = ctx;
	struct connect *k = arena_alloc(&rq->arena, sizeof(*k));
	struct str ticket = STR_NONE;

	if (k == NULL) {
		api_no_memory(rq);
		return;
	}
	k->api = api;
	k->rq = rq;
	rq->state = k;
	rq->step = "ask";
	if (!connect_parameters(k, &ticket) || !can_connect(api, rq))
		return;
	k->json = wants_json(rq);
	k->by_ticket = ticket.p != NULL;
	draw_lots(k);
	if (k->by_ticket && !token_valid(ticket, TOKEN_TICKET)) {
		oauth_page(rq, OAUTH_UNKNOWN, STR_NONE, STR_NONE);
	} else if (k->by_ticket) {
		token_hash(k->ticket_hash, ticket);
		store_by_ticket(k);
	} else if (rq->method != HTTP_POST) {
		http_add_header(rq, "Allow", "POST, OPTIONS");
		api_problem(rq, 405, "method_not_allowed", "Without a ticket this is a POST with an API key");
	} else {
		token_make(k->ticket, TOKEN_TICKET);
		token_hash(k->ticket_hash, str_c(k->ticket));
		auth_begin(api, rq, &k->caller, store_by_key);
	}
}
