/*
 * Slices, UTF-8 and the growing buffer: the pieces everything else is written with.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/count.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/utf8.h"

static const struct str absent = { NULL, 0 };

static void
assert_str(struct str s, const char *expected)
{
	assert_non_null(s.p);
	assert_int_equal(s.n, strlen(expected));
	assert_memory_equal(s.p, expected, s.n);
}

static void
equality_is_of_bytes(void **unused)
{
	(void)unused;
	assert_true(str_eq(STR("abc"), STR("abc")));
	assert_false(str_eq(STR("abc"), STR("abd")));
	assert_false(str_eq(STR("abc"), STR("ab")));
	assert_false(str_eq(STR("abc"), STR("ABC")));
	assert_true(str_eq(STR("a\0b"), STR("a\0b")));
	assert_false(str_eq(STR("a\0b"), STR("a\0c")));
	assert_true(str_eq(STR(""), STR("")));
	assert_false(str_eq((struct str){ "abc", 2 }, (struct str){ "abc", 3 }));	/* n alone ends it */
	assert_true(str_eq((struct str){ "abc", 2 }, (struct str){ "abd", 2 }));
}

static void
absent_is_not_empty(void **unused)
{
	(void)unused;
	assert_true(str_eq(absent, absent));
	assert_false(str_eq(absent, STR("")));
	assert_false(str_eq(STR(""), absent));
	assert_true(str_ieq(absent, absent));
	assert_false(str_ieq(absent, STR("")));
	assert_null(str_c(NULL).p);
	assert_true(str_cmp(absent, STR("")) < 0);
	assert_true(str_cmp(STR(""), absent) > 0);
	assert_int_equal(str_cmp(absent, absent), 0);
}

static void
letters_without_case_are_ascii(void **unused)
{
	(void)unused;
	assert_true(str_ieq(STR("Content-Length"), STR("content-LENGTH")));
	assert_true(str_ieq(STR("AZaz"), STR("azAZ")));
	assert_false(str_ieq(STR("abc"), STR("abcd")));
	assert_false(str_ieq(STR("@"), STR("`")));	/* beside the letters, 0x20 apart */
	assert_false(str_ieq(STR("["), STR("{")));
	assert_false(str_ieq(STR("\xc4"), STR("\xe4")));
}

static void
order_is_total(void **unused)
{
	(void)unused;
	assert_true(str_cmp(STR("a"), STR("b")) < 0);
	assert_true(str_cmp(STR("b"), STR("a")) > 0);
	assert_true(str_cmp(STR("a"), STR("aa")) < 0);
	assert_true(str_cmp(STR("aa"), STR("a")) > 0);
	assert_true(str_cmp(STR("\x7f"), STR("\x80")) < 0);	/* unsigned */
	assert_int_equal(str_cmp(STR("a\0b"), STR("a\0b")), 0);
	assert_true(str_cmp(STR(""), STR("a")) < 0);
}

static void
prefix_and_trim(void **unused)
{
	(void)unused;
	assert_true(str_starts(STR("sha256=ab"), STR("sha256=")));
	assert_true(str_starts(STR("ab"), STR("ab")));
	assert_true(str_starts(STR("ab"), STR("")));
	assert_true(str_starts(absent, STR("")));
	assert_false(str_starts(STR("a"), STR("ab")));
	assert_false(str_starts((struct str){ "ab", 1 }, STR("ab")));
	assert_false(str_starts(STR("xb"), STR("ab")));
	assert_str(str_trim(STR(" \t a b\t ")), "a b");
	assert_str(str_trim(STR("\r\na\n")), "\r\na\n");
	assert_str(str_trim(STR(" \t ")), "");
	assert_null(str_trim(absent).p);
}

static void
cut_gives_every_piece_once(void **unused)
{
	struct str s = STR("a,,b,"), head;

	(void)unused;
	assert_true(str_cut(&s, ',', &head));
	assert_str(head, "a");
	assert_true(str_cut(&s, ',', &head));
	assert_str(head, "");
	assert_true(str_cut(&s, ',', &head));
	assert_str(head, "b");
	assert_non_null(s.p);
	assert_true(str_cut(&s, ',', &head));
	assert_str(head, "");
	assert_null(s.p);
	assert_false(str_cut(&s, ',', &head));
	s = STR("");
	assert_true(str_cut(&s, ',', &head));
	assert_str(head, "");
	assert_false(str_cut(&s, ',', &head));
}

