/*
 * hooks: every hook of the installation in the worker's memory, so that a delivery is verified without asking the database.
 * Refreshed by what changed since the last look, on a timer and at once when something is not found or does not verify
 * (a hook or a secret made a moment ago). A stale table is never a reason to refuse for good: see hooks_refresh.
 */
#ifndef RINGD_HOOKS_H
#define RINGD_HOOKS_H

#include <stdbool.h>

#include "base/hash.h"
#include "base/secret.h"
#include "base/uuid.h"
#include "db/db.h"

struct hook {
	unsigned char	 token_hash[SHA256_SIZE];
	struct uuid	 app_id, id;
	char		 provider[16];
	char		*org_id;		/* NULL: none */
	struct secret	 secret, previous;
	int64_t		 previous_until_us;	/* INT64_MAX: for good */
	int64_t		 updated_us;
	bool		 enabled;
};

struct hooks	*hooks_new(struct loop *l, struct db *db, int64_t refresh_ms);	/* NULL without memory */
void		 hooks_free(struct hooks *h);			/* wipes the secrets */
/* Called on each new connection: loads everything, whatever was known, then keeps it fresh. done(arg) after that first look, well or not. */
void		 hooks_database_ready(struct hooks *h, loop_fn done, void *arg);
bool		 hooks_loaded(const struct hooks *h);		/* at least once, completely */

const struct hook *hooks_by_token(const struct hooks *h, struct str token);
/* Grows whenever the table changed: what did not fit before will not fit now unless this moved. */
uint64_t	 hooks_version(const struct hooks *h);
size_t		 hooks_count(const struct hooks *h);
/* All, for deliveries without a token; i from 0; NULL at the end. */
const struct hook *hooks_at(const struct hooks *h, size_t i);
bool		 hook_previous_lives(const struct hook *k);
/* It got its first secret lately, and who does not know that yet is still let in. */
bool		 hook_was_open(const struct hook *k);

/* Calls fn(arg) in the loop once the table is at least as fresh as this call; ok false when the database cannot be asked now. Many callers
 * share one look; looks are at least HOOKS_LOOK_MS apart. */
void		 hooks_refresh(struct hooks *h, void (*fn)(void *arg, bool ok), void *arg);

#endif
