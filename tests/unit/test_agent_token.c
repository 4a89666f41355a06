/*
 * agent_token: what a CRM's server may say, and everything near it that must not pass. Signed with the right key throughout, so
 * that only what is tested can be the reason.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "api/agent_token.h"
#include "base/count.h"

#define KEY	STR("0123456789abcdef0123456789abcdef")
#define NOW	INT64_C(1790000000)
#define HS256	"{\"alg\":\"HS256\"}"

static struct arena arena;

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

static struct str
make(const char *header, const char *claims)
{
	static char	out[8192];
	unsigned char	mac[SHA256_SIZE];
	size_t		n;

	base64url_encode(out, header, strlen(header));
	strcat(out, ".");
	base64url_encode(out + strlen(out), claims, strlen(claims));
	hash_hmac_sha256(mac, KEY, str_c(out));
	strcat(out, ".");
	n = strlen(out);
	base64url_encode(out + n, mac, sizeof(mac));
	return str_c(out);
}

/* Everything a worker asks of a token, in its order. */
static enum agent_token_verdict
judge(struct agent_token *t, struct str text, int64_t now_s)
{
	const char *why = NULL;
	enum agent_token_verdict v = agent_token_read(t, &arena, text, &why);

	if (v == AGENT_TOKEN_OK && !jwt_signed_by(&t->jwt, KEY))
		return AGENT_TOKEN_INVALID;
	if (v == AGENT_TOKEN_OK)
		v = agent_token_times(t, now_s, &why);
	if (v != AGENT_TOKEN_OK)
		assert_true(why != NULL && strlen(why) > 5);
	return v;
}

static void
what_it_says(void **state)
{
	struct agent_token t;

	(void)state;
	assert_int_equal(judge(&t, make(HS256, "{\"sub\":\"d\\u0061na\",\"exp\":1790000060,\"iat\":1789999990,\"x\":[1]}"), NOW), AGENT_TOKEN_OK);
	assert_true(str_eq(t.agent, STR("dana")));
	assert_int_equal(t.expires_s, NOW + 60);
	assert_int_equal(t.issued_s, NOW - 10);
	assert_int_equal(t.not_before_s, INT64_MIN);
}

static void
times(void **state)
{
	static const struct { const char *claims; enum agent_token_verdict v; } tries[] = {
		{ "\"exp\":1789999941", AGENT_TOKEN_OK },		/* 59 seconds ago */
		{ "\"exp\":1789999940", AGENT_TOKEN_EXPIRED },
		{ "\"exp\":0", AGENT_TOKEN_EXPIRED },
		{ "\"exp\":1790003660", AGENT_TOKEN_OK },		/* an hour and the leeway */
		{ "\"exp\":1790003661", AGENT_TOKEN_INVALID },
		{ "\"exp\":9223372036854775807", AGENT_TOKEN_INVALID },
		{ "\"exp\":99999999999999999999", AGENT_TOKEN_INVALID },
		{ "\"exp\":-1", AGENT_TOKEN_INVALID },
		{ "\"exp\":\"1790000060\"", AGENT_TOKEN_INVALID },
		{ "\"exp\":null", AGENT_TOKEN_INVALID },
		{ "\"exp\":1790000060.9", AGENT_TOKEN_OK },
		{ "\"exp\":1790000060,\"iat\":1790000060", AGENT_TOKEN_OK },
		{ "\"exp\":1790000060,\"iat\":1790000061", AGENT_TOKEN_INVALID },
		{ "\"exp\":1790000060,\"nbf\":1790000060", AGENT_TOKEN_OK },
		{ "\"exp\":1790000060,\"nbf\":1790000061", AGENT_TOKEN_INVALID },
		{ "\"exp\":1790000060,\"iat\":\"x\"", AGENT_TOKEN_INVALID },
		{ "\"exp\":1790000060,\"iat\":null", AGENT_TOKEN_INVALID },
		{ "\"iat\":1790000000", AGENT_TOKEN_INVALID },
	};
	struct agent_token t;
	char claims[256];

	(void)state;
	for (size_t i = 0; i < COUNT(tries); i++) {
		snprintf(claims, sizeof(claims), "{\"sub\":\"dana\",%s}", tries[i].claims);
		if (judge(&t, make(HS256, claims), NOW) != tries[i].v)
			fail_msg("%s", claims);
	}
}

