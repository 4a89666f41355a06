/*
 * scoreboard: the memory itself, and what is kept of a child that is gone. No lock anywhere: a reader may see a child's
 * counters for a moment in both places or in neither.
 */
#include <sys/types.h>
#include <sys/mman.h>

#include <string.h>

#include "proc/scoreboard.h"

struct scoreboard *
scoreboard_new(void)
{
	void *p = mmap(NULL, sizeof(struct scoreboard), PROT_READ | PROT_WRITE, MAP_ANON | MAP_SHARED, -1, 0);

	return p != MAP_FAILED ? p : NULL;
}

static void
move(_Atomic uint64_t *to, _Atomic uint64_t *from)
{
	SCORE_ADD(*to, atomic_exchange_explicit(from, 0, memory_order_relaxed));
}

void
scoreboard_retire(struct scoreboard *b, struct score *gone)
{
	SCORE_SET(gone->state, SCORE_FREE);
	move(&b->past.accepted, &gone->accepted);
	move(&b->past.requests, &gone->requests);
	move(&b->past.requests_limited, &gone->requests_limited);
	move(&b->past.failures_limited, &gone->failures_limited);
	move(&b->past.connections_limited, &gone->connections_limited);
	move(&b->past.events_stored, &gone->events_stored);
	move(&b->past.events_duplicate, &gone->events_duplicate);
	move(&b->past.events_refused, &gone->events_refused);
	move(&b->past.events_applied, &gone->events_applied);
	move(&b->past.events_failed, &gone->events_failed);
	move(&b->past.events_dead, &gone->events_dead);
	SCORE_SET(gone->pid, 0);
	SCORE_SET(gone->db, SCORE_DB_DOWN);
	SCORE_SET(gone->connections, 0);
	SCORE_SET(gone->queue_depth, 0);
	SCORE_SET(gone->queue_oldest_ms, 0);
	memset(gone->role, 0, sizeof(gone->role));
}
