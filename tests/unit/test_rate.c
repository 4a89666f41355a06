/*
 * The table of rates by its rules: what passes and what does not. test_rate_race.c has many processes do it at once.
 */
#include <sys/types.h>

#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hash.h"
#include "base/rate.h"

#define T0		INT64_C(1000000)	/* some monotonic time */
#define MINUTE		INT64_C(60000)
#define BUCKET		16			/* slots of the smallest table */

static const struct rate_rule three = { 3, MINUTE };

static uint64_t
some_id(uint64_t n)
{
	unsigned char	digest[SHA256_SIZE];
	uint64_t	id;

	hash_sha256(digest, (struct str){ (const char *)&n, sizeof(n) });
	memcpy(&id, digest, sizeof(id));
	return id;
}

static struct rate *
table(size_t slots)
{
	struct rate *r = rate_new(slots);

	assert_non_null(r);
	return r;
}

static void
takes(struct rate *r, uint64_t id, const struct rate_rule *rule, int64_t now, enum rate_verdict verdict, uint32_t left,
    int64_t reset)
{
	struct rate_state s;

	assert_int_equal(rate_take(r, 1, id, rule, now, &s), verdict);
	assert_int_equal(s.left, left);
	assert_int_equal(s.reset_ms, reset);
}

static void
a_window_begins_with_its_first(void **state)
{
	struct rate *r = table(64);

	(void)state;
	takes(r, some_id(1), &three, T0, RATE_PASS, 2, MINUTE);
	takes(r, some_id(1), &three, T0 + 10, RATE_PASS, 1, MINUTE - 10);
	takes(r, some_id(1), &three, T0 + 20, RATE_PASS, 0, MINUTE - 20);
	takes(r, some_id(1), &three, T0 + 30, RATE_REFUSE, 0, MINUTE - 30);
	takes(r, some_id(2), &three, T0 + 30, RATE_PASS, 2, MINUTE);
	takes(r, some_id(1), &three, T0 + MINUTE - 1, RATE_REFUSE, 0, 1);
	takes(r, some_id(1), &three, T0 + MINUTE, RATE_PASS, 2, MINUTE);
	rate_free(r);
}

static void
a_changed_rule_applies_at_once(void **state)
{
	const struct rate_rule five = { 5, MINUTE }, two = { 2, MINUTE }, shorter = { 3, 1000 }, longer = { 3, 2 * MINUTE };
	struct rate *r = table(64);

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		takes(r, some_id(1), &three, T0, RATE_PASS, 2 - i, MINUTE);
	takes(r, some_id(1), &five, T0, RATE_PASS, 1, MINUTE);		/* the three count */
	takes(r, some_id(1), &two, T0, RATE_REFUSE, 0, MINUTE);
	takes(r, some_id(1), &longer, T0, RATE_REFUSE, 0, MINUTE);	/* as was announced */
	takes(r, some_id(1), &shorter, T0, RATE_PASS, 2, 1000);
	takes(r, some_id(1), &longer, T0 + 1000, RATE_PASS, 2, 2 * MINUTE);
	rate_free(r);
}

static void
no_limit_counts_and_refuses_nobody(void **state)
{
	const struct rate_rule none = { 0, MINUTE };
	struct rate *r = table(64);
	struct rate_state s;

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(rate_take(r, 1, some_id(1), &none, T0, &s), RATE_PASS);
	assert_int_equal(rate_look(r, some_id(1), &none, T0, &s), RATE_PASS);
	takes(r, some_id(1), &three, T0, RATE_REFUSE, 0, MINUTE);
	rate_free(r);
}

static void
looking_counts_nothing(void **state)
{
	struct rate *r = table(BUCKET);
	struct rate_state s;

	(void)state;
	for (uint64_t i = 0; i < 4 * BUCKET; i++) {
		assert_int_equal(rate_look(r, some_id(i), &three, T0, &s), RATE_PASS);
		assert_int_equal(s.left, 3);
		assert_int_equal(s.reset_ms, MINUTE);
		assert_false(rate_known(r, some_id(i)));
	}
	for (uint32_t i = 0; i < 3; i++)
		takes(r, some_id(1), &three, T0, RATE_PASS, 2 - i, MINUTE);
	assert_int_equal(rate_look(r, some_id(1), &three, T0 + 1, &s), RATE_REFUSE);
	assert_int_equal(s.reset_ms, MINUTE - 1);
	assert_int_equal(rate_look(r, some_id(1), &three, T0 + MINUTE, &s), RATE_PASS);
	rate_free(r);
}

static void
what_is_forgotten_was_never_counted(void **state)
{
	struct rate *r = table(64);

	(void)state;
	takes(r, some_id(1), &three, T0, RATE_PASS, 2, MINUTE);
	assert_true(rate_known(r, some_id(1)));
	rate_forget(r, some_id(1));
	rate_forget(r, some_id(2));
	assert_false(rate_known(r, some_id(1)));
	takes(r, some_id(1), &three, T0, RATE_PASS, 2, MINUTE);
	rate_free(r);
}

static void
a_full_table_refuses_nobody_and_frees_itself(void **state)
{
	struct rate *r = table(BUCKET);

	(void)state;
	for (uint64_t i = 0; i < BUCKET; i++)
		takes(r, some_id(i), &three, T0 + (int64_t)i, RATE_PASS, 2, MINUTE);
	for (int i = 0; i < 5; i++)
		takes(r, some_id(99), &three, T0 + BUCKET, RATE_UNCOUNTED, 3, MINUTE);
	takes(r, some_id(5), &three, T0 + BUCKET, RATE_PASS, 1, MINUTE - BUCKET + 5);	/* who is in stays in */
	takes(r, some_id(99), &three, T0 + MINUTE, RATE_PASS, 2, MINUTE);	/* in the slot of the first, whose window is over */
	assert_false(rate_known(r, some_id(0)));
	assert_true(rate_known(r, some_id(1)));
	takes(r, some_id(99), &three, T0 + MINUTE, RATE_PASS, 1, MINUTE);
	rate_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_begins_with_its_first),
		cmocka_unit_test(a_changed_rule_applies_at_once),
		cmocka_unit_test(no_limit_counts_and_refuses_nobody),
		cmocka_unit_test(looking_counts_nothing),
		cmocka_unit_test(what_is_forgotten_was_never_counted),
		cmocka_unit_test(a_full_table_refuses_nobody_and_frees_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
