/*
 * parse: every input of the tables has one outcome, whichever way it is cut; what a request holds afterwards; limits;
 * the order of calls conn.c relies on.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/count.h"
#include "http_inputs_body.h"
#include "http_inputs_head.h"
#include "http_play.h"

#define SPLIT_ALL_MAX	120	/* inputs up to this long are split at every position */

/* What comes of the input cut after `first` bytes, or into single bytes when step is 1. */
static void
play_cut(struct play *t, const struct http_input *in, size_t first, size_t step)
{
	size_t at = 0, n;

	play_start(t);
	for (; at < in->n; at += n) {
		n = at == 0 && first > 0 ? first : step;
		if (n > in->n - at)
			n = in->n - at;
		play_piece(t, in->bytes + at, n);
	}
	play_end(t);
}

static void
check_input(const struct http_input *in)
{
	struct play	whole, cut;
	size_t		i;

	play_cut(&whole, in, 0, in->n + 1);
	if (strcmp(whole.brief.p, in->expected) != 0)
		fail_msg("expected \"%s\", got \"%s\" (%s) for:\n%.*s", in->expected, whole.brief.p, whole.full.p,
		    (int)in->n, in->bytes);
	play_cut(&cut, in, 0, 1);
	assert_string_equal(cut.full.p, whole.full.p);
	assert_string_equal(cut.brief.p, whole.brief.p);
	play_free(&cut);
	for (i = 1; i < in->n && in->n <= SPLIT_ALL_MAX; i++) {
		play_cut(&cut, in, i, in->n);
		assert_string_equal(cut.full.p, whole.full.p);
		assert_string_equal(cut.brief.p, whole.brief.p);
		play_free(&cut);
	}
	play_free(&whole);
}

static void
test_heads(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(inputs_head); i++)
		check_input(&inputs_head[i]);
}

static void
test_bodies(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(inputs_body); i++)
		check_input(&inputs_body[i]);
}

/* Feeds one request up to the end of its head; the rest of the text is the caller's. */
static enum parse_result
feed_head(struct parse *p, struct http_request *rq, const char *text, size_t *taken)
{
	*rq = (struct http_request){ .minor = 9 };
	arena_init(&rq->arena, 65536);
	parse_begin(p, rq);
	return parse_feed(p, text, strlen(text), taken);
}

static void
test_contents(void **state)
{
	static const char	 text[] = "POST /a%20b?c=d HTTP/1.1\r\nHost: h\r\nX-One: \t v w \t\r\nX-Two:\r\n"
				     "Content-Length: 3\r\n\r\nabcGET";
	struct parse		*p = parse_new(&play_limits, 16);
	struct http_request	 rq;
	size_t			 taken;

	(void)state;
	assert_int_equal(feed_head(p, &rq, text, &taken), PARSE_HEAD);
	assert_int_equal(taken, strlen(text) - 6);
	assert_int_equal(rq.method, HTTP_POST);
	assert_int_equal(rq.minor, 1);
	assert_true(str_eq(rq.path, STR("/a%20b")));
	assert_true(str_eq(rq.query, STR("c=d")));
	assert_int_equal(rq.nheaders, 4);
	assert_true(str_eq(http_header(&rq, "x-one"), STR("v w")));
	assert_true(str_eq(http_header(&rq, "X-TWO"), STR("")));
	assert_null(http_header(&rq, "x-three").p);
	assert_true(rq.keep_alive);
	assert_int_equal(parse_feed(p, "abc", 3, &taken), PARSE_HEAD);	/* nothing is taken before parse_body */
	assert_int_equal(taken, 0);
	assert_int_equal(parse_body(p, 3), PARSE_MORE);
	assert_int_equal(parse_feed(p, "abcGET", 6, &taken), PARSE_DONE);
	assert_int_equal(taken, 3);
	assert_true(str_eq(rq.body, STR("abc")));
	assert_int_equal(parse_feed(p, "GET", 3, &taken), PARSE_DONE);	/* nor after the end */
	assert_int_equal(taken, 0);
	arena_free(&rq.arena);
	parse_free(p);
}

