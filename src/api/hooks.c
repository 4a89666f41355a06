/*
 * hooks: see hooks.h. An open-addressed table by the token's hash, grown by doubling, bounded by HOOKS_MAX. Rows are never
 * deleted in the database, only disabled, so "changed since" tells everything.
 */
#include <sys/types.h>
#include <stdlib.h>
#include <string.h>

#include "api/hooks.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/token.h"
#include "db/param.h"
#include "db/stmt_worker.h"

#define HOOKS_MAX	100000		/* about 300 bytes each */
#define HOOKS_PAGE	5000		/* as in the statement */
#define HOOKS_LOOK_MS	200		/* the least time between two looks that misses can cause */
#define HOOKS_OVERLAP_US 5000000	/* looked at again: a transaction may commit later than its updated_at says */
#define HOOKS_OVERLAP_MS 30000		/* for how long after the last change */
#define HOOKS_FULL_MS	300000		/* everything anew: for rows of clocks that are behind, restored ones included */
#define WAITERS_MAX	1024

struct waiter {
	void	(*fn)(void *arg, bool ok);
	void	*arg;
};

struct hooks {
	struct loop	*loop;
	struct db	*db;
	struct timer	*timer;		/* the next regular look */
	struct timer	*soon;		/* a look that a miss asked for, not before HOOKS_LOOK_MS have passed */
	int64_t		 refresh_ms;
	int64_t		 since_us;	/* newest updated_at seen */
	unsigned char	 page_hash[SHA256_SIZE];	/* last row of a full page: the next begins after it */
	int64_t		 page_us;
	int64_t		 looked_ms, full_ms, moved_ms;
	uint64_t	 version;
	bool		 looking, loaded, again, full_logged;
	loop_fn		 first_done;	/* told once after the first look of a connection */
	void		*first_arg;
	struct hook	*all;
	size_t		 count, cap;
	size_t		*index;		/* position + 1 in all, 0 = empty; size is a power of two, twice the capacity */
	size_t		 index_size;
	struct waiter	 waiting[WAITERS_MAX], joining[WAITERS_MAX];
	size_t		 nwaiting, njoining;
};

static void	look(struct hooks *h);

static size_t
first_place(const struct hooks *h, const unsigned char hash[SHA256_SIZE])
{
	size_t v;

	memcpy(&v, hash, sizeof(v));
	return v & (h->index_size - 1);
}

static struct hook *
find(const struct hooks *h, const unsigned char hash[SHA256_SIZE])
{
	size_t i;

	if (h->index_size == 0)
		return NULL;
	for (i = first_place(h, hash); h->index[i] != 0; i = (i + 1) & (h->index_size - 1))
		if (hash_equal(h->all[h->index[i] - 1].token_hash, hash, SHA256_SIZE))
			return &h->all[h->index[i] - 1];
	return NULL;
}

static void
enter(struct hooks *h, size_t position)
{
	size_t i = first_place(h, h->all[position].token_hash);

	while (h->index[i] != 0)
		i = (i + 1) & (h->index_size - 1);
	h->index[i] = position + 1;
}

static bool
grow(struct hooks *h)
{
	size_t cap = h->cap > 0 ? h->cap * 2 : 64, i;
	struct hook *all = realloc(h->all, cap * sizeof(*all));
	size_t *idx;

	if (all == NULL)
		return false;
	h->all = all;
	h->cap = cap;
	idx = calloc(cap * 2, sizeof(*idx));
	if (idx == NULL)
		return false;
	free(h->index);
	h->index = idx;
	h->index_size = cap * 2;
	for (i = 0; i < h->count; i++)
		enter(h, i);
	return true;
}

static struct hook *
add(struct hooks *h, const unsigned char hash[SHA256_SIZE])
{
	struct hook *k;

	if (h->count >= HOOKS_MAX || (h->count == h->cap && !grow(h))) {
		if (!h->full_logged)
			log_event(LEVEL_ERROR, "hook table is full: further ones will not be served", LOG_INT("hooks", h->count));
		h->full_logged = true;
		return NULL;
	}
	k = &h->all[h->count];
	memset(k, 0, sizeof(*k));
	memcpy(k->token_hash, hash, SHA256_SIZE);
	enter(h, h->count++);
	return k;
}

