/*
 * refresh: the life of tokens. A pair is renewed ahead of its end by exactly one process in the whole cluster: a row lock
 * decides who, a lease in the row keeps it so while Dialpad is asked, and only the lease's holder may store what came.
 * A process that dies in between leaves the lease to end by itself; whoever takes it then tries with the pair that is
 * there, which is the old one, or the new one if it came to be stored. Both tokens of a pair are stored in one statement;
 * where no new refresh token came the old one stays. A pair that came has ended the old one at Dialpad: it is kept, sealed,
 * until the database has taken it, and a courier that is asked to leave does not leave it behind.
 */
#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "courier/budget.h"
#include "courier/grant.h"
#include "providers/dialpad_oauth.h"

#define KEEPER_MS		1000	/* how often the table is looked at */
#define LEASE_MS		60000	/* over the longest request, and time to store */
#define RETRY_MIN_MS		5000
#define RETRY_MAX_MS		(10 * 60 * 1000)
#define UNREADABLE_MAX		5	/* answers in a row that hold no token, before people are asked */
#define STORE_AGAIN_MS		1000
#define STORES_MAX		3600	/* tries to store a pair: an hour */
#define ANSWER_MEMORY		((size_t)1024 * 1024)
#define FORM_MAX		32768

struct refresh {
	struct courier	*courier;
	struct uuid	 app, id, owner;
	int64_t		 attempts;
	enum refresh_outcome outcome;	/* once the row is written */
	char		 why[320];
	refresh_fn	 fn;
	void		*arg;
	struct buf	 access, renewed;	/* the pair that came, as it is stored; the second may be empty */
	int64_t		 expires_ms, came_ms;
	unsigned	 stores;		/* tries to store it */
	struct timer	*timer;			/* of the next; NULL until one was in vain */
};

struct keeper {
	struct courier	*courier;
	struct timer	*timer;
};

int64_t
grant_due_ms(int64_t now_ms, int64_t expires_ms, int64_t ahead_ms, uint32_t random)
{
	int64_t life;

	if (expires_ms == INT64_MIN)
		return INT64_MIN;
	life = expires_ms - now_ms;
	if (life <= 0)
		return now_ms;
	if (ahead_ms > life / 5)
		ahead_ms = life / 5;
	return expires_ms - ahead_ms - (int64_t)(random % (uint32_t)(life / 20 < INT32_MAX ? life / 20 + 1 : INT32_MAX));
}

static void
tell(struct refresh *f)
{
	if (f->fn != NULL)
		f->fn(f->arg, f->outcome, f->why);
	f->fn = NULL;
}

static void
end(struct refresh *f)
{
	struct courier *c = f->courier;

	tell(f);
	timer_free(f->timer);
	buf_free(&f->access);
	buf_free(&f->renewed);
	free(f);
	c->renewals--;
	courier_leave_if_done(c);
}

/* ---- what came is written */

static void	store_pair(struct refresh *f);

static void
store_again(void *arg)
{
	store_pair(arg);
}

/* Whoever waits is told that there is nothing yet. false: it cannot be kept any longer. */
static bool
keep_pair(struct refresh *f, const char *why)
{
	if (f->courier->keeper->timer == NULL || f->stores >= STORES_MAX)
		return false;
	if (f->timer == NULL) {
		f->timer = timer_new(f->courier->loop, store_again, f);
		if (f->timer == NULL)
			return false;
		log_event(LEVEL_WARN, "a renewed token cannot be stored yet", LOG_C("error", why));
	}
	f->outcome = REFRESH_FAILED;
	snprintf(f->why, sizeof(f->why), "%s", why);
	tell(f);
	timer_set(f->timer, STORE_AGAIN_MS);
	return true;
}

static void
written(void *arg, const struct db_result *r)
{
	static const enum score_counter counters[] = {
		[REFRESH_DONE] = SCORE_REFRESH_DONE, [REFRESH_NOTHING] = SCORE_REFRESH_LATE,
		[REFRESH_FAILED] = SCORE_REFRESH_FAILED, [REFRESH_DEAD] = SCORE_REFRESH_DEAD,
	};
	struct refresh *f = arg;

	log_about_app(f->app);
	if (db_outcome(r) != DB_OK) {
		if (f->outcome == REFRESH_DONE && keep_pair(f, db_error_text(r)))
			return;
		log_event(LEVEL_ERROR, "what came of a token's renewal could not be stored", LOG_C("error", db_error_text(r)));
		f->outcome = REFRESH_FAILED;
	} else if (db_affected(r, 0) != 1) {
		/* Connected anew meanwhile, or the lease ran out and another holds it: theirs is newer. */
		log_warn("a renewed token came too late to be stored");
		f->outcome = REFRESH_NOTHING;
	} else if (f->outcome == REFRESH_DONE) {
		log_info("token renewed");
	} else if (f->outcome == REFRESH_DEAD) {
		log_event(LEVEL_ERROR, "Dialpad does not renew the token, the connection needs a new consent", LOG_C("reason", f->why));
	} else {
		log_event(LEVEL_WARN, "token not renewed, it will be tried again", LOG_C("reason", f->why));
	}
	score_count(f->courier->h->score, counters[f->outcome], 1);
	end(f);
}

