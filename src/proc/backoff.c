/*
 * backoff: a death before the first useful work is a fault of the set-up, and starting again at once would repeat it as
 * fast as the machine can fork. The wait doubles up to a cap, and one good stretch of service forgives everything.
 */
#include "proc/backoff.h"

int64_t
backoff_next(struct backoff *b, int64_t served_ms)
{
	if (served_ms >= BACKOFF_SERVICE_MS)
		b->last_ms = 0;
	else if (b->last_ms == 0)
		b->last_ms = BACKOFF_FIRST_MS;
	else if (b->last_ms < BACKOFF_MAX_MS / 2)
		b->last_ms *= 2;
	else
		b->last_ms = BACKOFF_MAX_MS;
	return b->last_ms;
}
