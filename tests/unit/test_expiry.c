/*
 * When the log speaks of a certificate's end: each stage is lower than the one before, and each day after the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/count.h"
#include "worker/expiry.h"

#define DAY	((int64_t)86400)

static void
test_stages(void **state)
{
	static const struct { int64_t left, stage; } cases[] = {
		{ 400 * DAY, 4 }, { 30 * DAY + 1, 4 }, { 30 * DAY, 3 }, { 14 * DAY + 1, 3 }, { 14 * DAY, 2 }, { 3 * DAY + 1, 2 },
		{ 3 * DAY, 1 }, { 1, 1 }, { 0, 0 }, { -1, 0 }, { -DAY + 1, 0 }, { -DAY, -1 }, { -2 * DAY + 1, -1 }, { -400 * DAY, -400 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(expiry_stage(cases[i].left), cases[i].stage);
}

static void
test_how_often_it_is_told(void **state)
{
	int64_t stage = expiry_stage(100 * DAY), next;
	int told = 0;

	(void)state;
	/* Looked at every hour from 100 days before to 10 days after. */
	for (int64_t left = 100 * DAY; left > -10 * DAY; left -= 3600) {
		next = expiry_stage(left);
		told += next < stage;
		stage = next;
	}
	assert_int_equal(told, 3 + 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stages),
		cmocka_unit_test(test_how_often_it_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
