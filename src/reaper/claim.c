/*
 * claim: takes events off the queue and reads what they say. The rows are deleted in the transaction that applies them,
 * so a death at any point puts them back. Once something failed, events are taken one at a time, and each attempt is
 * counted in a transaction of its own before anything is tried: an event that kills its reaper is found out too.
 */
#include <sys/types.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "reaper/internal.h"

#define FACTS_BYTES_MAX	((int64_t)16 << 20)	/* of all events of a batch; the rest waits for the next */
#define JITTER_MIN	75			/* per cent of the computed wait */
#define JITTER_SPAN	50

#define SLOW_CLAIM_US		20000	/* and SLOW_ROW_US a row; slower: it reads through many dead rows */
#define SLOW_ROW_US		20
#define FLOOR_MS		10000	/* how long claims then begin behind them, before one looks at all again */
#define FLOOR_MARGIN_MS		3000	/* by how much a row may be committed after a younger one */

enum claim_result { CLAIM_APP, CLAIM_ID, CLAIM_RECEIVED, CLAIM_ATTEMPTS, CLAIM_ERROR, CLAIM_NEXT_TRY };
enum event_result { EVENT_ORD, EVENT_PROVIDER, EVENT_FACTS, EVENT_FITS };

static void	on_counted(void *arg, const struct db_result *result);
static void	on_claimed(void *arg, const struct db_result *result);
static void	on_events(void *arg, const struct db_result *result);
static void	on_nothing(void *arg, const struct db_result *result);

static void
count_one(struct reaper *r)
{
	unsigned char random;
	struct db_job *j;
	int64_t now = clock_real_ms();
	DB_PARAMS(p, 4);

	hash_random(&random, sizeof(random));
	r->covers_ms = r->retrying ? 0 : now;	/* should nothing be due */
	db_put_time_ms(&p, now);
	db_put_i64(&p, r->conf->reaper_retry_min_ms);
	db_put_i64(&p, r->conf->reaper_retry_max_ms);
	db_put_i64(&p, JITTER_MIN + random % (JITTER_SPAN + 1));
	j = reaper_job(r, on_counted);
	db_job_add(j, r->retrying ? R_COUNT_RETRY : R_COUNT, p.p, p.n);
	db_job_submit(j);
}

/*
 * While somebody holds an old snapshot (a dump, a forgotten transaction) vacuum cannot remove the rows already taken,
 * and every claim would read through all of them. Then claims begin where the last one ended; what lies before (a row
 * that came late, or that another reaper put back) is found by the full claim every few seconds.
 */
void
claim_put_floor(const struct reaper *r, struct db_params *p)
{
	if (r->floor_until_ms > loop_now_ms(r->loop))
		db_put_time_ms(p, r->floor_ms - FLOOR_MARGIN_MS);
	else
		db_put_time_us(p, INT64_MIN);
}

static void
move_floor(struct reaper *r, const struct db_result *result, int n)
{
	int64_t at;
	int i;

	if (r->floor_until_ms <= loop_now_ms(r->loop)) {
		if (clock_mono_us() - r->claimed_at_us < SLOW_CLAIM_US + SLOW_ROW_US * r->limit)
			return;
		r->floor_until_ms = loop_now_ms(r->loop) + FLOOR_MS;
		r->floor_ms = n > 0 ? 0 : r->batch.now_ms;	/* nothing was due: all up to now is taken */
	}
	for (i = 0; i < n; i++) {
		at = db_i64(result, 1, i, CLAIM_NEXT_TRY, 0);
		if (at > r->floor_ms)
			r->floor_ms = at;
	}
}

/* What this claim says about all others that were due: rows come in the order in which they became so. */
static void
note_cover(struct reaper *r, const struct db_result *result, int n)
{
	int64_t at;
	int i;

	r->covers_ms = 0;
	if (r->alone)
		return;
	if (n < r->limit) {
		r->covers_ms = r->batch.now_ms;
		return;
	}
	for (i = 0; i < n; i++) {
		at = db_i64(result, 1, i, CLAIM_NEXT_TRY, 0);
		if (at > r->covers_ms)
			r->covers_ms = at;
	}
}

