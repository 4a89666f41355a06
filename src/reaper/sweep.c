/*
 * sweep: housekeeping, in small steps between batches: partitions made ahead and dropped behind, old digests, dead
 * letters, connects that were begun, sessions and calls of the ribbon deleted. Two reapers doing it at once is harmless. Never waits long for a lock: whoever queues behind it
 * would wait too.
 */
#include <sys/types.h>

#include "base/clock.h"
#include "base/log.h"
#include "reaper/internal.h"

#define SWEEP_EVERY_MS	((int64_t)60 * 60 * 1000)
#define SWEEP_AGAIN_MS	((int64_t)60 * 1000)	/* when a step failed */
#define SWEEP_ROWS	2000			/* deleted in one step */
#define DAY_MS		((int64_t)24 * 60 * 60 * 1000)
#define SESSIONS_DAYS	1			/* for so long a session that has ended is still told from one that never was */
#define UNSENT_MS	((int64_t)60 * 60 * 1000)	/* for so long whoever has a call's key may still have it sent */
#define CONNECTS_DAYS	7			/* for so long a link that has expired is still known for one */

void
sweep_due(void *arg)
{
	struct reaper *r = arg;

	if (r->sweep == SWEEP_NONE) {
		r->sweep = SWEEP_MAKE;
		r->sweep_failed = false;
	}
	if (!r->busy)
		reaper_next(r);
}

static void
next_stage(struct reaper *r)
{
	r->sweep = r->sweep == SWEEP_UNSENT ? SWEEP_NONE : r->sweep + 1;
	if (r->sweep == SWEEP_NONE)
		timer_set(r->sweep_timer, r->sweep_failed ? SWEEP_AGAIN_MS : SWEEP_EVERY_MS);
}

static void
on_swept(void *arg, const struct db_result *result)
{
	static const char *const what[] = {
		[SWEEP_MAKE] = "days of webhook_events made", [SWEEP_MAKE_REQUESTS] = "days of request_logs made",
		[SWEEP_DROP] = "days of webhook_events dropped", [SWEEP_DROP_REQUESTS] = "days of request_logs dropped",
		[SWEEP_DEDUPE] = "old digests deleted", [SWEEP_DEAD] = "old dead letters deleted",
		[SWEEP_STATES] = "old connects deleted", [SWEEP_TICKETS] = "old links deleted",
		[SWEEP_DIALS] = "old dials deleted", [SWEEP_SESSIONS] = "old sessions of the ribbon deleted",
		[SWEEP_SESSION_LOOKUP] = "old tokens of sessions forgotten", [SWEEP_RIBBON_CALLS] = "old calls of the ribbon deleted",
		[SWEEP_UNSENT] = "months given back calls that nobody sent",
	};
	struct reaper *r = arg;
	bool partitions = r->sweep >= SWEEP_MAKE && r->sweep <= SWEEP_DROP_REQUESTS;
	int64_t n;

	if (db_outcome(result) == DB_OK) {
		n = partitions ? db_i64(result, 1, 0, 0, 0) : db_affected(result, 1);
		if (n > 0)
			log_event(LEVEL_INFO, what[r->sweep], LOG_INT("count", n));
		if (partitions || n < SWEEP_ROWS)
			next_stage(r);
	} else if (db_outcome(result) != DB_AWAY) {		/* away: the same step again when it is back */
		log_event(LEVEL_WARN, "housekeeping failed; again in a minute", LOG_C("wanted", what[r->sweep]),
		    LOG_C("error", db_error_text(result)), LOG_C("sqlstate", db_error_sqlstate(result)));
		r->sweep_failed = true;
		next_stage(r);
	}
	reaper_next(r);
}

static void
put_days(struct db_params *p, int64_t days, const char *table)
{
	db_put_i32(p, (int32_t)days);
	db_put_cstr(p, table);
}

static int64_t
days_ago(int64_t days)
{
	return clock_real_ms() - days * DAY_MS;
}

void
sweep_step(struct reaper *r)
{
	static const int stmt[] = {
		[SWEEP_MAKE] = R_PARTITIONS_MAKE, [SWEEP_MAKE_REQUESTS] = R_PARTITIONS_MAKE,
		[SWEEP_DROP] = R_PARTITIONS_DROP, [SWEEP_DROP_REQUESTS] = R_PARTITIONS_DROP,
		[SWEEP_DEDUPE] = R_DEDUPE_SWEEP, [SWEEP_DEAD] = R_DEAD_SWEEP,
		[SWEEP_STATES] = R_STATES_SWEEP, [SWEEP_TICKETS] = R_TICKETS_SWEEP,
		[SWEEP_DIALS] = R_DIALS_SWEEP, [SWEEP_SESSIONS] = R_SESSIONS_SWEEP,
		[SWEEP_SESSION_LOOKUP] = R_SESSION_LOOKUP_SWEEP, [SWEEP_RIBBON_CALLS] = R_RIBBON_CALLS_SWEEP,
		[SWEEP_UNSENT] = R_UNSENT_SWEEP,
	};
	struct db_job *j = reaper_job(r, on_swept);
	DB_PARAMS(p, 2);

	switch (r->sweep) {
	case SWEEP_NONE:
		break;
	case SWEEP_MAKE:
		put_days(&p, r->conf->partitions_ahead_days, "webhook_events");
		break;
	case SWEEP_MAKE_REQUESTS:
		put_days(&p, r->conf->partitions_ahead_days, "request_logs");
		break;
	case SWEEP_DROP:
		put_days(&p, r->conf->events_keep_days, "webhook_events");
		break;
	case SWEEP_DROP_REQUESTS:
		put_days(&p, r->conf->request_logs_keep_days, "request_logs");
		break;
	case SWEEP_DEDUPE:
		db_put_time_ms(&p, days_ago(r->conf->dedupe_keep_days));
		db_put_i64(&p, SWEEP_ROWS);
		break;
	case SWEEP_DEAD:
	case SWEEP_DIALS:
	case SWEEP_RIBBON_CALLS:
		db_put_time_ms(&p, days_ago(r->conf->events_keep_days));
		db_put_i64(&p, SWEEP_ROWS);
		break;
	case SWEEP_SESSIONS:
		db_put_time_ms(&p, days_ago(SESSIONS_DAYS));
		db_put_i64(&p, SWEEP_ROWS);
		break;
	case SWEEP_SESSION_LOOKUP:
		db_put_time_ms(&p, days_ago(SESSIONS_DAYS) - r->conf->ribbon_session_max_ms);
		db_put_i64(&p, SWEEP_ROWS);
		break;
	case SWEEP_UNSENT:
		db_put_time_ms(&p, clock_real_ms() - UNSENT_MS);
		db_put_i64(&p, SWEEP_ROWS);
		break;
	case SWEEP_STATES:
	case SWEEP_TICKETS:
		db_put_time_ms(&p, days_ago(CONNECTS_DAYS));
		db_put_i64(&p, SWEEP_ROWS);
		break;
	}
	db_job_add(j, R_SWEEP_SETTINGS, NULL, 0);
	db_job_add(j, stmt[r->sweep], p.p, p.n);
	db_job_submit(j);
}
