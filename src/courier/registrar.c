/*
 * registrar: the database's side. A connection is worked on by one process of the whole cluster: whoever holds the lease in
 * its row, which is apart from that of token renewals. A new hook is known to every worker before Dialpad hears of it, so
 * no delivery is ever refused for coming too early. Nothing here has to be undone: what a dead process left half done is
 * found by the next one in Dialpad's own lists.
 */
#include <sys/types.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "courier/budget.h"
#include "courier/registrar.h"

#define LOOK_MS		1000	/* how often the table is looked at */
#define RUNS_MAX	32	/* connections worked on at a time */
#define LEASE_SPARE_MS	5000	/* a lease is longer by this than all it covers */
#define RETRY_MIN_MS	5000
#define RETRY_MAX_MS	(10 * 60 * 1000)
#define SOON_MS		(60 * 1000)	/* a second look after something was changed, or after trouble */

enum { FORGOTTEN_HOOK, FORGOTTEN_LOOKUP, FORGOTTEN_GAPS };	/* results of the last job */

struct registrar {
	struct courier	*courier;
	struct timer	*timer;		/* NULL once we are leaving */
	size_t		 runs;
	struct uuid	 lost[RUNS_MAX];	/* they may hold leases: the database's last answer to them never came */
	size_t		 nlost;
};

static struct registration *
registration_new(struct courier *c)
{
	struct registration *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->courier = c;
	r->owner = uuid_v7(clock_real_ms());
	c->registrar->runs++;
	return r;
}

static void
registration_free(struct registration *r)
{
	r->courier->registrar->runs--;
	secret_free(&r->address);
	secret_free(&r->secret);
	free(r);
}

/* Where no answer came the lease may be there or not: the next look takes it up under the same name, so that nobody waits for its end. */
bool
registration_goes_on(struct registration *r, const struct db_result *result, bool good)
{
	struct registrar *g = r->courier->registrar;

	if (db_outcome(result) == DB_OK && good)
		return true;
	if (db_outcome(result) != DB_OK && g->nlost < RUNS_MAX)
		g->lost[g->nlost++] = r->owner;
	registration_free(r);
	return false;
}

bool
registration_dropped(struct registration *r)
{
	if (r->courier->registrar->timer != NULL)
		return false;
	registration_free(r);
	return true;
}

struct db_params *
registration_put(struct db_params *p, const struct registration *r)
{
	db_put_uuid(p, r->app);
	db_put_uuid(p, r->id);
	db_put_uuid(p, r->owner);
	return p;
}

static void
put_id(struct db_params *p, const struct dialpad_thing *t)
{
	db_put_cstr(p, t->fitness != DIALPAD_MISSING ? t->id : NULL);
}

static uint32_t
random32(void)
{
	uint32_t random;

	hash_random(&random, sizeof(random));
	return random;
}

/* The longest one request may take, then the lease around it: the look-up of the token and the storing are two jobs. */
static int64_t
request_ms(const struct conf *f)
{
	return 2 * f->courier_timeout_ms;
}

static int64_t
lease_ms(const struct conf *f)
{
	return request_ms(f) + 2 * f->db_job_timeout_ms + LEASE_SPARE_MS;
}

/* ---- how it ends */

int64_t
registration_backoff(const struct registration *r)
{
	return budget_backoff_ms(r->attempts < 30 ? (unsigned)r->attempts + 1 : 31, RETRY_MIN_MS, RETRY_MAX_MS, random32());
}

int64_t
registration_slowly(const struct registration *r)
{
	int64_t check = r->courier->conf->dialpad_hook_check_ms;

	return check < RETRY_MAX_MS ? check : RETRY_MAX_MS;
}

static void
ended(void *arg, const struct db_result *result)
{
	struct registration *r = arg;

	log_about_app(r->app);
	if (db_outcome(result) != DB_OK)	/* whoever has the lease next looks again */
		log_event(LEVEL_WARN, "what came of a registration at Dialpad could not be stored", LOG_C("error", db_error_text(result)));
	else if (r->why[0] != '\0')
		log_event(LEVEL_WARN, "hooks at Dialpad are not as they should be", LOG_C("reason", r->why));
	else if (r->leaving)
		log_info("disconnected from Dialpad");
	else if (r->rotating)
		log_info("Dialpad signs with the new webhook secret now");
	else if (r->changed)
		log_event(LEVEL_INFO, "webhook and call subscription stand at Dialpad", LOG_C("webhook", r->plan.hook.id),
		    LOG_C("subscription", r->plan.subscription.id));
	registration_goes_on(r, result, false);
}

