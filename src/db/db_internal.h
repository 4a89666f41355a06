/*
 * db_internal: what the files of db/ share and nobody else sees. One connection, its jobs in the order they were sent.
 */
#ifndef RINGD_DB_INTERNAL_H
#define RINGD_DB_INTERNAL_H

#include <libpq-fe.h>
#include <sys/queue.h>

#include "base/log.h"
#include "db/db.h"
#include "db/stmt.h"

#define DB_JOB_STMTS		8	/* statements of one job whose results are kept */
#define DB_SWEEP_MS		100	/* how exact a deadline is */
#define DB_DEAD_GRACE_MS	5000	/* a job this long past its deadline and still unanswered: the connection is given up */
#define DB_REASON_SIZE		256
#define DB_ENDPOINT_SIZE	1024

enum db_phase {
	PHASE_WAITING,		/* for the next attempt */
	PHASE_RESOLVING,	/* in an offload thread */
	PHASE_CONNECTING,
	PHASE_SETUP,		/* settings, checks, PREPAREs under way */
	PHASE_READY,
};

struct db_result {
	enum db_outcome	 outcome;
	const PGresult	*error;			/* NULL unless DB_FAILED */
	const char	*reason;		/* for outcomes without a PGresult */
	PGresult	*const *res;
	int		 nres;
	int64_t		 wait_us, run_us;
};

struct db_job {
	TAILQ_ENTRY(db_job)	 link;
	struct db		*db;
	db_fn			 fn;		/* NULL once answered: results are then thrown away */
	void			*arg;
	int64_t			 deadline_ms;
	uint64_t		 cancels_before;/* cancels sent before this job was */
	bool			 cancel_asked;	/* for this job, when it stood first in line past its deadline */
	const char		*name;		/* of its first statement, for the log */
	struct log_context	 context;	/* whose work it is: the callback's lines say so too */
	int64_t			 submitted_us;
	enum db_outcome		 refused;	/* DB_OK, or why it never went out */
	int			 nstmts;	/* sent */
	int			 at;		/* statement whose results are being read */
	PGresult		*res[DB_JOB_STMTS];	/* of the first statements; later ones only succeed or fail */
	PGresult		*error;		/* the first */
};

TAILQ_HEAD(db_jobs, db_job);

struct resolve;			/* resolve.c */
struct cancel;			/* cancel.c */

struct db {
	struct loop		*loop;
	struct db_config	 cfg;
	PGconn			*pg;
	struct watch		*watch;
	int			 watch_fd;
	struct timer		*timer;		/* reconnect, or the end of a connect attempt */
	struct timer		*sweep;		/* deadlines */
	bool			 sweeping;
	struct loop_hook	 flush;
	struct loop_hook	 answer_refused;
	enum db_phase		 phase;
	enum db_state		 state;
	bool			 attempted;	/* the first attempt has finished */
	bool			 reading;	/* inside the read loop: a broken connection is dealt with at its end */
	bool			 broken;
	char			 broken_why[DB_REASON_SIZE];
	char			 last_words[DB_REASON_SIZE];	/* the server's latest notice or farewell */
	bool			 refusing;	/* the connection works but may not be used: being closed for that */
	char			 reason[DB_REASON_SIZE];
	char			 logged[DB_REASON_SIZE];	/* last reason logged, so that each is logged once */
	char			 endpoint[DB_ENDPOINT_SIZE];	/* where we are connected, for the log */
	int64_t			 backoff_ms;
	unsigned		 skip;		/* addresses of the list to pass over: the ones that did not answer in time */
	struct db_jobs		 jobs;		/* sent, not fully read, oldest first */
	struct db_jobs		 refused;	/* never sent; answered at the end of the turn */
	size_t			 depth;
	int64_t			 head_us;	/* since when the first of the jobs is the first */
	struct db_job		*building;
	uint64_t		 cancels;
	struct resolve		*resolve;
	struct cancel		*cancel;
	void			(*on_state)(void *arg, enum db_state s);
	void			*on_state_arg;
};

/* connect.c */
void	db_connect_begin(struct db *db);
void	db_connect_readable(struct db *db, unsigned what);	/* PHASE_CONNECTING */
void	db_lost(struct db *db, const char *why);		/* gives the connection up, answers all jobs, plans the next attempt */
void	db_set_state(struct db *db, enum db_state s, const char *reason);

void	db_disconnect(struct db *db);		/* closes without planning anything */

/* db.c */
const char *db_sqlstate(const PGresult *error);

/* setup.c: what is sent on every new connection. */
void	db_setup_begin(struct db *db);

/* pipe.c */
struct db_job *db_job_internal(struct db *db, db_fn fn, void *arg);	/* for setup: goes out in PHASE_SETUP */
void	db_job_prepare(struct db_job *j, const struct db_stmt *s);
void	db_job_query(struct db_job *j, const char *sql, const char *const *params, int nparams);
void	db_pipe_event(void *arg, unsigned what);
void	db_pipe_drop_all(struct db *db, enum db_outcome outcome);
void	db_pipe_flush(void *arg);
void	db_pipe_answer_refused(void *arg);
void	db_pipe_sweep(void *arg);

/* resolve.c: the addresses of a conninfo, host names looked up without blocking, beginning with the skip-th. done is called in the loop. */
enum db_address { ADDRESS_PLAIN, ADDRESS_LIST, ADDRESS_MALFORMED };
enum db_address db_resolve_needed(const struct secret *conninfo);
struct resolve *db_resolve_start(struct db *db, void (*done)(struct db *db, const char *host, const char *hostaddr, const char *port,
	    const char *error));
void	db_resolve_abandon(struct resolve *r);

/* cancel.c: asks the server to stop what runs now, in an offload thread. */
bool	db_cancel_running(struct db *db);	/* false: no thread, or one is on its way already */
void	db_cancel_abandon(struct db *db);

/* One line of an error message of libpq: newlines to blanks, trimmed, bounded. */
void	db_one_line(char *out, size_t size, const char *text);

#endif
