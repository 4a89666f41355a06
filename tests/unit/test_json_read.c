/*
 * Values out of JSON: types, names, escapes, numbers, walks, and that big texts stay cheap. What counts as JSON at all
 * is test_json_check's.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/count.h"
#include "base/json_read.h"

#define ARENA_MAX	(16 << 20)

static const struct json_limits wide = { JSON_DEPTH_MAX, 1 << 20 };

static void
full_arena_is_an_error(void **unused)
{
	struct arena		a;
	struct json_doc		doc;
	struct json_error	err;

	(void)unused;
	arena_init(&a, 16);
	assert_false(json_parse(&doc, &a, STR("[1,2,3]"), &wide, &err));
	assert_int_equal(err.fault, JSON_NO_MEMORY);
	assert_int_equal(json_type(json_root(&doc)), JSON_ABSENT);
	arena_free(&a);
}

/* One document for the tests of values. */
static struct json
parse(struct json_doc *doc, struct arena *a, const char *text)
{
	struct json_error err;

	arena_init(a, ARENA_MAX);
	if (!json_parse(doc, a, str_c(text), &wide, &err))
		fail_msg("\"%s\" refused at %zu", text, err.offset);
	return json_root(doc);
}

static void
assert_raw(struct json v, const char *expected)
{
	assert_non_null(json_raw(v).p);
	assert_int_equal(json_raw(v).n, strlen(expected));
	assert_memory_equal(json_raw(v).p, expected, strlen(expected));
}

static void
types_and_raw_text(void **unused)
{
	static const struct {
		const char	*name;
		enum json_type	 type;
		const char	*raw;
	} cases[] = {
		{ "nothing", JSON_NULL, "null" }, { "yes", JSON_BOOL, "true" }, { "no", JSON_BOOL, "false" },
		{ "int", JSON_NUMBER, "-12" }, { "float", JSON_NUMBER, "0.5e3" }, { "text", JSON_STRING, "a\\nb" },
		{ "list", JSON_ARRAY, "[1, 2]" }, { "object", JSON_OBJECT, "{\"x\" :1}" },
		{ "empty", JSON_STRING, "" },
	};
	struct arena	a;
	struct json_doc	doc;
	struct json	root = parse(&doc, &a,
			    " {\"nothing\":null,\"yes\":true,\"no\":false,\"int\":-12,\"float\":0.5e3 ,"
			    "\"text\":\"a\\nb\",\"list\":[1, 2],\"object\":{\"x\" :1},\"empty\":\"\"} ");
	size_t		i;

	(void)unused;
	assert_int_equal(json_type(root), JSON_OBJECT);
	assert_int_equal(json_count(root), COUNT(cases));
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(json_type(json_get(root, cases[i].name)), cases[i].type);
		assert_raw(json_get(root, cases[i].name), cases[i].raw);
	}
	assert_int_equal(json_type(json_get(root, "x")), JSON_ABSENT);	/* not a member of the root itself */
	assert_int_equal(json_type(json_get(root, "1")), JSON_ABSENT);
	assert_int_equal(json_type(json_get(json_get(root, "object"), "x")), JSON_NUMBER);
	assert_int_equal(json_type(json_get(json_get(root, "list"), "x")), JSON_ABSENT);
	assert_int_equal(json_type(json_get(json_get(root, "none"), "x")), JSON_ABSENT);
	arena_free(&a);
}

static void
absent_is_harmless(void **unused)
{
	struct json	v = { NULL, 0 };
	struct arena	a;
	int64_t		n = 7;

	(void)unused;
	arena_init(&a, 1000);
	assert_int_equal(json_type(v), JSON_ABSENT);
	assert_int_equal(json_count(v), 0);
	assert_int_equal(json_type(json_first(v)), JSON_ABSENT);
	assert_int_equal(json_type(json_next(v)), JSON_ABSENT);
	assert_int_equal(json_type(json_member_value(v)), JSON_ABSENT);
	assert_null(json_raw(v).p);
	assert_null(json_text(v, &a).p);
	assert_false(json_i64(v, &n));
	assert_int_equal(n, 7);
	assert_int_equal(json_bool(v), -1);
	arena_free(&a);
}

