/*
 * internal: what the files of reaper/ share. One thing at a time is under way on the one connection: a batch, a step of
 * the sweep, a look at the queue. Each ends in reaper_next(), which picks what comes then; nothing else submits the
 * first job of anything.
 */
#ifndef RINGD_REAPER_INTERNAL_H
#define RINGD_REAPER_INTERNAL_H

#include "base/tally.h"
#include "db/db.h"
#include "db/param.h"
#include "db/stmt_reaper.h"
#include "loop/loop.h"
#include "proc/child.h"
#include "reaper/batch.h"
#include "reaper/changes.h"

#define REAPER_AGAIN_MAX	5	/* tries of one batch that met another reaper's, before it counts as failed */
#define REAPER_ERROR_MAX	400	/* bytes of an error's text that are kept */
#define REAPER_USES_MAX		1024	/* uses of keys that wait to be written */

enum sweep_stage { SWEEP_NONE, SWEEP_MAKE, SWEEP_MAKE_REQUESTS, SWEEP_DROP, SWEEP_DROP_REQUESTS, SWEEP_DEDUPE, SWEEP_DEAD, SWEEP_STATES,
	SWEEP_TICKETS, SWEEP_DIALS, SWEEP_SESSIONS, SWEEP_SESSION_LOOKUP, SWEEP_RIBBON_CALLS, SWEEP_UNSENT };

enum after {			/* what a failure of a batch calls for */
	AFTER_AGAIN,		/* the same once more: nobody's fault */
	AFTER_SPLIT,		/* fewer events at a time, until the guilty one stands alone */
	AFTER_WAIT,		/* the database cannot do any batch now */
	AFTER_RECONNECT,	/* the connection is gone */
};

struct reaper {
	const struct heritage	*h;
	const struct conf	*conf;
	struct loop		*loop;
	struct db		*db;
	struct timer		*poll, *pause, *look_timer, *sweep_timer;
	struct timer		*use_timer;
	struct watch		*wake, *master, *use_watch;
	struct reach		 reach;		/* what the sandbox lets us touch */

	bool			 busy;		/* something is under way on the connection */
	bool			 settled;	/* this connection has its settings */
	bool			 noted;		/* our configuration stands in the audit log, or cannot */
	bool			 stopping;
	bool			 attempted;	/* the first attempt to connect has finished */
	int			 exit_code;
	bool			 work;		/* events may wait */
	bool			 retries;	/* events that failed before may be due */
	bool			 retry_turn;
	bool			 paused;
	bool			 look;		/* time to look at the queue's length */
	bool			 silent;	/* time to look for calls that nothing is heard of */
	bool			 presuming;	/* the batch under way is of such, not of events */
	int64_t			 silent_at_ms;	/* monotonic: the next such look */
	int64_t			 pause_ms;

	struct batch		 batch;
	struct changes		 changes;
	int64_t			 limit;		/* events of the next batch: halved on failure, doubled on success */
	unsigned		 again;		/* how often this batch was tried again */
	bool			 alone;		/* the batch is one event, counted beforehand */
	bool			 retrying;	/* ... because it failed before, not because limit is 1 */
	struct event_at_work	 counted;	/* that event; ids and attempts only */
	enum after		 after;		/* of the failure being rolled back */
	char			 error[REAPER_ERROR_MAX];

	int64_t			 covers_ms;	/* this batch done, all is that was due until then; 0: unknown */
	int64_t			 looked_at_us;	/* monotonic: when the look under way was sent */
	int64_t			 claimed_at_us;	/* monotonic: when the claim under way was sent */
	int64_t			 floor_ms;	/* next_try_at up to which everything was taken lately */
	int64_t			 floor_until_ms;/* monotonic: claims begin at the floor until then */

	struct key_use		 use[REAPER_USES_MAX];	/* told by workers, not yet written */
	size_t			 use_bytes;	/* of them */
	size_t			 flushing;	/* of them, being written */
	bool			 flush;		/* it is time to write them */
	bool			 flushed_last;	/* ... for the last time, before the end */

	enum sweep_stage	 sweep;
	bool			 sweep_turn;
	bool			 sweep_failed;
};

/* reaper.c */
void	reaper_next(struct reaper *r);		/* whatever was under way has ended */
struct db_job *reaper_job(struct reaper *r, db_fn fn);

/* claim.c */
void	claim_begin(struct reaper *r);		/* a new batch */
void	claim_again(struct reaper *r);		/* the same one */
void	claim_end_empty(struct reaper *r);	/* ends the transaction of a batch in which there is nothing to do */
void	claim_caught_up(const struct reaper *r);	/* the batch is done: what it covered shows */
void	claim_put_floor(const struct reaper *r, struct db_params *p);

/* apply.c: the batch's events are read. */
void	apply_begin(struct reaper *r);

/* write.c: the batch's groups are known; one job to the end of the transaction. */
void	write_begin(struct reaper *r);

/* retry.c */
enum after retry_after(enum db_outcome outcome, const char *sqlstate);
void	retry_failed(struct reaper *r, const struct db_result *result);	/* a job of the batch did not end well */
void	retry_fault(struct reaper *r, enum after after, const char *error);	/* the batch itself does not do */
void	retry_succeeded(struct reaper *r, size_t applied, size_t dead);
void	retry_give_up(struct reaper *r, const char *reason);		/* the counted event becomes a dead letter */

/* silent.c */
void	silent_due(struct reaper *r);		/* is it time? */
void	silent_begin(struct reaper *r);
void	silent_done(struct reaper *r);		/* the batch is committed */

/* uses.c */
void	uses_on_readable(void *arg, unsigned what);
void	uses_due(void *arg);			/* timer */
void	uses_read(struct reaper *r);		/* what the pipe holds and has room here */
bool	uses_flush(struct reaper *r);		/* false: there was nothing to write */

/* sweep.c */
void	sweep_due(void *arg);			/* timer; also once at the start */
void	sweep_step(struct reaper *r);

#endif