static void
headers(void **state)
{
	static const char *const good[] = {
		HS256, "{\"typ\":\"JWT\",\"alg\":\"HS256\"}", "{\"alg\":\"HS256\",\"kid\":\"../x\",\"jku\":\"https://evil.example\"}",
	}, *const bad[] = {
		"{\"alg\":\"none\"}", "{\"alg\":\"NONE\"}", "{\"alg\":\"hs256\"}", "{\"alg\":\"HS256 \"}", "{\"alg\":\"RS256\"}", "{\"alg\":\"HS512\"}",
		"{\"alg\":\"\"}", "{\"alg\":null}", "{\"alg\":[\"HS256\"]}", "{\"alg\":{\"HS256\":1}}", "{\"ALG\":\"HS256\"}", "{}", "[]", "\"HS256\"", "",
		"{\"alg\":\"H\\u0053256\"}", "{\"alg\":\"HS256\",\"alg\":\"none\"}", "{\"alg\":\"HS256\",\"crit\":[]}", "{\"alg\":\"HS256\"", "{\"alg\":\"HS256\"} x",
	};
	struct agent_token t;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_int_equal(judge(&t, make(good[i], "{\"sub\":\"a\",\"exp\":1790000060}"), NOW), AGENT_TOKEN_OK);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (judge(&t, make(bad[i], "{\"sub\":\"a\",\"exp\":1790000060}"), NOW) != AGENT_TOKEN_INVALID)
			fail_msg("%s", bad[i]);
}

static void
agents(void **state)
{
	static const char *const bad[] = {
		"{\"exp\":1790000060}", "{\"sub\":\"\",\"exp\":1790000060}", "{\"sub\":7,\"exp\":1790000060}", "{\"sub\":null,\"exp\":1790000060}",
		"{\"sub\":[\"a\"],\"exp\":1790000060}", "[]", "7", "", "{", "{\"sub\":\"a\",\"exp\":1790000060}}", "{\"sub\":\"\xff\",\"exp\":1790000060}",
	};
	char claims[512], name[AGENT_ID_MAX + 2];
	struct agent_token t;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (judge(&t, make(HS256, bad[i]), NOW) != AGENT_TOKEN_INVALID)
			fail_msg("%s", bad[i]);
	memset(name, 'x', sizeof(name));
	name[AGENT_ID_MAX] = '\0';
	snprintf(claims, sizeof(claims), "{\"sub\":\"%s\",\"exp\":1790000060}", name);
	assert_int_equal(judge(&t, make(HS256, claims), NOW), AGENT_TOKEN_OK);
	name[AGENT_ID_MAX] = 'x';
	name[AGENT_ID_MAX + 1] = '\0';
	snprintf(claims, sizeof(claims), "{\"sub\":\"%s\",\"exp\":1790000060}", name);
	assert_int_equal(judge(&t, make(HS256, claims), NOW), AGENT_TOKEN_INVALID);
}

/* One bit anywhere, one character less or more. */
static void
whatever_is_changed(void **state)
{
	struct str good = make(HS256, "{\"sub\":\"dana\",\"exp\":1790000060}");
	char text[512], copy[512];
	struct agent_token t;

	(void)state;
	memcpy(text, good.p, good.n + 1);
	for (size_t i = 0; i < good.n; i++)
		for (int bit = 0; bit < 8; bit++) {
			memcpy(copy, text, good.n + 1);
			copy[i] = (char)(copy[i] ^ (1 << bit));
			assert_int_equal(judge(&t, (struct str){ copy, good.n }, NOW), AGENT_TOKEN_INVALID);
		}
	for (size_t n = 0; n < good.n; n++)
		assert_int_equal(judge(&t, (struct str){ text, n }, NOW), AGENT_TOKEN_INVALID);
	strcat(text, "A");
	assert_int_equal(judge(&t, str_c(text), NOW), AGENT_TOKEN_INVALID);
}

static void
nobody_signed_it(void **state)
{
	struct agent_token t;
	const char *why;

	(void)state;
	assert_int_equal(agent_token_read(&t, &arena, make(HS256, "{\"sub\":\"a\",\"exp\":1790000060}"), &why), AGENT_TOKEN_OK);
	assert_true(jwt_signed_by(&t.jwt, KEY));
	assert_false(jwt_signed_by(&t.jwt, STR("")));
	assert_false(jwt_signed_by(&t.jwt, STR_NONE));
	assert_false(jwt_signed_by(&t.jwt, STR("0123456789abcdef0123456789abcdee")));
	t.jwt.mac_ok = false;
	assert_false(jwt_signed_by(&t.jwt, KEY));
}

static void
a_full_arena_is_not_its_fault(void **state)
{
	struct agent_token t;
	struct arena small;
	const char *why;

	(void)state;
	arena_init(&small, 64);
	assert_int_equal(agent_token_read(&t, &small, make(HS256, "{\"sub\":\"a\",\"exp\":1790000060}"), &why), AGENT_TOKEN_NO_MEMORY);
	arena_free(&small);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_it_says, setup, teardown),
		cmocka_unit_test_setup_teardown(times, setup, teardown),
		cmocka_unit_test_setup_teardown(headers, setup, teardown),
		cmocka_unit_test_setup_teardown(agents, setup, teardown),
		cmocka_unit_test_setup_teardown(whatever_is_changed, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_signed_it, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_arena_is_not_its_fault, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
