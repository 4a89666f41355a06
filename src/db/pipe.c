/*
 * pipe: jobs on the pipeline. A job's statements go straight into libpq's buffer, one Sync after the last; answers come back in
 * the same order. Every job is answered exactly once. A job whose caller was answered early (deadline) stays in line as a shell
 * until its results have passed, so nobody else's results can shift.
 */
#include <sys/types.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "db/db_internal.h"

#define SQLSTATE_CANCELED	"57014"

static struct db_job *
job_alloc(struct db *db, db_fn fn, void *arg)
{
	struct db_job *j = calloc(1, sizeof(*j));

	if (j == NULL) {
		log_errno("out of memory for a database job");
		abort();	/* 100 bytes are not to be had: the master starts a fresh process */
	}
	j->db = db;
	j->fn = fn;
	j->arg = arg;
	j->cancels_before = db->cancels;
	j->context = *log_context();
	j->name = "-";
	return j;
}

struct db_job *
db_job_new(struct db *db, int64_t timeout_ms, db_fn fn, void *arg)
{
	struct db_job *j = job_alloc(db, fn, arg);

	if (db->state != DB_READY || db->broken)
		j->refused = DB_AWAY;
	else if (db->depth >= db->cfg.queue_max)
		j->refused = DB_BUSY;
	else
		db->building = j;
	j->deadline_ms = loop_now_ms(db->loop) + (timeout_ms > 0 ? timeout_ms : db->cfg.job_timeout_ms);
	return j;
}

struct db_job *
db_job_internal(struct db *db, db_fn fn, void *arg)
{
	struct db_job *j = job_alloc(db, fn, arg);

	j->deadline_ms = INT64_MAX;	/* bounded by the connect timeout instead */
	db->building = j;
	return j;
}

static void
sent(struct db_job *j, int ok)
{
	if (ok == 1) {
		j->nstmts++;
		return;
	}
	/* Half a job is in libpq's buffer: the connection cannot be used any more. */
	j->db->broken = true;
	db_one_line(j->db->broken_why, sizeof(j->db->broken_why), PQerrorMessage(j->db->pg));
	j->refused = DB_AWAY;
}

void
db_job_add(struct db_job *j, int stmt, const struct db_param *params, int nparams)
{
	const char *values[DB_PARAMS_MAX];
	int lengths[DB_PARAMS_MAX], formats[DB_PARAMS_MAX], i;

	if (j->refused != DB_OK)
		return;
	for (i = 0; i < nparams; i++) {
		values[i] = params[i].value;
		lengths[i] = params[i].length;
		formats[i] = params[i].format;
	}
	if (j->nstmts == 0)
		j->name = j->db->cfg.stmts->stmt[stmt].name;
	sent(j, PQsendQueryPrepared(j->db->pg, j->db->cfg.stmts->stmt[stmt].name, nparams, values, lengths, formats, 0));
}

void
db_job_prepare(struct db_job *j, const struct db_stmt *s)
{
	if (j->refused == DB_OK)
		sent(j, PQsendPrepare(j->db->pg, s->name, s->sql, 0, NULL));
}

void
db_job_query(struct db_job *j, const char *sql, const char *const *params, int nparams)
{
	if (j->refused == DB_OK)
		sent(j, PQsendQueryParams(j->db->pg, sql, nparams, NULL, params, NULL, NULL, 0));
}

/* libpq before 17 sends at each Sync; from 17 on the turn-end flush sends all of a turn's jobs at once. */
static int
send_sync(PGconn *pg)
{
#ifdef LIBPQ_HAS_SEND_PIPELINE_SYNC
	return PQsendPipelineSync(pg);
#else
	return PQpipelineSync(pg);
#endif
}

static void
start_sweep(struct db *db)
{
	if (!db->sweeping) {
		db->sweeping = true;
		timer_set(db->sweep, DB_SWEEP_MS);
	}
}

