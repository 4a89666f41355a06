/*
 * reaper: the process: its loop, its one connection, its signals, and the choice of what to do next. Sleeps until the
 * queue may hold something: a byte from a worker, or the poll, which remains the truth when a byte is lost. Never
 * listens on a network port, never decides what a call is.
 */
#include <sys/types.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "reaper/internal.h"
#include "reaper/reaper.h"

#define LOOK_MIN_MS		1000	/* between looks; more when they take long: 1 part of LOOK_SHARE */
#define LOOK_MAX_MS		15000
#define LOOK_SHARE		50
#define LATE_ROWS		100	/* joined at one look */
#define JOBS_MAX		4	/* one is under way at a time; a little room, nothing more */
#define JOB_STATEMENTS		10	/* of the longest job: how many statement timeouts it may last */

static void	on_settings(void *arg, const struct db_result *result);
static void	on_look(void *arg, const struct db_result *result);

struct db_job *
reaper_job(struct reaper *r, db_fn fn)
{
	r->busy = true;
	return db_job_new(r->db, r->conf->db_statement_timeout_ms * JOB_STATEMENTS, fn, r);
}

static void
submit_plain(struct reaper *r, int stmt, const struct db_param *p, int n, db_fn fn)
{
	struct db_job *j = reaper_job(r, fn);

	db_job_add(j, stmt, p, n);
	db_job_submit(j);
}

static void
look(struct reaper *r)
{
	DB_PARAMS(p, 2);

	r->look = false;
	r->looked_at_us = clock_mono_us();
	db_put_time_ms(&p, clock_real_ms());
	claim_put_floor(r, &p);
	submit_plain(r, R_LOOK, p.p, p.n, on_look);
}

static void
on_noted(void *arg, const struct db_result *result)
{
	struct reaper *r = arg;

	/* Once: whoever is in the way of the audit log must not be in the way of events. */
	r->noted = db_outcome(result) != DB_AWAY;
	if (r->noted && db_outcome(result) != DB_OK)
		log_event(LEVEL_WARN, "the configuration is not in the audit log", LOG_C("error", db_error_text(result)));
	reaper_next(r);
}

/* With what configuration a generation began. */
static void
note_configuration(struct reaper *r)
{
	char sha256[CONF_FINGERPRINT_SIZE];
	DB_PARAMS(p, 3);

	conf_fingerprint(sha256, r->conf);
	db_put_cstr(&p, r->conf->path);
	db_put_i64(&p, r->h->generation);
	db_put_cstr(&p, sha256);
	submit_plain(r, R_CONFIG_AUDIT, p.p, p.n, on_noted);
}

/* The end: what workers have told of their keys is written, then the loop stops. */
static void
leave(struct reaper *r)
{
	if (!r->flushed_last && r->settled && db_state(r->db) == DB_READY) {
		r->flushed_last = true;
		uses_read(r);
		if (uses_flush(r))
			return;
	}
	loop_stop(r->loop);
}

void
reaper_next(struct reaper *r)
{
	r->busy = false;
	log_context_set(NULL);
	if (r->stopping) {
		leave(r);
		return;
	}
	if (db_state(r->db) != DB_READY || r->paused)
		return;
	r->sweep_turn = !r->sweep_turn;
	if (!r->settled)
		submit_plain(r, R_SETTINGS, NULL, 0, on_settings);
	else if (!r->noted)
		note_configuration(r);
	else if (r->flush && uses_flush(r))
		return;
	else if (r->sweep != SWEEP_NONE && (!(r->work || r->retries) || r->sweep_turn))
		sweep_step(r);
	else if (r->look)
		look(r);
	else if (r->silent)
		silent_begin(r);
	else if (r->work || r->retries)
		claim_begin(r);
}

static void
on_settings(void *arg, const struct db_result *result)
{
	struct reaper *r = arg;

	r->settled = db_outcome(result) == DB_OK;
	if (!r->settled && db_outcome(result) != DB_AWAY)
		log_event(LEVEL_WARN, "the connection's settings were refused", LOG_C("error", db_error_text(result)));
	reaper_next(r);
}

