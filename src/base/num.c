/*
 * num: numbers out of digits, by hand, because strtol() takes blanks, '+', and a locale's idea of digits, and a double
 * loses the last digits of a provider's call id. Never accepts a number it cannot hold exactly.
 */
#include <sys/types.h>

#include "base/count.h"
#include "base/num.h"

/* The digits at the front of s, as many as there are; false when there is none or the value passes limit. */
static bool
take_digits(struct str *s, uint64_t limit, uint64_t *out)
{
	uint64_t	v = 0, digit;
	size_t		i;

	for (i = 0; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
		digit = (uint64_t)(s->p[i] - '0');
		if (v > (limit - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (i == 0)
		return false;
	*out = v;
	s->p += i;
	s->n -= i;
	return true;
}

/* An optional '-' and digits at the front of s. */
static bool
take_i64(struct str *s, int64_t *out)
{
	bool		negative = s->n > 0 && s->p[0] == '-';
	uint64_t	v;

	if (negative) {
		s->p++;
		s->n--;
	}
	if (!take_digits(s, (uint64_t)INT64_MAX + (negative ? 1 : 0), &v))
		return false;
	if (!negative)
		*out = (int64_t)v;
	else
		*out = v > (uint64_t)INT64_MAX ? INT64_MIN : -(int64_t)v;
	return true;
}

bool
num_i64(struct str s, int64_t min, int64_t max, int64_t *out)
{
	int64_t v;

	if (!take_i64(&s, &v) || s.n != 0 || v < min || v > max)
		return false;
	*out = v;
	return true;
}

bool
num_i64_trunc(struct str s, int64_t *out)
{
	int64_t	v;
	size_t	i;

	if (!take_i64(&s, &v))
		return false;
	if (s.n > 0 && (s.p[0] != '.' || s.n == 1))
		return false;
	for (i = 1; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	*out = v;
	return true;
}

struct unit {
	const char	*name;
	int64_t		 factor;
};

/* Digits and one of the units, nothing else; false when the product does not fit. */
static bool
with_unit(struct str s, const struct unit *units, size_t n, int64_t *out)
{
	uint64_t	v;
	size_t		i;

	if (!take_digits(&s, INT64_MAX, &v))
		return false;
	for (i = 0; i < n; i++) {
		if (s.n != strlen(units[i].name) || (s.n > 0 && memcmp(s.p, units[i].name, s.n) != 0))
			continue;
		if ((int64_t)v > INT64_MAX / units[i].factor)
			return false;
		*out = (int64_t)v * units[i].factor;
		return true;
	}
	return false;
}

bool
num_duration_ms(struct str s, int64_t *out)
{
	static const struct unit units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 3600 * 1000 }, { "d", 86400 * 1000 },
	};

	return with_unit(s, units, COUNT(units), out);
}

bool
num_size(struct str s, int64_t *out)
{
	static const struct unit units[] = {
		{ "", 1 }, { "K", 1024 }, { "M", 1024 * 1024 }, { "G", 1024 * 1024 * 1024 },
	};

	return with_unit(s, units, COUNT(units), out);
}
