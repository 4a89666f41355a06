/*
 * Numbers out of digits: what is taken, to the last digit, and what is refused.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/num.h"

#define UNTOUCHED	424242	/* a refusal must leave the caller's variable alone */

struct num_case {
	const char	*text;
	bool		 ok;
	int64_t		 value;
};

static void
check(const struct num_case *cases, size_t n, bool (*read)(struct str, int64_t *))
{
	int64_t	v;
	size_t	i;

	for (i = 0; i < n; i++) {
		v = UNTOUCHED;
		if (read(str_c(cases[i].text), &v) != cases[i].ok)
			fail_msg("\"%s\" was %s", cases[i].text, cases[i].ok ? "refused" : "taken");
		if (v != (cases[i].ok ? cases[i].value : UNTOUCHED))
			fail_msg("\"%s\" gave %lld", cases[i].text, (long long)v);
	}
}

#define CHECK(cases, read)	check(cases, sizeof(cases) / sizeof((cases)[0]), read)

static bool
whole(struct str s, int64_t *out)
{
	return num_i64(s, INT64_MIN, INT64_MAX, out);
}

static void
whole_numbers(void **unused)
{
	static const struct num_case cases[] = {
		{ "0", true, 0 }, { "7", true, 7 }, { "-7", true, -7 }, { "-0", true, 0 }, { "007", true, 7 },
		{ "9223372036854775807", true, INT64_MAX }, { "9223372036854775808", false, 0 },
		{ "-9223372036854775808", true, INT64_MIN }, { "-9223372036854775809", false, 0 },
		{ "9223372036854775810", false, 0 }, { "18446744073709551616", false, 0 },
		{ "99999999999999999999999999", false, 0 }, { "00000000000000000000000000001", true, 1 },
		{ "", false, 0 }, { "-", false, 0 }, { "+1", false, 0 }, { " 1", false, 0 }, { "1 ", false, 0 },
		{ "--1", false, 0 }, { "1.0", false, 0 }, { "1e3", false, 0 }, { "0x10", false, 0 },
		{ "a", false, 0 },
		{ "1a", false, 0 }, { "1-", false, 0 }, { "\xd9\xa1", false, 0 },
	};

	(void)unused;
	CHECK(cases, whole);
}

static void
bounds_are_inclusive(void **unused)
{
	int64_t v = UNTOUCHED;

	(void)unused;
	assert_true(num_i64(STR("1"), 1, 200, &v));
	assert_int_equal(v, 1);
	assert_true(num_i64(STR("200"), 1, 200, &v));
	assert_int_equal(v, 200);
	assert_false(num_i64(STR("0"), 1, 200, &v));
	assert_false(num_i64(STR("201"), 1, 200, &v));
	assert_false(num_i64(STR("-1"), 1, 200, &v));
	assert_false(num_i64(STR_NONE, 0, 200, &v));
	assert_false(num_i64(STR("1\0" "1"), 0, 200, &v));
	assert_int_equal(v, 200);
}

static void
fractions_are_dropped(void **unused)
{
	static const struct num_case cases[] = {
		{ "123480.417", true, 123480 }, { "1", true, 1 }, { "-1.9", true, -1 }, { "-0.5", true, 0 },
		{ "0.0", true, 0 }, { "9223372036854775807.999", true, INT64_MAX },
		{ "-9223372036854775808.999", true, INT64_MIN }, { "9223372036854775808.0", false, 0 },
		{ "6578930123456789", true, 6578930123456789 },
		{ "1.00000000000000000000000000000000000000000000000000000000000000000000000000001", true, 1 },
		{ "1.", false, 0 }, { ".5", false, 0 }, { "1e3", false, 0 }, { "1.5e3", false, 0 },
		{ "1.5E3", false, 0 },
		{ "1.5.5", false, 0 }, { "1,5", false, 0 }, { "", false, 0 }, { "-", false, 0 },
		{ "-.5", false, 0 },
		{ "1.5 ", false, 0 }, { "1.-5", false, 0 },
	};

	(void)unused;
	CHECK(cases, num_i64_trunc);
}

static void
durations_name_their_unit(void **unused)
{
	static const struct num_case cases[] = {
		{ "250ms", true, 250 }, { "10s", true, 10000 }, { "5m", true, 300000 }, { "2h", true, 7200000 },
		{ "7d", true, 604800000 }, { "0s", true, 0 }, { "9223372036854775807ms", true, INT64_MAX },
		{ "9223372036854775s", true, 9223372036854775000 }, { "9223372036854776s", false, 0 },
		{ "106751991167d", true, 106751991167 * 86400000 }, { "106751991168d", false, 0 },
		{ "10", false, 0 }, { "s", false, 0 }, { "", false, 0 }, { "-1s", false, 0 }, { "10 s", false, 0 },
		{ "10S", false, 0 }, { "10sec", false, 0 }, { "1.5s", false, 0 }, { "5m3s", false, 0 },
		{ "5mm", false, 0 },
		{ "1w", false, 0 },
	};

	(void)unused;
	CHECK(cases, num_duration_ms);
}

static void
sizes_are_powers_of_1024(void **unused)
{
	static const struct num_case cases[] = {
		{ "512", true, 512 }, { "64K", true, 65536 }, { "4M", true, 4194304 }, { "1G", true, 1073741824 },
		{ "0", true, 0 }, { "8589934591G", true, 8589934591 * 1073741824 }, { "8589934592G", false, 0 },
		{ "9223372036854775807", true, INT64_MAX }, { "9223372036854775808", false, 0 },
		{ "K", false, 0 }, { "", false, 0 }, { "-1", false, 0 }, { "64k", false, 0 }, { "64KB", false, 0 },
		{ "1T", false, 0 }, { "64 K", false, 0 }, { "1.5M", false, 0 },
	};

	(void)unused;
	CHECK(cases, num_size);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_numbers),
		cmocka_unit_test(bounds_are_inclusive),
		cmocka_unit_test(fractions_are_dropped),
		cmocka_unit_test(durations_name_their_unit),
		cmocka_unit_test(sizes_are_powers_of_1024),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
