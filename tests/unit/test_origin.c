/*
 * origin: one spelling, nothing hidden in it; and which addresses are of the open internet.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/count.h"
#include "net/addr.h"
#include "net/origin.h"

static void
good_ones(void **state)
{
	static const struct { const char *text, *shown, *brief; bool local, address; } good[] = {
		{ "https://dialpad.com", "https://dialpad.com:443", "https://dialpad.com", false, false },
		{ "https://Sandbox.Dialpad.COM:8443", "https://sandbox.dialpad.com:8443", "https://sandbox.dialpad.com:8443", false, false },
		{ "http://localhost:80", "http://localhost:80", "http://localhost", true, false },
		{ "http://127.0.0.1", "http://127.0.0.1:80", "http://127.0.0.1", true, true },
		{ "https://127.9.9.9:1", "https://127.9.9.9:1", "https://127.9.9.9:1", true, true },
		{ "https://[::1]:65535", "https://[::1]:65535", "https://[::1]:65535", true, true },
		{ "https://[2001:DB8::1]", "https://[2001:db8::1]:443", "https://[2001:db8::1]", false, true },
		{ "https://192.0.2.7", "https://192.0.2.7:443", "https://192.0.2.7", false, true },
		{ "https://a-b.x1", "https://a-b.x1:443", "https://a-b.x1", false, false },
		{ "https://localhost.example.com", "https://localhost.example.com:443", "https://localhost.example.com", false, false },
	};
	char text[ORIGIN_TEXT_SIZE];
	struct origin o, again;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		if (!origin_parse(&o, str_c(good[i].text)))
			fail_msg("%s is refused", good[i].text);
		origin_text(text, &o);
		assert_string_equal(text, good[i].shown);
		assert_int_equal(origin_is_local(&o), good[i].local);
		assert_int_equal(origin_is_address(&o), good[i].address);
		assert_true(origin_parse(&again, str_c(text)));
		assert_true(origin_equal(&o, &again));
		origin_short(text, &o);
		assert_string_equal(text, good[i].brief);
	}
}

static void
bad_ones(void **state)
{
	static const char *const bad[] = {
		"", "dialpad.com", "https://", "https:///", "https://dialpad.com/", "https://dialpad.com/x", "ftp://dialpad.com",
		"HTTPS://dialpad.com", "https://user@dialpad.com", "https://a:b@dialpad.com", "https://dialpad.com?x", "https://dialpad.com#x",
		"https://dialpad.com:", "https://dialpad.com:0", "https://dialpad.com:65536", "https://dialpad.com:+1",
		"https://dialpad.com:443:443", "https://dialpad com", "https://.dialpad.com", "https://dialpad..com", "https://dialpad.com.",
		"https://-x.com", "https://x_y.com", "https://[::1", "https://::1", "https://[::1]x", "https://[::1]:", "https://127.1",
		"https://2130706433", "https://0x7f000001.1", "https://1.2.3.4.5", "https://[fe80::1%25eth0]", "https://dialpad.com\n",
		"https://dialpad.com\\@evil.example", "https://d\303\255alpad.com",
	};
	struct origin o;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (origin_parse(&o, str_c(bad[i])))
			fail_msg("%s is taken", bad[i]);
}

static void
public_addresses(void **state)
{
	static const char *const open[] = { "8.8.8.8", "1.0.0.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
	    "126.255.255.255", "128.0.0.0", "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
	    "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1", "2a00:1450::1", "2001:4860::1", "64:ff9b::8.8.8.8",
	    "::ffff:8.8.8.8" };
	static const char *const closed[] = { "0.0.0.0", "10.0.0.1", "10.255.255.255", "100.64.0.1", "127.0.0.1", "127.255.255.255",
	    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.0.1", "198.18.0.1",
	    "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::",
	    "::1", "fe80::1", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001:db8::1", "2001::1", "2002:7f00:1::1", "100::1",
	    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "::127.0.0.1",
	    "4000::1", "3fff:0001::1" };
	struct addr a;

	(void)state;
	for (size_t i = 0; i < COUNT(open); i++) {
		assert_true(addr_parse_ip(&a, str_c(open[i])));
		if (!addr_is_public(&a))
			fail_msg("%s is taken for closed", open[i]);
	}
	for (size_t i = 0; i < COUNT(closed); i++) {
		assert_true(addr_parse_ip(&a, str_c(closed[i])));
		if (addr_is_public(&a))
			fail_msg("%s is taken for public", closed[i]);
	}
	a = (struct addr){ .family = AF_UNIX };
	assert_false(addr_is_public(&a));
	a = (struct addr){ .family = 0 };
	assert_false(addr_is_public(&a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones),
		cmocka_unit_test(bad_ones),
		cmocka_unit_test(public_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
