/*
 * silent: calls of Exotel that nothing was heard of for webhooks.exotel.ghost_after. Exotel lets no call last longer than
 * four hours, and tries to tell of an end three times at most: then it is presumed over, which a true end, however late,
 * corrects. A look is a batch like any other whose events nobody sent.
 */
#include <sys/types.h>

#include "base/clock.h"
#include "base/log.h"
#include "reaper/internal.h"

#define SILENT_EVERY_MS	((int64_t)60 * 1000)	/* between looks; often enough for a shorter ghost_after, too */
#define SILENT_CALLS	100			/* of one look */

enum silent_result { SILENT_APP, SILENT_LEG };

static void	on_silent(void *arg, const struct db_result *result);

void
silent_due(struct reaper *r)
{
	int64_t every = r->conf->exotel_ghost_after_ms < SILENT_EVERY_MS ? r->conf->exotel_ghost_after_ms : SILENT_EVERY_MS;

	if (loop_now_ms(r->loop) < r->silent_at_ms)
		return;
	r->silent_at_ms = loop_now_ms(r->loop) + every;
	r->silent = true;
}

void
silent_begin(struct reaper *r)
{
	struct db_job *j;
	DB_PARAMS(p, 2);

	r->silent = false;
	r->presuming = true;
	r->again = 0;
	r->alone = r->retrying = false;
	r->covers_ms = 0;
	batch_begin(&r->batch, clock_real_ms());
	db_put_time_ms(&p, r->batch.now_ms - r->conf->exotel_ghost_after_ms);
	db_put_i64(&p, SILENT_CALLS);
	j = reaper_job(r, on_silent);
	db_job_add(j, R_BEGIN, NULL, 0);
	db_job_add(j, R_SILENT, p.p, p.n);
	db_job_submit(j);
}

/* What would have been said of these legs. */
static bool
make_events(struct batch *b, const struct db_result *result, int n)
{
	struct leg *leg = batch_array(b, (size_t)n, sizeof(*leg));
	int i;

	b->event = batch_array(b, (size_t)n, sizeof(*b->event));
	if (leg == NULL || b->event == NULL)
		return false;
	for (i = 0; i < n; i++) {
		struct event_at_work *e = &b->event[i];

		leg_init(&leg[i]);
		leg[i].id = arena_str(&b->arena, db_text(result, 1, i, SILENT_LEG));
		leg[i].presumed = b->now_ms;
		if (leg[i].id.p == NULL || !db_uuid(result, 1, i, SILENT_APP, &e->app))
			return false;
		e->provider = STR("exotel");
		e->leg = &leg[i];
	}
	b->nevents = (size_t)n;
	return true;
}

static void
on_silent(void *arg, const struct db_result *result)
{
	struct reaper *r = arg;
	int n = db_rows(result, 1);

	if (db_outcome(result) != DB_OK)
		retry_failed(r, result);
	else if (n == 0)
		claim_end_empty(r);
	else if (!make_events(&r->batch, result, n))
		retry_fault(r, AFTER_SPLIT, "out of memory for the legs of silent calls");
	else
		apply_begin(r);
}

void
silent_done(struct reaper *r)
{
	size_t i;

	for (i = 0; i < r->batch.nlive; i++) {
		log_about_app(r->batch.event[i].app);
		log_event(LEVEL_WARN, "call presumed over", LOG_C("reason", "nothing was heard of it for webhooks.exotel.ghost_after"),
		    LOG_STR("leg", r->batch.event[i].leg->id));
	}
	log_context_set(NULL);
}
