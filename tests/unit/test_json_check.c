/*
 * What is JSON: RFC 8259 as a table of texts taken and refused, with the place of the mistake, and the limits. The
 * parser is asked the same questions: it must never see more or less in a text than the check.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/count.h"
#include "base/json_read.h"

#define ARENA_MAX	(16 << 20)

static const struct json_limits wide = { JSON_DEPTH_MAX, 1 << 20 };

struct text_case {
	const char	*text;
	size_t		 n;
	size_t		 number;	/* accepted: tokens; refused: offset of the mistake */
};

#define CASE(lit, number)	{ (lit), sizeof(lit) - 1, (number) }

static const struct text_case accepted[] = {
	/* any value may be the root, with blanks of the four kinds around it */
	CASE("{}", 1), CASE("[]", 1), CASE("0", 1), CASE("\"\"", 1), CASE("true", 1), CASE("false", 1),
	CASE("null", 1), CASE(" \t\r\n1 \t\r\n", 1), CASE("[ ]", 1), CASE("{ }", 1), CASE("\n{\r\"a\"\t: 1 }\n", 3),
	CASE("-1", 1),
	/* structure */
	CASE("[1,2]", 3), CASE("[[]]", 2), CASE("[[],[],{}]", 4), CASE("[[[[[]]]]]", 5), CASE("{\"a\":{}}", 3),
	CASE("{\"a\":[]}", 3), CASE("{\"a\":1,\"b\":2}", 5), CASE("{\"\":0}", 3),
	CASE("{\"a\":{\"b\":{\"c\":null}}}", 7), CASE("[null,1,\"1\",{}]", 5), CASE("[1 , 2]", 3),
	CASE("{\"a\":1,\"a\":2}", 5), CASE("[{\"a\":1},{\"b\":[1,2]}]", 9), CASE("{\"a\":\"b\",\"c\":\"d\"}", 5),
	CASE("[\"a\",\"b\"]", 3), CASE("[true,false,null]", 4),
	/* numbers of any length */
	CASE("-0", 1), CASE("0.0", 1), CASE("-0.0", 1), CASE("0e0", 1), CASE("0E+1", 1), CASE("1e-1", 1),
	CASE("1.5E+10", 1), CASE("123456789012345678901234567890", 1), CASE("1e99999", 1), CASE("-1e-99999", 1),
	CASE("1E22", 1), CASE("[0]", 2),
	CASE("0.00000000000000000000000000000000000000000000000000000000000000000000000000000000000000001", 1),
	CASE("[-0.1e+01,10,9]", 4), CASE("20e1", 1), CASE("1.234567890E+34", 1),
	/* strings */
	CASE("\" \"", 1), CASE("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", 1), CASE("\"\\u0041\\u00e4\\uABCD\\uabcd\"", 1),
	CASE("\"\\u0000\"", 1), CASE("\"a\\u0000b\"", 1), CASE("\"\\uD83D\\uDE00\"", 1), CASE("\"\\uD800\"", 1),
	CASE("\"\\uDC00\"", 1), CASE("\"\\uD800\\n\"", 1), CASE("\"\\uD800\\uD800\"", 1),
	CASE("\"\\uDC00\\uD800\"", 1), CASE("\"\\uFFFE\\uFFFF\"", 1), CASE("\"\x7f\"", 1), CASE("\"/\"", 1),
	CASE("\"'\"", 1), CASE("\"{[,:]}\"", 1), CASE("\"\\\\\"", 1), CASE("\"\\\\u0041\"", 1),
	CASE("\"// no comment\"", 1), CASE("\"\\u0022\"", 1), CASE("\"\xc3\xa4\"", 1), CASE("\"\xe2\x82\xac\"", 1),
	CASE("\"\xf0\x9f\x98\x80\"", 1), CASE("\"\xc2\x80\"", 1), CASE("\"\xe0\xa0\x80\"", 1),
	CASE("\"\xed\x9f\xbf\"", 1), CASE("\"\xee\x80\x80\"", 1), CASE("\"\xef\xbf\xbf\"", 1),
	CASE("\"\xf0\x90\x80\x80\"", 1), CASE("\"\xf4\x8f\xbf\xbf\"", 1), CASE("\"\xef\xbb\xbf\"", 1),
	CASE("\"\xe2\x80\xa8\"", 1), CASE("{\"\xc3\xa4\":1}", 3), CASE("{\"\\u0000\":1}", 3),
	CASE("{\"\\uD800\":1}", 3),
};

