/*
 * ribbon_init: POST /api/ribbon/init, the beginning of a session. Steps: origin, ask, client, and in
 * ribbon_begin.c line and session. A page comes with a
 * browser key, which anybody can read, and an agent token, which only the CRM's own server can make; it must be one of the
 * key's pages. What is answered is what a ribbon needs and no more: never a password, never anything of Exotel's account but
 * what is part of a SIP address.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "api/audit.h"
#include "api/body.h"
#include "api/limit.h"
#include "api/ribbon_init.h"
#include "base/clock.h"
#include "base/count.h"
#include "base/token.h"
#include "db/stmt_worker.h"

#define ACTOR_SIZE	(UUID_TEXT_SIZE + 8)

enum { CLIENT, SIGNERS, AGENT };		/* statements of the first job */
enum { A_ID, A_AGENT, A_NAME, A_MODE, A_ACTIVE };

static void	look(struct api *api, struct http_request *rq);

/* Into the metrics, and into the audit log when it is known whose. */
static void
note(struct init *i, const char *code)
{
	char actor[ACTOR_SIZE];

	ribbon_refused(i->api, code);
	if (i->client[0] == '\0')
		return;
	snprintf(actor, sizeof(actor), "key:%s", i->client);
	audit_refused(i->api->audit, &(const struct audit_entry){ .app = i->caller.app, .actor = actor, .action = "ribbon.refused",
	    .request_id = i->rq->id }, code);
}

/* And counts it against the address, since guesses may be behind it. */
static void
init_fail(struct init *i, int status, const char *code, const char *message)
{
	note(i, code);
	if (limit_failure(i->api, i->rq))
		api_problem(i->rq, status, code, message);
}

void
init_refuse(struct init *i, int status, const char *code, const char *message)
{
	note(i, code);
	api_problem(i->rq, status, code, message);
}

static void
unknown_key(struct api *api, struct http_request *rq)
{
	(void)api;
	init_fail(rq->state, 401, "invalid_api_key", "Invalid API key");
}

/* ---- ask */

/* The page's own word for its host, when it gives one: whoever copied a snippet to another host learns it here. */
static bool
domain_fits(const struct init *i)
{
	struct origin o;
	char port[8];
	struct str d = i->domain;
	size_t n;

	if (d.p == NULL || str_ieq(d, str_c(i->page.origin)))
		return true;
	if (!origin_parse(&o, str_c(i->page.origin)))
		return false;
	n = strlen(o.host);
	if (d.n < n || !str_ieq((struct str){ d.p, n }, str_c(o.host)))
		return false;
	snprintf(port, sizeof(port), ":%u", (unsigned)o.port);
	return d.n == n || str_eq((struct str){ d.p + n, d.n - n }, str_c(port));
}

static bool
read_key(struct init *i, struct json member)
{
	struct str header = http_header(i->rq, "x-app-api-key");

	if (!body_text(&i->key, member, &i->rq->arena, 2 * TOKEN_SIZE) ||
	    (header.p != NULL && i->key.p != NULL && !str_eq(header, i->key))) {
		init_fail(i, 401, "invalid_api_key", "Invalid API key");
		return false;
	}
	if (header.p != NULL)
		i->key = header;
	if (i->key.p == NULL)
		init_fail(i, 401, "missing_api_key", "Missing x-app-api-key header, and no apiKey in the body");
	else if (!token_valid(i->key, TOKEN_CLIENT_KEY))
		init_fail(i, 401, "invalid_api_key", "Invalid API key");
	else
		return true;
	return false;
}

static bool
read_wish(struct init *i)
{
	enum { KEY, DOMAIN, TOKEN };
	static const char *const names[] = { "apiKey", "domain", "agentToken" };
	struct json member[COUNT(names)];
	struct body_fault fault = { .code = NULL };
	struct json_doc doc;
	struct str token;

	if (!body_read(i->rq, &doc, names, COUNT(names), member, &fault)) {
		init_fail(i, 400, fault.code, fault.text);
		return false;
	}
	if (!read_key(i, member[KEY]))
		return false;
	i->verdict = AGENT_TOKEN_INVALID;
	if (!body_text(&token, member[TOKEN], &i->rq->arena, RIBBON_BODY_MAX))
		i->why = "agentToken must be a text";
	else if (token.p == NULL)
		i->why = "There is no agentToken: the CRM's own server makes one for each agent";
	else
		i->verdict = agent_token_read(&i->token, &i->rq->arena, token, &i->why);
	if (i->verdict == AGENT_TOKEN_NO_MEMORY) {
		api_no_memory(i->rq);
		return false;
	}
	if (body_text(&i->domain, member[DOMAIN], &i->rq->arena, ORIGIN_TEXT_SIZE) && domain_fits(i))
		return true;
	init_fail(i, 403, "origin_not_allowed", "The page's origin is not of the domain it names");
	return false;
}

static void
ask(struct api *api, struct http_request *rq)
{
	struct init *i = rq->state;

	rq->step = "ask";
	if (!read_wish(i))
		return;
	token_hash(i->caller.key_hash, i->key);
	auth_find(api, rq, &i->caller, W_KEY_LOOKUP, look, unknown_key);
}

/* ---- client */

