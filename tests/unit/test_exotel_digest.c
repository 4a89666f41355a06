/* Answers to SIP challenges: the examples of the RFCs, and what is not answered. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/count.h"
#include "providers/exotel_digest.h"

#define DOMAIN	"acme1.voip.exotel.com"

static void
check(const char *password, const struct sip_challenge *c, const char *user, const char *nc, const char *cnonce, const char *expected)
{
	char response[SIP_RESPONSE_SIZE];
	struct secret s = { 0 };

	assert_true(secret_set(&s, str_c(password)));
	sip_digest(response, str_c(user), &s, c, str_c(nc), str_c(cnonce));
	assert_string_equal(response, expected);
	secret_free(&s);
}

static void
the_examples_of_the_rfcs(void **state)
{
	struct sip_challenge c = { .method = STR("GET"), .uri = STR("/dir/index.html"), .realm = STR("testrealm@host.com"),
	    .nonce = STR("dcd98b7102dd2f0e8b11d0f600bfb0c093"), .qop = STR("auth") };

	(void)state;
	check("Circle Of Life", &c, "Mufasa", "00000001", "0a4f113b", "6629fae49393a05397450978507c4ef1");	/* RFC 2617, 3.5 */
	c.qop = STR_NONE;
	check("CircleOfLife", &c, "Mufasa", "", "", "1949323746fe6a43ef61f9606e7febea");	/* RFC 2069, 2.4, as its erratum has it */
	/* A REGISTER, computed by another program (hashlib). */
	c = (struct sip_challenge){ .method = STR("REGISTER"), .uri = STR("sip:" DOMAIN), .realm = STR(DOMAIN), .nonce = STR("abc"), .qop = STR("auth") };
	check("s3cr3t", &c, "ashar9f2c", "00000001", "0123456789abcdef0123456789abcdef", "10d61522239ef1cc6fd9e97b7e0f965c");
	c.qop = STR_NONE;
	check("s3cr3t", &c, "ashar9f2c", "00000001", "x", "1a68ba03a2cd193bbf13dadbcf6bfcae");
}

static enum sip_verdict
judge(struct sip_challenge c, const char *realm)
{
	static char reg[] = "REGISTER", invite[] = "INVITE";
	static char *const methods[] = { reg, invite };
	const struct sip_rules rules = { .domain = STR(DOMAIN), .realm = str_c(realm), .method = methods, .nmethods = realm != NULL ? 2 : 0 };

	return sip_challenge_judge(&c, &rules);
}

static struct sip_challenge
good(void)
{
	return (struct sip_challenge){ .method = STR("REGISTER"), .uri = STR("sip:" DOMAIN), .realm = STR(DOMAIN), .nonce = STR("n"),
	    .algorithm = STR("MD5"), .qop = STR("auth"), .opaque = STR_NONE };
}

static void
what_is_signed(void **state)
{
	static const char *const uris[] = { "sip:" DOMAIN, "sips:" DOMAIN, "sip:" DOMAIN ":443", "sip:" DOMAIN ";transport=wss", "sip:+919812345678@" DOMAIN,
	    "sip:ACME1.voip.exotel.com", "sip:a;b=c@" DOMAIN ":5060;x=y" };
	struct sip_challenge c = good();

	(void)state;
	for (size_t i = 0; i < COUNT(uris); i++) {
		c.uri = str_c(uris[i]);
		assert_int_equal(judge(c, NULL), SIP_OK);
	}
	c = good();
	c.algorithm = c.qop = STR_NONE;
	assert_int_equal(judge(c, NULL), SIP_OK);
	c.algorithm = STR("md5");
	c.qop = STR("auth-int , Auth");
	assert_int_equal(judge(c, NULL), SIP_OK);
	c.realm = STR("exotel");
	assert_int_equal(judge(c, NULL), SIP_REALM);
	assert_int_equal(judge(c, "exotel"), SIP_OK);
	c.method = STR("INVITE");
	assert_int_equal(judge(c, "exotel"), SIP_OK);
	assert_int_equal(judge(c, NULL), SIP_METHOD);
}

