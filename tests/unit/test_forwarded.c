/*
 * forwarded: whom X-Forwarded-For and X-Forwarded-Proto may speak for.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/conn.h"

#define UNTRUSTED	"203.0.113.50"
#define PROXY		"10.0.0.1"

static struct addr_net	trusted[3];

static int
set_up(void **state)
{
	(void)state;
	return addr_parse_net(&trusted[0], STR("10.0.0.0/8")) && addr_parse_net(&trusted[1], STR("2001:db8:1::/48")) &&
	    addr_parse_net(&trusted[2], STR("unix")) ? 0 : -1;
}

/* The client a request from peer with these lines has; names alternate with values. *https: whether it came over TLS, then as found. */
static const char *
client_of(const char *peer, const char *const *lines, bool *https)
{
	static char		text[ADDR_TEXT_SIZE];
	struct http_header	headers[8];
	struct http_request	rq = { .headers = headers };

	if (strcmp(peer, "unix") == 0)
		rq.peer.family = AF_UNIX;
	else
		assert_true(addr_parse_ip(&rq.peer, str_c(peer)));
	for (; *lines != NULL; lines += 2)
		headers[rq.nheaders++] = (struct http_header){ str_c(lines[0]), str_c(lines[1]) };
	rq.https = https != NULL && *https;
	forwarded_apply(&rq, trusted, 3);
	if (https != NULL)
		*https = rq.https;
	addr_text(text, &rq.client);
	return text;
}

#define CLIENT(peer, ...)	client_of((peer), (const char *const[]){ __VA_ARGS__, NULL }, NULL)
#define XFF			"X-Forwarded-For"
#define XFP			"X-Forwarded-Proto"
#define HOPS_7			"10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,"
#define HOPS_8			HOPS_7 "10.0.0.2,"	/* 32 hops are the most that is walked */

static void
only_trusted_hops_are_believed(void **state)
{
	(void)state;
	assert_string_equal(CLIENT(UNTRUSTED, XFF, "192.0.2.1"), UNTRUSTED);
	assert_string_equal(CLIENT(PROXY, XFF, "192.0.2.1"), "192.0.2.1");
	assert_string_equal(CLIENT(PROXY, "x-forwarded-for", "192.0.2.1"), "192.0.2.1");
	assert_string_equal(CLIENT("unix", XFF, "192.0.2.1"), "192.0.2.1");
	assert_string_equal(CLIENT(PROXY, "Host", "x"), PROXY);
	assert_string_equal(CLIENT(PROXY, XFF, ""), PROXY);
}

static void
the_walk_goes_from_the_right(void **state)
{
	(void)state;
	assert_string_equal(CLIENT(PROXY, XFF, "1.1.1.1, 192.0.2.1"), "192.0.2.1");
	assert_string_equal(CLIENT(PROXY, XFF, "1.1.1.1,192.0.2.1,\t10.9.9.9 , 2001:db8:1::5"), "192.0.2.1");
	assert_string_equal(CLIENT(PROXY, XFF, "10.3.3.3, 10.2.2.2"), "10.3.3.3");	/* all trusted: the farthest */
	assert_string_equal(CLIENT(PROXY, XFF, "[2001:db8:2::7]"), "2001:db8:2::7");
	assert_string_equal(CLIENT(PROXY, XFF, "192.0.2.1, " HOPS_8 HOPS_8 HOPS_8 HOPS_7 "10.0.0.2"), "10.0.0.2");
	assert_string_equal(CLIENT(PROXY, XFF, "192.0.2.1, " HOPS_8 HOPS_8 HOPS_8 "10.0.0.2"), "192.0.2.1");
}

static void
nonsense_ends_the_walk(void **state)
{
	(void)state;
	assert_string_equal(CLIENT(PROXY, XFF, "192.0.2.1, unknown"), PROXY);
	assert_string_equal(CLIENT(PROXY, XFF, "192.0.2.1, unknown, 10.2.2.2"), "10.2.2.2");
	assert_string_equal(CLIENT(PROXY, XFF, "192.0.2.1,,10.2.2.2"), "10.2.2.2");
	assert_string_equal(CLIENT(PROXY, XFF, "192.0.2.1, 10.2.2.2:80"), PROXY);
}

static void
several_lines_are_one_list(void **state)
{
	(void)state;
	assert_string_equal(CLIENT(PROXY, XFF, "1.1.1.1, 192.0.2.1", "Host", "x", XFF, "10.2.2.2"), "192.0.2.1");
	assert_string_equal(CLIENT(PROXY, XFF, "1.1.1.1", XFF, "192.0.2.1"), "192.0.2.1");
	assert_string_equal(CLIENT(PROXY, XFF, "192.0.2.1", XFF, ",10.2.2.2"), "10.2.2.2");
}

static bool
https(const char *peer, const char *first, const char *second)
{
	const char	*lines[] = { XFP, first, second != NULL ? XFP : NULL, second, NULL };
	bool		 yes = false;

	client_of(peer, lines, &yes);
	return yes;
}

/* TLS of our own, ended here: only a trusted hop can say that its client did without. */
static void
proto_over_tls(void **state)
{
	const char	*none[] = { NULL }, *http[] = { XFP, "http", NULL };
	bool		 yes = true;

	(void)state;
	client_of(UNTRUSTED, none, &yes);
	assert_true(yes);
	client_of(UNTRUSTED, http, &yes);
	assert_true(yes);
	client_of(PROXY, none, &yes);
	assert_true(yes);
	client_of(PROXY, http, &yes);
	assert_false(yes);
}

static void
proto(void **state)
{
	(void)state;
	assert_false(https(UNTRUSTED, "https", NULL));
	assert_true(https(PROXY, "https", NULL));
	assert_true(https(PROXY, "HTTPS", NULL));
	assert_false(https(PROXY, "http", NULL));
	assert_false(https(PROXY, "https, http", NULL));
	assert_true(https(PROXY, "http, https", NULL));
	assert_true(https(PROXY, "http", "https"));
	assert_false(https(PROXY, "https", "http"));
	assert_false(https(PROXY, "httpsx", NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_trusted_hops_are_believed),
		cmocka_unit_test(the_walk_goes_from_the_right),
		cmocka_unit_test(nonsense_ends_the_walk),
		cmocka_unit_test(several_lines_are_one_list),
		cmocka_unit_test(proto),
		cmocka_unit_test(proto_over_tls),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
