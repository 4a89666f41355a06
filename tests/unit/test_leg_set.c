/* Groups of legs against a slow, plain closure over random sets, and the winners among known calls. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/leg_set.h"

#define LEGS	12
#define KNOWN	8

static uint64_t	rng_state = 0xd1342543de82ef95u;

static unsigned
rnd(unsigned below)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return (unsigned)(rng_state >> 33) % below;
}

static struct uuid
call_no(unsigned n)
{
	struct uuid	u = { { 0 } };

	u.b[6] = 0x70;
	u.b[15] = (unsigned char)n;
	return u;
}

static bool
leg_names(const struct leg_set_leg *l, struct str id)
{
	size_t	i;

	for (i = 0; i < l->nids; i++) {
		if (str_eq(l->ids[i], id))
			return true;
	}
	return false;
}

/* Elements: legs, then known ids. */
static bool
linked(const struct leg_set_leg *legs, const struct leg_set_known *known, size_t a, size_t b)
{
	size_t	i;

	if (a >= LEGS && b >= LEGS)
		return uuid_cmp(known[a - LEGS].call, known[b - LEGS].call) == 0 ||
		    str_eq(known[a - LEGS].id, known[b - LEGS].id);
	if (a >= LEGS)
		return leg_names(&legs[b], known[a - LEGS].id);
	if (b >= LEGS)
		return leg_names(&legs[a], known[b - LEGS].id);
	for (i = 0; i < legs[a].nids; i++) {
		if (leg_names(&legs[b], legs[a].ids[i]))
			return true;
	}
	return false;
}

static void
closure(bool joined[LEGS + KNOWN][LEGS + KNOWN], const struct leg_set_leg *legs, const struct leg_set_known *known)
{
	size_t	i, j, k;

	for (i = 0; i < LEGS + KNOWN; i++) {
		for (j = 0; j < LEGS + KNOWN; j++)
			joined[i][j] = i == j || linked(legs, known, i, j);
	}
	for (k = 0; k < LEGS + KNOWN; k++) {
		for (i = 0; i < LEGS + KNOWN; i++) {
			for (j = 0; j < LEGS + KNOWN; j++)
				joined[i][j] = joined[i][j] || (joined[i][k] && joined[k][j]);
		}
	}
}

static void
check_calls(const struct leg_set *s, size_t leg, bool joined[LEGS + KNOWN][LEGS + KNOWN],
    const struct leg_set_known *known)
{
	const struct uuid	*losers;
	struct uuid		 winner = call_no(0);
	bool			 touched[6] = { false };
	size_t			 n, i, expected = 0, smallest = 0;

	for (i = 0; i < KNOWN; i++)
		touched[known[i].call.b[15]] = touched[known[i].call.b[15]] || joined[leg][LEGS + i];
	for (i = 5; i > 0; i--) {
		if (touched[i]) {
			expected++;
			smallest = i;
		}
	}
	assert_int_equal(leg_set_winner(s, s->group[leg], &winner, &losers, &n), expected > 0);
	assert_int_equal(n, expected > 0 ? expected - 1 : 0);
	assert_int_equal(winner.b[15], smallest);
	for (i = 0; i < n; i++)
		assert_true(touched[losers[i].b[15]] && losers[i].b[15] > (i > 0 ? losers[i - 1].b[15] : winner.b[15]));
}

static void
groups_are_the_closure(void **state)
{
	static const char *const	pool[] = { "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12",
	    "13", "14",
	    "15", "16", "17", "18", "19", "20", "21", "22", "23", "24" };
	unsigned			round;

	(void)state;
	for (round = 0; round < 5000; round++) {
		struct leg_set_leg	legs[LEGS];
		struct leg_set_known	known[KNOWN];
		bool			joined[LEGS + KNOWN][LEGS + KNOWN];
		struct leg_set		s;
		struct arena		a;
		size_t			i, k, next = 0;

		for (i = 0; i < LEGS; i++) {
			legs[i].nids = rnd(4);
			for (k = 0; k < legs[i].nids; k++)
				legs[i].ids[k] = str_c(pool[rnd(24)]);
		}
		for (i = 0; i < KNOWN; i++)
			known[i] = (struct leg_set_known){ str_c(pool[rnd(24)]), call_no(1 + rnd(5)) };
		arena_init(&a, 1 << 20);
		assert_true(leg_set_build(&s, &a, legs, LEGS, known, KNOWN));
		closure(joined, legs, known);
		for (i = 0; i < LEGS; i++) {
			for (k = 0; k < LEGS; k++)
				assert_int_equal(s.group[i] == s.group[k], joined[i][k]);
			assert_true(s.group[i] <= next);	/* numbered in order of first legs */
			next = s.group[i] == next ? next + 1 : next;
			check_calls(&s, i, joined, known);
		}
		assert_int_equal(s.ngroups, next);
		arena_free(&a);
	}
}

static void
empty_and_lonely(void **state)
{
	struct leg_set_leg	legs[2] = { { .nids = 0 }, { .nids = 0 } };
	const struct uuid	*losers;
	struct uuid		 winner;
	struct leg_set		 s;
	struct arena		 a;
	size_t			 n;

	(void)state;
	arena_init(&a, 1 << 16);
	assert_true(leg_set_build(&s, &a, NULL, 0, NULL, 0));
	assert_int_equal(s.ngroups, 0);
	assert_true(leg_set_build(&s, &a, legs, 2, NULL, 0));
	assert_int_equal(s.ngroups, 2);
	assert_false(leg_set_winner(&s, 1, &winner, &losers, &n));
	arena_free(&a);
	arena_init(&a, 8);
	assert_false(leg_set_build(&s, &a, legs, 2, NULL, 0));
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_are_the_closure),
		cmocka_unit_test(empty_and_lonely),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