static const struct text_case refused[] = {
	/* nothing, or more than one thing */
	CASE("", 0), CASE(" ", 1), CASE("\n", 1), CASE("1 2", 2), CASE("{}{}", 2), CASE("[][]", 2), CASE("{},", 2),
	CASE("[]]", 2), CASE("{}}", 2), CASE("null null", 5), CASE("\"a\"\"b\"", 3), CASE("1,", 1), CASE("[]#", 2),
	CASE("1\0", 1), CASE("\0", 0), CASE("[]\0", 2),
	/* not RFC blanks; a byte order mark */
	CASE("\xef\xbb\xbf{}", 0), CASE("\xef\xbb\xbf", 0), CASE("\v1", 0), CASE("\f1", 0), CASE("\xc2\xa0" "1", 0),
	CASE("[\f]", 1), CASE("1\xe2\x80\xa8", 1), CASE("[1,\xe2\x81\xa0" "2]", 3),
	/* comments and other dialects */
	CASE("// x\n1", 0), CASE("/* x */1", 0), CASE("[1/**/]", 2), CASE("#1", 0), CASE("{a:1}", 1),
	CASE("{'a':1}", 1), CASE("'a'", 0), CASE("NaN", 0), CASE("Infinity", 0), CASE("-Infinity", 1),
	CASE("undefined", 0), CASE("[1n]", 2), CASE("True", 0), CASE("NULL", 0), CASE("`a`", 0), CASE("(1)", 0),
	CASE("{1:1}", 1), CASE("{null:1}", 1), CASE("<a>", 0), CASE("a=b", 0),
	/* words */
	CASE("t", 0), CASE("tru", 0), CASE("truth", 0), CASE("truee", 4), CASE("true1", 4), CASE("nul", 0),
	CASE("fals", 0), CASE("falsey", 5), CASE("[nulll]", 5), CASE("true\"a\"", 4),
	/* structure */
	CASE("[", 1), CASE("{", 1), CASE("]", 0), CASE("}", 0), CASE("[}", 1), CASE("{]", 1), CASE("[1", 2),
	CASE("[1,", 3), CASE("[1,]", 3), CASE("[,1]", 1), CASE("[,]", 1), CASE("[1,,2]", 3), CASE("[1 2]", 3),
	CASE("[1;2]", 2), CASE("[\"a\" \"b\"]", 5), CASE("[1:2]", 2), CASE("[[]", 3), CASE("[[}]", 2),
	CASE("[{]}", 2), CASE("[[1}]", 3), CASE("{\"a\"}", 4), CASE("{\"a\":}", 5), CASE("{\"a\":1", 6),
	CASE("{\"a\":1,", 7), CASE("{\"a\":1,}", 7), CASE("{,\"a\":1}", 1), CASE("{\"a\":1,,\"b\":2}", 7),
	CASE("{\"a\" 1}", 5), CASE("{\"a\"::1}", 5), CASE("{:1}", 1), CASE("{\"a\":1:2}", 6),
	CASE("{\"a\":1 \"b\":2}", 7), CASE("{\"a\",\"b\"}", 4), CASE("{\"a\":1]", 6), CASE("{\"a\"", 4),
	CASE("{\"a\":", 5), CASE("{{}}", 1), CASE("{[]:1}", 1), CASE("{true}", 1), CASE("{\"a\":1;\"b\":2}", 6),
	CASE(",", 0), CASE(":", 0), CASE("{\"a\":[1}", 7), CASE("{\"a\":1 ,\n}", 9), CASE("[\"a\",\n4\n,1,", 11),
	CASE("{\"a\":b}", 5),
	/* numbers */
	CASE("01", 1), CASE("-01", 2), CASE("00", 1), CASE("-", 1), CASE("+1", 0), CASE("--1", 1), CASE("- 1", 1),
	CASE(".5", 0), CASE("-.5", 1), CASE("1.", 2), CASE("1.e1", 2), CASE("1e", 2), CASE("1e+", 3),
	CASE("1e1.5", 3), CASE("1e+-1", 3), CASE("0x1", 1), CASE("1_000", 1), CASE("1,5", 1), CASE("1.5.5", 3),
	CASE("[-a]", 2), CASE("[1.a]", 3), CASE("1e1e1", 3), CASE("1a", 1), CASE("-NaN", 1), CASE("[012]", 2),
	CASE("0.", 2), CASE("0e", 2), CASE("\xef\xbc\x91", 0), CASE("1 .5", 2), CASE("1-1", 1), CASE("[1+2]", 2),
	CASE("0b1", 1), CASE("1f", 1), CASE("2.e-3", 2), CASE("[-2.]", 4),
	/* strings: quotes, controls, escapes */
	CASE("\"", 1), CASE("\"a", 2), CASE("[\"a", 3), CASE("\"a\nb\"", 2), CASE("\"\t\"", 1), CASE("\"\0\"", 1),
	CASE("\"\x1f\"", 1), CASE("\"\r\"", 1), CASE("{\"a\n\":1}", 3), CASE("\"\\\"", 3), CASE("\"\\", 2),
	CASE("\"\\x41\"", 2), CASE("\"\\a\"", 2), CASE("\"\\'\"", 2), CASE("\"\\0\"", 2), CASE("\"\\v\"", 2),
	CASE("\"\\U0041\"", 2), CASE("\"\\ \"", 2), CASE("\"\\\n\"", 2), CASE("\"\\\0\"", 2), CASE("\"\\u\"", 3),
	CASE("\"\\u004\"", 6), CASE("\"\\u004g\"", 6), CASE("\"\\u 041\"", 3), CASE("\"\\u+041\"", 3),
	CASE("\"\\uD83D\\u\"", 9), CASE("\"\\uD83D\\uDE0\"", 12), CASE("\"\\u00", 5), CASE("\"\\\xc3\xa4\"", 2),
	CASE("[\"\\u00A\"]", 7), CASE("\"\\e\"", 2), CASE("\"\\B\"", 2),
	/* strings: bytes that are not UTF-8 */
	CASE("\"\x80\"", 1), CASE("\"\xbf\"", 1), CASE("\"\xff\"", 1), CASE("\"\xfe\"", 1), CASE("\"\xc3\"", 1),
	CASE("\"\xc3\xc3\"", 1), CASE("\"\xe2\x82\"", 1), CASE("\"\xe2\x28\xa1\"", 1), CASE("\"\xf0\x9f\x98\"", 1),
	CASE("\"\xc0\x80\"", 1), CASE("\"\xc0\xaf\"", 1), CASE("\"\xc1\xbf\"", 1), CASE("\"\xe0\x80\xaf\"", 1),
	CASE("\"\xe0\x9f\xbf\"", 1), CASE("\"\xf0\x80\x80\xaf\"", 1), CASE("\"\xf0\x8f\xbf\xbf\"", 1),
	CASE("\"\xed\xa0\x80\"", 1), CASE("\"\xed\xbf\xbf\"", 1), CASE("\"\xed\xa0\xbd\xed\xb8\x80\"", 1),
	CASE("\"\xf4\x90\x80\x80\"", 1), CASE("\"\xf5\x80\x80\x80\"", 1), CASE("\"\xf8\x88\x80\x80\x80\"", 1),
	CASE("\"ab\xc3\xa4\xe4\"", 5), CASE("{\"\xe4\":1}", 2), CASE("\"\xc3", 1), CASE("\"\xe4\xf6\xfc\"", 1),
	/* other encodings */
	CASE("\xff\xfe\"\0a\0\"\0", 0), CASE("\0\"\0a\0\"", 0), CASE("[\0]\0", 1),
};