void
db_job_submit(struct db_job *j)
{
	struct db *db = j->db;

	db->building = NULL;
	j->submitted_us = clock_mono_us();
	if (j->refused == DB_OK && send_sync(db->pg) != 1) {
		db->broken = true;
		db_one_line(db->broken_why, sizeof(db->broken_why), PQerrorMessage(db->pg));
		j->refused = DB_AWAY;
	}
	if (j->refused != DB_OK) {
		TAILQ_INSERT_TAIL(&db->refused, j, link);
		loop_at_turn_end(db->loop, &db->answer_refused);
		return;
	}
	if (TAILQ_EMPTY(&db->jobs))
		db->head_us = j->submitted_us;
	TAILQ_INSERT_TAIL(&db->jobs, j, link);
	db->depth++;
	start_sweep(db);
	loop_at_turn_end(db->loop, &db->flush);
}

static void
job_free(struct db_job *j)
{
	int i;

	for (i = 0; i < DB_JOB_STMTS; i++)
		PQclear(j->res[i]);
	PQclear(j->error);
	free(j);
}

/* How long it stood in line, and how long at its head until now. A job that never got there only waited. */
static void
measure(struct db_result *r, const struct db_job *j, bool head, int64_t now_us)
{
	int64_t head_us = !head ? now_us : j->db->head_us > j->submitted_us ? j->db->head_us : j->submitted_us;

	r->wait_us = head_us - j->submitted_us;
	r->run_us = now_us - head_us;
}

static const char *
outcome_name(enum db_outcome outcome)
{
	static const char *const names[] = { "ok", "failed", "away", "late", "disturbed", "busy" };

	return names[outcome];
}

/* head: it was the first in line. */
static void
answer(struct db_job *j, enum db_outcome outcome, const char *reason, bool head, int64_t now_us)
{
	struct db_result r = { .outcome = outcome, .error = outcome == DB_FAILED ? j->error : NULL, .reason = reason, .res = j->res,
	    .nres = j->nstmts < DB_JOB_STMTS ? j->nstmts : DB_JOB_STMTS };
	db_fn fn = j->fn;

	j->fn = NULL;
	if (fn == NULL)
		return;
	measure(&r, j, head, now_us);
	log_context_set(&j->context);
	log_event(LEVEL_DEBUG, "database job", LOG_C("statement", j->name), LOG_C("outcome", outcome_name(outcome)),
	    LOG_C("sqlstate", db_error_sqlstate(&r)[0] != '\0' ? db_error_sqlstate(&r) : NULL), LOG_MS("wait", r.wait_us),
	    LOG_MS("db", r.run_us));
	fn(j->arg, &r);
	log_context_set(NULL);
}

/* Turn-end: jobs that never went out. */
void
db_pipe_answer_refused(void *arg)
{
	struct db *db = arg;
	struct db_jobs all = TAILQ_HEAD_INITIALIZER(all);
	struct db_job *j;

	TAILQ_CONCAT(&all, &db->refused, link);		/* what a callback submits now is answered in the next pass */
	while ((j = TAILQ_FIRST(&all)) != NULL) {
		TAILQ_REMOVE(&all, j, link);
		answer(j, j->refused, j->refused == DB_BUSY ? "too many requests are waiting for the database" : db->reason, false,
		    clock_mono_us());
		job_free(j);
	}
	if (db->broken && db->pg != NULL)
		db_lost(db, db->broken_why);
}

void
db_pipe_drop_all(struct db *db, enum db_outcome outcome)
{
	struct db_jobs all = TAILQ_HEAD_INITIALIZER(all);
	struct db_job *j, *head = TAILQ_FIRST(&db->jobs);
	int64_t now_us = clock_mono_us();

	/* The list is moved away first: a callback may submit the next job. */
	TAILQ_CONCAT(&all, &db->jobs, link);
	db->depth = 0;
	while ((j = TAILQ_FIRST(&all)) != NULL) {
		TAILQ_REMOVE(&all, j, link);
		answer(j, outcome, db->reason, j == head, now_us);
		job_free(j);
	}
}