static void
on_late(void *arg, const struct db_result *result)
{
	struct reaper *r = arg;

	if (db_outcome(result) == DB_FAILED)
		log_event(LEVEL_WARN, "calls of a ribbon not joined; again in a second", LOG_C("error", db_error_text(result)),
		    LOG_C("sqlstate", db_error_sqlstate(result)));
	silent_due(r);
	reaper_next(r);
}

/* With every look: the ribbons' calls whose events came before it was known that they are theirs. */
static void
join_late(struct reaper *r)
{
	DB_PARAMS(p, 2);

	db_put_time_ms(&p, clock_real_ms());
	db_put_i64(&p, LATE_ROWS);
	submit_plain(r, R_RIBBON_LATE, p.p, p.n, on_late);
}

static void
on_look(void *arg, const struct db_result *result)
{
	struct reaper *r = arg;
	bool ok = db_outcome(result) == DB_OK;
	int64_t now = clock_real_ms(), wait = (clock_mono_us() - r->looked_at_us) / 1000 * LOOK_SHARE;

	if (ok)
		scoreboard_queue_seen(r->h->board, db_i64(result, 0, 0, 0, -1), now - db_i64(result, 0, 0, 1, 0), now);
	timer_set(r->look_timer, wait < LOOK_MIN_MS ? LOOK_MIN_MS : wait > LOOK_MAX_MS ? LOOK_MAX_MS : wait);
	if (ok && !r->stopping)
		join_late(r);
	else
		reaper_next(r);
}

static int64_t
poll_wait(const struct reaper *r)
{
	uint32_t random;

	hash_random(&random, sizeof(random));
	return r->conf->reaper_poll_ms / 2 + (int64_t)(random % 1024) * r->conf->reaper_poll_ms / 1024;
}

static void
kick(struct reaper *r)
{
	if (!r->busy)
		reaper_next(r);
}

static void
on_poll(void *arg)
{
	struct reaper *r = arg;

	r->work = r->retries = true;
	timer_set(r->poll, poll_wait(r));
	kick(r);
}

static void
on_look_due(void *arg)
{
	struct reaper *r = arg;

	if (db_state(r->db) != DB_READY && reach_outdated(&r->reach)) {
		loop_stop(r->loop);
		return;
	}
	r->look = true;
	kick(r);
}

static void
on_pause_over(void *arg)
{
	struct reaper *r = arg;

	r->paused = false;
	kick(r);
}

static void
on_wake(void *arg, unsigned what)
{
	struct reaper *r = arg;
	char bytes[256];
	ssize_t n;

	(void)what;
	while ((n = read(r->h->wake_read_fd, bytes, sizeof(bytes))) > 0)
		;
	if (n == 0)		/* every writer is gone: the poll goes on */
		watch_set(r->wake, 0);
	r->work = true;
	kick(r);
}

static void
on_state(void *arg, enum db_state state)
{
	struct reaper *r = arg;
	static const enum score_db shown[] = {
		[DB_DOWN] = SCORE_DB_DOWN, [DB_READY] = SCORE_DB_UP, [DB_REFUSED] = SCORE_DB_REFUSED,
	};

	score_db(r->h->score, shown[state], db_state_reason(r->db));
	if (state != DB_READY && r->h->must_connect && !r->attempted) {
		log_event(LEVEL_ERROR, "no database with this configuration, though there was one before", LOG_C("reason", db_state_reason(r->db)));
		child_unfit(r->h, db_state_reason(r->db));
		r->exit_code = EXIT_FAULT;
		loop_stop(r->loop);
		return;
	}
	r->attempted = true;
	child_ready(r->h);
	r->settled = false;
	if (state == DB_READY) {
		r->work = r->retries = true;
		sweep_due(r);	/* perhaps it is another server, or a copy from before today's partition was made */
	} else if (!r->stopping)
		scoreboard_queue_seen(r->h->board, -1, 0, 0);
}

static void
on_stop(void *arg)
{
	struct reaper *r = arg;

	r->stopping = true;
	kick(r);
}

static void
on_quit(void *arg)
{
	struct reaper *r = arg;

	loop_stop(r->loop);
}

