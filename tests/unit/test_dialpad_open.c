/* Forms, JWTs and signatures: the published vectors, and everything near them that must not pass. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/count.h"
#include "providers/dialpad.h"

#define SECRET		STR("ringd-test-secret")
#define HEADER_HS256	"{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define SEEDS_BODY	"{\"event_type\":\"call.ring\"}"
#define SEEDS_HEX	"9f10b82122d9feb23297b617d36ecf36e21e6a8ad74156da17277a24c96ce8e4"
#define SEEDS_BASE64	"nxC4ISLZ/rIyl7YX027PNuIeaorXQVbaFyd6JMls6OQ="

static const char jwt[] = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
    "eyJjYWxsX2lkIjo1MDMxMTAwMjIwMDMzMDAxLCJzdGF0ZSI6InJpbmdpbmciLCJldmVudF90aW1lc3RhbXAiOjE3OTAwMDAwMDA5MTB9."
    "XGxO0TCq_VQ-Ox2E12osgco9Y2GeolZA3dcaYtEWja8";
static const char claims[] = "{\"call_id\":5031100220033001,\"state\":\"ringing\",\"event_timestamp\":1790000000910}";

static const struct json_limits	limits = { .depth = 8, .tokens = 64 };
static struct arena		arena;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static enum dialpad_verdict
try_open(struct dialpad_delivery *d, struct str body, struct str signature)
{
	const char		*why = "untouched";
	enum dialpad_verdict	 v = dialpad_open(d, &arena, body, signature, &limits, &why);

	if (v == DIALPAD_VERIFIED)
		assert_null(why);
	else
		assert_true(why != NULL && strlen(why) > 5);
	return v;
}

static enum dialpad_verdict
try_all(struct str body, struct str signature, struct str secret)
{
	struct dialpad_delivery	d;
	enum dialpad_verdict	v = try_open(&d, body, signature);

	return v == DIALPAD_VERIFIED ? dialpad_verify(&d, secret) : v;
}

/* A JWT over any header, signed with the right secret, so that only the header can be the reason to refuse it. */
static struct str
make_jwt(const char *header, const char *payload)
{
	static char	out[4096];
	unsigned char	mac[SHA256_SIZE];
	size_t		n;

	base64url_encode(out, header, strlen(header));
	strcat(out, ".");
	base64url_encode(out + strlen(out), payload, strlen(payload));
	hash_hmac_sha256(mac, SECRET, str_c(out));
	strcat(out, ".");
	n = strlen(out);
	base64url_encode(out + n, mac, sizeof(mac));
	return str_c(out);
}

static void
published_jwt_verifies(void **state)
{
	struct dialpad_delivery	d;

	(void)state;
	assert_int_equal(try_open(&d, str_c(jwt), STR_NONE), DIALPAD_VERIFIED);
	assert_int_equal(d.form, DIALPAD_JWT);
	assert_true(str_eq(d.payload, str_c(claims)));
	assert_int_equal(dialpad_verify(&d, SECRET), DIALPAD_VERIFIED);
	assert_int_equal(dialpad_verify(&d, STR("ringd-test-secreT")), DIALPAD_WRONG_SIGNATURE);
	assert_int_equal(dialpad_verify(&d, STR("")), DIALPAD_WRONG_SIGNATURE);
	assert_int_equal(dialpad_verify(&d, STR_NONE), DIALPAD_WRONG_SIGNATURE);
}

static void
jwt_may_have_blanks_around(void **state)
{
	char	body[1024];

	(void)state;
	snprintf(body, sizeof(body), " \r\n%s\r\n", jwt);
	assert_int_equal(try_all(str_c(body), STR_NONE, SECRET), DIALPAD_VERIFIED);
	snprintf(body, sizeof(body), "%.40s %s", jwt, jwt + 40);
	assert_int_equal(try_all(str_c(body), STR_NONE, SECRET), DIALPAD_MALFORMED);
}

/* No single changed character may pass. */
static void
tampered_jwt_never_verifies(void **state)
{
	char	body[sizeof(jwt)];
	size_t	i;

	(void)state;
	for (i = 0; i < sizeof(jwt) - 1; i++) {
		memcpy(body, jwt, sizeof(jwt));
		body[i] = body[i] == 'A' ? 'B' : 'A';
		assert_int_not_equal(try_all(str_c(body), STR_NONE, SECRET), DIALPAD_VERIFIED);
		memcpy(body, jwt, sizeof(jwt));
		assert_int_not_equal(try_all((struct str){ body, i }, STR_NONE, SECRET), DIALPAD_VERIFIED);
	}
}

