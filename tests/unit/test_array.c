/*
 * array: the bytes PostgreSQL's array_recv expects. What they mean to a real server is tested end to end.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "db/array.h"

static void
assert_sent(struct db_array *a, const unsigned char *bytes, size_t n)
{
	DB_PARAMS(p, 1);

	db_put_array(&p, a);
	assert_int_equal(p.n, 1);
	assert_int_equal(p.p[0].format, 1);
	assert_int_equal(p.p[0].length, n);
	assert_memory_equal(p.p[0].value, bytes, n);
	db_array_free(a);
}

static void
test_texts_with_any_bytes(void **state)
{
	static const unsigned char want[] = {
		0, 0, 0, 1,  0, 0, 0, 1,  0, 0, 0, 25,  0, 0, 0, 4,  0, 0, 0, 1,
		0, 0, 0, 3, '{', '"', ',',  0xff, 0xff, 0xff, 0xff,  0, 0, 0, 0,  0, 0, 0, 4, 'N', 'U', 'L', 'L',
	};
	struct db_array a;

	(void)state;
	db_array_init(&a, DB_TEXT, 1000);
	db_array_str(&a, STR("{\","));
	db_array_str(&a, STR_NONE);
	db_array_str(&a, STR(""));
	db_array_str(&a, STR("NULL"));
	assert_sent(&a, want, sizeof(want));
}

static void
test_bytes(void **state)
{
	static const unsigned char want[] = {
		0, 0, 0, 1,  0, 0, 0, 1,  0, 0, 0, 17,  0, 0, 0, 2,  0, 0, 0, 1,  0, 0, 0, 3, 0, 0xff, '\\',  0, 0, 0, 0,
	};
	struct db_array a;

	(void)state;
	db_array_init(&a, DB_BYTEA, 1000);
	db_array_bytes(&a, "\0\xff\\", 3);
	db_array_bytes(&a, "", 0);
	assert_sent(&a, want, sizeof(want));
}

static void
test_empty_has_no_dimension(void **state)
{
	static const unsigned char want[] = { 0, 0, 0, 0,  0, 0, 0, 1,  0, 0, 0x0b, 0x86 };
	struct db_array a;

	(void)state;
	db_array_init(&a, DB_UUID, 1000);
	assert_sent(&a, want, sizeof(want));
}

static void
test_numbers_are_big_endian(void **state)
{
	static const unsigned char want64[] = {
		0, 0, 0, 1,  0, 0, 0, 1,  0, 0, 0, 20,  0, 0, 0, 3,  0, 0, 0, 1,
		0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8,  0, 0, 0, 8, 255, 255, 255, 255, 255, 255, 255, 254,
		255, 255, 255, 255,
	};
	static const unsigned char want32[] = {
		0, 0, 0, 1,  0, 0, 0, 1,  0, 0, 0, 23,  0, 0, 0, 1,  0, 0, 0, 1,  0, 0, 0, 4, 0, 0, 1, 0,
	};
	static const unsigned char wantbool[] = {
		0, 0, 0, 1,  0, 0, 0, 1,  0, 0, 0, 16,  0, 0, 0, 2,  0, 0, 0, 1,  0, 0, 0, 1, 1,  0, 0, 0, 1, 0,
	};
	struct db_array a;

	(void)state;
	db_array_init(&a, DB_BIGINT, 1000);
	db_array_int(&a, 0x0102030405060708);
	db_array_int(&a, -2);
	db_array_int(&a, INT64_MIN);
	assert_sent(&a, want64, sizeof(want64));
	db_array_init(&a, DB_INTEGER, 1000);
	db_array_int(&a, 256);
	assert_sent(&a, want32, sizeof(want32));
	db_array_init(&a, DB_BOOL, 1000);
	db_array_bool(&a, true);
	db_array_bool(&a, false);
	assert_sent(&a, wantbool, sizeof(wantbool));
}

static void
test_times_count_from_2000_and_impossible_ones_are_null(void **state)
{
	static const unsigned char want[] = {
		0, 0, 0, 1,  0, 0, 0, 1,  0, 0, 4, 0xa0,  0, 0, 0, 5,  0, 0, 0, 1,
		0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0x03, 0xe8,	/* one millisecond after 2000 */
		0, 0, 0, 8, 0xff, 0xfc, 0xa2, 0xfe, 0xc4, 0xc8, 0x20, 0x00,	/* 1970 */
		255, 255, 255, 255,  255, 255, 255, 255,  255, 255, 255, 255,
	};
	struct db_array a;

	(void)state;
	db_array_init(&a, DB_TIME, 1000);
	db_array_time_ms(&a, 946684800001);
	db_array_time_ms(&a, 0);
	db_array_time_ms(&a, INT64_MIN);
	db_array_time_ms(&a, INT64_MAX);
	db_array_time_ms(&a, -1);
	assert_sent(&a, want, sizeof(want));
}

static void
test_the_limit_is_kept_and_remembered(void **state)
{
	struct db_array a;
	struct uuid u = { { 1 } };
	int i;

	(void)state;
	db_array_init(&a, DB_UUID, 3 * 20);
	for (i = 0; i < 3; i++)
		db_array_uuid(&a, u);
	assert_false(a.b.failed);
	db_array_uuid(&a, u);
	assert_true(a.b.failed);
	db_array_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts_with_any_bytes),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_empty_has_no_dimension),
		cmocka_unit_test(test_numbers_are_big_endian),
		cmocka_unit_test(test_times_count_from_2000_and_impossible_ones_are_null),
		cmocka_unit_test(test_the_limit_is_kept_and_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
