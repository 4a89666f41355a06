/*
 * addr: reading, folding, comparing and writing addresses.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/count.h"
#include "net/addr.h"

/* How an address reads back; "" when refused. */
static const char *
reread(const char *text)
{
	static char	out[ADDR_TEXT_SIZE];
	struct addr	a;

	if (!addr_parse_ip(&a, str_c(text)))
		return "";
	assert_int_equal(a.port, 0);
	addr_text(out, &a);
	return out;
}

static void
test_parse_ip(void **state)
{
	(void)state;
	assert_string_equal(reread("192.0.2.1"), "192.0.2.1");
	assert_string_equal(reread("0.0.0.0"), "0.0.0.0");
	assert_string_equal(reread("255.255.255.255"), "255.255.255.255");
	assert_string_equal(reread("2001:DB8:0::1"), "2001:db8::1");
	assert_string_equal(reread("[::1]"), "::1");
	assert_string_equal(reread("::"), "::");
	assert_string_equal(reread("::ffff:127.0.0.1"), "127.0.0.1");
	assert_string_equal(reread("[::FFFF:7f00:1]"), "127.0.0.1");
	assert_string_equal(reread("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"),
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void
test_parse_ip_refuses(void **state)
{
	static const char *const bad[] = {
		"", " ", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4:80",
		"0x7f.0.0.1", "[1.2.3.4]", "[::1", "::1]", "[]", "[", "]", "[[::1]]", "[::1]:80", "fe80::1%eth0", ":::",
		"1::2::3", "g::", "localhost", "1.2.3.4/8", "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555", "unix",
	};
	struct addr	a;
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		assert_string_equal(reread(bad[i]), "");
	assert_false(addr_parse_ip(&a, (struct str){ "1.2.3.4\0x", 9 }));
	assert_false(addr_parse_ip(&a, (struct str){ "1.2.3.4\0", 8 }));
	assert_false(addr_parse_ip(&a, STR_NONE));
	assert_int_equal(a.family, 0);
}

static void
test_from_sockaddr(void **state)
{
	struct sockaddr_in	in = { .sin_family = AF_INET, .sin_port = htons(8080) };
	struct sockaddr_in6	in6 = { .sin6_family = AF_INET6, .sin6_port = htons(443) };
	struct sockaddr_un	un = { .sun_family = AF_UNIX };
	struct sockaddr		other = { .sa_family = 199 };
	char			text[ADDR_TEXT_SIZE];
	struct addr		a;

	(void)state;
	assert_int_equal(inet_pton(AF_INET, "198.51.100.7", &in.sin_addr), 1);
	assert_true(addr_from_sockaddr(&a, (struct sockaddr *)&in, sizeof(in)));
	addr_text(text, &a);
	assert_string_equal(text, "198.51.100.7");
	assert_int_equal(a.port, 8080);
	assert_int_equal(inet_pton(AF_INET6, "::ffff:198.51.100.7", &in6.sin6_addr), 1);
	assert_true(addr_from_sockaddr(&a, (struct sockaddr *)&in6, sizeof(in6)));
	assert_int_equal(a.family, AF_INET);
	assert_int_equal(a.port, 443);
	assert_true(addr_from_sockaddr(&a, (struct sockaddr *)&un, sizeof(un.sun_family)));	/* an unnamed peer */
	addr_text(text, &a);
	assert_string_equal(text, "unix");
	assert_false(addr_from_sockaddr(&a, (struct sockaddr *)&in, sizeof(in) - 1));
	assert_false(addr_from_sockaddr(&a, (struct sockaddr *)&in6, sizeof(in6) - 1));
	assert_false(addr_from_sockaddr(&a, &other, sizeof(other)));
	assert_false(addr_from_sockaddr(&a, &other, 0));
	addr_text(text, &a);
	assert_string_equal(text, "unknown");
}

static bool
same_owner(const char *a, const char *b)
{
	unsigned char	one[ADDR_OWNER_SIZE], two[ADDR_OWNER_SIZE];
	struct addr	x, y;
	size_t		n, m;

	assert_true(addr_parse_ip(&x, str_c(a)) && addr_parse_ip(&y, str_c(b)));
	n = addr_owner(one, &x);
	m = addr_owner(two, &y);
	return n == m && memcmp(one, two, n) == 0;
}

static void
test_owners(void **state)
{
	(void)state;
	assert_true(same_owner("192.0.2.1", "::ffff:192.0.2.1"));
	assert_false(same_owner("192.0.2.1", "192.0.2.2"));
	assert_true(same_owner("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"));
	assert_false(same_owner("2001:db8:1:2::1", "2001:db8:1:3::1"));
	assert_false(same_owner("1.2.3.4", "102:304::"));
}

static bool
in_net(const char *net, const char *ip)
{
	struct addr_net	n;
	struct addr	a;

	assert_true(addr_parse_net(&n, str_c(net)));
	assert_true(addr_parse_ip(&a, str_c(ip)));
	return addr_in_net(&a, &n);
}

static void
test_nets(void **state)
{
	struct addr_net	n;
	struct addr	un, none = { .family = 0 };

	(void)state;
	assert_true(in_net("10.0.0.0/8", "10.255.0.1"));
	assert_false(in_net("10.0.0.0/8", "11.0.0.0"));
	assert_true(in_net("192.0.2.1", "192.0.2.1"));
	assert_false(in_net("192.0.2.1", "192.0.2.0"));
	assert_true(in_net("192.0.2.128/25", "192.0.2.129"));
	assert_false(in_net("192.0.2.128/25", "192.0.2.127"));
	assert_true(in_net("192.0.2.4/31", "192.0.2.5"));
	assert_false(in_net("192.0.2.4/31", "192.0.2.6"));
	assert_true(in_net("0.0.0.0/0", "203.0.113.9"));
	assert_false(in_net("0.0.0.0/0", "2001:db8::1"));
	assert_true(in_net("::/0", "2001:db8::1"));
	assert_false(in_net("::/0", "203.0.113.9"));
	assert_true(in_net("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(in_net("2001:db8::/33", "2001:db8:8000::1"));
	assert_true(in_net("::1/128", "::1"));
	assert_true(in_net("10.0.0.0/8", "::ffff:10.1.2.3"));
	assert_true(in_net("::ffff:10.0.0.0/104", "10.1.2.3"));
	assert_false(in_net("::ffff:10.0.0.0/104", "11.1.2.3"));
	assert_true(in_net("::ffff:0:0/96", "11.1.2.3"));
	assert_true(addr_parse_net(&n, STR("unix")));
	addr_from_bytes(&un, AF_UNIX, NULL, 0);
	assert_true(addr_in_net(&un, &n));
	assert_false(addr_in_net(&none, &n));
	assert_false(addr_in_net(&none, &(struct addr_net){ .bits = 0 }));
	assert_true(addr_parse_net(&n, STR("0.0.0.0/0")));
	assert_false(addr_in_net(&un, &n));
}

static void
test_nets_refused(void **state)
{
	static const char *const bad[] = {
		"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8x",
		"10.0.0.0/8/8", "10.0.0.1/8", "10.0.0.0/ 8", "2001:db8::1/64", "::ffff:10.0.0.0/95", "10.0.0.0/255.0.0.0",
		"unix/0", "a.example", "10.0.0.0/0000000008",
	};
	struct addr_net	n;
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		if (addr_parse_net(&n, str_c(bad[i])))
			fail_msg("taken: %s", bad[i]);
	assert_false(addr_parse_net(&n, STR_NONE));
}

static bool
loopback(const char *ip)
{
	struct addr a;

	assert_true(addr_parse_ip(&a, str_c(ip)));
	return addr_is_loopback(&a);
}

static void
test_loopback(void **state)
{
	struct addr un, none = { .family = 0 };

	(void)state;
	assert_true(loopback("127.0.0.1"));
	assert_true(loopback("127.255.0.9"));
	assert_true(loopback("::1"));
	assert_true(loopback("::ffff:127.0.0.1"));
	assert_false(loopback("128.0.0.1"));
	assert_false(loopback("::"));
	assert_false(loopback("1::1"));
	assert_false(loopback("0.0.0.0"));
	addr_from_bytes(&un, AF_UNIX, NULL, 0);
	assert_true(addr_is_loopback(&un));
	assert_false(addr_is_loopback(&none));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_ip),
		cmocka_unit_test(test_parse_ip_refuses),
		cmocka_unit_test(test_from_sockaddr),
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_nets),
		cmocka_unit_test(test_nets_refused),
		cmocka_unit_test(test_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
