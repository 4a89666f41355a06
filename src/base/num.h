/*
 * num: numbers out of digits. Never through a double, never through locale, never with leading blanks or '+'.
 */
#ifndef RINGD_NUM_H
#define RINGD_NUM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

bool	num_i64(struct str s, int64_t min, int64_t max, int64_t *out);	/* whole slice, optional '-' */
/* A JSON number's integer part, fraction dropped ("123480.417": 123480); false beyond int64 or with an exponent. */
bool	num_i64_trunc(struct str s, int64_t *out);
bool	num_duration_ms(struct str s, int64_t *out);	/* 250ms 10s 5m 2h 7d; a bare number is refused */
bool	num_size(struct str s, int64_t *out);		/* 512 64K 4M 1G (powers of 1024) */

#endif
