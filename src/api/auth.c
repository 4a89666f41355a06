/*
 * auth: see auth.h. Unknown, revoked and expired keys get the same words, so that a probe learns nothing.
 */
#include <sys/types.h>
#include <stdlib.h>
#include <string.h>

#include "api/auth.h"
#include "base/log.h"
#include "base/token.h"
#include "db/stmt_worker.h"

#define KEYS_REMEMBERED	4096		/* a power of two; 48 bytes each */

struct remembered {
	unsigned char	hash[SHA256_SIZE];
	struct uuid	app;
};

/* Direct-mapped: the hash is random, so its first bytes are the place; the newest of two that collide stays. */
struct keys {
	struct remembered	slot[KEYS_REMEMBERED];
};

struct lookup {
	struct api	*api;
	struct http_request *rq;
	struct caller	*caller;
	auth_fn		 next;
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

static void
refuse_key(struct http_request *rq)
{
	api_problem(rq, 401, "invalid_api_key", "Invalid API key");
}

static void
found_app(struct api *api, struct http_request *rq, struct caller *caller, struct uuid app, auth_fn next)
{
	uuid_format(caller->app, app);
	http_set_app(rq, caller->app);
	rq->counted = true;
	log_event(LEVEL_DEBUG, "app found by its key", LOG_C("step", rq->step));
	next(api, rq);
}

static void	look_up(struct lookup *l);

static void
looked_up(void *arg, const struct db_result *r)
{
	struct lookup *l = arg;
	struct remembered *slot = place(l->api->keys, l->caller->key_hash);
	struct uuid app;

	api_took(l->rq, r);
	if (db_outcome(r) == DB_DISTURBED && !l->again) {
		l->again = true;
		look_up(l);
	} else if (db_outcome(r) != DB_OK) {
		api_db_failed(l->rq, r);
	} else if (db_rows(r, 0) == 0 || !db_uuid(r, 0, 0, 0, &app)) {
		refuse_key(l->rq);
	} else {
		memcpy(slot->hash, l->caller->key_hash, SHA256_SIZE);
		slot->app = app;
		found_app(l->api, l->rq, l->caller, app, l->next);
	}
}

static void
look_up(struct lookup *l)
{
	struct db_job *j = db_job_new(l->api->db, 0, looked_up, l);
	DB_PARAMS(a, 1);

	db_put_bytes(&a, l->caller->key_hash, SHA256_SIZE);
	db_job_add(j, W_KEY_LOOKUP, a.p, a.n);
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
auth_begin(struct api *api, struct http_request *rq, struct caller *caller, auth_fn next)
{
	struct str key = http_header(rq, "x-app-api-key");
	struct remembered *slot;
	struct lookup *l;

	rq->step = "auth";
	if (key.p == NULL) {
		api_problem(rq, 401, "missing_api_key", "Missing x-app-api-key header");
		return;
	}
	if (!token_valid(key, TOKEN_SERVER_KEY) || repeated(rq)) {
		refuse_key(rq);
		return;
	}
	token_hash(caller->key_hash, key);
	slot = place(api->keys, caller->key_hash);
	if (hash_equal(slot->hash, caller->key_hash, SHA256_SIZE)) {
		found_app(api, rq, caller, slot->app, next);
		return;
	}
	l = arena_alloc(&rq->arena, sizeof(*l));
	if (l == NULL) {
		api_no_memory(rq);
		return;
	}
	*l = (struct lookup){ api, rq, caller, next, false };
	look_up(l);
}

void
auth_params(struct db_params *a, const struct caller *caller)
{
	db_put_cstr(a, caller->app);
	db_put_bytes(a, caller->key_hash, SHA256_SIZE);
}

bool
auth_accepts(struct http_request *rq, const struct db_result *r, int i)
{
	struct str state = db_text(r, i, 0, 0);

	if (str_eq(state, STR("ok")))
		return true;
	if (str_eq(state, STR("inactive")))
		api_problem(rq, 403, "app_inactive", "App is inactive");
	else if (str_eq(state, STR("scope")))
		api_problem(rq, 403, "missing_scope", "This API key may not do that");
	else
		refuse_key(rq);
	return false;
}
