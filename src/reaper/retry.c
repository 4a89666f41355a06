/*
 * retry: what follows a batch. Additive-increase is too slow after a poisoned event and a batch of one too slow for
 * long, so the number of events doubles on success and halves on failure. The guilty event ends alone, is put off
 * further each time, and becomes a dead letter with its reason; nothing is ever thrown away. What is nobody's fault
 * (another reaper, a full disk) costs no event an attempt.
 */
#include <sys/types.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "reaper/internal.h"

#define PAUSE_MIN_MS	250

static void	on_rolled_back(void *arg, const struct db_result *result);
static void	on_settled(void *arg, const struct db_result *result);
static void	on_buried(void *arg, const struct db_result *result);
static void	on_uncounted(void *arg, const struct db_result *result);

static bool
begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

enum after
retry_after(enum db_outcome outcome, const char *sqlstate)
{
	static const char *const again[] = { "40" /* serialisation, deadlock */ };
	/* Connection, resources, shutdown, system, login, privileges and unknown names, read-only, object state. */
	static const char *const wait[] = { "08", "53", "57P", "58", "28", "42", "25", "55" };
	size_t i;

	if (outcome == DB_AWAY)
		return AFTER_RECONNECT;
	if (outcome == DB_DISTURBED)
		return AFTER_AGAIN;
	if (outcome == DB_BUSY)
		return AFTER_WAIT;
	for (i = 0; i < COUNT(again); i++)
		if (begins(sqlstate, again[i]))
			return AFTER_AGAIN;
	for (i = 0; i < COUNT(wait); i++)
		if (begins(sqlstate, wait[i]))
			return AFTER_WAIT;
	return AFTER_SPLIT;	/* DB_LATE too: it has no SQLSTATE */
}

static void
halve(struct reaper *r)
{
	if (!r->alone)
		r->limit = r->limit > 1 ? r->limit / 2 : 1;
}

static void
wait_a_little(struct reaper *r)
{
	r->pause_ms = r->pause_ms == 0 ? PAUSE_MIN_MS : r->pause_ms * 2;
	if (r->pause_ms > r->conf->db_reconnect_max_ms)
		r->pause_ms = r->conf->db_reconnect_max_ms;
	r->paused = true;
	timer_set(r->pause, r->pause_ms);
}

/* The counted event has failed alone: it keeps its error, or is buried when it had all its attempts. */
static void
settle_alone(struct reaper *r)
{
	struct db_job *j;
	DB_PARAMS(p, 3);

	score_count(r->h->score, SCORE_EVENTS_FAILED, 1);
	if (r->counted.attempts >= r->conf->reaper_max_attempts) {
		retry_give_up(r, r->error);
		return;
	}
	db_put_uuid(&p, r->counted.app);
	db_put_uuid(&p, r->counted.id);
	db_put_cstr(&p, r->error);
	j = reaper_job(r, on_settled);
	db_job_add(j, R_POSTPONE, p.p, p.n);
	db_job_submit(j);
}

/* What failed was not the event: the attempt it was counted for is taken back, so that it cannot die of waiting. */
static void
uncount(struct reaper *r)
{
	struct db_job *j;
	DB_PARAMS(p, 3);

	db_put_uuid(&p, r->counted.app);
	db_put_uuid(&p, r->counted.id);
	db_put_cstr(&p, r->error);
	j = reaper_job(r, on_uncounted);
	db_job_add(j, R_UNCOUNT, p.p, p.n);
	db_job_submit(j);
}

static void
on_uncounted(void *arg, const struct db_result *result)
{
	struct reaper *r = arg;

	if (db_outcome(result) != DB_OK)
		log_event(LEVEL_WARN, "an event's attempt could not be taken back", LOG_C("error", db_error_text(result)));
	wait_a_little(r);
	reaper_next(r);
}

/* The transaction is over; what now? */
static void
decide(struct reaper *r)
{
	r->work = true;
	switch (r->after) {
	case AFTER_AGAIN:
		claim_again(r);
		return;
	case AFTER_WAIT:
		if (r->alone) {
			uncount(r);
			return;
		}
		wait_a_little(r);
		reaper_next(r);
		return;
	case AFTER_RECONNECT:
		reaper_next(r);
		return;
	case AFTER_SPLIT:
		if (r->alone) {
			settle_alone(r);
			return;
		}
		halve(r);
		reaper_next(r);
	}
}

/* What is logged now is about this event, whose id lands in id. */
static void
speak_of(const struct event_at_work *e, char id[UUID_TEXT_SIZE])
{
	log_about_app(e->app);
	uuid_format(id, e->id);
}

