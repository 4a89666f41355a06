/*
 * gaps: knows the spans in which events may have been lost. As long as a courier of the installation is alive and has the
 * database it says so in one row, the beat; who finds that row old makes a gap of what lies between, for every connection,
 * exactly once. What is lost with a courier alive has no sign at all, so every connection is looked back over now and then.
 * What is to be done about a gap is not known here.
 */
#include <sys/types.h>

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "courier/repair.h"

#define BEAT_MS		5000
#define EAGER_MS	200		/* until the first beat */
#define ON_ITS_WAY_MS	60000		/* a look back ends so long ago: what came later may still be delivered */
#define SWEEP_MS	((int64_t)60 * 60 * 1000)
#define DAY_MS		((int64_t)24 * 60 * 60 * 1000)

struct gaps {
	struct courier	*courier;
	struct timer	*timer;
	bool		 beaten;
	int64_t		 sweep_at_ms;		/* monotonic */
};

enum { DOWNTIME, BEAT };		/* results of the job */

/* Three beats at least within gap_after, so that one that is late makes no gap. */
static int64_t
period(const struct gaps *g)
{
	int64_t third = g->courier->conf->dialpad_gap_after_ms / 3;

	return !g->beaten ? EAGER_MS : third < BEAT_MS ? third : BEAT_MS;
}

static void
looked(void *arg, const struct db_result *r)
{
	struct gaps *g = arg;

	if (g->timer == NULL)		/* we are leaving */
		return;
	if (db_outcome(r) == DB_OK) {
		g->beaten = true;
		score_count(g->courier->h->score, SCORE_GAPS_FOUND, (uint64_t)db_affected(r, DOWNTIME));
		if (db_affected(r, DOWNTIME) > 0)
			log_event(LEVEL_WARN, "no courier was alive for more than dialpad.gap_after: lost calls are asked for",
			    LOG_INT("connections", db_affected(r, DOWNTIME)));
	} else if (db_outcome(r) == DB_FAILED)
		log_event(LEVEL_ERROR, "cannot look for lost events", LOG_C("error", db_error_text(r)));
	timer_set(g->timer, period(g));
}

static void
add_sweep(struct gaps *g, struct db_job *j)
{
	int64_t now = loop_now_ms(g->courier->loop);
	DB_PARAMS(p, 1);

	if (now < g->sweep_at_ms)
		return;
	g->sweep_at_ms = now + SWEEP_MS;
	db_put_time_ms(&p, clock_real_ms() - g->courier->conf->events_keep_days * DAY_MS);
	db_job_add(j, C_GAPS_SWEEP, p.p, p.n);
}

static void
look(void *arg)
{
	struct gaps *g = arg;
	const struct conf *f = g->courier->conf;
	/* Further back than duplicates are recognised, everything would look new. */
	int64_t now = clock_real_ms(), earliest = now - f->dedupe_keep_days * DAY_MS;
	struct db_job *j;
	DB_PARAMS(downtime, 3);
	DB_PARAMS(routine, 4);

	if (db_state(g->courier->db) != DB_READY) {
		timer_set(g->timer, EAGER_MS);
		return;
	}
	db_put_time_ms(&downtime, now);
	db_put_time_ms(&downtime, now - f->dialpad_gap_after_ms);
	db_put_time_ms(&downtime, earliest);
	db_put_time_ms(&routine, now);
	db_put_time_ms(&routine, now - f->dialpad_reconcile_ms);
	db_put_time_ms(&routine, earliest);
	db_put_time_ms(&routine, now - (f->dialpad_reconcile_ms < 2 * ON_ITS_WAY_MS ? f->dialpad_reconcile_ms / 2 : ON_ITS_WAY_MS));
	j = db_job_new(g->courier->db, 0, looked, g);
	db_job_add(j, C_GAPS_DOWNTIME, downtime.p, downtime.n);
	db_job_add(j, C_BEAT, downtime.p, 1);
	if (f->dialpad_reconcile_ms > 0 && !g->courier->leaving)
		db_job_add(j, C_GAPS_ROUTINE, routine.p, routine.n);
	add_sweep(g, j);
	db_job_submit(j);
}

bool
gaps_start(struct courier *c)
{
	struct gaps *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return false;
	g->courier = c;
	g->timer = timer_new(c->loop, look, g);
	c->gaps = g;
	if (g->timer == NULL)
		return false;
	if (c->conf->dialpad_client_id != NULL)
		timer_set(g->timer, 0);
	return true;
}

void
gaps_stop(struct courier *c)
{
	if (c->gaps == NULL)
		return;
	timer_free(c->gaps->timer);
	c->gaps->timer = NULL;
}

void
gaps_free(struct courier *c)
{
	free(c->gaps);
	c->gaps = NULL;
}
