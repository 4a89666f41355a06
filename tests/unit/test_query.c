/*
 * request: query parameters, header look-up, added answer headers, reasons.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/request.h"

#define EXTRA_MAX	4096

/* All parameters as name=value; with ';' between them; "!" where decoding failed. */
static struct str
decode(struct arena *a, struct buf *out, struct str query)
{
	struct str	name, value;
	int		r;

	out->len = 0;
	while ((r = http_query_next(a, &query, &name, &value)) == 1) {
		assert_non_null(name.p);
		assert_non_null(value.p);
		buf_str(out, name);
		buf_putc(out, '=');
		buf_str(out, value);
		buf_putc(out, ';');
	}
	if (r < 0)
		buf_putc(out, '!');
	return buf_as_str(out);
}

static void
check(const char *query, const char *expected)
{
	struct arena	a;
	struct buf	out;

	arena_init(&a, 65536);
	buf_init(&out, 4096);
	if (!str_eq(decode(&a, &out, str_c(query)), str_c(expected)))
		fail_msg("%s: expected %s, got %.*s", query, expected, STR_ARG(buf_as_str(&out)));
	buf_free(&out);
	arena_free(&a);
}

static void
test_parameters(void **state)
{
	(void)state;
	check(NULL, "");
	check("", "");
	check("a=b", "a=b;");
	check("a=b&c=d", "a=b;c=d;");
	check("a", "a=;");
	check("a=", "a=;");
	check("=b", "=b;");
	check("=", "=;");
	check("&&a=1&", "a=1;");
	check("a=b=c", "a=b=c;");
	check("a+b=c+d", "a b=c d;");
	check("%61=%2B%26%3d%25", "a=+&=%;");
	check("a=%C3%a9", "a=\303\251;");
	check("a=1;b=2", "a=1;b=2;");
	check("a=1&a=2", "a=1;a=2;");
}

static void
test_malformed(void **state)
{
	struct arena	a;
	struct str	rest = { "a=\0", 3 }, name, value;

	(void)state;
	check("a=%", "!");
	check("a=%4", "!");
	check("a=%4&b=1", "!");
	check("a=%zz", "!");
	check("a=%4z", "!");
	check("%=1", "!");
	check("a=%00", "!");
	check("%00=a", "!");
	check("a=%%41", "!");
	check("ok=1&a=%u0041", "ok=1;!");
	arena_init(&a, 4096);
	assert_int_equal(http_query_next(&a, &rest, &name, &value), -1);
	arena_free(&a);
	arena_init(&a, 8);
	rest = STR("a=b");
	assert_int_equal(http_query_next(&a, &rest, &name, &value), -1);
	arena_free(&a);
}

static void
test_header(void **state)
{
	struct http_header	headers[] = {
		{ STR("X-One"), STR("1") }, { STR("Empty"), STR("") }, { STR("x-one"), STR("2") },
	};
	struct http_request	rq = { .headers = headers, .nheaders = 3 };

	(void)state;
	assert_true(str_eq(http_header(&rq, "X-ONE"), STR("1")));
	assert_true(str_eq(http_header(&rq, "empty"), STR("")));
	assert_null(http_header(&rq, "x-on").p);
	assert_null(http_header(&rq, "").p);
}

static void
test_added_headers_cannot_break_out(void **state)
{
	struct http_request rq = { .minor = 1 };

	(void)state;
	buf_init(&rq.extra, EXTRA_MAX);
	http_add_header(&rq, "Allow", "GET, HEAD");
	http_add_header(&rq, "X-Empty", "");
	http_add_header(&rq, "X-Tab", "a\tb");
	assert_true(str_eq(buf_as_str(&rq.extra), STR("Allow: GET, HEAD\r\nX-Empty: \r\nX-Tab: a\tb\r\n")));
	buf_free(&rq.extra);
	http_add_header(&rq, "Location", "/x\r\nSet-Cookie: a=b");
	http_add_header(&rq, "Location", "/x\n");
	http_add_header(&rq, "Location", "/x\r");
	http_add_header(&rq, "Location", "/x\177");
	http_add_header(&rq, "Bad Name", "x");
	http_add_header(&rq, "Bad:", "x");
	http_add_header(&rq, "Bad\r\n", "x");
	http_add_header(&rq, "", "x");
	assert_int_equal(rq.extra.len, 0);
	assert_false(rq.extra.failed);
	buf_free(&rq.extra);
}

static void
test_reason(void **state)
{
	(void)state;
	assert_string_equal(http_reason(200), "OK");
	assert_string_equal(http_reason(400), "Bad Request");
	assert_string_equal(http_reason(413), "Content Too Large");
	assert_string_equal(http_reason(414), "URI Too Long");
	assert_string_equal(http_reason(417), "Expectation Failed");
	assert_string_equal(http_reason(431), "Request Header Fields Too Large");
	assert_string_equal(http_reason(501), "Not Implemented");
	assert_string_equal(http_reason(505), "HTTP Version Not Supported");
	assert_string_equal(http_reason(299), "Unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_added_headers_cannot_break_out),
		cmocka_unit_test(test_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
