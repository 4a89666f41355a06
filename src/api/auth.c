/*
 * auth: see auth.h. Unknown, revoked and expired keys get the same words, so that a probe learns nothing.
 */
#include <sys/types.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/auth.h"
#include "api/limit.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "base/token.h"
#include "db/stmt_worker.h"

#define KEYS_REMEMBERED	4096		/* a power of two; 96 bytes each */
#define ASK_AGAIN_MS	50		/* a key over its limit is asked about so often: it may be revoked, or its limit another */

struct remembered {
	unsigned char	hash[SHA256_SIZE];
	struct uuid	app;
	struct rate_rule own;		/* its own limit, when has_own */
	bool		has_own;
	bool		good;		/* when last asked about */
	int64_t		asked_ms;	/* when that was */
	int64_t		noted_ms;	/* when its use was last told to the reaper; 0 = never */
};

/* Direct-mapped: the hash is random, so its first bytes are the place; the newest of two that collide stays. */
struct keys {
	struct remembered	slot[KEYS_REMEMBERED];
};

struct lookup {
	struct api	*api;
	struct http_request *rq;
	struct caller	*caller;
	int		 stmt;
	auth_fn		 next, unknown;
	bool		 again;
};

struct keys *
keys_new(void)
{
	return calloc(1, sizeof(struct keys));
}

void
keys_free(struct keys *k)
{
	free(k);
}

static struct remembered *
place(struct keys *k, const unsigned char hash[SHA256_SIZE])
{
	return &k->slot[((unsigned)hash[0] << 8 | hash[1]) % KEYS_REMEMBERED];
}

static struct remembered *
recall(struct keys *k, const unsigned char hash[SHA256_SIZE])
{
	struct remembered *slot = place(k, hash);

	return hash_equal(slot->hash, hash, SHA256_SIZE) ? slot : NULL;
}

static void
fail(struct api *api, struct http_request *rq, const char *code, const char *message)
{
	if (limit_failure(api, rq))
		api_problem(rq, 401, code, message);
}

static void
refuse_key(struct api *api, struct http_request *rq)
{
	fail(api, rq, "invalid_api_key", "Invalid API key");
}

static struct rate_rule
rule_of(const struct api *api, const struct remembered *k)
{
	return k->has_own ? k->own : (struct rate_rule){ (uint32_t)api->conf->limit_requests, api->conf->limit_window_ms };
}

/* Decides by what was last known of the key. false: answered. One too many all the same asks the database now and then. */
static bool
count_before(struct api *api, struct http_request *rq, struct caller *caller, struct remembered *k)
{
	struct rate_rule rule = rule_of(api, k);
	struct rate_state state;
	int64_t now = loop_now_ms(api->loop);

	caller->counted = limit_request(api, rq, caller->key_hash, &rule, &state);
	if (caller->counted)
		return true;
	if (now - k->asked_ms < ASK_AGAIN_MS) {
		limit_refuse(api, rq, &rule, &state);
		return false;
	}
	k->asked_ms = now;
	return true;
}

/* Decides by what the database has just said of it. false: answered, and the caller is gone with its request. */
static bool
count_after(struct api *api, struct http_request *rq, struct caller *caller, const struct remembered *k)
{
	struct rate_rule rule = rule_of(api, k);
	struct rate_state state;

	if (!caller->counted)
		caller->counted = limit_request(api, rq, caller->key_hash, &rule, &state);
	if (caller->counted)
		return true;
	limit_refuse(api, rq, &rule, &state);
	return false;
}

/* Once in a while, not with every request: the reaper writes it down no more often. A full pipe: with the next request. */
static void
note_use(struct api *api, struct remembered *k)
{
	struct key_use use = { .app = k->app };
	int64_t now = loop_now_ms(api->loop);

	if (k->noted_ms != 0 && now - k->noted_ms < api->conf->last_used_ms)
		return;
	memcpy(use.key_hash, k->hash, SHA256_SIZE);
	use.used_ms = clock_real_ms();
	if (write(api->use_fd, &use, sizeof(use)) == (ssize_t)sizeof(use))
		k->noted_ms = now;
}

static void
found_app(struct http_request *rq, struct caller *caller, struct uuid app)
{
	uuid_format(caller->app, app);
	http_set_app(rq, caller->app);
	rq->counted = true;
	log_event(LEVEL_DEBUG, "app found by its key", LOG_C("step", rq->step));
}

static void	look_up(struct lookup *l);

static void
looked_up(void *arg, const struct db_result *r)
{
	struct lookup *l = arg;
	struct remembered *k = place(l->api->keys, l->caller->key_hash);
	struct uuid app;

	api_took(l->rq, r);
	if (db_outcome(r) == DB_DISTURBED && !l->again) {
		l->again = true;
		look_up(l);
	} else if (db_outcome(r) != DB_OK) {
		api_db_failed(l->rq, r);
	} else if (db_rows(r, 0) == 0 || !db_uuid(r, 0, 0, 0, &app)) {
		l->unknown(l->api, l->rq);
	} else {
		*k = (struct remembered){ .app = app };
		memcpy(k->hash, l->caller->key_hash, SHA256_SIZE);
		found_app(l->rq, l->caller, app);
		l->next(l->api, l->rq);
	}
}

