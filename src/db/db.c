/*
 * db: making and ending a connection object, and reading what a job brought back. See db.h for the contract.
 */
#include <sys/types.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "db/db_internal.h"

static void
timer_fired(void *arg)
{
	struct db *db = arg;

	switch (db->phase) {
	case PHASE_WAITING:
		db_connect_begin(db);
		break;
	case PHASE_RESOLVING:
		db_lost(db, "name resolution timed out");
		break;
	case PHASE_CONNECTING:
		db->skip++;		/* the next attempt begins with the next address */
		db_lost(db, "connecting timed out");
		break;
	case PHASE_SETUP:
		db_lost(db, "the server does not answer after connecting");
		break;
	case PHASE_READY:
		break;
	}
}

struct db *
db_new(struct loop *l, const struct db_config *cfg)
{
	struct db *db = calloc(1, sizeof(*db));

	if (db == NULL)
		return NULL;
	db->loop = l;
	db->cfg = *cfg;
	db->watch_fd = -1;
	db->backoff_ms = cfg->reconnect_min_ms;
	db->flush.fn = db_pipe_flush;
	db->flush.arg = db;
	db->answer_refused.fn = db_pipe_answer_refused;
	db->answer_refused.arg = db;
	TAILQ_INIT(&db->jobs);
	TAILQ_INIT(&db->refused);
	db->timer = timer_new(l, timer_fired, db);
	db->sweep = timer_new(l, db_pipe_sweep, db);
	if (db->timer == NULL || db->sweep == NULL) {
		db_free(db);
		return NULL;
	}
	db->phase = PHASE_WAITING;
	timer_set(db->timer, 0);
	return db;
}

void
db_free(struct db *db)
{
	if (db == NULL)
		return;
	db->state = DB_DOWN;		/* a callback below may try to submit once more */
	db_disconnect(db);
	db_pipe_drop_all(db, DB_AWAY);
	db_pipe_answer_refused(db);
	loop_hook_cancel(&db->answer_refused);
	timer_free(db->timer);
	timer_free(db->sweep);
	free(db);
}

enum db_state
db_state(const struct db *db)
{
	return db->state;
}

const char *
db_state_reason(const struct db *db)
{
	return db->reason;
}

void
db_on_state(struct db *db, void (*fn)(void *arg, enum db_state s), void *arg)
{
	db->on_state = fn;
	db->on_state_arg = arg;
}

enum db_outcome
db_outcome(const struct db_result *r)
{
	return r->outcome;
}

int64_t
db_wait_us(const struct db_result *r)
{
	return r->wait_us;
}

int64_t
db_run_us(const struct db_result *r)
{
	return r->run_us;
}

const char *
db_sqlstate(const PGresult *error)
{
	const char *s = PQresultErrorField(error, PG_DIAG_SQLSTATE);

	return s != NULL ? s : "";
}

const char *
db_error_text(const struct db_result *r)
{
	const char *s = r->error != NULL ? PQresultErrorField(r->error, PG_DIAG_MESSAGE_PRIMARY) : NULL;

	if (s == NULL && r->error != NULL)
		s = PQresultErrorMessage(r->error);
	return s != NULL ? s : r->reason;
}

const char *
db_error_sqlstate(const struct db_result *r)
{
	return r->error != NULL ? db_sqlstate(r->error) : "";
}

const char *
db_error_constraint(const struct db_result *r)
{
	const char *s = r->error != NULL ? PQresultErrorField(r->error, PG_DIAG_CONSTRAINT_NAME) : NULL;

	return s != NULL ? s : "";
}

static const PGresult *
result_of(const struct db_result *r, int i)
{
	return i >= 0 && i < r->nres ? r->res[i] : NULL;
}

int
db_rows(const struct db_result *r, int i)
{
	const PGresult *res = result_of(r, i);

	return res != NULL ? PQntuples(res) : 0;
}

struct str
db_text(const struct db_result *r, int i, int row, int col)
{
	const PGresult *res = result_of(r, i);

	if (res == NULL || row >= PQntuples(res) || PQgetisnull(res, row, col))
		return STR_NONE;
	return (struct str){ PQgetvalue(res, row, col), (size_t)PQgetlength(res, row, col) };
}

int64_t
db_i64(const struct db_result *r, int i, int row, int col, int64_t if_null)
{
	int64_t v;

	return num_i64(db_text(r, i, row, col), INT64_MIN, INT64_MAX, &v) ? v : if_null;
}

bool
db_bool(const struct db_result *r, int i, int row, int col)
{
	return str_eq(db_text(r, i, row, col), STR("t"));
}

bool
db_uuid(const struct db_result *r, int i, int row, int col, struct uuid *out)
{
	return uuid_parse(db_text(r, i, row, col), out);
}

int64_t
db_affected(const struct db_result *r, int i)
{
	const PGresult *res = result_of(r, i);
	int64_t v;

	return res != NULL && num_i64(str_c(PQcmdTuples((PGresult *)(uintptr_t)res)), 0, INT64_MAX, &v) ? v : 0;
}