static struct db_params *
put_mine(struct db_params *p, const struct refresh *f)
{
	db_put_uuid(p, f->app);
	db_put_uuid(p, f->id);
	db_put_uuid(p, f->owner);
	return p;
}

static void
write_later(struct refresh *f, int64_t wait_ms)
{
	struct db_job *j;
	DB_PARAMS(p, 6);

	f->outcome = REFRESH_FAILED;
	put_mine(&p, f);
	db_put_time_ms(&p, clock_real_ms() + wait_ms);
	db_put_cstr(&p, f->why);
	db_put_time_ms(&p, clock_real_ms());
	j = db_job_new(f->courier->db, 0, written, f);
	db_job_add(j, C_REFRESH_LATER, p.p, p.n);
	db_job_submit(j);
}

static void
write_dead(struct refresh *f)
{
	struct db_job *j;
	DB_PARAMS(p, 5);

	f->outcome = REFRESH_DEAD;
	put_mine(&p, f);
	db_put_cstr(&p, f->why);
	db_put_time_ms(&p, clock_real_ms());
	j = db_job_new(f->courier->db, 0, written, f);
	db_job_add(j, C_NEEDS_RECONNECT, p.p, p.n);
	db_job_submit(j);
}

/* The lease may have run out meanwhile: as long as nobody else has taken it the pair is the newest there is. */
static void
store_pair(struct refresh *f)
{
	uint32_t random;
	struct db_job *j;
	DB_PARAMS(p, 8);

	hash_random(&random, sizeof(random));
	f->outcome = REFRESH_DONE;
	f->stores++;
	put_mine(&p, f);
	db_put_bytes(&p, f->access.p, f->access.len);
	if (f->renewed.len > 0)
		db_put_bytes(&p, f->renewed.p, f->renewed.len);
	else
		db_put_null(&p);
	db_put_time_ms(&p, f->expires_ms);
	db_put_time_ms(&p, grant_due_ms(f->came_ms, f->expires_ms, f->courier->conf->dialpad_refresh_ahead_ms, random));
	db_put_time_ms(&p, clock_real_ms());
	j = db_job_new(f->courier->db, 0, written, f);
	db_job_add(j, C_REFRESHED, p.p, p.n);
	db_job_submit(j);
}

static void
write_pair(struct refresh *f, const struct dialpad_tokens *t)
{
	f->came_ms = clock_real_ms();
	f->expires_ms = t->expires_in_s >= 0 ? f->came_ms + t->expires_in_s * 1000 : INT64_MIN;
	if (!grant_seal(f->courier, &f->access, "access_token", f->app, f->id, t->access) ||
	    (t->refresh.p != NULL && !grant_seal(f->courier, &f->renewed, "refresh_token", f->app, f->id, t->refresh))) {
		snprintf(f->why, sizeof(f->why), "the tokens cannot be sealed");
		write_later(f, RETRY_MIN_MS);
	} else
		store_pair(f);
}

/* ---- asking */

static int64_t
backoff(const struct refresh *f)
{
	uint32_t random;

	hash_random(&random, sizeof(random));
	return budget_backoff_ms(f->attempts < 30 ? (unsigned)f->attempts + 1 : 31, RETRY_MIN_MS, RETRY_MAX_MS, random);
}

static void
answered(void *arg, const struct errand_answer *a)
{
	struct refresh *f = arg;
	const struct client_answer *last = a->last;
	struct dialpad_tokens t;
	struct arena arena;

	arena_init(&arena, ANSWER_MEMORY);
	switch (dialpad_token_answer(&t, &arena, last != NULL ? last->status : 0, last != NULL ? last->body : STR_NONE)) {
	case DIALPAD_TOKEN_OK:
		write_pair(f, &t);
		break;
	case DIALPAD_TOKEN_REFUSED:
		snprintf(f->why, sizeof(f->why), "%s", t.why);
		write_dead(f);
		break;
	case DIALPAD_TOKEN_UNREADABLE:
		snprintf(f->why, sizeof(f->why), "%s", t.why);
		if (f->attempts + 1 >= UNREADABLE_MAX)
			write_dead(f);
		else
			write_later(f, backoff(f));
		break;
	case DIALPAD_TOKEN_MISCONFIGURED:
		snprintf(f->why, sizeof(f->why), "Dialpad does not take our client id and secret: %s", t.why);
		write_later(f, RETRY_MAX_MS);
		break;
	case DIALPAD_TOKEN_AGAIN:
		snprintf(f->why, sizeof(f->why), "%s", last != NULL && last->why[0] != '\0' ? last->why : t.why);
		write_later(f, backoff(f));
		break;
	}
	arena_wipe_free(&arena);
}

