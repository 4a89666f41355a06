/*
 * Time in both directions. The calendar is checked against the libc's own, day by day.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/count.h"

#define DAY_MS		((int64_t)86400000)
#define CYCLE_HALF	73048		/* days in half of the 400 years after which the calendar repeats */
#define YEAR_0_MS	((int64_t)-62167219200000)
#define YEAR_9999_MS	((int64_t)253402300799999)

static void
writes_known_moments(void **unused)
{
	static const struct {
		int64_t		 ms;
		const char	*text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 1769509800000, "2026-01-27T10:30:00.000Z" },
		{ 1769509800007, "2026-01-27T10:30:00.007Z" },
		{ -1, "1969-12-31T23:59:59.999Z" },
		{ -86400000, "1969-12-31T00:00:00.000Z" },
		{ 951782400000, "2000-02-29T00:00:00.000Z" },
		{ 4107542400000, "2100-03-01T00:00:00.000Z" },
		{ YEAR_0_MS, "0000-01-01T00:00:00.000Z" },
		{ YEAR_9999_MS, "9999-12-31T23:59:59.999Z" },
		{ YEAR_0_MS - 1, "0000-01-01T00:00:00.000Z" },
		{ YEAR_9999_MS + 1, "9999-12-31T23:59:59.999Z" },
		{ INT64_MIN, "0000-01-01T00:00:00.000Z" },
		{ INT64_MAX, "9999-12-31T23:59:59.999Z" },
	};
	char	out[CLOCK_RFC3339_SIZE];
	size_t	i;

	(void)unused;
	for (i = 0; i < COUNT(cases); i++) {
		clock_rfc3339(out, cases[i].ms);
		assert_string_equal(out, cases[i].text);
	}
}

/* Every day of the calendar's 400 years around now, every 97th of the rest. */
static void
every_day_agrees_with_libc(void **unused)
{
	char		ours[CLOCK_RFC3339_SIZE], theirs[80];
	struct tm	tm;
	time_t		t;
	int64_t		ms, back, day;

	(void)unused;
	for (day = YEAR_0_MS / DAY_MS; day <= YEAR_9999_MS / DAY_MS; day += day / CYCLE_HALF == 0 ? 1 : 97) {
		ms = day * DAY_MS + (day * 7919 % 86400 + 86400) % 86400 * 1000;
		t = (time_t)(ms / 1000);
		gmtime_r(&t, &tm);
		snprintf(theirs, sizeof(theirs), "%04d-%02d-%02dT%02d:%02d:%02d.000Z", tm.tm_year + 1900, tm.tm_mon + 1,
		    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
		clock_rfc3339(ours, ms);
		if (strcmp(ours, theirs) != 0)
			fail_msg("%s, libc says %s", ours, theirs);
		if (!clock_parse_rfc3339(str_c(ours), &back) || back != ms)
			fail_msg("%s does not read back", ours);
	}
}

static void
reads_what_rfc3339_allows(void **unused)
{
	static const struct {
		const char	*text;
		int64_t		 ms;
	} cases[] = {
		{ "2026-01-27T10:30:00Z", 1769509800000 },
		{ "2026-01-27t10:30:00z", 1769509800000 },
		{ "2026-01-27T10:30:00.5Z", 1769509800500 },
		{ "2026-01-27T10:30:00.05Z", 1769509800050 },
		{ "2026-01-27T10:30:00.123456789Z", 1769509800123 },
		{ "2026-01-27T10:30:00.999999Z", 1769509800999 },
		{ "2026-01-27T16:00:00+05:30", 1769509800000 },
		{ "2026-01-27T02:30:00.25-08:00", 1769509800250 },
		{ "2026-01-27T10:30:00-00:00", 1769509800000 },
		{ "2026-01-28T10:29:00+23:59", 1769509800000 },
		{ "2026-01-27", 1769472000000 },
		{ "1969-12-31T23:59:59.999Z", -1 },
		{ "1969-12-31T23:59:59.0009Z", -1000 },
		{ "2000-02-29", 951782400000 },
		{ "2016-12-31T23:59:60Z", 1483228799999 },
		{ "2016-12-31T23:59:60.25Z", 1483228799999 },
		{ "2017-01-01T05:29:60+05:30", 1483228799999 },
		{ "0000-01-01T00:00:00Z", YEAR_0_MS },
		{ "9999-12-31T23:59:59.999Z", YEAR_9999_MS },
	};
	int64_t	ms;
	size_t	i;

	(void)unused;
	for (i = 0; i < COUNT(cases); i++) {
		ms = 0;
		if (!clock_parse_rfc3339(str_c(cases[i].text), &ms) || ms != cases[i].ms)
			fail_msg("%s gave %lld", cases[i].text, (long long)ms);
	}
}

static void
refuses_everything_else(void **unused)
{
	static const char *const cases[] = {
		"", "2026", "2026-01", "2026-1-27", "26-01-27", "2026-01-27T", "2026-01-27 10:30:00Z",
		"2026-01-27T10:30Z",
		"2026-01-27T10:30:00", "2026-01-27T10:30:00.Z", "2026-01-27T10:30:00.1234567890Z",
		"2026-01-27T10:30:00,5Z",
		"2026-01-27T10:30:00+0530", "2026-01-27T10:30:00+05", "2026-01-27T10:30:00+24:00",
		"2026-01-27T10:30:00+05:60", "2026-01-27T10:30:00 +05:30", "2026-01-27T10:30:00Z ",
		" 2026-01-27T10:30:00Z",
		"2026-01-27T24:00:00Z", "2026-01-27T10:60:00Z", "2026-01-27T10:30:61Z", "2026-01-27T10:30:60Z",
		"2016-12-31T23:59:60+01:00", "2026-00-27", "2026-13-27", "2026-01-00", "2026-01-32",
		"2026-04-31", "2026-02-29",
		"1900-02-29", "2100-02-29", "2026-02-30", "2026-01-27Z", "2026/01/27", "+2026-01-27", "-2026-01-27",
		"2026-01-27T10:30:00ZZ", "2026-01-27T1:30:00Z", "20260127T103000Z", "2026-01-27T10:30:00UTC", "now",
	};
	int64_t	ms = 42;
	size_t	i;

	(void)unused;
	for (i = 0; i < COUNT(cases); i++)
		if (clock_parse_rfc3339(str_c(cases[i]), &ms))
			fail_msg("\"%s\" was taken", cases[i]);
	assert_false(clock_parse_rfc3339(STR_NONE, &ms));
	assert_false(clock_parse_rfc3339(STR("2026-01-27\0"), &ms));
	assert_int_equal(ms, 42);
}

static void
offset_shifts_real_time_only(void **unused)
{
	int64_t real = clock_real_ms(), mono = clock_mono_ms(), us;

	(void)unused;
	assert_in_range(real / 1000, time(NULL) - 2, time(NULL) + 2);
	clock_set_offset_ms(3600000);
	assert_in_range(clock_real_ms() - real, 3600000, 3605000);
	assert_in_range(clock_mono_ms() - mono, 0, 5000);
	clock_set_offset_ms(-3600000);
	assert_in_range(real - clock_real_ms(), 3595000, 3600000);
	clock_set_offset_ms(0);
	us = clock_mono_us();
	assert_in_range(us / 1000 - mono, 0, 5000);
	assert_true(clock_mono_us() >= us);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_known_moments),
		cmocka_unit_test(every_day_agrees_with_libc),
		cmocka_unit_test(reads_what_rfc3339_allows),
		cmocka_unit_test(refuses_everything_else),
		cmocka_unit_test(offset_shifts_real_time_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
