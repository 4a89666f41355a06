/*
 * UUIDs: version 7's layout, order by time, and the one text form.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/count.h"
#include "base/uuid.h"

static void
version_7_layout(void **unused)
{
	struct uuid	u;
	int		i;
	unsigned char	varied = 0;

	(void)unused;
	for (i = 0; i < 200; i++) {
		u = uuid_v7(0x0123456789ab);
		assert_memory_equal(u.b, "\x01\x23\x45\x67\x89\xab", 6);
		assert_int_equal(u.b[6] & 0xf0, 0x70);
		assert_int_equal(u.b[8] & 0xc0, 0x80);
		varied |= (unsigned char)(u.b[6] & 0x0f);
		varied |= (unsigned char)(u.b[15] & 0xf0);
	}
	assert_int_equal(varied, 0xff);		/* the rest is random up to its last bit */
}

static void
order_follows_time(void **unused)
{
	struct uuid	earlier, later;
	int64_t		ms;

	(void)unused;
	for (ms = 1769509800000; ms < 1769509800000 + 1000; ms++) {
		earlier = uuid_v7(ms);
		later = uuid_v7(ms + 1);
		assert_true(uuid_cmp(earlier, later) < 0);
		assert_true(uuid_cmp(later, earlier) > 0);
		assert_int_equal(uuid_cmp(later, later), 0);
	}
	assert_int_not_equal(uuid_cmp(uuid_v7(1), uuid_v7(1)), 0);
}

static void
time_outside_48_bits_is_clamped(void **unused)
{
	struct uuid u;

	(void)unused;
	u = uuid_v7(-1);
	assert_memory_equal(u.b, "\0\0\0\0\0\0", 6);
	u = uuid_v7(INT64_MAX);
	assert_memory_equal(u.b, "\xff\xff\xff\xff\xff\xff", 6);
}

static void
text_and_back(void **unused)
{
	static const char	text[] = "0194a5b2-c3d4-7e6f-8a9b-0c1d2e3f4a5b";
	struct uuid		u, v;
	char			out[UUID_TEXT_SIZE];

	(void)unused;
	assert_true(uuid_parse(str_c(text), &u));
	assert_int_equal(u.b[0], 0x01);
	assert_int_equal(u.b[15], 0x5b);
	uuid_format(out, u);
	assert_string_equal(out, text);
	assert_true(uuid_parse(STR("0194A5B2-C3D4-7E6F-8a9b-0C1D2E3F4A5B"), &v));
	assert_int_equal(uuid_cmp(u, v), 0);
}

static void
other_texts_are_refused(void **unused)
{
	static const char *const cases[] = {
		"", "0194a5b2c3d47e6f8a9b0c1d2e3f4a5b", "{0194a5b2-c3d4-7e6f-8a9b-0c1d2e3f4a5b}",
		"0194a5b2-c3d4-7e6f-8a9b-0c1d2e3f4a5", "0194a5b2-c3d4-7e6f-8a9b-0c1d2e3f4a5b0",
		"0194a5b2-c3d4-7e6f-8a9b-0c1d2e3f4a5g", "0194a5b2-c3d4-7e6f-8a9b_0c1d2e3f4a5b",
		"0194a5b2-c3d4-7e6f8-a9b-0c1d2e3f4a5b", "0194a5b2--3d4-7e6f-8a9b-0c1d2e3f4a5b",
		" 194a5b2-c3d4-7e6f-8a9b-0c1d2e3f4a5b", "0194a5b2-c3d4-7e6f-8a9b-0c1d2e3f4a5 ",
	};
	struct uuid	u;
	size_t		i;

	(void)unused;
	for (i = 0; i < COUNT(cases); i++)
		if (uuid_parse(str_c(cases[i]), &u))
			fail_msg("\"%s\" was taken", cases[i]);
	assert_false(uuid_parse(STR_NONE, &u));
}

static void
nil_is_all_zeroes(void **unused)
{
	struct uuid u = { { 0 } };

	(void)unused;
	assert_true(uuid_is_nil(u));
	u.b[15] = 1;
	assert_false(uuid_is_nil(u));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_7_layout),
		cmocka_unit_test(order_follows_time),
		cmocka_unit_test(time_outside_48_bits_is_clamped),
		cmocka_unit_test(text_and_back),
		cmocka_unit_test(other_texts_are_refused),
		cmocka_unit_test(nil_is_all_zeroes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
