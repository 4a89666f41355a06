/*
 * backoff: how long to wait before a child that died is started again. Pure.
 */
#ifndef RINGD_BACKOFF_H
#define RINGD_BACKOFF_H

#include <stdint.h>

#define BACKOFF_SERVICE_MS	10000	/* served this long: the death says nothing about the set-up */
#define BACKOFF_FIRST_MS	1000
#define BACKOFF_MAX_MS		60000

struct backoff {
	int64_t	last_ms;	/* the last wait; zeroed = none yet */
};

/* served_ms: from ready to death, 0 when it never was ready. Returns the wait; 0 = at once. */
int64_t	backoff_next(struct backoff *b, int64_t served_ms);

#endif