void
registration_later(struct registration *r, int64_t wait_ms, const char *fmt, ...)
{
	int64_t now = clock_real_ms();
	struct db_job *j;
	va_list ap;
	DB_PARAMS(p, 9);

	va_start(ap, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, ap);
	va_end(ap);
	registration_put(&p, r);
	db_put_time_ms(&p, now + wait_ms);
	db_put_cstr(&p, r->why);
	db_put_time_ms(&p, now);
	db_put_cstr(&p, r->leaving ? "disconnecting" : "connected");
	put_id(&p, &r->plan.hook);
	put_id(&p, &r->plan.subscription);
	j = db_job_new(r->courier->db, 0, ended, r);
	db_job_add(j, C_HOOKS_LATER, p.p, p.n);
	db_job_submit(j);
}

/* The next look: soon if something may still come of a request whose answer was never seen, and a little apart from others'. */
static int64_t
next_look(const struct registration *r)
{
	int64_t wait = r->courier->conf->dialpad_hook_check_ms;

	if ((r->changed || r->attempts > 0 || r->plan.hooks.more || r->plan.subscriptions.more) && wait > SOON_MS)
		wait = SOON_MS;
	return wait - (int64_t)(random32() % (uint32_t)(wait / 10 + 1));
}

void
registration_done(struct registration *r)
{
	const struct envelope_place at = { "dialpad_connections", "hook_url", r->app, r->id };
	int64_t now = clock_real_ms();
	struct buf url;
	struct db_job *j;
	DB_PARAMS(p, 9);

	r->why[0] = '\0';
	buf_init(&url, ENVELOPE_MAX);
	if (r->moved && !courier_seal(r->courier, &url, &at, &r->address)) {
		buf_free(&url);
		registration_later(r, registration_backoff(r), "the address cannot be sealed");
		return;
	}
	registration_put(&p, r);
	put_id(&p, &r->plan.hook);
	put_id(&p, &r->plan.subscription);
	if (url.len > 0)
		db_put_bytes(&p, url.p, url.len);
	else
		db_put_null(&p);
	db_put_time_ms(&p, now + next_look(r));
	db_put_time_ms(&p, now);
	db_put_bool(&p, r->rotating);
	j = db_job_new(r->courier->db, 0, ended, r);
	if (r->rotating)
		db_job_add(j, C_HOOKS_ROTATED, p.p, 3);
	db_job_add(j, C_HOOKS_DONE, p.p, p.n);
	db_job_submit(j);
	buf_free(&url);
}

static void
forgotten(void *arg, const struct db_result *result)
{
	struct registration *r = arg;

	if (db_outcome(result) == DB_OK)
		score_count(r->courier->h->score, SCORE_GAPS_FAILED, (uint64_t)db_affected(result, FORGOTTEN_GAPS));
	ended(r, result);
}

void
registration_forget(struct registration *r)
{
	struct db_job *j = db_job_new(r->courier->db, 0, forgotten, r);
	DB_PARAMS(p, 4);

	r->why[0] = '\0';
	registration_put(&p, r);
	db_job_add(j, C_FORGET_HOOK, p.p, p.n);
	db_job_add(j, C_FORGET_LOOKUP, p.p, p.n);
	db_put_time_ms(&p, clock_real_ms());
	db_job_add(j, C_FORGET_GAPS, p.p, p.n);
	db_job_add(j, C_FORGET, p.p, 3);
	db_job_submit(j);
}

/* ---- the lease */

static void
held(void *arg, const struct db_result *result)
{
	struct registration *r = arg;

	if (registration_dropped(r))
		return;
	if (!registration_goes_on(r, result, db_rows(result, 0) == 1))
		return;
	if (r->leaving != str_eq(db_text(result, 0, 0, 0), STR("disconnecting")))
		registration_later(r, 0, "the app is being disconnected");	/* only lets go: it is not about this state */
	else
		r->go(r);
}

void
registration_hold(struct registration *r, void (*go)(struct registration *r))
{
	const struct conf *f = r->courier->conf;
	struct db_job *j;
	DB_PARAMS(p, 4);

	r->go = go;
	r->deadline_ms = loop_now_ms(r->courier->loop) + request_ms(f);
	registration_put(&p, r);
	db_put_time_ms(&p, clock_real_ms() + lease_ms(f));
	j = db_job_new(r->courier->db, 0, held, r);
	db_job_add(j, C_HOOKS_HOLD, p.p, p.n);
	db_job_submit(j);
}

/* ---- what is due */