static void
walks_stay_on_their_level(void **unused)
{
	struct arena	a;
	struct json_doc	doc;
	struct json	root, e;
	int		i = 0;
	static const char *const raw[] = { "1", "[2,[3,{\"x\":[4]}]]", "{}", "[]", "a",
	"{\"k\":{\"l\":[5]},\"m\":6}", "null" };

	(void)unused;
	root = parse(&doc, &a, "[1,[2,[3,{\"x\":[4]}]],{},[],\"a\",{\"k\":{\"l\":[5]},\"m\":6},null]");
	assert_int_equal(json_count(root), COUNT(raw));
	for (e = json_first(root); json_type(e) != JSON_ABSENT; e = json_next(e))
		assert_raw(e, raw[i++]);
	assert_int_equal(i, COUNT(raw));
	e = json_first(root);
	e = json_next(e);		/* [2,[3,...]] */
	e = json_first(e);
	assert_raw(e, "2");
	e = json_next(e);
	assert_raw(e, "[3,{\"x\":[4]}]");
	assert_int_equal(json_type(json_next(e)), JSON_ABSENT);
	assert_int_equal(json_type(json_next(root)), JSON_ABSENT);
	arena_free(&a);
}

static void
walks_over_members(void **unused)
{
	static const char *const names[] = { "a", "b", "", "d", "e" };
	static const char *const values[] = { "{\"a\":[1,2]}", "[{\"b\":3},4]", "s", "true", "9" };
	struct arena		 a;
	struct json_doc		 doc;
	struct json		 root, e;
	int			 i = 0;

	(void)unused;
	root = parse(&doc, &a, "{\"a\":{\"a\":[1,2]},\"b\":[{\"b\":3},4],\"\":\"s\",\"d\":true,\"e\":9}");
	for (e = json_first(root); json_type(e) != JSON_ABSENT; e = json_next(e)) {
		assert_int_equal(json_type(e), JSON_STRING);
		assert_raw(e, names[i]);
		assert_raw(json_member_value(e), values[i]);
		assert_int_equal(json_type(json_next(json_member_value(e))), JSON_ABSENT);
		assert_int_equal(json_type(json_member_value(json_member_value(e))), JSON_ABSENT);
		i++;
	}
	assert_int_equal(i, 5);
	arena_free(&a);
	root = parse(&doc, &a, "[\"a\",\"b\"]");		/* strings, not names */
	assert_int_equal(json_type(json_member_value(json_first(root))), JSON_ABSENT);
	assert_int_equal(json_type(json_member_value(root)), JSON_ABSENT);
	arena_free(&a);
}

static void
last_of_equal_names_wins(void **unused)
{
	struct arena	a;
	struct json_doc	doc;
	struct json	root = parse(&doc, &a, "{\"a\":1,\"b\":2,\"a\":[3],\"\\u0061\":4,\"ab\":5}");

	(void)unused;
	assert_raw(json_get(root, "a"), "4");
	assert_raw(json_get(root, "b"), "2");
	assert_raw(json_get(root, "ab"), "5");
	arena_free(&a);
}

static void
names_are_compared_without_escapes(void **unused)
{
	struct arena	a;
	struct json_doc	doc;
	struct json	root = parse(&doc, &a,
			    "{\"call\\u005fid\":1,\"a\\/b\":2,\"\\ud83d\\ude00\":3,\"x\\n\":4,\"\":5,\"\\\"\":6}");

	(void)unused;
	assert_raw(json_get(root, "call_id"), "1");
	assert_raw(json_get(root, "a/b"), "2");
	assert_raw(json_get(root, "\xf0\x9f\x98\x80"), "3");
	assert_raw(json_get(root, "x\n"), "4");
	assert_raw(json_get(root, ""), "5");
	assert_raw(json_get(root, "\""), "6");
	assert_int_equal(json_type(json_get(root, "call\\u005fid")), JSON_ABSENT);
	assert_int_equal(json_type(json_get(root, "call_i")), JSON_ABSENT);
	assert_int_equal(json_type(json_get(root, "call_id2")), JSON_ABSENT);
	assert_int_equal(json_type(json_get(root, "x")), JSON_ABSENT);
	arena_free(&a);
}