void
claim_caught_up(const struct reaper *r)
{
	if (r->covers_ms != 0)
		SCORE_SET(r->h->board->queue.caught_up_ms, r->covers_ms);
}

static void
claim_rows(struct reaper *r)
{
	struct db_job *j;
	DB_PARAMS(p, 3);

	r->presuming = false;
	batch_begin(&r->batch, clock_real_ms());
	if (r->alone) {
		db_put_uuid(&p, r->counted.app);
		db_put_uuid(&p, r->counted.id);
	} else {
		db_put_time_ms(&p, r->batch.now_ms);
		db_put_i64(&p, r->limit);
		claim_put_floor(r, &p);
		r->claimed_at_us = clock_mono_us();
	}
	j = reaper_job(r, on_claimed);
	db_job_add(j, R_BEGIN, NULL, 0);
	db_job_add(j, r->alone ? R_CLAIM_ONE : R_CLAIM, p.p, p.n);
	db_job_submit(j);
}

void
claim_begin(struct reaper *r)
{
	r->again = 0;
	r->retry_turn = !r->retry_turn;		/* old failures and new events take turns */
	r->retrying = r->retries && r->limit > 1 && r->retry_turn;
	r->alone = r->retrying || r->limit == 1;
	r->work = false;
	if (r->alone)
		count_one(r);
	else
		claim_rows(r);
}

void
claim_again(struct reaper *r)
{
	claim_rows(r);
}

static void
on_counted(void *arg, const struct db_result *result)
{
	struct reaper *r = arg;
	char reason[REAPER_ERROR_MAX + 64];
	struct str error;

	if (db_outcome(result) != DB_OK) {
		r->alone = false;	/* nothing was counted */
		retry_failed(r, result);
		return;
	}
	if (db_rows(result, 0) == 0) {
		claim_caught_up(r);
		r->retries = false;
		r->work = r->retrying;	/* then there may still be new ones */
		reaper_next(r);
		return;
	}
	r->work = true;
	if (!db_uuid(result, 0, 0, CLAIM_APP, &r->counted.app) || !db_uuid(result, 0, 0, CLAIM_ID, &r->counted.id)) {
		reaper_next(r);		/* cannot be: the columns are of type uuid */
		return;
	}
	r->counted.attempts = db_i64(result, 0, 0, CLAIM_ATTEMPTS, 1);
	if (r->counted.attempts > r->conf->reaper_max_attempts) {
		error = db_text(result, 0, 0, CLAIM_ERROR);
		if (error.p == NULL)
			error = STR("the reaper ended each time it tried");
		snprintf(reason, sizeof(reason), "given up after %lld attempts: %.*s",
		    (long long)r->counted.attempts - 1, STR_ARG(error));
		retry_give_up(r, reason);
		return;
	}
	claim_rows(r);
}

void
claim_end_empty(struct reaper *r)
{
	struct db_job *j;

	batch_end(&r->batch);
	j = reaper_job(r, on_nothing);
	db_job_add(j, R_COMMIT, NULL, 0);
	db_job_submit(j);
}

static void
on_nothing(void *arg, const struct db_result *result)
{
	struct reaper *r = arg;

	if (db_outcome(result) != DB_OK) {
		retry_failed(r, result);
		return;
	}
	claim_caught_up(r);
	reaper_next(r);
}

