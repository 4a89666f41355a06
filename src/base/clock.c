/*
 * clock: what time it is, and RFC 3339 in both directions. Never uses the libc's calendar: it depends on a time zone
 * file that a sandboxed child cannot read. The offset is the tests' and is set once, by the master, before it forks.
 */
#include <sys/types.h>

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

#define DAY_MS		((int64_t)86400000)
#define YEAR_0_MS	((int64_t)-62167219200000)	/* 0000-01-01T00:00:00.000Z */
#define YEAR_9999_MS	((int64_t)253402300799999)	/* 9999-12-31T23:59:59.999Z */
#define DAYS_TO_1970	719468				/* from 0000-03-01, where the calendar below starts */

static int64_t offset_ms;

void
clock_set_offset_ms(int64_t ms)
{
	offset_ms = ms;
}

static int64_t
read_us(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) != 0)
		abort();
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
clock_real_ms(void)
{
	return read_us(CLOCK_REALTIME) / 1000 + offset_ms;
}

int64_t
clock_mono_ms(void)
{
	return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
clock_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

/* Days since 1970-01-01. Years are counted from March: the leap day comes last and the months have a formula. */
static int64_t
days_from_date(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t m = month > 2 ? month - 3 : month + 9;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t in_era = y - era * 400;

	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + (153 * m + 2) / 5 + day - 1 - DAYS_TO_1970;
}

static void
date_from_days(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
	int64_t z = days + DAYS_TO_1970;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t of_era = z - era * 146097;
	int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
	int64_t m = (5 * of_year + 2) / 153;

	*day = of_year - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = y + era * 400 + (*month <= 2 ? 1 : 0);
}

static char *
put_digits(char *out, int64_t v, int width)
{
	int i;

	for (i = width - 1; i >= 0; i--) {
		out[i] = (char)('0' + v % 10);
		v /= 10;
	}
	return out + width;
}

void
clock_rfc3339(char out[CLOCK_RFC3339_SIZE], int64_t ms)
{
	int64_t year, month, day, days, rest;

	if (ms < YEAR_0_MS)
		ms = YEAR_0_MS;
	if (ms > YEAR_9999_MS)
		ms = YEAR_9999_MS;
	days = (ms >= 0 ? ms : ms - (DAY_MS - 1)) / DAY_MS;
	rest = ms - days * DAY_MS;
	date_from_days(days, &year, &month, &day);
	out = put_digits(out, year, 4);
	*out++ = '-';
	out = put_digits(out, month, 2);
	*out++ = '-';
	out = put_digits(out, day, 2);
	*out++ = 'T';
	out = put_digits(out, rest / 3600000, 2);
	*out++ = ':';
	out = put_digits(out, rest / 60000 % 60, 2);
	*out++ = ':';
	out = put_digits(out, rest / 1000 % 60, 2);
	*out++ = '.';
	out = put_digits(out, rest % 1000, 3);
	*out++ = 'Z';
	*out = '\0';
}

/* Exactly `width` digits at the front of s. */
static bool
take_number(struct str *s, size_t width, int64_t *out)
{
	size_t i;

	*out = 0;
	if (s->n < width)
		return false;
	for (i = 0; i < width; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		*out = *out * 10 + (s->p[i] - '0');
	}
	s->p += width;
	s->n -= width;
	return true;
}

/* One of two characters at the front of s; give the same twice when there is no choice. */
static bool
take_char(struct str *s, char a, char b)
{
	if (s->n == 0 || (s->p[0] != a && s->p[0] != b))
		return false;
	s->p++;
	s->n--;
	return true;
}

static bool
take_date(struct str *s, int64_t *days)
{
	static const int month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t		 year, month, day, last;

	if (!take_number(s, 4, &year) || !take_char(s, '-', '-') || !take_number(s, 2, &month) ||
	    !take_char(s, '-', '-') || !take_number(s, 2, &day))
		return false;
	if (month < 1 || month > 12)
		return false;
	last = month_days[month - 1];
	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		last = 29;
	if (day < 1 || day > last)
		return false;
	*days = days_from_date(year, month, day);
	return true;
}

/* ".5", ".417123456": to whole milliseconds, the rest cut off. None is none. */
static bool
take_fraction(struct str *s, int64_t *ms)
{
	int64_t	digit, scale = 100;
	int	n;

	*ms = 0;
	if (!take_char(s, '.', '.'))
		return true;
	for (n = 0; n < 9 && take_number(s, 1, &digit); n++) {
		*ms += digit * scale;
		scale /= 10;
	}
	return n > 0;
}

/* Z or +hh:mm; east is positive. */
static bool
take_zone(struct str *s, int64_t *ms)
{
	int64_t	hours, minutes, sign;

	*ms = 0;
	if (take_char(s, 'Z', 'z'))
		return true;
	if (s->n == 0)
		return false;
	sign = s->p[0] == '-' ? -1 : 1;
	if (!take_char(s, '+', '-') || !take_number(s, 2, &hours) || !take_char(s, ':', ':') ||
	    !take_number(s, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ms = sign * (hours * 60 + minutes) * 60000;
	return true;
}

bool
clock_parse_rfc3339(struct str s, int64_t *ms)
{
	int64_t	days, hours, minutes, seconds, fraction, zone, minute_start;

	if (!take_date(&s, &days))
		return false;
	if (s.n == 0) {
		*ms = days * DAY_MS;
		return true;
	}
	if (!take_char(&s, 'T', 't') || !take_number(&s, 2, &hours) || !take_char(&s, ':', ':') ||
	    !take_number(&s, 2, &minutes) || !take_char(&s, ':', ':') || !take_number(&s, 2, &seconds) ||
	    !take_fraction(&s, &fraction) || !take_zone(&s, &zone) || s.n != 0)
		return false;
	if (hours > 23 || minutes > 59 || seconds > 60)
		return false;
	minute_start = days * DAY_MS + (hours * 60 + minutes) * 60000 - zone;
	if (seconds == 60) {
		/* Leap seconds end a UTC day; anywhere else a 60 is a mistake. */
		if ((minute_start + 60000) % DAY_MS != 0)
			return false;
		seconds = 59;
		fraction = 999;
	}
	*ms = minute_start + seconds * 1000 + fraction;
	return true;
}