static void
escapes_are_undone(void **unused)
{
	static const struct {
		const char	*json, *text;
	} cases[] = {
		{ "\"\"", "" }, { "\"abc\"", "abc" }, { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
		{ "\"\\u0041\\u00e4\\u20AC\"", "A\xc3\xa4\xe2\x82\xac" }, { "\"x\\u007f\\u0080y\"",
		"x\x7f\xc2\x80y" },
		{ "\"\\u07ff\\u0800\\uffff\"", "\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf" },
		{ "\"\\uD83D\\uDE00\"", "\xf0\x9f\x98\x80" }, { "\"\\ud800\\udc00\"", "\xf0\x90\x80\x80" },
		{ "\"\\udbff\\udfff\"", "\xf4\x8f\xbf\xbf" },
		{ "\"\\ud83d\\ue000\"", "\xef\xbf\xbd\xee\x80\x80" },
		{ "\"a\\u0000b\"", "a\xef\xbf\xbd" "b" },
		{ "\"\\ud83d\"", "\xef\xbf\xbd" }, { "\"\\ude00\"", "\xef\xbf\xbd" }, { "\"\\ud83dx\"",
		"\xef\xbf\xbdx" },
		{ "\"\\ud83d\\n\"", "\xef\xbf\xbd\n" }, { "\"\\ud83d\\u0041\"", "\xef\xbf\xbd" "A" },
		{ "\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80" },
		{ "\"\\ude00\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd" }, { "\"\\ud83d\\u0000\"",
		"\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\"\\\\u0041\"", "\\u0041" }, { "\"\xc3\xa4\\n\xe2\x82\xac\"", "\xc3\xa4\n\xe2\x82\xac" },
	};
	struct arena	a;
	struct json_doc	doc;
	struct json	v;
	struct str	s;
	size_t		i;

	(void)unused;
	for (i = 0; i < COUNT(cases); i++) {
		v = parse(&doc, &a, cases[i].json);
		s = json_text(v, &a);
		assert_non_null(s.p);
		if (s.n != strlen(cases[i].text) || memcmp(s.p, cases[i].text, s.n) != 0)
			fail_msg("%s gave \"%.*s\"", cases[i].json, STR_ARG(s));
		arena_free(&a);
	}
	assert_null(json_text(parse(&doc, &a, "12"), &a).p);
	arena_free(&a);
	assert_null(json_text(parse(&doc, &a, "[\"a\"]"), &a).p);
	arena_free(&a);
}

static void
text_needs_the_arena_only_for_escapes(void **unused)
{
	struct arena	a, none;
	struct json_doc	doc;
	struct json	root = parse(&doc, &a, "[\"plain\",\"esc\\naped\"]");

	(void)unused;
	arena_init(&none, 0);
	assert_ptr_equal(json_text(json_first(root), &none).p, json_raw(json_first(root)).p);
	assert_null(json_text(json_next(json_first(root)), &none).p);
	arena_free(&a);
}

static void
integers(void **unused)
{
	static const struct {
		const char	*json;
		bool		 ok;
		int64_t		 value;
	} cases[] = {
		{ "0", true, 0 }, { "-0", true, 0 }, { "6578930123456789", true, 6578930123456789 },
		{ "123480.417", true, 123480 },
		{ "\"123480.417\"", true, 123480 }, { "\"42\"", true, 42 }, { "\"-42\"", true, -42 },
		{ "-1.9", true, -1 },
		{ "\"\\u0034\\u0032\"", true, 42 }, { "\"4\\/2\"", false, 0 },
		{ "9223372036854775807", true, INT64_MAX },
		{ "9223372036854775808", false, 0 }, { "-9223372036854775808", true, INT64_MIN },
		{ "-9223372036854775809", false, 0 }, { "1e3", false, 0 }, { "1.5e3", false, 0 },
		{ "\"\"", false, 0 },
		{ "\" 42\"", false, 0 }, { "\"42 \"", false, 0 }, { "\"4x\"", false, 0 }, { "true", false, 0 },
		{ "null", false, 0 },
		{ "[42]", false, 0 }, { "{\"42\":42}", false, 0 }, { "\"+42\"", false, 0 },
		{ "\"\\u0000\"", false, 0 },
		{ "0.000000000000000000000000000000000000000000000000000000000000000000000000000000001", true, 0 },
		{ "\"\\u0030000000000000000000000000000000000000000000000000000000000000000000000000001\"", false, 0 },
	};
	struct arena	a;
	struct json_doc	doc;
	int64_t		v;
	size_t		i;

	(void)unused;
	for (i = 0; i < COUNT(cases); i++) {
		v = 7;
		if (json_i64(parse(&doc, &a, cases[i].json), &v) != cases[i].ok ||
		    v != (cases[i].ok ? cases[i].value : 7))
			fail_msg("%s gave %lld", cases[i].json, (long long)v);
		arena_free(&a);
	}
}

static void
booleans(void **unused)
{
	static const struct {
		const char	*json;
		int		 value;
	} cases[] = {
		{ "true", 1 }, { "false", 0 }, { "\"true\"", 1 }, { "\"false\"", 0 }, { "\"FALSE\"", 0 },
		{ "\"True\"", 1 },
		{ "\"\\u0074rue\"", 1 }, { "null", -1 }, { "0", -1 }, { "1", -1 }, { "\"\"", -1 },
		{ "\"yes\"", -1 }, { "\"1\"", -1 },
		{ "\"true \"", -1 }, { "[true]", -1 }, { "{}", -1 },
	};
	struct arena	a;
	struct json_doc	doc;
	size_t		i;

	(void)unused;
	for (i = 0; i < COUNT(cases); i++) {
		if (json_bool(parse(&doc, &a, cases[i].json)) != cases[i].value)
			fail_msg("%s is not %d", cases[i].json, cases[i].value);
		arena_free(&a);
	}
}

/* A list of n pieces between two brackets. */
static void
big_text(struct buf *b, const char *open, const char *piece, int n, const char *close)
{
	int i;

	b->len = 0;
	buf_puts(b, open);
	for (i = 0; i < n; i++) {
		if (i > 0)
			buf_putc(b, ',');
		buf_puts(b, piece);
	}
	buf_puts(b, close);
	assert_false(b->failed);
}

/* Each of these would take seconds to minutes if any step looked at all tokens for each token. */
static void
big_texts_stay_cheap(void **unused)
{
	static const struct {
		const char	*open, *piece, *close;
		int		 n;
	} cases[] = {
		{ "[", "1", "]", 500000 }, { "[", "[]", "]", 500000 }, { "[", "{\"a\":[1,2,{}]}", "]", 120000 },
		{ "{", "\"k\":[[1],{}]", "}", 150000 }, { "{", "\"\\u006bk\":\"\"", "}", 300000 },
		{ "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "[[1]]", "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", 200000 },
	};
	struct arena		a;
	struct json_doc		doc;
	struct json_error	err;
	struct json		v, e;
	struct buf		b;
	int64_t			start = clock_mono_ms();
	size_t			i;
	int			n;

	(void)unused;
	buf_init(&b, 8 << 20);
	for (i = 0; i < COUNT(cases); i++) {
		arena_init(&a, 64 << 20);
		big_text(&b, cases[i].open, cases[i].piece, cases[i].n, cases[i].close);
		if (!json_parse(&doc, &a, buf_as_str(&b), &wide, &err))
			fail_msg("case %zu, fault %d at %zu", i, (int)err.fault, err.offset);
		for (v = json_root(&doc); json_count(v) == 1; v = json_first(v))
			;
		assert_int_equal(json_count(v), cases[i].n);
		for (n = 0, e = json_first(v); json_type(e) != JSON_ABSENT; e = json_next(e))
			n++;
		assert_int_equal(n, cases[i].n);
		assert_int_equal(json_type(json_get(v, "no such name")), JSON_ABSENT);
		arena_free(&a);
	}
	buf_free(&b);
	assert_true(clock_mono_ms() - start < 10000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_arena_is_an_error),
		cmocka_unit_test(types_and_raw_text),
		cmocka_unit_test(absent_is_harmless),
		cmocka_unit_test(walks_stay_on_their_level),
		cmocka_unit_test(walks_over_members),
		cmocka_unit_test(last_of_equal_names_wins),
		cmocka_unit_test(names_are_compared_without_escapes),
		cmocka_unit_test(escapes_are_undone),
		cmocka_unit_test(text_needs_the_arena_only_for_escapes),
		cmocka_unit_test(integers),
		cmocka_unit_test(booleans),
		cmocka_unit_test(big_texts_stay_cheap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