static void
header_decides_nothing_but_hs256(void **state)
{
	static const char *const	bad[] = {
		"{\"alg\":\"none\"}", "{\"alg\":\"None\"}", "{\"alg\":\"HS512\"}", "{\"alg\":\"hs256\"}",
		"{\"alg\":\"HS256 \"}",
		"{\"alg\":\"RS256\"}", "{\"alg\":null}", "{\"alg\":[\"HS256\"]}", "{\"typ\":\"JWT\"}", "{}",
		"[\"HS256\"]",
		"\"HS256\"", "{\"alg\":\"HS256\"", "{alg:\"HS256\"}", "{\"alg\":\"HS256\",}", "x",
		"{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}", "{\"alg\":\"HS256\",\"crit\":null}",
		"{\"alg\":\"HS256\",\"a\":[[[[[[[[[1]]]]]]]]]}",
	};
	size_t				i;

	(void)state;
	assert_int_equal(try_all(make_jwt(HEADER_HS256, "{}"), STR_NONE, SECRET), DIALPAD_VERIFIED);
	assert_int_equal(try_all(make_jwt("{\"alg\":\"HS256\","
	    "\"kid\":\"7\"}", "{}"), STR_NONE, SECRET), DIALPAD_VERIFIED);
	for (i = 0; i < COUNT(bad); i++) {
		if (try_all(make_jwt(bad[i], "{}"), STR_NONE, SECRET) != DIALPAD_MALFORMED)
			fail_msg("taken: %s", bad[i]);
	}
}

static void
long_header_is_refused(void **state)
{
	char	header[1200];

	(void)state;
	snprintf(header, sizeof(header), "{\"alg\":\"HS256\",\"x\":\"%0900d\"}", 0);
	assert_int_equal(try_all(make_jwt(header, "{}"), STR_NONE, SECRET), DIALPAD_MALFORMED);
	snprintf(header, sizeof(header), "{\"alg\":\"HS256\",\"x\":\"%0700d\"}", 0);
	assert_int_equal(try_all(make_jwt(header, "{}"), STR_NONE, SECRET), DIALPAD_VERIFIED);
}

static void
parts_are_counted_and_strict(void **state)
{
	char	body[1024];

	(void)state;
	assert_int_equal(try_all(STR("abc"), STR_NONE, SECRET), DIALPAD_MALFORMED);
	assert_int_equal(try_all(STR("abc.def"), STR_NONE, SECRET), DIALPAD_MALFORMED);
	assert_int_equal(try_all(STR("a.b.c"), STR_NONE, SECRET), DIALPAD_MALFORMED);
	assert_int_equal(try_all(STR("eyJhbGciOiJIUzI1NiJ9.."), STR_NONE, SECRET), DIALPAD_MALFORMED);
	assert_int_equal(try_all(STR("eyJhbGciOiJIUzI1NiJ9.e30."), STR_NONE, SECRET), DIALPAD_MALFORMED);
	assert_int_equal(try_all(STR("eyJhbGciOiJIUzI1NiJ9..e30"), STR_NONE, SECRET), DIALPAD_MALFORMED);
	snprintf(body, sizeof(body), "%s.", jwt);
	assert_int_equal(try_all(str_c(body), STR_NONE, SECRET), DIALPAD_MALFORMED);
	snprintf(body, sizeof(body), "%s.e30", jwt);
	assert_int_equal(try_all(str_c(body), STR_NONE, SECRET), DIALPAD_MALFORMED);
	snprintf(body, sizeof(body), "%s=", jwt);
	assert_int_equal(try_all(str_c(body), STR_NONE, SECRET), DIALPAD_MALFORMED);
	snprintf(body, sizeof(body), "%.36s=%s", jwt, jwt + 36);
	assert_int_equal(try_all(str_c(body), STR_NONE, SECRET), DIALPAD_MALFORMED);
}

/* A signature of another length is well-formed, but no secret fits it: not even by comparing fewer bytes. */
static void
short_signature_fits_no_secret(void **state)
{
	struct dialpad_delivery	d;
	struct str		whole = make_jwt(HEADER_HS256, "{}");

	(void)state;
	whole.n -= 3;
	assert_int_equal(try_open(&d, whole, STR_NONE), DIALPAD_VERIFIED);
	assert_false(d.mac_ok);
	assert_int_equal(dialpad_verify(&d, SECRET), DIALPAD_WRONG_SIGNATURE);
}

static void
empty_secret_never_verifies(void **state)
{
	struct dialpad_delivery	d;
	unsigned char		mac[SHA256_SIZE];
	char			hex[2 * SHA256_SIZE + 1];

	(void)state;
	hash_hmac_sha256(mac, STR(""), STR(SEEDS_BODY));
	hex_encode(hex, mac, sizeof(mac));
	assert_int_equal(try_open(&d, STR(SEEDS_BODY), str_c(hex)), DIALPAD_VERIFIED);
	assert_true(d.mac_ok);
	assert_int_equal(dialpad_verify(&d, STR("")), DIALPAD_WRONG_SIGNATURE);
}

