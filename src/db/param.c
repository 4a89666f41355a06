/*
 * param: see param.h. Binary formats are PostgreSQL's: big-endian integers, timestamps in microseconds since 2000-01-01 UTC.
 */
#include <sys/types.h>
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "db/param.h"

#define PG_EPOCH_US	INT64_C(946684800000000)	/* 2000-01-01 in microseconds since 1970 */
#define TIME_FRACTION_DIGITS 6

static void
put(struct db_params *a, const void *value, size_t n, int format)
{
	assert(a->n < a->max);		/* the caller's own count, never a client's */
	a->p[a->n].value = value;
	a->p[a->n].length = (int)n;
	a->p[a->n].format = format;
	a->n++;
}

static void
put_number(struct db_params *a, uint64_t v, size_t n)
{
	unsigned char *to = a->scratch + (size_t)a->n * DB_PARAM_SCRATCH;
	size_t i;

	for (i = n; i-- > 0; v >>= 8)
		to[i] = (unsigned char)v;
	put(a, to, n, 1);
}

void
db_put_null(struct db_params *a)
{
	put(a, NULL, 0, 0);
}

void
db_put_str(struct db_params *a, struct str s)
{
	put(a, s.p, s.n, 1);		/* text's binary form is its bytes, so no NUL is needed */
}

void
db_put_cstr(struct db_params *a, const char *s)
{
	db_put_str(a, str_c(s));
}

void
db_put_uuid(struct db_params *a, struct uuid u)
{
	unsigned char *to = a->scratch + (size_t)a->n * DB_PARAM_SCRATCH;

	memcpy(to, u.b, sizeof(u.b));
	put(a, to, sizeof(u.b), 1);
}

void
db_put_i64(struct db_params *a, int64_t v)
{
	put_number(a, (uint64_t)v, 8);
}

void
db_put_i32(struct db_params *a, int32_t v)
{
	put_number(a, (uint64_t)(int64_t)v, 4);
}

void
db_put_bool(struct db_params *a, bool v)
{
	put_number(a, v, 1);
}

void
db_put_bytes(struct db_params *a, const void *p, size_t n)
{
	put(a, p, n, 1);
}

void
db_put_time_us(struct db_params *a, int64_t unix_us)
{
	if (unix_us != INT64_MIN && unix_us != INT64_MAX)
		unix_us -= PG_EPOCH_US;
	put_number(a, (uint64_t)unix_us, 8);
}

void
db_put_time_ms(struct db_params *a, int64_t unix_ms)
{
	if (unix_ms == INT64_MIN)
		db_put_null(a);
	else
		db_put_time_us(a, unix_ms * 1000);
}

bool
db_parse_time_us(struct str s, int64_t *unix_us)
{
	char text[40];
	struct str whole;
	int64_t ms, us = 0;
	size_t i, digits = 0;

	if (s.n < 22 || s.n >= sizeof(text) || memcmp(s.p + s.n - 3, "+00", 3) != 0)
		return false;
	/* Whole seconds by the RFC 3339 parser, the fraction by hand: it only keeps milliseconds. */
	memcpy(text, s.p, 19);
	text[10] = 'T';
	text[19] = 'Z';
	whole = (struct str){ text, 20 };
	if (!clock_parse_rfc3339(whole, &ms))
		return false;
	for (i = 20; i < s.n - 3; i++, digits++) {
		if (s.p[i] < '0' || s.p[i] > '9' || digits == TIME_FRACTION_DIGITS)
			return false;
		us = us * 10 + (s.p[i] - '0');
	}
	for (; digits < TIME_FRACTION_DIGITS; digits++)
		us *= 10;
	*unix_us = ms * 1000 + us;
	return true;
}