/* false: the key may not be used so; answered. */
bool
init_client_good(struct init *i, const struct db_result *r, int stmt)
{
	struct str state = db_rows(r, stmt) > 0 ? db_text(r, stmt, 0, KEY_STATE) : STR_NONE;

	if (db_rows(r, stmt) > 0)
		memcpy(i->client, db_text(r, stmt, 0, CLIENT_ID).p, UUID_TEXT_SIZE - 1);
	if (str_eq(state, STR("ok")))
		return true;
	if (str_eq(state, STR("origin"))) {
		i->rq->allow_origin = STR_NONE;		/* somebody else's page */
		init_fail(i, 403, "origin_not_allowed", "This key may not be used from this page's origin");
	} else if (str_eq(state, STR("inactive")) || str_eq(state, STR("account")))
		init_refuse(i, 403, "account_inactive", "This account is switched off, or not linked with Exotel");
	else
		init_fail(i, 401, "invalid_api_key", "Invalid API key");
	return false;
}

static bool
is_signed(const struct init *i, const struct db_result *r)
{
	unsigned char key[SHA256_SIZE];
	bool found = false;

	for (int row = 0; row < db_rows(r, SIGNERS); row++)
		if (hex_decode(key, sizeof(key), db_text(r, SIGNERS, row, 0)) == SHA256_SIZE)
			found |= jwt_signed_by(&i->token.jwt, (struct str){ (const char *)key, sizeof(key) });
	hash_wipe(key, sizeof(key));
	return found;
}

static bool
token_good(struct init *i, const struct db_result *r)
{
	if (i->verdict == AGENT_TOKEN_OK && !is_signed(i, r)) {
		i->verdict = AGENT_TOKEN_INVALID;
		i->why = "The agent token is not signed with the SHA-256 of one of the app's server keys";
	}
	if (i->verdict == AGENT_TOKEN_OK)
		i->verdict = agent_token_times(&i->token, i->now_ms / 1000, &i->why);
	if (i->verdict == AGENT_TOKEN_OK)
		return true;
	if (i->verdict == AGENT_TOKEN_EXPIRED)
		init_refuse(i, 401, "agent_token_expired", i->why);
	else
		init_fail(i, 401, "invalid_agent_token", i->why);
	return false;		/* i is gone with its request */
}

static bool
agent_good(struct init *i, const struct db_result *r)
{
	if (db_rows(r, AGENT) == 0 || !db_bool(r, AGENT, 0, A_ACTIVE) || !db_uuid(r, AGENT, 0, A_ID, &i->agent_uuid)) {
		init_refuse(i, 403, "agent_unknown", "There is no such agent");
		return false;
	}
	uuid_format(i->agent, i->agent_uuid);
	i->agent_id = arena_str(&i->rq->arena, db_text(r, AGENT, 0, A_AGENT));
	i->name = arena_str(&i->rq->arena, db_text(r, AGENT, 0, A_NAME));
	i->webrtc = str_eq(db_text(r, AGENT, 0, A_MODE), STR("webrtc"));
	return true;
}

/* One agent's beginnings, not all of a key that a whole CRM shares. */
static bool
count(struct init *i)
{
	struct rate_rule rule = { (uint32_t)i->api->conf->limit_requests, i->api->conf->limit_window_ms };
	const struct str parts[] = { STR("ribbon.init"), str_c(i->caller.app), str_c(i->agent) };
	unsigned char digest[SHA256_SIZE];
	struct rate_state state;

	hash_sha256_parts(digest, parts, COUNT(parts));
	if (limit_request(i->api, i->rq, digest, &rule, &state))
		return true;
	limit_refuse(i->api, i->rq, &rule, &state);
	return false;
}

static void
looked(void *arg, const struct db_result *r)
{
	struct init *i = arg;

	api_took(i->rq, r);
	if (db_outcome(r) == DB_DISTURBED && !i->again) {
		i->again = true;
		look(i->api, i->rq);
	} else if (db_outcome(r) != DB_OK) {
		api_db_failed(i->rq, r);
	} else if (init_client_good(i, r, CLIENT) && token_good(i, r) && agent_good(i, r)) {
		auth_used(i->api, &i->caller);
		i->limit = db_i64(r, CLIENT, 0, CLIENT_LIMIT, -1);
		i->used = db_i64(r, CLIENT, 0, CLIENT_USED, 0);
		if (i->limit >= 0 && i->used >= i->limit)
			init_refuse(i, 429, "limit_reached", "This month's calls are used up");
		else if (count(i))
			init_begin(i);
	}
}

void
init_client_params(struct db_params *p, const struct init *i)
{
	auth_params(p, &i->caller);
	cors_params(p, &i->page);
	db_put_cstr(p, i->month);
}

static void
look(struct api *api, struct http_request *rq)
{
	struct init *i = rq->state;
	struct db_job *j = db_job_new(api->db, 0, looked, i);
	DB_PARAMS(p, 5);
	DB_PARAMS(agent, 2);

	rq->step = "client";
	init_client_params(&p, i);
	db_job_add(j, W_CLIENT, p.p, p.n);
	db_job_add(j, W_SIGNERS, p.p, 1);
	db_put_cstr(&agent, i->caller.app);
	db_put_str(&agent, i->verdict == AGENT_TOKEN_OK ? i->token.agent : STR_NONE);
	db_job_add(j, W_AGENT, agent.p, agent.n);
	db_job_submit(j);
}

void
api_ribbon_init(struct http_request *rq, void *ctx)
{
	struct api *api = ctx;
	struct init *i = arena_alloc(&rq->arena, sizeof(*i));

	if (i == NULL) {
		api_no_memory(rq);
		return;
	}
	i->api = api;
	i->rq = rq;
	i->now_ms = clock_real_ms();
	month_of(i->month, i->now_ms);
	rq->state = i;
	cors_begin(api, rq, &i->page, ask);
}