static void
header_in_three_spellings(void **state)
{
	const struct str	body = STR(SEEDS_BODY);

	(void)state;
	assert_int_equal(try_all(body, STR(SEEDS_HEX), SECRET), DIALPAD_VERIFIED);
	assert_int_equal(try_all(body, STR("sha256=" SEEDS_HEX), SECRET), DIALPAD_VERIFIED);
	assert_int_equal(try_all(body, STR(SEEDS_BASE64), SECRET), DIALPAD_VERIFIED);
	assert_int_equal(try_all(body, STR(" \t" SEEDS_BASE64 " "), SECRET), DIALPAD_VERIFIED);
	assert_int_equal(try_all(body, STR_NONE, SECRET), DIALPAD_NO_SIGNATURE);
	assert_int_equal(try_all(body, STR(""), SECRET), DIALPAD_WRONG_SIGNATURE);
	assert_int_equal(try_all(body, STR("ringd-test-secret"), SECRET), DIALPAD_WRONG_SIGNATURE);
	assert_int_equal(try_all(body, STR("sha256=" SEEDS_BASE64), SECRET), DIALPAD_WRONG_SIGNATURE);
	assert_int_equal(try_all(body, STR("sha256="), SECRET), DIALPAD_WRONG_SIGNATURE);
	assert_int_equal(try_all(body, STR(SEEDS_HEX "00"), SECRET), DIALPAD_WRONG_SIGNATURE);
	assert_int_equal(try_all(body, STR(SEEDS_HEX), STR("other")), DIALPAD_WRONG_SIGNATURE);
}

static void
signature_is_over_the_raw_bytes(void **state)
{
	(void)state;
	assert_int_equal(try_all(STR(SEEDS_BODY "\n"), STR(SEEDS_HEX), SECRET), DIALPAD_WRONG_SIGNATURE);
	assert_int_equal(try_all(STR(" " SEEDS_BODY), STR(SEEDS_HEX), SECRET), DIALPAD_WRONG_SIGNATURE);
}

static void
forms_are_told_by_the_first_byte(void **state)
{
	static const char *const	json[] = {
		"", " ", "{}", "\n[]", "\"a.b.c\"", "1.5", "-1", "true", " false\n", "null",
	};
	struct dialpad_delivery		d;
	size_t				i;

	(void)state;
	for (i = 0; i < COUNT(json); i++) {
		assert_int_equal(try_open(&d, str_c(json[i]), STR_NONE), DIALPAD_VERIFIED);
		assert_int_equal(d.form, DIALPAD_JSON);
		assert_true(str_eq(d.payload, str_c(json[i])));
	}
	assert_int_equal(try_open(&d, STR("truex"), STR_NONE), DIALPAD_MALFORMED);
}

/* A JWT carries its own signature: a header beside it neither helps nor harms. */
static void
header_does_not_speak_for_a_jwt(void **state)
{
	(void)state;
	assert_int_equal(try_all(str_c(jwt), STR("sha256=00"), SECRET), DIALPAD_VERIFIED);
	assert_int_equal(try_all(str_c(jwt), STR(SEEDS_HEX), STR("other")), DIALPAD_WRONG_SIGNATURE);
}

static void
full_arena_is_not_the_senders_fault(void **state)
{
	struct dialpad_delivery	d;
	struct arena		small;
	const char		*why;

	(void)state;
	arena_init(&small, 16);
	assert_int_equal(dialpad_open(&d, &small, str_c(jwt), STR_NONE, &limits, &why), DIALPAD_NO_MEMORY);
	arena_free(&small);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(published_jwt_verifies, setup, teardown),
		cmocka_unit_test_setup_teardown(jwt_may_have_blanks_around, setup, teardown),
		cmocka_unit_test_setup_teardown(tampered_jwt_never_verifies, setup, teardown),
		cmocka_unit_test_setup_teardown(header_decides_nothing_but_hs256, setup, teardown),
		cmocka_unit_test_setup_teardown(long_header_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(parts_are_counted_and_strict, setup, teardown),
		cmocka_unit_test_setup_teardown(short_signature_fits_no_secret, setup, teardown),
		cmocka_unit_test_setup_teardown(empty_secret_never_verifies, setup, teardown),
		cmocka_unit_test_setup_teardown(header_in_three_spellings, setup, teardown),
		cmocka_unit_test_setup_teardown(signature_is_over_the_raw_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(forms_are_told_by_the_first_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(header_does_not_speak_for_a_jwt, setup, teardown),
		cmocka_unit_test_setup_teardown(full_arena_is_not_the_senders_fault, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
