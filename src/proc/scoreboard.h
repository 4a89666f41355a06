/*
 * scoreboard: shared memory, made by the master before the first fork, one slot per child. One writer per slot (the
 * child that owns it, with relaxed atomics); anybody reads, nobody locks. What is shown by `ringctl status` and health.
 */
#ifndef RINGD_SCOREBOARD_H
#define RINGD_SCOREBOARD_H

#include <stdatomic.h>
#include <stdint.h>

#include "conf/conf.h"

#define SCORE_SLOTS	(2 * (CONF_MAX_WORKERS + 4))	/* two generations of every role */

enum score_state { SCORE_FREE, SCORE_STARTING, SCORE_READY, SCORE_DRAINING };
enum score_db { SCORE_DB_DOWN, SCORE_DB_UP, SCORE_DB_REFUSED /* wrong schema or role */ };

struct score {
	/* written by the master */
	_Atomic int		state;		/* enum score_state */
	_Atomic int		pid;
	_Atomic unsigned	generation;
	_Atomic unsigned	index;
	_Atomic uint64_t	started_ms;	/* real time */
	char			role[16];
	/* written by the child */
	_Atomic int		db;		/* enum score_db */
	_Atomic uint64_t	connections;	/* open now */
	_Atomic uint64_t	accepted;
	_Atomic uint64_t	requests;
	_Atomic uint64_t	requests_limited;	/* answered 429: an API key's limit */
	_Atomic uint64_t	failures_limited;	/* answered 429: an address' failures */
	_Atomic uint64_t	connections_limited;	/* closed: an address' connections */
	_Atomic uint64_t	events_stored, events_duplicate, events_refused;
	_Atomic uint64_t	events_applied, events_failed, events_dead;
	_Atomic int64_t		queue_depth;	/* reaper: rows waiting at the last look; -1 unknown */
	_Atomic int64_t		queue_oldest_ms;/* reaper: age of the oldest, ms */
};

struct scoreboard {
	_Atomic uint64_t	started_ms;
	_Atomic unsigned	generation;	/* the serving one */
	_Atomic uint64_t	restarts;	/* children that died without being asked */
	_Atomic uint64_t	reloads, reloads_failed;
	struct score		slot[SCORE_SLOTS];
	struct score		past;		/* sums of the counters of all who are gone; master's */
};

#define SCORE_ADD(field, n)	atomic_fetch_add_explicit(&(field), (n), memory_order_relaxed)
#define SCORE_SET(field, v)	atomic_store_explicit(&(field), (v), memory_order_relaxed)
#define SCORE_GET(field)	atomic_load_explicit(&(field), memory_order_relaxed)

struct scoreboard	*scoreboard_new(void);	/* anonymous shared mapping, zeroed; NULL with errno */
/* The master's: the child of this slot is gone. Its counters go to `past` and the slot is zeroed. */
void			 scoreboard_retire(struct scoreboard *b, struct score *gone);

#endif
