/*
 * pace: says something that may happen thousands of times a second only now and then, and how often it went unsaid.
 */
#ifndef RINGD_PACE_H
#define RINGD_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_MS	10000

struct pace {			/* zeroed: nothing said yet */
	int64_t		next_ms;
	uint64_t	unsaid;		/* since it was last said */
};

/* true: say it, with *times, this one included, since it was last said. now_ms is monotonic. */
static inline bool
pace_due(struct pace *p, int64_t now_ms, uint64_t *times)
{
	*times = ++p->unsaid;
	if (now_ms < p->next_ms)
		return false;
	p->next_ms = now_ms + PACE_MS;
	p->unsaid = 0;
	return true;
}

#endif
