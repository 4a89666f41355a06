/*
 * repair: claims gaps, a few at a time and one of each app, has them worked on (gap.c), and hands them over when it leaves.
 */
#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "courier/budget.h"
#include "courier/gap.h"

#define LOOK_MS		1000	/* how often the table is looked at */
#define GAPS_AT_ONCE	4
#define SETTLE_MS	2000	/* a span is over by this before it is asked for: Dialpad's clock is not ours */

int64_t
repair_backoff_ms(int64_t attempts, int64_t min_ms, int64_t max_ms)
{
	uint32_t random;

	hash_random(&random, sizeof(random));
	return budget_backoff_ms(attempts < 30 ? (unsigned)attempts + 1 : 31, min_ms, max_ms, random);
}

enum { CLAIM_APP, CLAIM_ID, CLAIM_FROM, CLAIM_TO, CLAIM_REASON, CLAIM_CURSOR, CLAIM_ATTEMPTS, CLAIM_SEEN, CLAIM_FOUND };

static void
claimed(void *arg, const struct db_result *r)
{
	struct gap *g = arg;
	struct repair *p = g->courier->repair;

	if (gap_leaving(g)) {
		gap_free(g);
		return;
	}
	if (db_outcome(r) != DB_OK || db_rows(r, 0) != 1) {
		if (db_outcome(r) == DB_FAILED)
			log_event(LEVEL_ERROR, "cannot look for lost events to ask for", LOG_C("error", db_error_text(r)));
		gap_free(g);
		timer_set(p->timer, LOOK_MS);
		return;
	}
	db_uuid(r, 0, 0, CLAIM_APP, &g->app);
	db_uuid(r, 0, 0, CLAIM_ID, &g->id);
	g->from_ms = db_i64(r, 0, 0, CLAIM_FROM, 0);
	g->to_ms = db_i64(r, 0, 0, CLAIM_TO, 0);
	g->attempts = db_i64(r, 0, 0, CLAIM_ATTEMPTS, 0);
	g->seen = db_i64(r, 0, 0, CLAIM_SEEN, 0);
	g->found = db_i64(r, 0, 0, CLAIM_FOUND, 0);
	snprintf(g->reason, sizeof(g->reason), "%.*s", STR_ARG(db_text(r, 0, 0, CLAIM_REASON)));
	snprintf(g->cursor, sizeof(g->cursor), "%.*s", STR_ARG(db_text(r, 0, 0, CLAIM_CURSOR)));
	gap_ask(g);
	timer_set(p->timer, 0);		/* perhaps another is due */
}

static struct gap *
gap_new(struct repair *p)
{
	struct gap *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->timer = timer_new(p->courier->loop, gap_ask, g);
	if (g->timer == NULL) {
		free(g);
		return NULL;
	}
	g->courier = p->courier;
	g->owner = uuid_v7(clock_real_ms());
	LIST_INSERT_HEAD(&p->gaps, g, link);
	p->n++;
	return g;
}

static void
look(void *arg)
{
	struct repair *p = arg;
	struct courier *c = p->courier;
	int64_t now = clock_real_ms();
	struct gap *g = NULL;
	struct db_job *j;
	DB_PARAMS(q, 4);

	if (db_state(c->db) == DB_READY && !c->leaving && p->n < GAPS_AT_ONCE)
		g = gap_new(p);
	if (g == NULL) {
		timer_set(p->timer, LOOK_MS);
		return;
	}
	db_put_time_ms(&q, now);
	db_put_uuid(&q, g->owner);
	db_put_time_ms(&q, now + GAP_LEASE_MS);
	db_put_time_ms(&q, now - SETTLE_MS);
	j = db_job_new(c->db, 0, claimed, g);
	db_job_add(j, C_GAP_CLAIM, q.p, q.n);
	db_job_submit(j);
}

bool
repair_start(struct courier *c)
{
	struct repair *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return false;
	p->courier = c;
	LIST_INIT(&p->gaps);
	p->timer = timer_new(c->loop, look, p);
	c->repair = p;
	if (p->timer == NULL)
		return false;
	if (c->conf->dialpad_client_id != NULL)
		timer_set(p->timer, LOOK_MS);
	return true;
}

static void
released(void *arg, const struct db_result *r)
{
	(void)arg;
	if (db_outcome(r) == DB_FAILED)
		log_event(LEVEL_WARN, "a gap in the events could not be handed over", LOG_C("error", db_error_text(r)));
}

/* A page that is under way is stored if there is time; whoever takes the gap first asks for it again otherwise. */
void
repair_leave(struct courier *c)
{
	struct gap *g, *next;
	struct db_job *j;

	for (g = LIST_FIRST(&c->repair->gaps); g != NULL; g = next) {
		DB_PARAMS(p, 3);

		next = LIST_NEXT(g, link);
		gap_put_mine(&p, g);
		j = db_job_new(c->db, 0, released, NULL);
		db_job_add(j, C_GAP_RELEASE, p.p, p.n);
		db_job_submit(j);
		if (g->pausing)
			gap_free(g);
	}
}

void
repair_stop(struct courier *c)
{
	if (c->repair == NULL)
		return;
	timer_free(c->repair->timer);
	c->repair->timer = NULL;
}

/* Those between two pages: everything else has come back when client and database were closed. */
void
repair_free(struct courier *c)
{
	struct gap *g;

	if (c->repair == NULL)
		return;
	while ((g = LIST_FIRST(&c->repair->gaps)) != NULL)
		gap_free(g);
	free(c->repair);
	c->repair = NULL;
}