static void
what_is_not(void **state)
{
	static const char *const uris[] = { "", "sip:", "sip:@" DOMAIN "@x", "sip:x@" DOMAIN "x", "sip:" DOMAIN "@x", "sip:" DOMAIN ";@x", "sip:" DOMAIN ":1@x",
	    "sip:x@y@" DOMAIN, "tel:+91", "sip:x?y@" DOMAIN, "sip:" DOMAIN "?a=b", "sip:" DOMAIN " ", "sip: " DOMAIN, "SIP:" DOMAIN, "sip:" DOMAIN ".",
	    "sip:x.y;lr@" DOMAIN ">", "sip:" DOMAIN ",sip:x" };
	struct sip_challenge c = good();

	(void)state;
	for (size_t i = 0; i < COUNT(uris); i++) {
		c.uri = str_c(uris[i]);
		assert_int_equal(judge(c, NULL), SIP_URI);
	}
	c = good();
	c.qop = STR("auth-int");
	assert_int_equal(judge(c, NULL), SIP_ALGORITHM);
	c = good();
	c.algorithm = STR("MD5-sess");
	assert_int_equal(judge(c, NULL), SIP_ALGORITHM);
	for (int v = 0; v < SIP_VERDICTS; v++)
		assert_non_null(sip_verdict_word((enum sip_verdict)v));
}

static void
challenges_are_read_strictly(void **state)
{
	static const struct { const char *json; bool good; } cases[] = {
		{ "{\"method\":\"REGISTER\",\"uri\":\"sip:x\",\"realm\":\"r\",\"nonce\":\"n\"}", true },
		{ "{\"method\":\"REGISTER\",\"uri\":\"sip:x\",\"realm\":\"r\",\"nonce\":\"n\",\"nc\":7,\"other\":{}}", true },
		{ "{\"method\":\"REGISTER\",\"uri\":\"sip:x\",\"realm\":\"r\",\"nonce\":\"n\",\"qop\":null,\"opaque\":null}", true },
		{ "{\"method\":\"REGISTER\",\"uri\":\"sip:x\",\"realm\":\"r\"}", false },
		{ "{\"method\":\"REGISTER\",\"uri\":\"sip:x\",\"realm\":\"r\",\"nonce\":5}", false },
		{ "{\"method\":\"REGISTER\",\"uri\":\"sip:x\",\"realm\":\"r\",\"nonce\":\"a\\\"b\"}", false },
		{ "{\"method\":\"REGISTER\",\"uri\":\"sip:x\",\"realm\":\"r\",\"nonce\":\"a\\\\b\"}", false },
		{ "{\"method\":\"REGISTER\",\"uri\":\"sip:x\",\"realm\":\"r\",\"nonce\":\"a\\u0007b\"}", false },
		{ "{\"method\":\"REGISTER\",\"uri\":\"sip:x\",\"realm\":\"r\",\"nonce\":\"\\u0000\"}", false },
		{ "{\"method\":\"REGISTER\",\"uri\":\"sip:x\",\"realm\":\"\",\"nonce\":\"n\"}", false },
		{ "{\"method\":\"REGISTER\",\"uri\":\"sip:x\",\"realm\":\"r\",\"nonce\":\"n\",\"qop\":true}", false },
		{ "[]", false }, { "", false }, { "{", false },
	};
	struct sip_challenge c;
	struct arena a;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		arena_init(&a, 65536);
		assert_int_equal(sip_challenge_read(&c, &a, str_c(cases[i].json)), cases[i].good);
		arena_free(&a);
	}
}

static void
a_header_holds_no_quote_of_others(void **state)
{
	struct sip_challenge c = good();
	struct secret s = { 0 };
	struct buf b;

	(void)state;
	assert_true(secret_set(&s, STR("s")));
	buf_init(&b, 4096);
	sip_authorization(&b, STR("a\"b"), &s, &c, STR("c"));
	assert_true(b.failed);
	buf_free(&b);
	buf_init(&b, 4096);
	c.qop = STR_NONE;
	c.opaque = STR("o");
	sip_authorization(&b, STR("ab"), &s, &c, STR("c"));
	buf_putc(&b, '\0');
	assert_non_null(strstr(b.p, "Digest username=\"ab\", realm=\"" DOMAIN "\", nonce=\"n\", uri=\"sip:" DOMAIN "\", response=\""));
	assert_non_null(strstr(b.p, "\", algorithm=MD5, opaque=\"o\""));
	assert_null(strstr(b.p, "cnonce"));
	buf_free(&b);
	secret_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_the_rfcs),
		cmocka_unit_test(what_is_signed),
		cmocka_unit_test(what_is_not),
		cmocka_unit_test(challenges_are_read_strictly),
		cmocka_unit_test(a_header_holds_no_quote_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