/* Columns: state, attempts, hook id, address in hex, webhook, subscription, is a rotation under way, secret, enabled. */
static void
begin(struct registration *r, const struct db_result *result)
{
	struct str url = db_text(result, 0, 0, 3), secret = db_text(result, 0, 0, 7);
	bool opened;

	r->leaving = str_eq(db_text(result, 0, 0, 0), STR("disconnecting"));
	r->attempts = db_i64(result, 0, 0, 1, 0);
	r->rotating = db_bool(result, 0, 0, 6);
	if (r->courier->conf->public_url == NULL && !r->leaving) {
		registration_later(r, registration_slowly(r), "public_url is not configured: Dialpad cannot be told where to deliver");
		return;
	}
	opened = url.p != NULL && r->courier->conf->public_url != NULL && hook_open(r, url);
	if (secret.p != NULL && !secret_set(&r->secret, secret))
		registration_later(r, registration_backoff(r), "out of memory");
	else if (!r->leaving && secret.p != NULL && !db_bool(result, 0, 0, 8))
		registration_later(r, registration_slowly(r), "the hook is disabled: 'ringctl hook list' and 'ringctl hook enable'");
	else if (!r->leaving && url.p != NULL && secret.p != NULL && !opened)
		registration_later(r, registration_slowly(r), "the stored address of the hook does not open");
	else {
		dialpad_plan_init(&r->plan, STR_NONE, STR_NONE, db_text(result, 0, 0, 4), db_text(result, 0, 0, 5));
		if (r->leaving || (opened && secret.p != NULL))
			registration_begin(r);
		else
			hook_make(r);
	}
}

static void
got_row(void *arg, const struct db_result *result)
{
	struct registration *r = arg;

	if (registration_dropped(r))
		return;
	if (registration_goes_on(r, result, db_rows(result, 0) == 1))
		begin(r, result);
}

static void
read_row(struct registration *r)
{
	struct db_job *j;
	DB_PARAMS(p, 3);

	registration_put(&p, r);
	j = db_job_new(r->courier->db, 0, got_row, r);
	db_job_add(j, C_HOOKS_ROW, p.p, p.n);
	db_job_submit(j);
}

static void
leased(void *arg, const struct db_result *result)
{
	struct registration *r = arg;
	struct registrar *g = r->courier->registrar;

	if (registration_dropped(r))
		return;
	if (db_outcome(result) == DB_OK && db_rows(result, 0) == 1 && db_uuid(result, 0, 0, 0, &r->app) &&
	    db_uuid(result, 0, 0, 1, &r->id)) {
		/* A look of its own: what is read now is what the lease was taken on, or newer, and all of one moment. */
		read_row(r);
		timer_set(g->timer, 0);		/* perhaps another is due */
		return;
	}
	if (db_outcome(result) == DB_FAILED)
		log_event(LEVEL_ERROR, "cannot look for hooks to check", LOG_C("error", db_error_text(result)));
	registration_goes_on(r, result, false);
	timer_set(g->timer, db_outcome(result) == DB_OK && g->nlost > 0 ? 0 : LOOK_MS);
}

static void
look(void *arg)
{
	struct registrar *g = arg;
	struct courier *c = g->courier;
	struct registration *r = NULL;
	int64_t now = clock_real_ms();
	struct db_job *j;
	DB_PARAMS(p, 3);

	if (db_state(c->db) == DB_READY && !c->leaving && g->runs < RUNS_MAX)
		r = registration_new(c);
	if (r == NULL) {
		timer_set(g->timer, LOOK_MS);
		return;
	}
	if (g->nlost > 0)
		r->owner = g->lost[--g->nlost];
	db_put_time_ms(&p, now);
	db_put_uuid(&p, r->owner);
	db_put_time_ms(&p, now + lease_ms(c->conf));
	j = db_job_new(c->db, 0, leased, r);
	db_job_add(j, C_HOOKS_DUE, p.p, p.n);
	db_job_submit(j);
}

bool
registrar_start(struct courier *c)
{
	struct registrar *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return false;
	g->courier = c;
	g->timer = timer_new(c->loop, look, g);
	c->registrar = g;
	if (g->timer == NULL)
		return false;
	registrar_look(c);
	return true;
}

void
registrar_look(struct courier *c)
{
	if (c->registrar->timer != NULL && c->conf->dialpad_client_id != NULL)
		timer_set(c->registrar->timer, 0);
}

void
registrar_stop(struct courier *c)
{
	if (c->registrar == NULL)
		return;
	timer_free(c->registrar->timer);
	c->registrar->timer = NULL;
}

void
registrar_free(struct courier *c)
{
	free(c->registrar);
	c->registrar = NULL;
}
