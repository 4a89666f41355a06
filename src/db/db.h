/*
 * db: one PostgreSQL connection in libpq pipeline mode, shared by everything its process does. Never blocks the loop: name
 * resolution and cancels run in offload threads, everything else is non-blocking. With pipe.c, stmt.c and sync.c the
 * only folder that names libpq. No word of HTTP.
 *
 * A job is a list of prepared statements ended by one Sync: one implicit transaction, one round trip, answered by one
 * callback, always, exactly once: with results, with the database's error, or because the database is away, the deadline
 * passed or the queue was full. Nobody else's job can change that.
 */
#ifndef RINGD_DB_H
#define RINGD_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/reach.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/uuid.h"
#include "loop/loop.h"

struct db;
struct db_job;
struct db_stmt_table;		/* db/stmt.h */

struct db_config {
	const struct secret	*conninfo;
	const char		*name;			/* application_name */
	int64_t			 connect_timeout_ms;
	int64_t			 statement_timeout_ms;	/* server side, every statement */
	int64_t			 job_timeout_ms;	/* default deadline, waiting in the queue included */
	size_t			 queue_max;		/* jobs under way or waiting; beyond: DB_BUSY */
	int64_t			 reconnect_min_ms, reconnect_max_ms;	/* doubling, jittered */
	const struct db_stmt_table *stmts;		/* prepared on every connect */
	bool			 index_order_only;	/* plans may not sort nor scan: every statement has an index that gives its order, and */
							/* a generic plan, which knows no LIMIT, must not guess otherwise */
};

enum db_state {
	DB_DOWN,		/* trying; jobs are refused at once */
	DB_READY,
	DB_REFUSED,		/* connected, but the schema version or the role is not acceptable; retried slowly */
};

enum db_outcome {
	DB_OK,
	DB_FAILED,		/* the database said no: db_error_*() */
	DB_AWAY,		/* not connected, or the connection broke before the answer: outcome unknown */
	DB_LATE,		/* deadline passed; if it was running it has been cancelled */
	DB_DISTURBED,		/* a cancel meant for another job hit this one: nothing was done, submit it again */
	DB_BUSY,		/* queue full */
};

struct db_result;		/* valid inside the callback only */
typedef void (*db_fn)(void *arg, const struct db_result *r);

struct db	*db_new(struct loop *l, const struct db_config *cfg);	/* begins to connect */
void		 db_free(struct db *db);				/* pending jobs are answered DB_AWAY */
/* What a process will touch of this machine for such connections, added to its list. Blocks: it asks for the user. */
void		 db_reach(struct reach *r, const struct secret *conninfo);
enum db_state	 db_state(const struct db *db);
const char	*db_state_reason(const struct db *db);	/* for health: "connection refused", "schema version 3, this ringd needs 1" */
/* Told of every change of state, and once after the first attempt finished, well or not. */
void		 db_on_state(struct db *db, void (*fn)(void *arg, enum db_state s), void *arg);

/* Parameters: text or binary, in the order of $1, $2 … Bytes are copied by db_job_add. */
struct db_param {
	const char	*value;		/* NULL = SQL NULL */
	int		 length;	/* binary only */
	int		 format;	/* 0 text (NUL-terminated), 1 binary */
};

#define DB_PARAMS_MAX	1024		/* of one statement: 64 rows of 16 columns */

/* A job is built and submitted in one go, without returning to the loop and without building another in between: its bytes
 * go straight into libpq's buffer. timeout_ms 0 = the default. Never NULL: without memory or connection it is
 * a job that will be answered DB_AWAY. */
struct db_job	*db_job_new(struct db *db, int64_t timeout_ms, db_fn fn, void *arg);
void		 db_job_add(struct db_job *j, int stmt, const struct db_param *params, int nparams);
void		 db_job_submit(struct db_job *j);	/* the callback comes later, never from inside this call */

enum db_outcome	 db_outcome(const struct db_result *r);
/* Microseconds from db_job_submit until it was the first in line, and from then to the answer. */
int64_t		 db_wait_us(const struct db_result *r);
int64_t		 db_run_us(const struct db_result *r);
const char	*db_error_text(const struct db_result *r);	/* one line; never NULL */
const char	*db_error_sqlstate(const struct db_result *r);	/* five characters, or "" */
const char	*db_error_constraint(const struct db_result *r);/* name, or "" */
/* Results of the i-th statement of the job. */
int		 db_rows(const struct db_result *r, int i);
struct str	 db_text(const struct db_result *r, int i, int row, int col);	/* absent for NULL */
int64_t		 db_i64(const struct db_result *r, int i, int row, int col, int64_t if_null);
bool		 db_bool(const struct db_result *r, int i, int row, int col);
bool		 db_uuid(const struct db_result *r, int i, int row, int col, struct uuid *out);
int64_t		 db_affected(const struct db_result *r, int i);

#endif
