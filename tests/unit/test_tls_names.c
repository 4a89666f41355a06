/*
 * Which certificate serves a host: exact before wildcard, one label for a star, no case, and nothing odd.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/count.h"
#include "net/tls_names.h"

static struct tls_names
names(const char *const *text)		/* "0example.com": of certificate 0 */
{
	struct tls_names l = { NULL, 0, 0 };

	for (; *text != NULL; text++)
		assert_true(tls_names_add(&l, str_c(*text + 1), (size_t)(**text - '0')));
	tls_names_sort(&l);
	return l;
}

#define NAMES(...)	names((const char *const[]){ __VA_ARGS__, NULL })

static void
test_found(void **state)
{
	static const struct { const char *host; long cert; } cases[] = {
		{ "b.test", 0 }, { "B.TEST", 0 }, { "a.test", 1 }, { "one.wild.test", 2 }, { "ONE.wild.test", 2 },
		{ "exact.wild.test", 3 }, { "two.one.wild.test", -1 }, { "wild.test", -1 }, { ".wild.test", -1 },
		{ "*.wild.test", -1 }, { "c.test", -1 }, { "", -1 }, { "test", -1 }, { "xb.test", -1 }, { "b.test.", -1 },
	};
	struct tls_names l = NAMES("0b.test", "1A.Test", "2*.wild.test", "3exact.wild.test");
	char overlong[400];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (tls_names_find(&l, cases[i].host) != cases[i].cert)
			fail_msg("%s: %ld", cases[i].host, tls_names_find(&l, cases[i].host));
	memset(overlong, 'a', sizeof(overlong));
	overlong[sizeof(overlong) - 1] = '\0';
	assert_int_equal(tls_names_find(&l, overlong), -1);
	tls_names_free(&l);
	assert_int_equal(tls_names_find(&l, "b.test"), -1);
}

static void
test_what_is_no_name_is_passed_over(void **state)
{
	struct tls_names l = NAMES("0", "0*", "0*.", "0a b.test", "0a*.test", "0*.*.test", "0a\nb");
	char overlong[300];

	(void)state;
	assert_int_equal(l.n, 0);
	assert_true(tls_names_add(&l, (struct str){ "a\0b.test", 8 }, 0));
	memset(overlong, 'a', sizeof(overlong));
	assert_true(tls_names_add(&l, (struct str){ overlong, sizeof(overlong) }, 0));
	assert_int_equal(l.n, 0);
	tls_names_free(&l);
}

static void
test_twice(void **state)
{
	struct tls_names good = NAMES("0a.test", "0a.test", "1b.test", "2*.a.test"), bad = NAMES("0x.test", "1a.test", "2A.test");
	size_t other = 9;

	(void)state;
	assert_null(tls_names_twice(&good, &other));
	assert_int_equal(tls_names_twice(&bad, &other)->cert, 2);
	assert_int_equal(other, 1);
	tls_names_free(&good);
	tls_names_free(&bad);
}

static void
test_many(void **state)
{
	struct tls_names l = { NULL, 0, 0 };
	char text[32];

	(void)state;
	for (int i = 0; i < 2000; i++) {
		snprintf(text, sizeof(text), "n%d.test", (i * 7919) % 2000);
		assert_true(tls_names_add(&l, str_c(text), (size_t)((i * 7919) % 2000)));
	}
	tls_names_sort(&l);
	for (int i = 0; i < 2000; i++) {
		snprintf(text, sizeof(text), "N%d.test", i);
		assert_int_equal(tls_names_find(&l, text), i);
	}
	tls_names_free(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_what_is_no_name_is_passed_over),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
