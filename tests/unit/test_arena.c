/*
 * The arena: alignment, zeroes, the limit, and that nothing overlaps.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"

static bool
all_are(const unsigned char *p, size_t n, unsigned char c)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] != c)
			return false;
	return true;
}

static void
pieces_are_aligned_zeroed_and_apart(void **unused)
{
	struct arena	 a;
	unsigned char	*p[300];
	size_t		 i, n;

	(void)unused;
	arena_init(&a, 1 << 20);
	for (i = 0; i < 300; i++) {
		n = i * 7 % 500 + 1;
		p[i] = arena_alloc(&a, n);
		assert_non_null(p[i]);
		assert_int_equal((uintptr_t)p[i] % alignof(max_align_t), 0);
		assert_true(all_are(p[i], n, 0));
		memset(p[i], (int)(i % 255 + 1), n);
	}
	for (i = 0; i < 300; i++)
		assert_true(all_are(p[i], i * 7 % 500 + 1, (unsigned char)(i % 255 + 1)));
	arena_free(&a);
	assert_int_equal(a.used, 0);
	assert_non_null(arena_alloc(&a, 10));
	arena_free(&a);
}

static void
limit_holds(void **unused)
{
	struct arena	a;
	size_t		taken = 0;

	(void)unused;
	arena_init(&a, 100000);
	while (arena_alloc(&a, 1000) != NULL) {
		assert_true(a.used <= a.max);
		taken += 1000;
	}
	assert_in_range(taken, 95000, 100000);
	arena_free(&a);
	assert_null(arena_alloc(&a, 100000));		/* the block's own head needs room too */
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX - 64));
	assert_int_equal(a.used, 0);
	assert_non_null(arena_alloc(&a, 99000));
	arena_free(&a);
	arena_init(&a, 8);
	assert_null(arena_alloc(&a, 1));
	arena_init(&a, 0);
	assert_null(arena_alloc(&a, 1));
}

static void
small_wishes_share_a_block(void **unused)
{
	struct arena	a;
	size_t		used;
	int		i;

	(void)unused;
	arena_init(&a, 1 << 20);
	assert_non_null(arena_alloc(&a, 1));
	used = a.used;
	for (i = 0; i < 100; i++)
		assert_non_null(arena_alloc(&a, 16));
	assert_int_equal(a.used, used);
	/* A big piece gets its own block and must not waste what is left in the first. */
	assert_non_null(arena_alloc(&a, 200000));
	used = a.used;
	assert_non_null(arena_alloc(&a, 500));
	assert_int_equal(a.used, used);
	arena_free(&a);
}

static void
nothing_is_still_a_place(void **unused)
{
	struct arena	 a;
	void		*p, *q;

	(void)unused;
	arena_init(&a, 10000);
	p = arena_alloc(&a, 0);
	q = arena_alloc(&a, 0);
	assert_non_null(p);
	assert_ptr_not_equal(p, q);
	arena_free(&a);
}

static void
strings_are_copied_with_a_nul(void **unused)
{
	struct arena	a;
	char		text[] = "hello", *next;
	struct str	s;

	(void)unused;
	arena_init(&a, 10000);
	s = arena_str(&a, (struct str){ text, 5 });
	text[0] = 'J';
	assert_int_equal(s.n, 5);
	assert_string_equal(s.p, "hello");
	assert_null(arena_str(&a, STR_NONE).p);
	s = arena_str(&a, STR("sixteen bytes ..."));	/* and one: the NUL starts a new unit */
	s = arena_str(&a, (struct str){ s.p, 16 });
	next = arena_alloc(&a, 1);
	assert_non_null(next);
	*next = 'x';
	assert_int_equal(s.p[16], '\0');
	s = arena_str(&a, STR(""));
	assert_int_equal(s.n, 0);
	assert_string_equal(s.p, "");
	s = arena_str(&a, (struct str){ text, 20000 });	/* too big: refused before text is looked at */
	assert_null(s.p);
	assert_int_equal(s.n, 0);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_aligned_zeroed_and_apart),
		cmocka_unit_test(limit_holds),
		cmocka_unit_test(small_wishes_share_a_block),
		cmocka_unit_test(nothing_is_still_a_place),
		cmocka_unit_test(strings_are_copied_with_a_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