static void
look_up(struct lookup *l)
{
	struct db_job *j = db_job_new(l->api->db, 0, looked_up, l);
	DB_PARAMS(a, 1);

	db_put_bytes(&a, l->caller->key_hash, SHA256_SIZE);
	db_job_add(j, l->stmt, a.p, a.n);
	db_job_submit(j);
}

/* Two keys: which one would a proxy in front have looked at? */
static bool
repeated(const struct http_request *rq)
{
	size_t i, n = 0;

	for (i = 0; i < rq->nheaders; i++)
		n += str_ieq(rq->headers[i].name, STR("x-app-api-key"));
	return n > 1;
}

void
auth_find(struct api *api, struct http_request *rq, struct caller *caller, int stmt, auth_fn next, auth_fn unknown)
{
	struct remembered *k = recall(api->keys, caller->key_hash);
	struct lookup *l;

	if (k != NULL)
		found_app(rq, caller, k->app);
	if (k != NULL && k->good ? !count_before(api, rq, caller, k) : !limit_may_try(api, rq, caller->key_hash))
		return;
	if (k != NULL) {
		next(api, rq);
		return;
	}
	l = arena_alloc(&rq->arena, sizeof(*l));
	if (l == NULL) {
		api_no_memory(rq);
		return;
	}
	*l = (struct lookup){ api, rq, caller, stmt, next, unknown, false };
	look_up(l);
}

void
auth_begin(struct api *api, struct http_request *rq, struct caller *caller, auth_fn next)
{
	struct str key = http_header(rq, "x-app-api-key");

	rq->step = "auth";
	if (key.p == NULL) {
		fail(api, rq, "missing_api_key", "Missing x-app-api-key header");
		return;
	}
	if (!token_valid(key, TOKEN_SERVER_KEY) || repeated(rq)) {
		refuse_key(api, rq);
		return;
	}
	token_hash(caller->key_hash, key);
	auth_find(api, rq, caller, W_KEY_LOOKUP, next, refuse_key);
}

void
auth_params(struct db_params *a, const struct caller *caller)
{
	db_put_cstr(a, caller->app);
	db_put_bytes(a, caller->key_hash, SHA256_SIZE);
}

/* What the answer said of the key; its slot may meanwhile be another's. "5000/900" or absent: its own limit. */
static struct remembered *
remember(struct api *api, const struct caller *caller, struct str own)
{
	struct remembered *k = place(api->keys, caller->key_hash);
	struct str requests;
	int64_t limit, seconds;

	if (!hash_equal(k->hash, caller->key_hash, SHA256_SIZE)) {
		*k = (struct remembered){ .good = false };
		memcpy(k->hash, caller->key_hash, SHA256_SIZE);
		uuid_parse(str_c(caller->app), &k->app);
	}
	k->good = true;
	k->asked_ms = loop_now_ms(api->loop);
	k->has_own = str_cut(&own, '/', &requests) && num_i64(requests, 0, RATE_LIMIT_MAX, &limit) &&
	    num_i64(own, 1, INT32_MAX, &seconds);
	if (k->has_own)
		k->own = (struct rate_rule){ (uint32_t)limit, seconds * 1000 };
	return k;
}

bool
auth_good(struct api *api, struct http_request *rq, struct caller *caller, struct str own_limit)
{
	return count_after(api, rq, caller, remember(api, caller, own_limit));
}

void
auth_begun(struct api *api, const struct caller *caller, struct str own_limit)
{
	struct rate_rule rule = rule_of(api, remember(api, caller, own_limit));

	limit_note(api, caller->key_hash, &rule);
}

void
auth_bad(struct api *api, const struct caller *caller)
{
	struct remembered *k = recall(api->keys, caller->key_hash);

	if (k != NULL)
		k->good = false;
	limit_forget_key(api, caller->key_hash);
}

void
auth_used(struct api *api, const struct caller *caller)
{
	struct remembered *k = recall(api->keys, caller->key_hash);

	if (k != NULL)
		note_use(api, k);
}

bool
auth_accepts(struct api *api, struct http_request *rq, struct caller *caller, const struct db_result *r, int i)
{
	struct str state = db_text(r, i, 0, KEY_STATE);
	bool ok = str_eq(state, STR("ok")), inactive = str_eq(state, STR("inactive"));

	if (!ok && !inactive && !str_eq(state, STR("scope"))) {
		auth_bad(api, caller);
		refuse_key(api, rq);
		return false;
	}
	if (!auth_good(api, rq, caller, db_text(r, i, 0, KEY_OWN_LIMIT)))
		return false;
	auth_used(api, caller);
	if (inactive)
		api_problem(rq, 403, "app_inactive", "App is inactive");
	else if (!ok)
		api_problem(rq, 403, "missing_scope", "This API key may not do that");
	return ok;
}