static void
test_trailers_are_no_headers(void **state)
{
	static const char	 head[] = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
	static const char	 body[] = "1\r\na\r\n0\r\nX-App-Api-Key: k\r\n\r\n";
	struct parse		*p = parse_new(&play_limits, 16);
	struct http_request	 rq;
	size_t			 taken;

	(void)state;
	assert_int_equal(feed_head(p, &rq, head, &taken), PARSE_HEAD);
	assert_int_equal(parse_body(p, 1), PARSE_MORE);
	assert_int_equal(parse_feed(p, body, strlen(body), &taken), PARSE_DONE);
	assert_null(http_header(&rq, "X-App-Api-Key").p);
	assert_int_equal(rq.nheaders, 2);
	assert_true(str_eq(rq.body, STR("a")));
	arena_free(&rq.arena);
	parse_free(p);
}

static void
test_state_is_told(void **state)
{
	struct parse		*p = parse_new(&play_limits, 16);
	struct http_request	 rq;
	size_t			 taken;

	(void)state;
	assert_int_equal(feed_head(p, &rq, "", &taken), PARSE_MORE);
	assert_false(parse_started(p));
	assert_false(rq.keep_alive);
	assert_int_equal(parse_body(p, 1), PARSE_MORE);		/* too early: changes nothing */
	assert_int_equal(parse_feed(p, "G", 1, &taken), PARSE_MORE);
	assert_true(parse_started(p));
	assert_int_equal(parse_feed(p, "\n", 1, &taken), PARSE_BAD);
	assert_int_equal(parse_status(p), 400);
	assert_true(strlen(parse_why(p)) > 0);
	assert_false(rq.keep_alive);
	assert_int_equal(parse_feed(p, "G", 1, &taken), PARSE_BAD);
	assert_int_equal(taken, 0);
	assert_int_equal(parse_body(p, 1), PARSE_BAD);
	arena_free(&rq.arena);
	assert_int_equal(feed_head(p, &rq, " ", &taken), PARSE_BAD);
	assert_true(parse_started(p));
	arena_free(&rq.arena);
	parse_free(p);
	parse_free(NULL);
}

static void
test_continue_is_wanted_until_the_body_is_there(void **state)
{
	static const char	 text[] = "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
				     "Content-Length: 1\r\n\r\n";
	struct parse		*p = parse_new(&play_limits, 16);
	struct http_request	 rq;
	size_t			 taken;

	(void)state;
	assert_int_equal(feed_head(p, &rq, text, &taken), PARSE_HEAD);
	assert_true(parse_started(p));
	assert_true(parse_wants_continue(p));
	assert_int_equal(parse_body(p, 1), PARSE_MORE);
	assert_true(parse_wants_continue(p));
	assert_int_equal(parse_feed(p, "a", 1, &taken), PARSE_DONE);
	assert_false(parse_wants_continue(p));
	assert_int_equal(parse_body(p, 1), PARSE_DONE);
	arena_free(&rq.arena);
	parse_free(p);
}

static void
test_body_limit_is_the_routes(void **state)
{
	static const char	 text[] = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n";
	struct parse		*p = parse_new(&play_limits, 16);
	struct http_request	 rq;
	size_t			 taken;

	(void)state;
	assert_int_equal(feed_head(p, &rq, text, &taken), PARSE_HEAD);
	assert_true(rq.keep_alive);
	assert_int_equal(parse_body(p, 10), PARSE_BAD);
	assert_int_equal(parse_status(p), 413);
	assert_false(rq.keep_alive);
	arena_free(&rq.arena);
	assert_int_equal(feed_head(p, &rq, text, &taken), PARSE_HEAD);
	assert_int_equal(parse_body(p, 11), PARSE_MORE);
	arena_free(&rq.arena);
	parse_free(p);
}

