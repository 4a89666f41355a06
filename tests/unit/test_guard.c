/*
 * guard: where head and body end, the exact byte at which each limit bites, every place of the chunk extension
 * grammar, and that no verdict depends on how the bytes are cut. Whole requests are in test_parse.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "http/guard.h"

#define HEAD		"POST / HTTP/1.1\r\nHost: a\r\n\r\n"
#define ALL_BYTES	256

static const struct guard_limits limits = {
	.head_bytes = 200, .url_bytes = 20, .header_count = 3, .body_bytes = 100, .trailer_bytes = 20,
};

/* Feeds n bytes, step at a time, until a verdict other than MORE; *used says how many bytes that took. */
static enum guard_verdict
feed(struct guard *g, const char *p, size_t n, size_t step, size_t *used)
{
	enum guard_verdict	v = GUARD_MORE;
	size_t			at = 0, taken;

	while (v == GUARD_MORE && at < n) {
		v = guard_feed(g, p + at, step < n - at ? step : n - at, &taken);
		at += taken;
	}
	*used = at;
	return v;
}

/* The verdict on a head and a chunked body behind it; whole and byte by byte must agree. */
static enum guard_verdict
feed_chunked(struct guard *g, const char *body, size_t n, size_t *used)
{
	enum guard_verdict	v[2];
	size_t			i, at, took[2], step[2] = { 1, SIZE_MAX };

	for (i = 0; i < 2; i++) {
		guard_init(g, &limits);
		assert_int_equal(feed(g, HEAD, strlen(HEAD), step[i], &at), GUARD_HEAD_END);
		guard_body_chunked(g);
		v[i] = feed(g, body, n, step[i], &took[i]);
	}
	assert_int_equal(v[0], v[1]);
	assert_int_equal(took[0], took[1]);
	*used = took[0];
	return v[0];
}

static void
test_ends_are_exact(void **state)
{
	static const char	text[] = HEAD "hello" HEAD;
	struct guard		g;
	size_t			used;

	(void)state;
	guard_init(&g, &limits);
	assert_int_equal(feed(&g, text, strlen(text), SIZE_MAX, &used), GUARD_HEAD_END);
	assert_int_equal(used, strlen(HEAD));
	assert_int_equal(g.headers_seen, 1);
	assert_true(guard_body_length(&g, 5));
	assert_int_equal(feed(&g, text + used, strlen(text) - used, SIZE_MAX, &used), GUARD_BODY_END);
	assert_int_equal(used, 5);
	assert_int_equal(feed(&g, HEAD, strlen(HEAD), SIZE_MAX, &used), GUARD_BODY_END);	/* until guard_init */
	assert_int_equal(used, 0);
	guard_init(&g, &limits);
	assert_int_equal(feed(&g, HEAD, strlen(HEAD), 1, &used), GUARD_HEAD_END);
	assert_int_equal(feed(&g, HEAD, strlen(HEAD), 1, &used), GUARD_HEAD_END);	/* until told */
	assert_int_equal(used, 0);
	assert_true(guard_body_length(&g, 0));
	assert_int_equal(guard_feed(&g, NULL, 0, &used), GUARD_BODY_END);
	assert_int_equal(feed(&g, HEAD, strlen(HEAD), SIZE_MAX, &used), GUARD_BODY_END);
	assert_int_equal(used, 0);
}

static void
test_nothing_fed_is_nothing(void **state)
{
	struct guard	g;
	size_t		taken = 1;

	(void)state;
	guard_init(&g, &limits);
	assert_int_equal(guard_feed(&g, NULL, 0, &taken), GUARD_MORE);
	assert_int_equal(taken, 0);
}

static void
test_refusal_lasts(void **state)
{
	struct guard	g;
	size_t		used;

	(void)state;
	guard_init(&g, &limits);
	assert_string_equal(guard_why(&g), "");
	assert_int_equal(feed(&g, "GET /\n", 6, 1, &used), GUARD_BAD);
	assert_int_equal(guard_status(&g), 400);
	assert_true(strlen(guard_why(&g)) > 0);
	assert_int_equal(feed(&g, HEAD, strlen(HEAD), SIZE_MAX, &used), GUARD_BAD);
	assert_int_equal(used, 0);
}

