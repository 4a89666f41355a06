/* Memory for the library that carries tokens: that it is wiped is seen in a process' memory (test_canaries.py); here that it is memory. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "courier/heap.h"

static void
pieces_keep_what_is_in_them(void **state)
{
	char	*p = heap_malloc(4), *q;

	(void)state;
	assert_non_null(p);
	assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
	memcpy(p, "abc", 4);
	p = heap_realloc(p, 100000);
	assert_non_null(p);
	assert_string_equal(p, "abc");
	memset(p + 4, 'x', 100000 - 4);
	p = heap_realloc(p, 3);
	assert_memory_equal(p, "abc", 3);
	q = heap_strdup("a word");
	assert_string_equal(q, "a word");
	heap_free(q);
	heap_free(p);
	heap_free(NULL);
}

static void
nothing_is_a_piece_too(void **state)
{
	char	*p = heap_realloc(NULL, 0), *zero;

	(void)state;
	assert_non_null(p);
	heap_free(p);
	zero = heap_calloc(3, 5);
	for (int i = 0; i < 15; i++)
		assert_int_equal(zero[i], 0);
	heap_free(zero);
	zero = heap_calloc(0, 0);
	assert_non_null(zero);
	heap_free(zero);
}

static void
too_much_is_refused(void **state)
{
	volatile size_t	most = SIZE_MAX;	/* compilers look at such sizes */
	char		*p = heap_strdup("kept");

	(void)state;
	assert_null(heap_malloc(most));
	assert_null(heap_calloc(most / 2, 3));
	assert_null(heap_realloc(p, most));
	assert_string_equal(p, "kept");
	heap_free(p);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(pieces_keep_what_is_in_them), cmocka_unit_test(nothing_is_a_piece_too),
		cmocka_unit_test(too_much_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
