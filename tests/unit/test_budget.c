/*
 * budget: never more than n in any window of the period, whatever the pattern of asking; all limits or none; pauses;
 * backoff. The clock is the test's.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "courier/budget.h"

#define SENT_MAX	20000

/* The most that went in any window of the period. */
static int
busiest(const int64_t *sent, int n, int64_t period)
{
	int most = 0, from = 0;

	for (int i = 0; i < n; i++) {
		while (sent[i] - sent[from] >= period)
			from++;
		most = i - from + 1 > most ? i - from + 1 : most;
	}
	return most;
}

static int
ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* Answers come after 0 to 400 ms in any order; the provider counts somewhere in between. */
static void
a_window_never_holds_more(void **state)
{
	static int64_t counted[SENT_MAX], answer[SENT_MAX];
	struct budget_limit limit = { "company", STR("acme"), 20, 1000 };
	struct budget *b = budget_new(8);
	unsigned random = 1;
	int64_t now = 0;
	int n = 0;

	(void)state;
	while (now < 300000 && n < SENT_MAX) {
		random = random * 1103515245 + 12345;
		/* Bursts, pauses and steady asking by turns. */
		now += now / 10000 % 3 == 0 ? random / 65536 % 2 : random / 65536 % (now / 10000 % 3 == 1 ? 3000 : 30);
		for (int i = 0; i < n; i++)
			if (answer[i] != 0 && answer[i] <= now) {
				budget_done(b, &limit, 1, now);
				answer[i] = 0;
			}
		if (budget_take(b, &limit, 1, now) == 0) {
			random = random * 1103515245 + 12345;
			answer[n] = now + 1 + random / 65536 % 400;
			counted[n] = now + random / 128 % (answer[n] - now + 1);
			n++;
		}
	}
	assert_true(n > 1000);
	qsort(counted, (size_t)n, sizeof(counted[0]), ascending);
	assert_int_equal(busiest(counted, n, 1000), 20);
	budget_free(b);
}

static void
waiting_as_told_is_enough_and_not_too_long(void **state)
{
	struct budget_limit limit = { "call_start", STR("user 7"), 5, 60000 };
	struct budget *b = budget_new(8);
	int64_t now = 1000, wait;

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(budget_take(b, &limit, 1, now + i), 0);
	assert_int_equal(budget_take(b, &limit, 1, now + 500), BUDGET_AGAIN_MS);	/* nobody knows when */
	budget_done(b, &limit, 1, now + 1000);
	budget_done(b, &limit, 1, now + 1001);
	wait = budget_take(b, &limit, 1, now + 1010);
	assert_int_equal(wait, 60000 + BUDGET_MARGIN_MS - 10);
	assert_int_not_equal(budget_take(b, &limit, 1, now + 1010 + wait - 1), 0);
	assert_int_equal(budget_take(b, &limit, 1, now + 1010 + wait), 0);
	assert_int_not_equal(budget_take(b, &limit, 1, now + 1010 + wait), 0);	/* the second of them a ms later */
	assert_int_equal(budget_take(b, &limit, 1, now + 1011 + wait), 0);
	budget_free(b);
}

static void
all_limits_or_none(void **state)
{
	struct budget_limit both[] = { { "company", STR("acme"), 20, 1000 }, { "call", STR("acme"), 2, 60000 } };
	struct budget_limit other = { "company", STR("globex"), 20, 1000 };
	struct budget *b = budget_new(8);

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(budget_take(b, both, 2, 0), 0);
		budget_done(b, both, 2, 0);
	}
	for (int i = 0; i < 100; i++)
		assert_int_equal(budget_take(b, both, 2, 0), 60000 + BUDGET_MARGIN_MS);
	/* What was refused has not been counted in the other: eighteen are left. */
	for (int i = 0; i < 18; i++)
		assert_int_equal(budget_take(b, both, 1, 0), 0);
	assert_int_not_equal(budget_take(b, both, 1, 0), 0);
	assert_int_equal(budget_take(b, &other, 1, 0), 0);	/* another company's is its own */
	budget_free(b);
}

static void
pauses(void **state)
{
	struct budget_limit limit = { "me", STR(""), 0, 60000 };	/* no limit of its own */
	struct budget *b = budget_new(8);

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(budget_take(b, &limit, 1, 0), 0);
	budget_pause(b, &limit, 3000, 0);
	assert_int_equal(budget_take(b, &limit, 1, 1000), 2000);
	budget_pause(b, &limit, 500, 1000);		/* no pause is made shorter */
	assert_int_equal(budget_take(b, &limit, 1, 1000), 2000);
	assert_int_equal(budget_take(b, &limit, 1, 3000), 0);
	budget_pause(b, &limit, INT64_MAX / 2, 5000);	/* nobody can stop us for good */
	assert_int_equal(budget_take(b, &limit, 1, 5000), BUDGET_PAUSE_MAX_MS);
	budget_free(b);
}

static void
the_longest_unused_is_forgotten(void **state)
{
	struct budget_limit a = { "company", STR("a"), 1, 1000000 }, c = { "company", STR("c"), 1, 1000000 },
	    d = { "company", STR("d"), 1, 1000000 };
	char name[BUDGET_SCOPE_MAX + 1];
	struct budget_limit too_long = { "company", { name, sizeof(name) }, 1, 1000 };
	struct budget *b = budget_new(2);

	(void)state;
	assert_int_equal(budget_take(b, &a, 1, 0), 0);
	assert_int_equal(budget_take(b, &c, 1, 1), 0);
	assert_int_not_equal(budget_take(b, &d, 1, 1), 0);	/* both wait for an answer: nobody can be forgotten */
	budget_done(b, &a, 1, 1);
	budget_done(b, &c, 1, 1);
	assert_int_not_equal(budget_take(b, &a, 1, 2), 0);	/* looked at: c is now the oldest */
	assert_int_equal(budget_take(b, &d, 1, 3), 0);
	assert_int_not_equal(budget_take(b, &a, 1, 4), 0);
	assert_int_equal(budget_take(b, &c, 1, 5), 0);
	memset(name, 'x', sizeof(name));
	assert_int_not_equal(budget_take(b, &too_long, 1, 6), 0);	/* never unlimited */
	budget_free(b);
}

static void
backoff(void **state)
{
	(void)state;
	for (unsigned attempt = 1; attempt < 40; attempt++) {
		int64_t whole = attempt < 10 ? INT64_C(100) << (attempt - 1) : INT64_MAX;

		whole = whole > 10000 ? 10000 : whole;
		for (uint32_t random = 0; random < 100000; random += 777) {
			int64_t w = budget_backoff_ms(attempt, 100, 10000, random);

			assert_true(w >= whole / 2 && w <= whole);
		}
		assert_int_not_equal(budget_backoff_ms(attempt, 100, 10000, 1), budget_backoff_ms(attempt, 100, 10000, 20));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_never_holds_more),
		cmocka_unit_test(waiting_as_told_is_enough_and_not_too_long),
		cmocka_unit_test(all_limits_or_none),
		cmocka_unit_test(pauses),
		cmocka_unit_test(the_longest_unused_is_forgotten),
		cmocka_unit_test(backoff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