/* Status of a head made of a format and a run of `n` letters; 0 when taken. Whole and byte by byte must agree. */
static int
head_status(const char *format, int n)
{
	char		letters[600], text[1200];
	struct guard	g;
	size_t		i, used[2], len, step[2] = { 1, SIZE_MAX };
	int		status[2];

	memset(letters, 'a', sizeof(letters));
	len = (size_t)snprintf(text, sizeof(text), format, n, letters);
	for (i = 0; i < 2; i++) {
		guard_init(&g, &limits);
		assert_true(len < sizeof(text));
		status[i] = feed(&g, text, len, step[i], &used[i]) == GUARD_HEAD_END ? 0 : guard_status(&g);
	}
	assert_int_equal(status[0], status[1]);
	assert_int_equal(used[0], used[1]);
	return status[0];
}

static void
test_head_limits(void **state)
{
	static const char	header[] = "GET / HTTP/1.1\r\nX: %.*s\r\n\r\n";
	int			rest = 200 - (int)strlen("GET / HTTP/1.1\r\nX: \r\n\r\n");

	(void)state;
	assert_int_equal(head_status("%.*s / HTTP/1.1\r\n\r\n", GUARD_METHOD_BYTES), 0);
	assert_int_equal(head_status("%.*s / HTTP/1.1\r\n\r\n", GUARD_METHOD_BYTES + 1), 501);
	assert_int_equal(head_status("GET /%.*s HTTP/1.1\r\n\r\n", 19), 0);
	assert_int_equal(head_status("GET /%.*s HTTP/1.1\r\n\r\n", 20), 414);
	assert_int_equal(head_status("GET /%.*s HTTP/1.1\r\n\r\n", 500), 414);
	assert_int_equal(head_status(header, rest), 0);
	assert_int_equal(head_status(header, rest + 1), 431);
	assert_int_equal(head_status(header, rest + 4), 431);
	assert_int_equal(head_status(header, 500), 431);
	assert_int_equal(head_status("GET / HTTP/1.1\r\n%.*s: b\r\n\r\n", 500), 431);
	assert_int_equal(head_status("GET / HTTP/1.1\r\n%.*s:1\r\nb:2\r\nc:3\r\n\r\n", 1), 0);
	assert_int_equal(head_status("GET / HTTP/1.1\r\n%.*s:1\r\nb:2\r\nc:3\r\nd:4\r\n\r\n", 1), 431);
}

static void
test_a_long_line_is_a_long_target(void **state)
{
	struct guard_limits	lim = limits;
	struct guard		g;
	size_t			used;

	(void)state;
	lim.head_bytes = 12;
	guard_init(&g, &lim);
	assert_int_equal(feed(&g, "GET /aaaaaaaaaaa", 16, SIZE_MAX, &used), GUARD_BAD);
	assert_int_equal(guard_status(&g), 414);
	assert_int_equal(used, 12);
	lim.head_bytes = 16;		/* to the end of the line; the headers are too much */
	guard_init(&g, &lim);
	assert_int_equal(feed(&g, "GET / HTTP/1.1\r\na:b\r\n", 21, SIZE_MAX, &used), GUARD_BAD);
	assert_int_equal(guard_status(&g), 431);
	assert_int_equal(used, 16);
}

static void
test_body_limits(void **state)
{
	struct guard	g;
	size_t		used;

	(void)state;
	guard_init(&g, &limits);
	assert_int_equal(feed(&g, HEAD, strlen(HEAD), 1, &used), GUARD_HEAD_END);
	assert_false(guard_body_length(&g, 101));
	assert_int_equal(guard_status(&g), 413);
	guard_init(&g, &limits);
	assert_int_equal(feed(&g, HEAD, strlen(HEAD), 1, &used), GUARD_HEAD_END);
	assert_false(guard_body_length(&g, UINT64_MAX));
	guard_init(&g, &limits);
	assert_int_equal(feed(&g, HEAD, strlen(HEAD), 1, &used), GUARD_HEAD_END);
	assert_true(guard_body_length(&g, 100));
	guard_init(&g, &limits);
	assert_int_equal(feed(&g, HEAD, strlen(HEAD), 1, &used), GUARD_HEAD_END);
	guard_set_body_limit(&g, 7);
	assert_false(guard_body_length(&g, 8));
}