static void
job_done(struct db *db, struct db_job *j)
{
	bool canceled = j->error != NULL && strcmp(db_sqlstate(j->error), SQLSTATE_CANCELED) == 0;
	int64_t now_us = clock_mono_us();

	TAILQ_REMOVE(&db->jobs, j, link);
	db->depth--;
	if (j->error == NULL)
		answer(j, DB_OK, "", true, now_us);
	else if (canceled && j->fn != NULL && (j->cancels_before != db->cancels || db->cancel != NULL))
		answer(j, DB_DISTURBED, "cancelled by accident", true, now_us);
	else
		answer(j, DB_FAILED, "", true, now_us);
	db->head_us = now_us;
	job_free(j);
}

/* Takes one result of libpq. A NULL ends a statement's results, a PIPELINE_SYNC ends the job. */
static void
take_result(struct db *db, PGresult *res)
{
	struct db_job *j = TAILQ_FIRST(&db->jobs);

	if (j == NULL) {		/* only a notice of the server's end can come without a job */
		PQclear(res);
		return;
	}
	if (res == NULL) {
		j->at++;
		return;
	}
	switch (PQresultStatus(res)) {
	case PGRES_PIPELINE_SYNC:
		PQclear(res);
		job_done(db, j);
		return;
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
		if (j->at < DB_JOB_STMTS && j->res[j->at] == NULL && j->fn != NULL)
			j->res[j->at] = res;
		else
			PQclear(res);
		return;
	case PGRES_PIPELINE_ABORTED:
		PQclear(res);
		return;
	default:
		if (j->error == NULL)
			j->error = res;
		else
			PQclear(res);
	}
}

static void
read_results(struct db *db)
{
	db->reading = true;
	/* A connection that lost its place in the stream gives NULL for ever, hence the look at its status. */
	while (!db->broken && PQisBusy(db->pg) == 0 && !TAILQ_EMPTY(&db->jobs) && PQstatus(db->pg) != CONNECTION_BAD)
		take_result(db, PQgetResult(db->pg));
	db->reading = false;
	if (!db->broken && PQstatus(db->pg) == CONNECTION_BAD) {
		db->broken = true;
		db_one_line(db->broken_why, sizeof(db->broken_why), PQerrorMessage(db->pg));
	}
	if (db->broken)
		db_lost(db, db->broken_why);
}

void
db_pipe_flush(void *arg)
{
	struct db *db = arg;
	int left;

	if (db->pg == NULL)
		return;
	left = PQflush(db->pg);
	if (left < 0)
		db_lost(db, PQerrorMessage(db->pg));
	else
		watch_set(db->watch, left > 0 ? LOOP_READ | LOOP_WRITE : LOOP_READ);
}

void
db_pipe_event(void *arg, unsigned what)
{
	struct db *db = arg;

	if ((what & LOOP_READ) && PQconsumeInput(db->pg) != 1) {
		/* The server may have said why before it hung up; libpq hands that on as a notice when it reads it. */
		PQisBusy(db->pg);
		db_lost(db, db->last_words[0] != '\0' ? db->last_words : PQerrorMessage(db->pg));
		return;
	}
	read_results(db);
	if (db->pg != NULL && (what & LOOP_WRITE))
		db_pipe_flush(db);
}

/* Deadlines: late callers are answered; the one that holds up the line is cancelled at the server. */
void
db_pipe_sweep(void *arg)
{
	struct db *db = arg;
	struct db_job *j, *next, *head = TAILQ_FIRST(&db->jobs);
	int64_t now = loop_now_ms(db->loop);

	db->sweeping = false;
	if (head == NULL)
		return;
	start_sweep(db);
	if (head->deadline_ms < now - DB_DEAD_GRACE_MS) {
		db_lost(db, "no answer from the server");
		return;
	}
	if (head->deadline_ms < now && !head->cancel_asked) {
		log_context_set(&head->context);
		head->cancel_asked = db_cancel_running(db);
	}
	/* Callbacks may submit (to the tail) but never remove from this list. */
	for (j = head; j != NULL; j = next) {
		next = TAILQ_NEXT(j, link);
		if (j->deadline_ms < now && j->fn != NULL)
			answer(j, DB_LATE, "the database did not answer in time", j == head, clock_mono_us());
	}
}