static void
buf_grows_and_keeps_order(void **unused)
{
	struct buf	b;
	int		i;

	(void)unused;
	buf_init(&b, 100000);
	assert_str(buf_as_str(&b), "");
	for (i = 0; i < 10000; i++)
		buf_puts(&b, i % 2 == 0 ? "ab" : "cd");
	assert_false(b.failed);
	assert_int_equal(b.len, 20000);
	assert_true(b.cap <= b.max);
	for (i = 0; i < 20000; i += 4)
		assert_memory_equal(b.p + i, "abcd", 4);
	buf_free(&b);
	assert_null(b.p);
	assert_int_equal(b.max, 100000);
	buf_putc(&b, 'x');
	assert_str(buf_as_str(&b), "x");
	buf_wipe_free(&b);
	assert_int_equal(b.len, 0);
}

static void
buf_limit_is_exact(void **unused)
{
	struct buf	b;
	int		i;

	(void)unused;
	buf_init(&b, 1000);
	for (i = 0; i < 1000; i++)
		buf_putc(&b, 'x');
	assert_false(b.failed);
	assert_int_equal(b.len, 1000);
	assert_int_equal(b.cap, 1000);
	buf_put(&b, "", 0);
	assert_false(b.failed);
	buf_putc(&b, 'x');
	assert_true(b.failed);
	assert_int_equal(b.len, 1000);
	buf_free(&b);
	assert_false(b.failed);
	assert_false(buf_reserve(&b, SIZE_MAX));
	assert_true(b.failed);
	buf_free(&b);
}

static void
buf_error_is_sticky(void **unused)
{
	struct buf b;

	(void)unused;
	buf_init(&b, 10);
	buf_puts(&b, "12345");
	buf_puts(&b, "678901");		/* one too many */
	buf_puts(&b, "a");		/* would fit, must not be taken */
	buf_i64(&b, 1);
	buf_printf(&b, "%d", 1);
	assert_true(b.failed);
	assert_false(buf_reserve(&b, 0));
	assert_str(buf_as_str(&b), "12345");
	buf_free(&b);
}

static void
buf_zeroed_struct_is_empty(void **unused)
{
	struct buf b = { .max = 10 };

	(void)unused;
	buf_str(&b, STR("abc"));
	buf_str(&b, absent);
	assert_str(buf_as_str(&b), "abc");
	buf_free(&b);
}

static void
buf_numbers(void **unused)
{
	struct buf b;

	(void)unused;
	buf_init(&b, 1000);
	buf_i64(&b, 0);
	buf_putc(&b, ' ');
	buf_i64(&b, INT64_MAX);
	buf_putc(&b, ' ');
	buf_i64(&b, INT64_MIN);
	buf_putc(&b, ' ');
	buf_i64(&b, -10);
	assert_str(buf_as_str(&b), "0 9223372036854775807 -9223372036854775808 -10");
	buf_free(&b);
}

