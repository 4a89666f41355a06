/*
 * day: see day.h. What was learnt stands in struct api, where health reads it. An answer that does not come changes nothing.
 */
#include <sys/types.h>

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "db/param.h"
#include "db/stmt_worker.h"
#include "worker/day.h"

#define LOOK_MS		10000
#define FAR_OFF_MS	60000	/* how far two clocks may differ before it is said */

struct day {
	struct api	*api;
	struct timer	*timer;
};

static void
tell(const struct api *api)
{
	if (api->day_missing)
		log_event(LEVEL_ERROR, "no partition for this day, events cannot be stored: is the clock right?",
		    LOG_INT("ahead_of_database_s", api->clock_ahead_ms / 1000));
	else
		log_event(LEVEL_WARN, "our clock and the database's differ", LOG_INT("ahead_of_database_s", api->clock_ahead_ms / 1000));
}

/* Columns: has our day a partition, the database's time in ms. */
static void
looked(void *arg, const struct db_result *r)
{
	struct day *d = arg;
	struct api *api = d->api;
	bool was_missing = api->day_missing, was_far = api->clock_ahead_ms != 0;
	int64_t ahead;

	timer_set(d->timer, LOOK_MS);
	if (db_outcome(r) != DB_OK || db_rows(r, 0) != 1)
		return;
	ahead = clock_real_ms() - db_i64(r, 0, 0, 1, 0);
	api->day_missing = !db_bool(r, 0, 0, 0);
	/* The answer was on its way for a while, and that is no difference. */
	api->clock_ahead_ms = ahead < -FAR_OFF_MS || ahead - db_run_us(r) / 1000 > FAR_OFF_MS ? ahead : 0;
	if ((api->day_missing && !was_missing) || (api->clock_ahead_ms != 0 && !was_far))
		tell(api);
}

static void
look(void *arg)
{
	struct day *d = arg;
	struct db_job *j;
	DB_PARAMS(p, 1);

	if (db_state(d->api->db) != DB_READY)	/* day_database_ready() begins anew */
		return;
	db_put_time_ms(&p, clock_real_ms());
	j = db_job_new(d->api->db, 0, looked, d);
	db_job_add(j, W_DAY, p.p, p.n);
	db_job_submit(j);
}

struct day *
day_new(struct api *api)
{
	struct day *d = calloc(1, sizeof(*d));

	if (d == NULL || (d->timer = timer_new(api->loop, look, d)) == NULL) {
		free(d);
		return NULL;
	}
	d->api = api;
	return d;
}

void
day_database_ready(struct day *d)
{
	timer_set(d->timer, 0);
}

void
day_free(struct day *d)
{
	if (d == NULL)
		return;
	timer_free(d->timer);
	free(d);
}
