/*
 * The wait before a dead child is started again: at once after good service, else doubling from 1 s to 60 s.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/count.h"
#include "proc/backoff.h"

static void
doubles_up_to_the_cap(void **state)
{
	static const int64_t waits[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000 };
	struct backoff b = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(waits); i++)
		assert_int_equal(backoff_next(&b, 0), waits[i]);
}

static void
good_service_is_started_again_at_once(void **state)
{
	struct backoff b = { 0 };

	(void)state;
	assert_int_equal(backoff_next(&b, 10000), 0);
	assert_int_equal(backoff_next(&b, 9999), 1000);
	assert_int_equal(backoff_next(&b, 9999), 2000);
}

static void
good_service_forgives_what_was_before(void **state)
{
	struct backoff b = { 0 };

	(void)state;
	for (int i = 0; i < 20; i++)
		(void)backoff_next(&b, 5);
	assert_int_equal(backoff_next(&b, 86400000), 0);
	assert_int_equal(backoff_next(&b, 0), 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubles_up_to_the_cap),
		cmocka_unit_test(good_service_is_started_again_at_once),
		cmocka_unit_test(good_service_forgives_what_was_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