static void
buf_printf_short_long_and_to_the_brim(void **unused)
{
	struct buf b;

	(void)unused;
	buf_init(&b, 4000);
	buf_printf(&b, "%s-%d", "ab", 7);
	assert_str(buf_as_str(&b), "ab-7");
	buf_free(&b);
	buf_printf(&b, "%511d", 1);
	assert_int_equal(b.len, 511);
	buf_printf(&b, "%512d", 2);
	assert_int_equal(b.len, 1023);
	assert_int_equal(b.p[510], '1');
	assert_int_equal(b.p[1022], '2');
	buf_printf(&b, "%2977d", 3);	/* to the last byte: vsnprintf's NUL must not count */
	assert_false(b.failed);
	assert_int_equal(b.len, 4000);
	assert_int_equal(b.p[3999], '3');
	buf_printf(&b, "%d", 1);
	assert_true(b.failed);
	buf_free(&b);
	buf_printf(&b, "%4001d", 1);
	assert_true(b.failed);
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

static void
buf_consumes_from_the_front(void **unused)
{
	struct buf b;

	(void)unused;
	buf_init(&b, 100);
	buf_consume(&b, 5);
	assert_int_equal(b.len, 0);
	buf_puts(&b, "abcdef");
	buf_consume(&b, 2);
	assert_str(buf_as_str(&b), "cdef");
	buf_puts(&b, "gh");
	assert_str(buf_as_str(&b), "cdefgh");
	buf_consume(&b, 100);
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

static void
secrets_are_copied_and_compared(void **unused)
{
	struct secret a = { NULL, 0 }, b = { NULL, 0 };

	(void)unused;
	assert_false(secret_present(&a));
	assert_true(secret_equal(&a, &b));
	assert_true(secret_set(&a, STR("hunter2")));
	assert_true(secret_present(&a));
	assert_int_equal(a.bytes[7], 0);
	assert_false(secret_equal(&a, &b));
	assert_true(secret_set(&b, STR("hunter3")));
	assert_false(secret_equal(&a, &b));
	assert_true(secret_set(&b, STR("hunter")));
	assert_false(secret_equal(&a, &b));
	assert_true(secret_set(&b, STR("hunter2\0")));
	assert_false(secret_equal(&a, &b));
	assert_true(secret_set(&b, STR("hunter2")));
	assert_true(secret_equal(&a, &b));
	assert_str(secret_bytes(&b), "hunter2");
	/* A part of itself: the old bytes must live until the new ones are copied. */
	assert_true(secret_set(&a, (struct str){ (const char *)a.bytes + 3, 4 }));
	assert_str(secret_bytes(&a), "ter2");
	assert_true(secret_set(&a, STR("")));
	assert_false(secret_present(&a));
	assert_non_null(a.bytes);
	assert_true(secret_set(&a, absent));
	assert_null(a.bytes);
	secret_free(&a);
	secret_free(&b);
	assert_null(b.bytes);
	assert_int_equal(b.len, 0);
}

static void
utf8_one_character_each(void **unused)
{
	static const struct {
		const char	*bytes;
		size_t		 len;
		bool		 ok;
	} cases[] = {
		{ "a", 1, true }, { "\x7f", 1, true }, { "\xc2\x80", 2, true }, { "\xdf\xbf", 2, true },
		{ "\xe0\xa0\x80", 3, true }, { "\xed\x9f\xbf", 3, true }, { "\xee\x80\x80", 3, true },
		{ "\xef\xbf\xbf", 3, true }, { "\xf0\x90\x80\x80", 4, true }, { "\xf4\x8f\xbf\xbf", 4, true },
		{ "\x80", 1, false }, { "\xbf", 1, false },
		{ "\xc0\x80", 1, false }, { "\xc1\xbf", 1, false },		/* overlong */
		{ "\xe0\x9f\xbf", 1, false }, { "\xf0\x8f\xbf\xbf", 1, false },	/* overlong */
		{ "\xed\xa0\x80", 1, false }, { "\xed\xbf\xbf", 1, false },	/* surrogates */
		{ "\xf4\x90\x80\x80", 1, false }, { "\xf5\x80\x80\x80", 1, false }, { "\xff", 1, false },
		{ "\xc3", 1, false }, { "\xe2\x82", 2, false }, { "\xf0\x9f\x98", 3, false },	/* cut off */
		{ "\xe2\x82" "a", 2, false }, { "\xf0\x9f\x98" "a", 3, false }, { "\xc3\xc3", 1, false },
	};
	size_t i, len;

	(void)unused;
	for (i = 0; i < COUNT(cases); i++) {
		len = 0;
		if (utf8_next(cases[i].bytes, strlen(cases[i].bytes), &len) != cases[i].ok || len != cases[i].len)
			fail_msg("case %zu: length %zu", i, len);
	}
}

static void
utf8_put_and_next_agree(void **unused)
{
	uint32_t	c;
	size_t		n, len;
	char		out[4];

	(void)unused;
	for (c = 0; c <= 0x10ffff; c++) {
		n = utf8_put(out, c);
		if (utf8_next(out, n, &len) != (c < 0xd800 || c > 0xdfff))
			fail_msg("U+%04X", (unsigned int)c);
		if ((c < 0xd800 || c > 0xdfff) && len != n)
			fail_msg("U+%04X: %zu bytes written, %zu read", (unsigned int)c, n, len);
	}
	assert_int_equal(utf8_put(out, 0x20ac), 3);
	assert_memory_equal(out, "\xe2\x82\xac", 3);
	assert_int_equal(utf8_put(out, 0x1f600), 4);
	assert_memory_equal(out, "\xf0\x9f\x98\x80", 4);
	assert_int_equal(utf8_put(out, 0xe4), 2);
	assert_memory_equal(out, "\xc3\xa4", 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equality_is_of_bytes),
		cmocka_unit_test(absent_is_not_empty),
		cmocka_unit_test(letters_without_case_are_ascii),
		cmocka_unit_test(order_is_total),
		cmocka_unit_test(prefix_and_trim),
		cmocka_unit_test(cut_gives_every_piece_once),
		cmocka_unit_test(buf_grows_and_keeps_order),
		cmocka_unit_test(buf_limit_is_exact),
		cmocka_unit_test(buf_error_is_sticky),
		cmocka_unit_test(buf_zeroed_struct_is_empty),
		cmocka_unit_test(buf_numbers),
		cmocka_unit_test(buf_printf_short_long_and_to_the_brim),
		cmocka_unit_test(buf_consumes_from_the_front),
		cmocka_unit_test(secrets_are_copied_and_compared),
		cmocka_unit_test(utf8_one_character_each),
		cmocka_unit_test(utf8_put_and_next_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
