/*
 * clock: the only file that asks what time it is. Real time for what is stored or shown, monotonic time for
 * deadlines. RINGD_TEST_CLOCK_OFFSET_MS in the environment of the master shifts real time (tests only; logged when
 * set): the one thing kept here, set before the first fork.
 */
#ifndef RINGD_CLOCK_H
#define RINGD_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define CLOCK_RFC3339_SIZE	25	/* 2026-01-27T10:30:00.000Z and a NUL */

void	clock_set_offset_ms(int64_t ms);
int64_t	clock_real_ms(void);			/* ms since 1970, UTC */
int64_t	clock_mono_ms(void);
int64_t	clock_mono_us(void);
/* ms since 1970 as RFC 3339 UTC with milliseconds; years 0000-9999, beyond them it is clamped. */
void	clock_rfc3339(char out[CLOCK_RFC3339_SIZE], int64_t ms);
/* Strict RFC 3339 (T, any offset or Z, up to 9 fraction digits, a leap second at a UTC day's end taken as :59.999), or
 * a bare date meaning midnight UTC. Digits after the millisecond are cut off. */
bool	clock_parse_rfc3339(struct str s, int64_t *ms);

#endif