static void
test_no_memory_is_told(void **state)
{
	static const char	 text[] = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n123456789";
	struct parse		*p = parse_new(&play_limits, 16);
	struct http_request	 rq = { .minor = 9 };
	size_t			 taken;

	(void)state;
	arena_init(&rq.arena, 16);
	parse_begin(p, &rq);
	assert_int_equal(parse_feed(p, text, strlen(text), &taken), PARSE_BAD);
	assert_int_equal(parse_status(p), 503);
	arena_free(&rq.arena);
	parse_free(p);
}

/* A head of exactly `size` bytes with `headers` headers, and a target of `url` bytes. */
static size_t
make_head(char *out, size_t size, size_t headers, size_t url)
{
	size_t at, i;

	at = (size_t)sprintf(out, "GET /");
	for (i = 1; i < url; i++)
		out[at++] = 'u';
	at += (size_t)sprintf(out + at, " HTTP/1.1\r\nHost: h\r\n");
	for (i = 2; i < headers; i++)
		at += (size_t)sprintf(out + at, "H%zu:\r\n", i);
	at += (size_t)sprintf(out + at, "X:");
	while (at < size - 4)
		out[at++] = 'x';
	memcpy(out + at, "\r\n\r\n", 4);
	return at + 4;
}

static void
check_head(const char *expected, size_t size, size_t headers, size_t url)
{
	char			bytes[4096];
	struct http_input	in = { expected, bytes, make_head(bytes, size, headers, url) };

	check_input(&in);
}

static void
test_limits(void **state)
{
	(void)state;
	check_head("ok", 2048, 16, 256);
	check_head("431", 2049, 16, 256);
	check_head("431", 2048, 17, 256);
	check_head("414", 2048, 16, 257);
	check_head("414", 3000, 16, 2200);
}

static void
test_host_length(void **state)
{
	char			bytes[512];
	struct http_input	in = { "ok", bytes, 0 };

	(void)state;
	in.n = (size_t)snprintf(bytes, sizeof(bytes), "GET / HTTP/1.1\r\nHost: %0255d:80\r\n\r\n", 0);
	check_input(&in);
	in.n = (size_t)snprintf(bytes, sizeof(bytes), "GET / HTTP/1.1\r\nHost: %0256d:80\r\n\r\n", 0);
	in.expected = "400";
	check_input(&in);
}

static void
test_header_count_of_the_caller(void **state)
{
	struct parse		*p = parse_new(&play_limits, 1);
	struct http_request	 rq;
	size_t			 taken;

	(void)state;
	assert_int_equal(feed_head(p, &rq, "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n", &taken), PARSE_BAD);
	assert_int_equal(parse_status(p), 431);
	arena_free(&rq.arena);
	parse_free(p);
}

static void
test_options_asterisk(void **state)
{
	struct parse		*p = parse_new(&play_limits, 16);
	struct http_request	 rq;
	size_t			 taken;

	(void)state;
	assert_int_equal(feed_head(p, &rq, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", &taken), PARSE_HEAD);
	assert_true(str_eq(rq.path, STR("*")));
	arena_free(&rq.arena);
	assert_int_equal(feed_head(p, &rq, "GET http://h?x HTTP/1.1\r\nHost: h\r\n\r\n", &taken), PARSE_HEAD);
	assert_true(str_eq(rq.path, STR("/")));
	assert_true(str_eq(rq.query, STR("x")));
	arena_free(&rq.arena);
	assert_int_equal(feed_head(p, &rq, "GET http://h/a/b HTTP/1.1\r\nHost: h\r\n\r\n", &taken), PARSE_HEAD);
	assert_true(str_eq(rq.path, STR("/a/b")));
	assert_null(rq.query.p);
	arena_free(&rq.arena);
	parse_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_contents),
		cmocka_unit_test(test_trailers_are_no_headers),
		cmocka_unit_test(test_state_is_told),
		cmocka_unit_test(test_continue_is_wanted_until_the_body_is_there),
		cmocka_unit_test(test_body_limit_is_the_routes),
		cmocka_unit_test(test_no_memory_is_told),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_host_length),
		cmocka_unit_test(test_header_count_of_the_caller),
		cmocka_unit_test(test_options_asterisk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