/* All chunks together are bounded, not each. */
static void
test_chunked_body_limit(void **state)
{
	static const char	chunk[] = "32\r\n01234567890123456789012345678901234567890123456789\r\n";
	char			text[256];
	struct guard		g;
	size_t			used;

	(void)state;
	(void)snprintf(text, sizeof(text), "%s%s0\r\n\r\n", chunk, chunk);
	assert_int_equal(feed_chunked(&g, text, strlen(text), &used), GUARD_BODY_END);
	assert_int_equal(g.body_seen, 100);
	(void)snprintf(text, sizeof(text), "%s%s1\r\na\r\n0\r\n\r\n", chunk, chunk);
	assert_int_equal(feed_chunked(&g, text, strlen(text), &used), GUARD_BAD);
	assert_int_equal(guard_status(&g), 413);
}

static void
test_trailer_limit(void **state)
{
	struct guard	g;
	size_t		used;

	(void)state;		/* 20 bytes with the empty line */
	assert_int_equal(feed_chunked(&g, "0\r\nA: b\r\nCdefg: hij\r\n\r\n", 23, &used), GUARD_BODY_END);
	assert_int_equal(used, 23);
	assert_int_equal(feed_chunked(&g, "0\r\nA: b\r\nCdefg: hijk\r\n\r\n", 24, &used), GUARD_BAD);
	assert_int_equal(guard_status(&g), 431);
}

static void
test_extension_limit_is_per_request(void **state)
{
	char		text[GUARD_EXTENSION_BYTES * 2];
	struct guard	g;
	size_t		used;
	int		half = GUARD_EXTENSION_BYTES / 2;

	(void)state;		/* ';' is the size's; the last byte counted is the CR */
	(void)snprintf(text, sizeof(text), "1;%0*d\r\na\r\n0;%0*d\r\n\r\n", half - 1, 0, half - 1, 0);
	assert_int_equal(feed_chunked(&g, text, strlen(text), &used), GUARD_BODY_END);
	(void)snprintf(text, sizeof(text), "1;%0*d\r\na\r\n0;%0*d\r\n\r\n", half - 1, 0, half, 0);
	assert_int_equal(feed_chunked(&g, text, strlen(text), &used), GUARD_BAD);
	(void)snprintf(text, sizeof(text), "1;%0*d\r\na\r\n0;%0*d\r\n\r\n", half - 1, 0, half + 9, 0);
	assert_int_equal(feed_chunked(&g, text, strlen(text), &used), GUARD_BAD);
	assert_int_equal(guard_status(&g), 400);
}

static bool
head_taken(const char *text, size_t n)
{
	struct guard	g;
	size_t		used;

	guard_init(&g, &limits);
	return feed(&g, text, n, SIZE_MAX, &used) == GUARD_HEAD_END;
}

static bool
chunked_taken(const char *text, size_t n)
{
	struct guard	g;
	size_t		used;

	return feed_chunked(&g, text, n, &used) == GUARD_BODY_END;
}

/* Which single bytes may stand at a place between two texts. */
static void
check_place(bool (*taken)(const char *text, size_t n), const char *before, const char *after, const char *allowed,
    size_t nallowed)
{
	char	text[128];
	size_t	len;
	int	c;

	for (c = 0; c < ALL_BYTES; c++) {
		len = (size_t)snprintf(text, sizeof(text), "%s?%s", before, after);
		text[strlen(before)] = (char)c;
		if (taken(text, len) != (memchr(allowed, c, nallowed) != NULL))
			fail_msg("byte 0x%02x between \"%s\" and \"%s\"", (unsigned)c, before, after);
	}
}

#define DIGITS		"0123456789"
#define LETTERS		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define TOKEN		DIGITS LETTERS "!#$%&'*+-.^_`|~"
#define TARGET	DIGITS LETTERS "!$%&'()*+,-./:;=?@[\\]^_`{|}~"
#define TEXT		TOKEN " \t(),/:;<=>?@[]{}"
#define PLACE(before, after, allowed)	check_place(chunked_taken, before, after, allowed, sizeof(allowed) - 1)
#define HEAD_PLACE(before, after, allowed)	check_place(head_taken, before, after, allowed, sizeof(allowed) - 1)

