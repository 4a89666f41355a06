/*
 * proxy_protocol: good headers give the client's address and their exact length; every shorter piece of one asks for
 * more; anything else is refused.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/count.h"
#include "net/proxy_protocol.h"

#define SIG	"\r\n\r\n\0\r\nQUIT\n"
#define REST	"GET / HTTP/1.1\r\n"
#define V4	"\300\000\002\001\306\063\144\002\037\220\001\273"	/* 192.0.2.1 198.51.100.2 8080 443 */
#define V6	"\040\001\015\270\0\0\0\0\0\0\0\0\0\0\0\001" \
	"\040\001\015\270\0\0\0\0\0\0\0\0\0\0\0\002" "\037\220\001\273"
#define MAPPED	"\0\0\0\0\0\0\0\0\0\0\377\377\300\000\002\001" \
	"\0\0\0\0\0\0\0\0\0\0\377\377\300\000\002\002" "\037\220\001\273"

struct sample {
	const char	*bytes;
	size_t		 n;
	const char	*client;	/* "address port", "unknown 0" = the socket's own peer stays */
};
#define S(bytes, client)	{ (bytes), sizeof(bytes) - 1, (client) }

static const struct sample good[] = {
	S("PROXY TCP4 192.0.2.1 198.51.100.2 8080 443\r\n", "192.0.2.1 8080"),
	S("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255 65535"),
	S("PROXY TCP4 192.0.2.1 198.51.100.2 0 0\r\n", "192.0.2.1 0"),
	S("PROXY TCP6 2001:db8::1 2001:db8::2 8080 443\r\n", "2001:db8::1 8080"),
	S("PROXY TCP6 ::ffff:192.0.2.1 ::1 8080 443\r\n", "192.0.2.1 8080"),
	S("PROXY UNKNOWN\r\n", "unknown 0"),
	S("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", "unknown 0"),
	S(SIG "\x21\x11\0\x0c" V4, "192.0.2.1 8080"),
	S(SIG "\x21\x21\0\x24" V6, "2001:db8::1 8080"),
	S(SIG "\x21\x21\0\x24" MAPPED, "192.0.2.1 8080"),
	S(SIG "\x21\x11\0\x14" V4 "\x04\0\0\x05\0\x02zz", "192.0.2.1 8080"),
	S(SIG "\x21\x11\0\x0f" V4 "\x04\0\0", "192.0.2.1 8080"),
	S(SIG "\x20\0\0\0", "unknown 0"),
	S(SIG "\x20\x11\0\x0c" V4, "unknown 0"),
	S(SIG "\x20\xff\0\x01" "z", "unknown 0"),
	S(SIG "\x21\0\0\x03" "zzz", "unknown 0"),
	S(SIG "\x21\x12\0\x0c" V4, "unknown 0"),
	S(SIG "\x21\x10\0\x0c" V4, "unknown 0"),
};

static const struct sample bad[] = {
	S("GET / HTTP/1.1\r\n", NULL), S("\r\nGET", NULL), S("\r\n\r\nGET", NULL), S("proxy TCP4", NULL),
	S("P\r\n", NULL),
	S("PROXY\r\n", NULL), S("PROXY \r\n", NULL), S("PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n", NULL),
	S("PROXY TCP4\r\n", NULL), S("PROXY TCP4 192.0.2.1\r\n", NULL), S("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", NULL),
	S("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", NULL), S("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", NULL),
	S("PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n", NULL), S("PROXY TCP4\t192.0.2.1 192.0.2.2 1 2\r\n", NULL),
	S("PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", NULL), S("PROXY TCP4 192.0.2.1 192.0.2.2 1 00\r\n", NULL),
	S("PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n", NULL), S("PROXY TCP4 192.0.2.1 192.0.2.2 1 70000\r\n", NULL),
	S("PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n", NULL), S("PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n", NULL),
	S("PROXY TCP4 192.0.2.1 192.0.2.2 x 2\r\n", NULL), S("PROXY TCP4 192.0.2.1 192.0.2.2  2\r\n", NULL),
	S("PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n", NULL), S("PROXY TCP4 192.0.2.1 192.0.2 1 2\r\n", NULL),
	S("PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", NULL), S("PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", NULL),
	S("PROXY TCP6 2001:db8::1 192.0.2.2 1 2\r\n", NULL), S("PROXY TCP6 [::1] [::2] 1 2\r\n", NULL),
	S("PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n", NULL), S("PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n", NULL),
	S("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", NULL), S("PROXY UNKNOWNX\r\n", NULL), S("PROXY unknown\r\n", NULL),
	S("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", NULL), S("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\rX", NULL),
	S("PROXY UNKNOWN a\nb\r\n", NULL), S("PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n", NULL),
	S("PROXY UNKNOWN "
	    "12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012\r\n", NULL),
	S(SIG "\x11\x11\0\x0c" V4, NULL), S(SIG "\x31\x11\0\x0c" V4, NULL), S(SIG "\x22\x11\0\x0c" V4, NULL),
	S(SIG "\x2f\x11\0\x0c" V4, NULL), S(SIG "\x21\x41\0\x0c" V4, NULL), S(SIG "\x21\xf1\0\x0c" V4, NULL),
	S(SIG "\x21\x13\0\x0c" V4, NULL), S(SIG "\x21\x11\0\x0b" V4, NULL), S(SIG "\x21\x11\0\0", NULL),
	S(SIG "\x21\x21\0\x0c" V4, NULL), S(SIG "\x21\x31\0\x0c" V4, NULL), S(SIG "\x21\x11\xff\xff" V4, NULL),
	S(SIG "\x21\x11\x04\x01" V4, NULL), S(SIG "\x20\0\x04\x01", NULL),
	S(SIG "\x21\x11\0\x0d" V4 "\x04", NULL), S(SIG "\x21\x11\0\x0f" V4 "\x04\0\x01", NULL),
	S(SIG "\x21\x11\0\x14" V4 "\x04\0\0\x05\0\x03zz", NULL),
	S("\r\n\r\n\0\r\nQUIT\r\x21\x11\0\x0c" V4, NULL),
};

