/*
 * ribbon_sweep: calls that were asked for and never sent: the worker that wrote the row went away before it asked a courier, or
 * Exotel could not take the call and nobody came back for it. After a while such a row fails and gives its place in the
 * month's quota back, in one statement. Nothing that was sent is touched: perhaps it was placed.
 */
#include <sys/types.h>

#include "base/clock.h"
#include "base/log.h"
#include "courier/internal.h"

#define LOOK_MS		60000
#define FIRST_LOOK_MS	2000
#define ABANDONED_MS	((int64_t)15 * 60 * 1000)	/* longer than anybody waits beside a telephone */

static void
swept(void *arg, const struct db_result *r)
{
	struct courier *c = arg;

	if (db_outcome(r) == DB_FAILED)
		log_event(LEVEL_ERROR, "cannot look for calls nobody came back for", LOG_C("error", db_error_text(r)));
	else if (db_outcome(r) == DB_OK && db_rows(r, 0) > 0)
		log_event(LEVEL_INFO, "calls were never sent and are given back", LOG_INT("keys", db_rows(r, 0)));
	if (c->ribbon_sweep != NULL)
		timer_set(c->ribbon_sweep, LOOK_MS);
}

static void
sweep(void *arg)
{
	struct courier *c = arg;
	int64_t now = clock_real_ms();
	struct db_job *j;
	DB_PARAMS(p, 2);

	db_put_time_ms(&p, now - ABANDONED_MS);
	db_put_time_ms(&p, now);
	j = db_job_new(c->db, 0, swept, c);
	db_job_add(j, C_RIBBON_ABANDONED, p.p, p.n);
	db_job_submit(j);
}

bool
ribbon_sweep_start(struct courier *c)
{
	c->ribbon_sweep = timer_new(c->loop, sweep, c);
	if (c->ribbon_sweep != NULL)
		timer_set(c->ribbon_sweep, FIRST_LOOK_MS);
	return c->ribbon_sweep != NULL;
}

void
ribbon_sweep_stop(struct courier *c)
{
	timer_free(c->ribbon_sweep);
	c->ribbon_sweep = NULL;
}