/* In a place of its own size, so that a reader who goes past the end is caught by the sanitizer. */
static struct str
exactly(const char *p, size_t n)
{
	char *copy = malloc(n > 0 ? n : 1);

	assert_non_null(copy);
	memcpy(copy, p, n);
	return (struct str){ copy, n };
}

static void
takes_all_that_rfc_8259_allows(void **unused)
{
	struct arena		a;
	struct json_doc		doc;
	struct json_error	err;
	struct str		text;
	size_t			i, n;

	(void)unused;
	for (i = 0; i < COUNT(accepted); i++) {
		arena_init(&a, ARENA_MAX);
		text = exactly(accepted[i].text, accepted[i].n);
		if (json_check(text, &wide, &n, &err) != JSON_OK)
			fail_msg("\"%s\" refused at %zu: expected %s", accepted[i].text, err.offset, err.expected);
		assert_int_equal(err.fault, JSON_OK);
		if (n != accepted[i].number)
			fail_msg("\"%s\": %zu tokens", accepted[i].text, n);
		if (!json_parse(&doc, &a, text, &wide, &err) || doc.count != (int)n)
			fail_msg("\"%s\": the parser disagrees, at %zu", accepted[i].text, err.offset);
		assert_int_not_equal(json_type(json_root(&doc)), JSON_ABSENT);
		arena_free(&a);
		free((void *)(uintptr_t)text.p);
	}
}