static void
hook_wipe(struct hook *k)
{
	secret_free(&k->secret);
	secret_free(&k->previous);
	free(k->org_id);
	k->org_id = NULL;
}

/* One row: token_hash, app_id, hook_id, provider, org_id, secret, previous_secret, previous_until, enabled, updated_at. */
static bool
take_row(struct hooks *h, const struct db_result *r, int row)
{
	unsigned char hash[SHA256_SIZE];
	struct str provider = db_text(r, 0, row, 3), org = db_text(r, 0, row, 4);
	struct hook *k;
	int64_t at;

	if (hex_decode(hash, sizeof(hash), db_text(r, 0, row, 0)) != SHA256_SIZE || !db_parse_time_us(db_text(r, 0, row, 9), &at))
		return true;
	if (at > h->since_us) {
		h->since_us = at;
		h->moved_ms = h->looked_ms;
	}
	k = find(h, hash);
	if (k != NULL && k->updated_us == at)
		return true;			/* seen before: the looks overlap */
	if (k == NULL)
		k = add(h, hash);
	if (k == NULL)
		return true;
	hook_wipe(k);
	h->version++;
	db_uuid(r, 0, row, 1, &k->app_id);
	db_uuid(r, 0, row, 2, &k->id);
	memset(k->provider, 0, sizeof(k->provider));
	memcpy(k->provider, provider.p, provider.n < sizeof(k->provider) ? provider.n : sizeof(k->provider) - 1);
	if (org.p != NULL)
		k->org_id = strndup(org.p, org.n);
	if (!secret_set(&k->secret, db_text(r, 0, row, 5)) ||
	    (db_text(r, 0, row, 6).p != NULL && !secret_set(&k->previous, db_text(r, 0, row, 6))))
		return false;			/* half a hook must not refuse deliveries: the look counts as failed */
	if (!db_parse_time_us(db_text(r, 0, row, 7), &k->previous_until_us))
		k->previous_until_us = INT64_MAX;
	k->enabled = db_bool(r, 0, row, 8);
	k->updated_us = at;
	return true;
}

static void
tell_waiters(struct hooks *h, bool ok)
{
	struct waiter told[WAITERS_MAX];
	size_t n = h->nwaiting, i;

	memcpy(told, h->waiting, n * sizeof(told[0]));
	h->nwaiting = 0;
	for (i = 0; i < n; i++)
		told[i].fn(told[i].arg, ok);
}

static void
looked(void *arg, const struct db_result *r)
{
	struct hooks *h = arg;
	bool ok = db_outcome(r) == DB_OK;
	int rows = ok ? db_rows(r, 0) : 0, i;

	h->looking = false;
	for (i = 0; i < rows; i++)
		ok = take_row(h, r, i) && ok;
	if (ok && rows == HOOKS_PAGE && db_parse_time_us(db_text(r, 0, rows - 1, 9), &h->page_us) &&
	    hex_decode(h->page_hash, SHA256_SIZE, db_text(r, 0, rows - 1, 0)) == SHA256_SIZE) {
		h->again = true;		/* more than a page changed: go on behind its last row */
		look(h);
		return;
	}
	h->again = false;
	h->loaded = h->loaded || ok;
	timer_set(h->timer, h->refresh_ms);
	if (h->first_done != NULL) {
		loop_fn done = h->first_done;
		h->first_done = NULL;
		done(h->first_arg);
	}
	tell_waiters(h, ok);
	if (h->njoining > 0)
		timer_set(h->soon, HOOKS_LOOK_MS);
}

/* From where this look begins: everything now and then, a little overlap while things change, else only what is newer. */
static int64_t
look_from(struct hooks *h)
{
	if (h->looked_ms - h->full_ms >= HOOKS_FULL_MS) {
		h->full_ms = h->looked_ms;
		h->since_us = INT64_MIN;
	}
	if (h->since_us == INT64_MIN)
		return INT64_MIN;
	return h->looked_ms - h->moved_ms < HOOKS_OVERLAP_MS ? h->since_us - HOOKS_OVERLAP_US : h->since_us;
}