static void
on_master(void *arg, unsigned what)
{
	struct reaper *r = arg;

	(void)what;
	if (!child_is_orphan(r->h))
		return;
	log_warn("the master is gone; leaving");
	loop_stop(r->loop);
}

static void
on_reopen(void *arg)
{
	(void)arg;
	if (log_reopen() != 0)
		log_errno("cannot reopen the log");
}

static bool
open_everything(struct reaper *r)
{
	const struct conf *c = r->conf;
	const struct db_config config = {
		.conninfo = &c->reaper_url,
		.name = "ringd reaper",
		.connect_timeout_ms = c->db_connect_timeout_ms,
		.statement_timeout_ms = c->db_statement_timeout_ms,
		.job_timeout_ms = c->db_job_timeout_ms,
		.queue_max = JOBS_MAX,
		.reconnect_min_ms = c->db_reconnect_min_ms,
		.reconnect_max_ms = c->db_reconnect_max_ms,
		.stmts = stmt_reaper_table(),
	};

	r->poll = timer_new(r->loop, on_poll, r);
	r->pause = timer_new(r->loop, on_pause_over, r);
	r->look_timer = timer_new(r->loop, on_look_due, r);
	r->sweep_timer = timer_new(r->loop, sweep_due, r);
	r->wake = watch_new(r->loop, r->h->wake_read_fd, on_wake, r);
	r->master = watch_new(r->loop, r->h->master_fd, on_master, r);
	r->use_timer = timer_new(r->loop, uses_due, r);
	r->use_watch = watch_new(r->loop, r->h->use_read_fd, uses_on_readable, r);
	if (r->poll == NULL || r->pause == NULL || r->look_timer == NULL || r->sweep_timer == NULL || r->wake == NULL ||
	    r->master == NULL || r->use_timer == NULL || r->use_watch == NULL || !watch_set(r->use_watch, LOOP_READ) ||
	    !watch_set(r->wake, LOOP_READ) || !watch_set(r->master, LOOP_READ))
		return false;
	if (!loop_on_signal(r->loop, SIGTERM, on_stop, r) || !loop_on_signal(r->loop, SIGQUIT, on_quit, r) ||
	    !loop_on_signal(r->loop, SIGUSR1, on_reopen, r))
		return false;
	db_reach(&r->reach, &c->reaper_url);
	child_confine(r->h, &r->reach);
	r->db = db_new(r->loop, &config);
	if (r->db == NULL)
		return false;
	db_on_state(r->db, on_state, r);
	return true;
}

static void
close_everything(struct reaper *r)
{
	r->stopping = r->flushed_last = true;
	db_free(r->db);			/* what is under way is answered "away" and rolled back by the server */
	batch_end(&r->batch);
	timer_free(r->poll);
	timer_free(r->pause);
	timer_free(r->look_timer);
	timer_free(r->sweep_timer);
	timer_free(r->use_timer);
	watch_free(r->use_watch);
	watch_free(r->wake);
	watch_free(r->master);
	loop_free(r->loop);
	reach_free(&r->reach);
}

static void
close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* What only workers need: a port must not stay open because of us. */
static void
close_foreign(const struct heritage *h)
{
	size_t i;

	for (i = 0; i < h->conf->nlisten; i++)
		close_if_open(h->listen_fd[i]);
	for (i = 0; i < h->conf->nadmin; i++)
		close_if_open(h->admin_fd[i]);
	close_if_open(h->wake_write_fd);
	close_if_open(h->use_write_fd);
	close_if_open(h->courier_end_fd);
	close_if_open(h->worker_end_fd);
}

int
reaper_main(const struct heritage *h)
{
	struct reaper r = { .h = h, .conf = h->conf, .noted = h->after_crash };

	close_foreign(h);

	/* After a death the next batch may hold what caused it: begin with single, counted events. */
	r.limit = h->after_crash ? 1 : h->conf->reaper_batch;
	r.loop = loop_new();
	if (r.loop == NULL || !open_everything(&r)) {
		log_errno("the reaper cannot set up its loop");
		return EXIT_FAULT;
	}
	sweep_due(&r);
	on_look_due(&r);
	uses_due(&r);
	on_poll(&r);
	loop_run(r.loop);
	close_everything(&r);
	return r.exit_code;
}
