/*
 * Months: of a moment in UTC, and out of a text in its one form.
 */
#include <sys/types.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/count.h"
#include "base/month.h"

static void
of_a_moment(void **unused)
{
	static const struct { int64_t ms; const char *month; } cases[] = {
		{ 0, "1970-01" }, { INT64_C(1795737599999), "2026-11" }, { INT64_C(1796083199999), "2026-11" },
		{ INT64_C(1796083200000), "2026-12" }, { INT64_C(1709164800000), "2024-02" }, { INT64_C(1709251200000), "2024-03" },
	};
	char month[MONTH_SIZE];

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		month_of(month, cases[i].ms);
		assert_string_equal(month, cases[i].month);
	}
}

static void
out_of_a_text(void **unused)
{
	static const char *const good[] = { "2000-01", "2026-11", "9998-12" };
	static const char *const bad[] = { "", "2026", "2026-1", "2026-00", "2026-13", "2026-1 ", "2026/11", "202611", "1999-12", "9999-01",
		"0000-01", "-026-01", "2026-+1", "2026--1", "2026-11-", "2026-11-01", " 2026-1", "20a6-11", "26-2011", "2026-0x" };
	char month[MONTH_SIZE];

	(void)unused;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_true(month_parse(month, str_c(good[i])));
		assert_string_equal(month, good[i]);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(month_parse(month, str_c(bad[i])));
	assert_false(month_parse(month, STR_NONE));
	assert_false(month_parse(month, (struct str){ "2026-1\0", 7 }));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_a_moment),
		cmocka_unit_test(out_of_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