static bool
keep_rows(struct batch *b, const struct db_result *result, int n)
{
	struct event_at_work *e;
	int i;

	b->event = batch_array(b, (size_t)n, sizeof(*b->event));
	if (b->event == NULL)
		return false;
	for (i = 0; i < n; i++) {
		e = &b->event[i];
		if (!db_uuid(result, 1, i, CLAIM_APP, &e->app) || !db_uuid(result, 1, i, CLAIM_ID, &e->id))
			return false;
		e->received_at = arena_str(&b->arena, db_text(result, 1, i, CLAIM_RECEIVED));
		e->attempts = db_i64(result, 1, i, CLAIM_ATTEMPTS, 0);
		e->dead = "the event is not stored (any more): its day's partition holds no such row";
		if (e->received_at.p == NULL)
			return false;
	}
	b->nevents = (size_t)n;
	return true;
}

/* A time as the database printed it, given back in the same form. */
static void
put_printed_time(struct db_params *p, struct str time)
{
	db_put_cstr(p, time.p);		/* in the arena, where a NUL follows it */
	p->p[p->n - 1].format = 0;
}

static void
ask_events(struct reaper *r)
{
	struct db_array column[3];
	struct batch *b = &r->batch;
	struct str first = b->event[0].received_at, last = first, at;
	struct db_job *j;
	size_t i;
	DB_PARAMS(p, 6);
	static const enum db_type types[] = { DB_UUID, DB_UUID, DB_TEXT };

	columns_begin(column, types, 3);
	for (i = 0; i < b->nevents; i++) {
		db_array_uuid(&column[0], b->event[i].app);
		db_array_uuid(&column[1], b->event[i].id);
		at = b->event[i].received_at;
		db_array_str(&column[2], at);
		/* Printed times sort like the times. The bounds let the planner see which days' partitions it needs. */
		if (str_cmp(at, first) < 0)
			first = at;
		if (str_cmp(at, last) > 0)
			last = at;
	}
	if (columns_failed(column, 3)) {
		columns_end(column, 3);
		retry_fault(r, AFTER_SPLIT, "out of memory for the events of a batch");
		return;
	}
	for (i = 0; i < 3; i++)
		db_put_array(&p, &column[i]);
	db_put_i64(&p, FACTS_BYTES_MAX);
	put_printed_time(&p, first);
	put_printed_time(&p, last);
	j = reaper_job(r, on_events);
	db_job_add(j, R_EVENTS, p.p, p.n);
	db_job_submit(j);
	columns_end(column, 3);
}

static void
on_claimed(void *arg, const struct db_result *result)
{
	struct reaper *r = arg;
	int n = db_rows(result, 1);

	if (db_outcome(result) != DB_OK) {
		retry_failed(r, result);
		return;
	}
	if (!r->alone)
		move_floor(r, result, n);
	note_cover(r, result, n);
	if (n == 0) {
		claim_end_empty(r);
		return;
	}
	if (!r->alone && n >= r->limit)
		r->work = true;		/* a full batch: more may wait */
	if (!keep_rows(&r->batch, result, n))
		retry_fault(r, AFTER_SPLIT, "out of memory for the events of a batch");
	else
		ask_events(r);
}

static void
on_events(void *arg, const struct db_result *result)
{
	struct reaper *r = arg;
	struct batch *b = &r->batch;
	struct str provider;
	int i, n = db_rows(result, 0);
	int64_t ord;

	if (db_outcome(result) != DB_OK) {
		retry_failed(r, result);
		return;
	}
	for (i = 0; i < n; i++) {
		ord = db_i64(result, 0, i, EVENT_ORD, 0);
		if (ord < 1 || (size_t)ord > b->nevents)
			continue;
		if (!db_bool(result, 0, i, EVENT_FITS)) {
			retry_fault(r, AFTER_SPLIT, "the events of a batch hold too many bytes");
			return;
		}
		provider = db_text(result, 0, i, EVENT_PROVIDER);
		if (!batch_read_event(b, (size_t)ord - 1, provider, db_text(result, 0, i, EVENT_FACTS))) {
			retry_fault(r, AFTER_SPLIT, "out of memory for the events of a batch");
			return;
		}
	}
	apply_begin(r);
}