static void
say_failed(const struct reaper *r)
{
	bool waits = r->after == AFTER_WAIT;
	char id[UUID_TEXT_SIZE];

	if (r->after == AFTER_AGAIN) {
		log_event(LEVEL_DEBUG, "batch tried again", LOG_C("error", r->error));
		return;
	}
	if (!r->alone) {
		log_event(LEVEL_WARN, waits ? "batch waits" : "batch failed", LOG_C("error", r->error),
		    LOG_INT("events_at_most", r->limit));
		return;
	}
	speak_of(&r->counted, id);
	log_event(LEVEL_WARN, waits ? "event waits" : "event failed", LOG_C("error", r->error), LOG_C("event", id),
	    LOG_INT("attempt", r->counted.attempts), LOG_INT("of", r->conf->reaper_max_attempts));
}

void
retry_fault(struct reaper *r, enum after after, const char *error)
{
	struct db_job *j;

	batch_end(&r->batch);
	snprintf(r->error, sizeof(r->error), "%s", error);
	if (after == AFTER_AGAIN && r->again++ >= REAPER_AGAIN_MAX)
		after = AFTER_SPLIT;
	r->after = after;
	if (after == AFTER_RECONNECT) {
		/* It may have been this batch that brought the server down: next time fewer. */
		halve(r);
		decide(r);
		return;
	}
	say_failed(r);
	j = reaper_job(r, on_rolled_back);
	db_job_add(j, R_ROLLBACK, NULL, 0);
	db_job_submit(j);
}

void
retry_failed(struct reaper *r, const struct db_result *result)
{
	char text[REAPER_ERROR_MAX];
	const char *state = db_error_sqlstate(result);

	snprintf(text, sizeof(text), "%s%s%s%s", db_error_text(result), state[0] != '\0' ? " (SQLSTATE " : "", state,
	    state[0] != '\0' ? ")" : "");
	retry_fault(r, retry_after(db_outcome(result), state), text);
}

static void
on_rolled_back(void *arg, const struct db_result *result)
{
	struct reaper *r = arg;
	struct db_job *j;

	if (db_outcome(result) == DB_AWAY)
		r->after = AFTER_RECONNECT;	/* the server rolls back by itself */
	if (db_outcome(result) == DB_OK || db_outcome(result) == DB_AWAY) {
		decide(r);
		return;
	}
	/* A cancel meant for the batch may hit its ROLLBACK: nothing else may run before it went through. */
	j = reaper_job(r, on_rolled_back);
	db_job_add(j, R_ROLLBACK, NULL, 0);
	db_job_submit(j);
}

static void
on_settled(void *arg, const struct db_result *result)
{
	struct reaper *r = arg;

	/* A lost note costs nothing: the attempt is counted already. */
	if (db_outcome(result) != DB_OK)
		log_event(LEVEL_WARN, "an event's error could not be stored", LOG_C("error", db_error_text(result)));
	reaper_next(r);
}

void
retry_give_up(struct reaper *r, const char *reason)
{
	struct db_job *j;
	char id[UUID_TEXT_SIZE];
	DB_PARAMS(p, 4);

	speak_of(&r->counted, id);
	log_event(LEVEL_ERROR, "event given up", LOG_C("event", id), LOG_C("reason", reason));
	db_put_uuid(&p, r->counted.app);
	db_put_uuid(&p, r->counted.id);
	db_put_time_ms(&p, clock_real_ms());
	db_put_cstr(&p, reason);
	j = reaper_job(r, on_buried);
	db_job_add(j, R_BURY, p.p, p.n);
	db_job_submit(j);
}

static void
on_buried(void *arg, const struct db_result *result)
{
	struct reaper *r = arg;

	if (db_outcome(result) == DB_OK)
		score_count(r->h->score, SCORE_EVENTS_DEAD, 1);
	else
		log_event(LEVEL_WARN, "a dead letter could not be stored, the event stays in the queue", LOG_C("error", db_error_text(result)));
	reaper_next(r);
}

void
retry_succeeded(struct reaper *r, size_t applied, size_t dead)
{
	size_t i;
	char id[UUID_TEXT_SIZE];

	if (r->presuming) {
		silent_done(r);
		applied = 0;
	}
	score_count(r->h->score, SCORE_EVENTS_APPLIED, applied);
	score_count(r->h->score, SCORE_EVENTS_DEAD, dead);
	claim_caught_up(r);
	for (i = r->batch.nlive; i < r->batch.nevents; i++) {
		speak_of(&r->batch.event[i], id);
		log_event(LEVEL_ERROR, "event given up", LOG_C("event", id), LOG_C("reason", r->batch.event[i].dead));
	}
	log_context_set(NULL);
	log_event(LEVEL_DEBUG, "events applied", LOG_INT("events", applied), LOG_INT("dead", dead));
	batch_end(&r->batch);
	r->pause_ms = 0;
	if (!r->retrying)
		r->limit = r->limit * 2 < r->conf->reaper_batch ? r->limit * 2 : r->conf->reaper_batch;
	reaper_next(r);
}
