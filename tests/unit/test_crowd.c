/*
 * The crowd: the sum over all processes, never above the limit, and without those who died.
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/crowd.h"

#define MEMBERS	8
#define ACME	UINT64_C(0x123456789abcdef1)
#define OTHER	UINT64_C(0x923456789abcdef1)	/* in the same bucket */

static bool
enters(struct crowd *c, size_t member, uint64_t id, uint32_t limit)
{
	bool counted, let_in = crowd_enter(c, member, id, limit, &counted);

	assert_int_equal(let_in, counted);
	return let_in;
}

static struct crowd *
crowd(size_t joined)
{
	struct crowd *c = crowd_new(MEMBERS);

	assert_non_null(c);
	for (size_t i = 0; i < joined; i++)
		crowd_join(c, i);
	return c;
}

static void
the_sum_counts(void **state)
{
	struct crowd *c = crowd(3);

	(void)state;
	assert_true(enters(c, 0, ACME, 3));
	assert_true(enters(c, 1, ACME, 3));
	assert_true(enters(c, 2, ACME, 3));
	for (size_t i = 0; i < 3; i++)
		assert_false(enters(c, i, ACME, 3));
	assert_true(enters(c, 0, OTHER, 1));
	assert_false(enters(c, 1, OTHER, 1));
	crowd_leave(c, 1, ACME);
	assert_true(enters(c, 0, ACME, 3));
	assert_false(enters(c, 1, ACME, 3));
	assert_true(enters(c, 1, ACME, 4));
	crowd_free(c);
}

static void
the_dead_hold_nothing(void **state)
{
	struct crowd *c = crowd(2);

	(void)state;
	assert_true(enters(c, 0, ACME, 2));
	assert_true(enters(c, 1, ACME, 2));
	assert_false(enters(c, 0, ACME, 2));
	crowd_left(c, 1);
	assert_true(enters(c, 0, ACME, 2));
	crowd_leave(c, 0, ACME);
	crowd_join(c, 1);		/* its successor begins with nothing */
	assert_true(enters(c, 1, ACME, 2));
	assert_false(enters(c, 1, ACME, 2));
	crowd_free(c);
}

static void
without_place_all_are_let_in_uncounted(void **state)
{
	struct crowd *c = crowd(1);
	bool counted;

	(void)state;
	for (uint64_t i = 1; i <= 8; i++)
		assert_true(enters(c, 0, i << 40, 1));
	for (int i = 0; i < 3; i++) {
		assert_true(crowd_enter(c, 0, UINT64_C(9) << 40, 1, &counted));
		assert_false(counted);
	}
	assert_false(enters(c, 0, UINT64_C(3) << 40, 1));
	crowd_leave(c, 0, UINT64_C(3) << 40);
	assert_true(enters(c, 0, UINT64_C(9) << 40, 1));
	crowd_free(c);
}

static void
never_above_the_limit(void **state)
{
	struct crowd *c = crowd(MEMBERS);
	_Atomic int *inside = mmap(NULL, 2 * sizeof(*inside), PROT_READ | PROT_WRITE, MAP_ANON | MAP_SHARED, -1, 0);
	_Atomic int *entered = inside + 1;
	int status;

	(void)state;
	assert_true(inside != MAP_FAILED);
	for (size_t p = 0; p < MEMBERS; p++) {
		if (fork() != 0)
			continue;
		for (int i = 0; i < 20000; i++) {
			bool counted;

			if (!crowd_enter(c, p, ACME, 3, &counted))
				continue;
			if (++*inside > 3)
				_exit(1);
			++*entered;
			--*inside;
			crowd_leave(c, p, ACME);
		}
		_exit(0);
	}
	for (int p = 0; p < MEMBERS; p++) {
		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	assert_true(*entered > 1000);
	for (int i = 0; i < 3; i++)	/* all who went in have come out */
		assert_true(enters(c, 0, ACME, 3));
	crowd_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sum_counts),
		cmocka_unit_test(the_dead_hold_nothing),
		cmocka_unit_test(without_place_all_are_let_in_uncounted),
		cmocka_unit_test(never_above_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