/* Columns of a lease: app, id, company, refresh token in hex, attempts. */
static void
begin(struct refresh *f, const struct db_result *r)
{
	int64_t deadline_ms = loop_now_ms(f->courier->loop) + LEASE_MS / 2;
	struct secret token = { 0 };

	db_uuid(r, 0, 0, 0, &f->app);
	db_uuid(r, 0, 0, 1, &f->id);
	f->attempts = db_i64(r, 0, 0, 4, 0);
	if (!grant_open(f->courier, &token, "refresh_token", f->app, f->id, db_text(r, 0, 0, 3))) {
		snprintf(f->why, sizeof(f->why), "the stored token does not open");
		write_later(f, RETRY_MAX_MS);
	} else if (!token_refresh(f->courier, &token, db_text(r, 0, 0, 2), deadline_ms, answered, f)) {
		snprintf(f->why, sizeof(f->why), "out of memory");
		write_later(f, RETRY_MIN_MS);
	}
	secret_free(&token);
}

static struct refresh *
refresh_new(struct courier *c, refresh_fn fn, void *arg)
{
	struct refresh *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->courier = c;
	f->owner = uuid_v7(clock_real_ms());
	f->fn = fn;
	f->arg = arg;
	buf_init(&f->access, ENVELOPE_MAX);
	buf_init(&f->renewed, ENVELOPE_MAX);
	c->renewals++;
	return f;
}

static void
put_lease(struct db_params *p, const struct refresh *f)
{
	int64_t now = clock_real_ms();

	db_put_time_ms(p, now);
	db_put_uuid(p, f->owner);
	db_put_time_ms(p, now + LEASE_MS);
}

/* ---- whatever is due */

static void
leased(void *arg, const struct db_result *r)
{
	struct refresh *f = arg;
	struct keeper *k = f->courier->keeper;

	if (k->timer == NULL) {		/* we are leaving */
		end(f);
		return;
	}
	if (db_outcome(r) == DB_OK && db_rows(r, 0) == 1) {
		begin(f, r);
		timer_set(k->timer, 0);		/* perhaps another is due */
		return;
	}
	if (db_outcome(r) == DB_FAILED)
		log_event(LEVEL_ERROR, "cannot look for tokens to renew", LOG_C("error", db_error_text(r)));
	end(f);
	timer_set(k->timer, KEEPER_MS);
}

static void
look(void *arg)
{
	struct keeper *k = arg;
	struct refresh *f = NULL;
	struct db_job *j;
	DB_PARAMS(p, 3);

	if (db_state(k->courier->db) == DB_READY && !k->courier->leaving)
		f = refresh_new(k->courier, NULL, NULL);
	if (f == NULL) {
		timer_set(k->timer, KEEPER_MS);
		return;
	}
	put_lease(&p, f);
	j = db_job_new(k->courier->db, 0, leased, f);
	db_job_add(j, C_REFRESH_DUE, p.p, p.n);
	db_job_submit(j);
}

bool
keeper_start(struct courier *c)
{
	struct keeper *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return false;
	k->courier = c;
	k->timer = timer_new(c->loop, look, k);
	c->keeper = k;
	if (k->timer == NULL)
		return false;
	if (c->conf->dialpad_client_id != NULL)
		timer_set(k->timer, KEEPER_MS);
	return true;
}

void
keeper_stop(struct courier *c)
{
	if (c->keeper == NULL)
		return;
	timer_free(c->keeper->timer);
	c->keeper->timer = NULL;
}

void
keeper_free(struct courier *c)
{
	free(c->keeper);
	c->keeper = NULL;
}

/* ---- one, now */

static void
leased_one(void *arg, const struct db_result *r)
{
	struct refresh *f = arg;

	if (db_outcome(r) == DB_OK && db_rows(r, 0) == 1) {
		begin(f, r);
		return;
	}
	f->outcome = db_outcome(r) == DB_OK ? REFRESH_NOTHING : REFRESH_FAILED;
	snprintf(f->why, sizeof(f->why), "%s", db_outcome(r) == DB_OK ? "somebody else is at it" : db_error_text(r));
	end(f);
}

void
refresh_now(struct courier *c, struct uuid app, struct str spent, refresh_fn fn, void *arg)
{
	struct refresh *f = refresh_new(c, fn, arg);
	struct db_job *j;
	DB_PARAMS(p, 5);

	if (f == NULL) {
		log_errno("out of memory for a refresh");
		abort();	/* a hundred bytes are not to be had: the master starts a fresh process */
	}
	put_lease(&p, f);
	db_put_uuid(&p, app);
	if (spent.p != NULL)
		db_put_bytes(&p, spent.p, spent.n);
	else
		db_put_null(&p);
	j = db_job_new(c->db, 0, leased_one, f);
	db_job_add(j, C_REFRESH_OF, p.p, p.n);
	db_job_submit(j);
}