static void
test_extension_places(void **state)
{
	static const char rest[] = "\r\n\r\n";

	(void)state;
	PLACE("0;", rest, TOKEN);			/* the name begins */
	PLACE("0; ", rest, TOKEN);
	PLACE("0;a", rest, TOKEN);			/* goes on */
	PLACE("0;a", "b\r\n\r\n", TOKEN ";=");
	PLACE("0;a ", "b\r\n\r\n", ";=");		/* blanks after it */
	PLACE("0;a=", rest, TOKEN);			/* the value begins */
	PLACE("0;a=", "\"\r\n\r\n", "\"");
	PLACE("0;a=b", rest, TOKEN);			/* goes on */
	PLACE("0;a=b ", "c\r\n\r\n", ";");
	PLACE("0;a=\"", "\"\r\n\r\n", TEXT);		/* quoted */
	PLACE("0;a=\"\\", "\"\r\n\r\n", TEXT "\"\\");	/* escaped */
	PLACE("0;a=\"b\"", "c\r\n\r\n", ";");		/* after the quotes */
	PLACE("0 ", "c\r\n\r\n", ";");
	PLACE("0;a", "\n\r\n", "\r");
	PLACE("0;a=b", "\n\r\n", "\r");
	PLACE("0;a=\"b\"", "\n\r\n", "\r");
	PLACE("0;a\r", "\r\n", "\n");
}

static void
test_framing_places(void **state)
{
	(void)state;
	PLACE("", "\r\n\r\n", "0");
	PLACE("1\r\na", "\n0\r\n\r\n", "\r");
	PLACE("1\r\na\r", "0\r\n\r\n", "\n");
	PLACE("0\r", "\r\n", "\n");
	PLACE("0\r\n", ": b\r\n\r\n", TOKEN);
	PLACE("0\r\na", " b\r\n\r\n", ":");
	PLACE("0\r\na:b", "\n\r\n", "\r");
	PLACE("0\r\na:b\r", "\r\n", "\n");
	PLACE("0\r\n\r", "", "\n");
}

/* A byte too many where the end of a line, a chunk or a head is due. */
static void
test_nothing_is_skipped(void **state)
{
	(void)state;
	PLACE("0", "\r\n\r\n", "0");
	PLACE("", "0\r\n\r\n", "0");
	PLACE("1\r\na", "\r\n0\r\n\r\n", "");
	PLACE("1\r\na\r", "\n0\r\n\r\n", "");
	PLACE("0\r", "\n\r\n", "");
	PLACE("0\r\n", "\r\n", "");
	PLACE("0\r\n\r", "\n", "\n");			/* the second LF is left for the next request */
	HEAD_PLACE("\r", "\nG / HTTP/1.1\r\n\r\n", "");
	HEAD_PLACE("\r\n", " / HTTP/1.1\r\n\r\n", TOKEN);
	HEAD_PLACE("G ", " HTTP/1.1\r\n\r\n", TARGET);
	HEAD_PLACE("G /", "HTTP/1.1\r\n\r\n", " ");
	HEAD_PLACE("G / HTTP/1", "1\r\n\r\n", ".");
	HEAD_PLACE("G / HTTP/1.", "\r\n\r\n", "01");
	HEAD_PLACE("G / HTTP/1.1", "\r\n\r\n", "");
	HEAD_PLACE("G / HTTP/1.1\r", "\n\r\n", "");
	HEAD_PLACE("G / HTTP/1.1\r\na:b\r", "\n\r\n", "");
	HEAD_PLACE("G / HTTP/1.1\r\n\r", "\n", "\n");
	HEAD_PLACE("G / HTTP/1.1\r\n", ":b\r\n\r\n", TOKEN);
	HEAD_PLACE("G / HTTP/1.1\r\na", ":b\r\n\r\n", TOKEN ":");
}

static void
test_value_bytes(void **state)
{
	char	allowed[ALL_BYTES];
	size_t	n = 0;
	int	c;

	(void)state;
	for (c = 0; c < ALL_BYTES; c++)
		if (c == '\t' || (c >= ' ' && c != 0x7f))
			allowed[n++] = (char)c;
	check_place(head_taken, "G / HTTP/1.1\r\na:b", "c\r\n\r\n", allowed, n);
	check_place(chunked_taken, "0\r\na:b", "c\r\n\r\n", allowed, n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends_are_exact),
		cmocka_unit_test(test_nothing_fed_is_nothing),
		cmocka_unit_test(test_refusal_lasts),
		cmocka_unit_test(test_head_limits),
		cmocka_unit_test(test_a_long_line_is_a_long_target),
		cmocka_unit_test(test_body_limits),
		cmocka_unit_test(test_chunked_body_limit),
		cmocka_unit_test(test_trailer_limit),
		cmocka_unit_test(test_extension_limit_is_per_request),
		cmocka_unit_test(test_extension_places),
		cmocka_unit_test(test_framing_places),
		cmocka_unit_test(test_nothing_is_skipped),
		cmocka_unit_test(test_value_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