static void
refuses_the_rest_and_says_where(void **unused)
{
	struct arena		a;
	struct json_doc		doc;
	struct json_error	err;
	struct str		text;
	size_t			i, n;

	(void)unused;
	for (i = 0; i < COUNT(refused); i++) {
		arena_init(&a, ARENA_MAX);
		text = exactly(refused[i].text, refused[i].n);
		if (json_check(text, &wide, &n, &err) != JSON_SYNTAX)
			fail_msg("case %zu, \"%s\" was taken", i, refused[i].text);
		if (err.offset != refused[i].number)
			fail_msg("case %zu, \"%s\": %zu, expected %s", i, refused[i].text, err.offset, err.expected);
		assert_true(strlen(err.expected) > 0);
		assert_false(json_parse(&doc, &a, text, &wide, &err));
		assert_int_equal(err.offset, refused[i].number);
		assert_int_equal(json_type(json_root(&doc)), JSON_ABSENT);
		assert_int_equal(a.used, 0);
		arena_free(&a);
		free((void *)(uintptr_t)text.p);
	}
}

static void
says_what_it_expected(void **unused)
{
	static const struct {
		const char	*text, *expected;
	} cases[] = {
		{ "", "a value" }, { "[1 2]", "',' or ']'" }, { "{\"a\":1 2", "',' or '}'" }, { "{\"a\" 1}",
		"':'" },
		{ "{1}", "a name in quotes or '}'" }, { "{\"a\":1,}", "a name in quotes" }, { "[,",
		"a value or ']'" },
		{ "1 2", "nothing after the value" }, { "\"a", "a closing quote" }, { "\"\t\"",
		"an escaped control character" },
		{ "\"\xff\"", "valid UTF-8" }, { "-", "a digit" }, { "\"\\u12\"", "four hex digits after \\u" },
		{ "\"\\q\"", "one of \" \\ / b f n r t u after a backslash" }, { "tru", "true, false or null" },
	};
	struct json_error	err;
	size_t			i, n;

	(void)unused;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(json_check(str_c(cases[i].text), &wide, &n, &err), JSON_SYNTAX);
		assert_string_equal(err.expected, cases[i].expected);
	}
}

static void
depth_has_a_limit(void **unused)
{
	struct json_limits	lim = { 2, 1000 };
	struct json_error	err;
	struct buf		b;
	size_t			n, i, depth;

	(void)unused;
	assert_int_equal(json_check(STR("[[1,2],{\"a\":[]}]"), &lim, &n, &err), JSON_TOO_DEEP);
	assert_int_equal(err.offset, 12);
	assert_int_equal(json_check(STR("[[],[],{},{\"a\":1}]"), &lim, &n, &err), JSON_OK);
	lim.depth = 0;
	assert_int_equal(json_check(STR("[]"), &lim, &n, &err), JSON_TOO_DEEP);
	assert_int_equal(json_check(STR("1"), &lim, &n, &err), JSON_OK);
	buf_init(&b, 10000);
	for (depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
		b.len = 0;
		for (i = 0; i < depth; i++)
			buf_putc(&b, '[');
		for (i = 0; i < depth; i++)
			buf_putc(&b, ']');
		lim.depth = SIZE_MAX;		/* more than there can be counts as the most there can be */
		assert_int_equal(json_check(buf_as_str(&b), &lim, &n, &err),
		    depth <= JSON_DEPTH_MAX ? JSON_OK : JSON_TOO_DEEP);
	}
	assert_int_equal(err.offset, JSON_DEPTH_MAX);
	buf_free(&b);
}

static void
tokens_have_a_limit(void **unused)
{
	struct json_limits	lim = { 10, 3 };
	struct json_error	err;
	size_t			n;

	(void)unused;
	assert_int_equal(json_check(STR("[1,2]"), &lim, &n, &err), JSON_OK);
	assert_int_equal(json_check(STR("[1,2,3]"), &lim, &n, &err), JSON_TOO_MANY);
	assert_int_equal(err.offset, 5);
	assert_int_equal(json_check(STR("{\"a\":1}"), &lim, &n, &err), JSON_OK);
	assert_int_equal(json_check(STR("{\"a\":1,\"b\":2}"), &lim, &n, &err), JSON_TOO_MANY);
	assert_int_equal(err.offset, 7);
	assert_int_equal(json_check(STR("[[[[]]]]"), &lim, &n, &err), JSON_TOO_MANY);
	lim.tokens = 0;
	assert_int_equal(json_check(STR("1"), &lim, &n, &err), JSON_TOO_MANY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_all_that_rfc_8259_allows),
		cmocka_unit_test(refuses_the_rest_and_says_where),
		cmocka_unit_test(says_what_it_expected),
		cmocka_unit_test(depth_has_a_limit),
		cmocka_unit_test(tokens_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
