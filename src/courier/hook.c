/*
 * hook: our side of a registration: the hook that is made for a connection, with its token, address and secret. It is known
 * to every worker before Dialpad hears of it. The address holds the token, so it is stored sealed.
 */
#include <sys/types.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/token.h"
#include "courier/registrar.h"

#define HOOK_PATH	"/webhooks/dialpad/"
#define ADDRESS_MAX	2048

/* public_url, path and token. false: the address is too long. */
static bool
make_address(struct registration *r, struct str token)
{
	struct buf b;
	bool good;

	buf_init(&b, ADDRESS_MAX);
	buf_puts(&b, r->courier->conf->public_url);
	buf_puts(&b, HOOK_PATH);
	buf_str(&b, token);
	good = !b.failed && secret_set(&r->address, buf_as_str(&b));
	buf_wipe_free(&b);
	return good;
}

static void
made(void *arg, const struct db_result *result)
{
	struct registration *r = arg;

	if (registration_dropped(r))
		return;
	if (db_outcome(result) == DB_FAILED)
		log_event(LEVEL_ERROR, "a hook cannot be stored", LOG_C("error", db_error_text(result)));
	if (registration_goes_on(r, result, db_affected(result, 0) == 1))
		registration_begin(r);
}

void
hook_make(struct registration *r)
{
	const struct envelope_place at = { "dialpad_connections", "hook_url", r->app, r->id };
	char token[TOKEN_SIZE], secret[TOKEN_SIZE];
	unsigned char hash[SHA256_SIZE];
	struct db_job *j;
	struct buf url;
	DB_PARAMS(p, 6);

	token_make(token, TOKEN_HOOK);
	token_make(secret, TOKEN_HOOK_SECRET);
	token_hash(hash, str_c(token));
	r->hook = uuid_v7(clock_real_ms());
	buf_init(&url, ENVELOPE_MAX);
	if (!make_address(r, str_c(token)) || !secret_set(&r->secret, str_c(secret)) ||
	    !courier_seal(r->courier, &url, &at, &r->address)) {
		registration_later(r, registration_backoff(r), "the hook's address cannot be sealed");
	} else {
		registration_put(&p, r);
		db_put_uuid(&p, r->hook);
		db_put_bytes(&p, url.p, url.len);
		j = db_job_new(r->courier->db, 0, made, r);
		db_job_add(j, C_HOOK_MAKE, p.p, p.n);
		db_job_add(j, C_HOOK_ADD, p.p, 4);
		p.n = 4;
		db_put_bytes(&p, hash, sizeof(hash));
		db_put_cstr(&p, secret);
		db_job_add(j, C_HOOK_LOOKUP_ADD, p.p, p.n);
		db_job_submit(j);
	}
	buf_free(&url);
	hash_wipe(token, sizeof(token));
	hash_wipe(secret, sizeof(secret));
}

bool
hook_open(struct registration *r, struct str hex)
{
	struct secret stored = { 0 };
	struct str rest, token = STR_NONE;
	bool good = grant_open(r->courier, &stored, "hook_url", r->app, r->id, hex);

	if (good) {
		rest = secret_bytes(&stored);
		while (str_cut(&rest, '/', &token))
			;
		good = make_address(r, token);
		r->moved = !secret_equal(&stored, &r->address);
	}
	secret_free(&stored);
	return good;
}