/* Parses from memory of exactly n bytes. */
static int
parse(const char *bytes, size_t n, struct addr *client)
{
	char	*copy = malloc(n > 0 ? n : 1);
	int	 r;

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	client->family = 77;
	r = proxy_protocol_parse((struct str){ copy, n }, client);
	free(copy);
	return r;
}

static void
check_good(const char *bytes, size_t n, const char *expected)
{
	char		with_rest[2048], ip[ADDR_TEXT_SIZE], text[ADDR_TEXT_SIZE + 8];
	struct addr	client;
	size_t		i;

	for (i = 0; i < n; i++)
		if (parse(bytes, i, &client) != 0)
			fail_msg("first %zu bytes of the header of %s", i, expected);
	assert_int_equal(parse(bytes, n, &client), n);
	memcpy(with_rest, bytes, n);
	memcpy(with_rest + n, REST, sizeof(REST));
	assert_int_equal(parse(with_rest, n + strlen(REST), &client), n);
	addr_text(ip, &client);
	(void)snprintf(text, sizeof(text), "%s %u", ip, (unsigned)client.port);
	assert_string_equal(text, expected);
}

static void
test_good(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++)
		check_good(good[i].bytes, good[i].n, good[i].client);
}

/* Too big to write out: a pair of Unix paths, and the biggest header we take. */
static void
test_good_big(void **state)
{
	char bytes[PROXY_PROTOCOL_V2_MAX] = SIG;

	(void)state;
	memcpy(bytes + 12, "\x21\x31\0\xd8", 4);
	memset(bytes + 16, 'p', 216);
	check_good(bytes, 16 + 216, "unix 0");
	memcpy(bytes + 12, "\x20\0\x04\0", 4);
	check_good(bytes, sizeof(bytes), "unknown 0");
	memcpy(bytes + 12, "\x21\x11\x04\0" V4 "\x04\x03\xf1", 19);
	check_good(bytes, sizeof(bytes), "192.0.2.1 8080");
}

static void
test_v1_longest(void **state)
{
	char bytes[PROXY_PROTOCOL_V1_MAX + 2];

	(void)state;
	(void)snprintf(bytes, sizeof(bytes), "PROXY UNKNOWN %091d\r\n", 0);
	check_good(bytes, PROXY_PROTOCOL_V1_MAX, "unknown 0");
}

/* Refused whole, and never taken on the way there; once refused, more bytes do not help. */
static void
test_bad(void **state)
{
	struct addr	client;
	size_t		i, n;
	int		r, last;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		for (last = 0, n = 0; n <= bad[i].n; n++, last = r) {
			r = parse(bad[i].bytes, n, &client);
			if (r > 0 || (last == -1 && r != -1) || (n == bad[i].n && r != -1))
				fail_msg("bad[%zu], first %zu bytes: %d", i, n, r);
			assert_int_equal(client.family, 0);
		}
	}
}

static void
test_endless(void **state)
{
	char		bytes[300];
	struct addr	client;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes, "PROXY UNKNOWN ", 14);
	assert_int_equal(parse(bytes, 106, &client), 0);
	assert_int_equal(parse(bytes, 107, &client), -1);
	assert_int_equal(parse(bytes, sizeof(bytes), &client), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_good_big),
		cmocka_unit_test(test_v1_longest),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_endless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