static void
look(struct hooks *h)
{
	struct db_job *j;
	DB_PARAMS(a, 2);

	if (!h->again) {		/* whoever waits now is served by this look */
		memcpy(h->waiting + h->nwaiting, h->joining, h->njoining * sizeof(h->joining[0]));
		h->nwaiting += h->njoining;
		h->njoining = 0;
	}
	h->looking = true;
	h->looked_ms = loop_now_ms(h->loop);
	if (h->again)
		db_put_time_us(&a, h->page_us);
	else
		db_put_time_us(&a, look_from(h));
	db_put_bytes(&a, h->page_hash, h->again ? SHA256_SIZE : 0);
	j = db_job_new(h->db, 0, looked, h);
	db_job_add(j, W_HOOKS, a.p, a.n);
	db_job_submit(j);
}

static void
look_now(void *arg)
{
	struct hooks *h = arg;

	if (!h->looking && db_state(h->db) == DB_READY)
		look(h);
	else if (!h->looking)
		timer_set(h->timer, h->refresh_ms);
}

/* A miss's look may come after the database went away: its waiters must not wait for ever. */
static void
look_soon(void *arg)
{
	struct hooks *h = arg;

	if (!h->looking)
		look(h);
}

struct hooks *
hooks_new(struct loop *l, struct db *db, int64_t refresh_ms)
{
	struct hooks *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->loop = l;
	h->db = db;
	h->refresh_ms = refresh_ms;
	h->since_us = INT64_MIN;
	h->timer = timer_new(l, look_now, h);
	h->soon = timer_new(l, look_soon, h);
	if (h->timer == NULL || h->soon == NULL) {
		hooks_free(h);
		return NULL;
	}
	return h;
}

void
hooks_free(struct hooks *h)
{
	size_t i;

	if (h == NULL)
		return;
	for (i = 0; i < h->count; i++)
		hook_wipe(&h->all[i]);
	free(h->all);
	free(h->index);
	timer_free(h->timer);
	timer_free(h->soon);
	free(h);
}

void
hooks_database_ready(struct hooks *h, loop_fn done, void *arg)
{
	h->since_us = INT64_MIN;
	h->full_ms = loop_now_ms(h->loop);
	h->again = false;
	h->first_done = done;
	h->first_arg = arg;
	look_now(h);
}

uint64_t
hooks_version(const struct hooks *h)
{
	return h->version;
}

bool
hooks_loaded(const struct hooks *h)
{
	return h->loaded;
}

const struct hook *
hooks_by_token(const struct hooks *h, struct str token)
{
	unsigned char hash[SHA256_SIZE];

	token_hash(hash, token);
	return find(h, hash);
}

size_t
hooks_count(const struct hooks *h)
{
	return h->count;
}

const struct hook *
hooks_at(const struct hooks *h, size_t i)
{
	return i < h->count ? &h->all[i] : NULL;
}

bool
hook_previous_lives(const struct hook *k)
{
	return secret_present(&k->previous) && clock_real_ms() < k->previous_until_us / 1000;
}

bool
hook_was_open(const struct hook *k)
{
	return k->previous.bytes != NULL && k->previous.len == 0 && clock_real_ms() < k->previous_until_us / 1000;
}

void
hooks_refresh(struct hooks *h, void (*fn)(void *arg, bool ok), void *arg)
{
	int64_t wait = h->looked_ms + HOOKS_LOOK_MS - loop_now_ms(h->loop);

	if (h->njoining == WAITERS_MAX || h->nwaiting + h->njoining >= WAITERS_MAX || db_state(h->db) != DB_READY) {
		fn(arg, false);
		return;
	}
	h->joining[h->njoining++] = (struct waiter){ fn, arg };
	if (!h->looking)
		timer_set(h->soon, wait > 0 ? wait : 0);
}
