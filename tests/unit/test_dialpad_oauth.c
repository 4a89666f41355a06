/* What is said to the authorization server, and what its odd answers mean. PKCE vector: RFC 7636, appendix B. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/count.h"
#include "base/percent.h"
#include "providers/dialpad_oauth.h"

static struct arena	arena;
static struct buf	b;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20);
	buf_init(&b, 65536);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	buf_free(&b);
	return 0;
}

#define assert_buf(text) do { buf_putc(&b, '\0'); assert_string_equal(b.p, (text)); } while (0)

static void
pkce_is_rfc_7636(void **state)
{
	char	challenge[PKCE_CHALLENGE_SIZE];

	(void)state;
	pkce_challenge(challenge, STR("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
	assert_string_equal(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

static void
percent_leaves_nothing_that_ends_its_place(void **state)
{
	(void)state;
	percent_encode(&b, (struct str){ "aZ09-._~ &=%+\"\0\xc3\xa9", 17 });
	assert_buf("aZ09-._~%20%26%3D%25%2B%22%00%C3%A9");
}

static void
pairs_join(void **state)
{
	(void)state;
	percent_pair(&b, "a", STR("1"));
	percent_pair(&b, "gone", STR_NONE);
	percent_pair(&b, "b", STR(""));
	assert_buf("a=1&b=");
}

static void
authorize_url_is_whole(void **state)
{
	struct dialpad_authorize a = { "https://dialpad.com", "/oauth2/authorize", "id&x", "https://c.example/cb?x=1",
	    "calls:list offline_access", STR("st"), STR("ch") };

	(void)state;
	dialpad_authorize_url(&b, &a);
	assert_buf("https://dialpad.com/oauth2/authorize?response_type=code&client_id=id%26x"
	    "&redirect_uri=https%3A%2F%2Fc.example%2Fcb%3Fx%3D1&scope=calls%3Alist%20offline_access&state=st"
	    "&code_challenge=ch&code_challenge_method=S256");
}

static void
authorize_path_may_have_a_query(void **state)
{
	struct dialpad_authorize a = { "https://x", "/authorize?tenant=1", "i", "r", "s", STR("t"), STR("c") };

	(void)state;
	dialpad_authorize_url(&b, &a);
	assert_non_null(memmem(b.p, b.len, "?tenant=1&response_type=code", 28));
}

static void
forms_hold_what_they_must(void **state)
{
	struct secret		secret = { 0 };
	struct dialpad_client	c = { .id = "cid", .secret = &secret };

	(void)state;
	assert_true(secret_set(&secret, STR("s&=")));
	dialpad_exchange_form(&b, &c, STR("co de"), STR("ver"), NULL);
	assert_buf("grant_type=authorization_code&code=co%20de&code_verifier=ver&client_id=cid&client_secret=s%26%3D");
	buf_free(&b);
	dialpad_exchange_form(&b, &c, STR("c"), STR("v"), "https://r/");
	assert_non_null(memmem(b.p, b.len, "redirect_uri=https%3A%2F%2Fr%2F", 31));
	buf_free(&b);
	dialpad_refresh_form(&b, &c, STR("old"));
	assert_buf("grant_type=refresh_token&refresh_token=old&client_id=cid&client_secret=s%26%3D");
	secret_free(&secret);
}

/* Both are form-encoded before they become one text, so that a ':' in an id does not end it. */
static void
a_client_may_say_who_it_is_in_a_header(void **state)
{
	struct secret		secret = { 0 }, header = { 0 };
	struct dialpad_client	c = { .id = "c:id", .secret = &secret, .basic = true };

	(void)state;
	assert_true(secret_set(&secret, STR("s &=")));
	assert_true(dialpad_client_header(&header, &c));
	assert_true(str_eq(secret_bytes(&header), STR("Basic YyUzQWlkOnMlMjAlMjYlM0Q=")));	/* c%3Aid:s%20%26%3D */
	dialpad_refresh_form(&b, &c, STR("old"));
	assert_buf("grant_type=refresh_token&refresh_token=old");
	secret_free(&secret);
	secret_free(&header);
}

static const struct {
	int				 status;
	const char			*body;
	enum dialpad_token_outcome	 outcome;
} answers[] = {
	{ 200, "{\"access_token\":\"a\",\"token_type\":\"bearer\",\"expires_in\":3600,\"refresh_token\":\"r\"}", DIALPAD_TOKEN_OK },
	{ 200, "{\"access_token\":\"a\"}", DIALPAD_TOKEN_OK },
	{ 201, "{\"access_token\":\"a\",\"expires_in\":\"60\"}", DIALPAD_TOKEN_OK },
	{ 200, "{\"access_token\":\"a\",\"error\":null}", DIALPAD_TOKEN_OK },
	{ 200, "{\"access_token\":\"a\",\"token_type\":\"Bearer\"}", DIALPAD_TOKEN_OK },
	{ 200, "{\"access_token\":\"a\",\"token_type\":\"mac\"}", DIALPAD_TOKEN_UNREADABLE },
	{ 200, "{\"access_token\":\"a\",\"token_type\":null}", DIALPAD_TOKEN_OK },
	{ 0, "", DIALPAD_TOKEN_AGAIN },
	{ 429, "{\"error\":\"invalid_grant\"}", DIALPAD_TOKEN_AGAIN },
	{ 500, "{\"access_token\":\"a\"}", DIALPAD_TOKEN_AGAIN },
	{ 503, "<html>", DIALPAD_TOKEN_AGAIN },
	{ 408, "", DIALPAD_TOKEN_AGAIN },
	{ 200, "{\"error\":\"temporarily_unavailable\"}", DIALPAD_TOKEN_AGAIN },
	{ 400, "{\"error\":\"invalid_grant\"}", DIALPAD_TOKEN_REFUSED },
	{ 200, "{\"error\":\"invalid_grant\",\"access_token\":\"a\"}", DIALPAD_TOKEN_REFUSED },
	{ 400, "nonsense", DIALPAD_TOKEN_REFUSED },
	{ 404, "", DIALPAD_TOKEN_REFUSED },
	{ 400, "{\"error\":{\"code\":400,\"message\":\"Bad thing\"}}", DIALPAD_TOKEN_REFUSED },
	{ 400, "{\"error\":\"invalid_client\"}", DIALPAD_TOKEN_MISCONFIGURED },
	{ 401, "", DIALPAD_TOKEN_MISCONFIGURED },
	{ 403, "{}", DIALPAD_TOKEN_MISCONFIGURED },
	{ 401, "{\"error\":{\"message\":\"no\"}}", DIALPAD_TOKEN_MISCONFIGURED },
	{ 401, "{\"error\":\"invalid_grant\"}", DIALPAD_TOKEN_REFUSED },
	{ 401, "{\"error\":\"unauthorized_client\"}", DIALPAD_TOKEN_MISCONFIGURED },
	{ 302, "", DIALPAD_TOKEN_REFUSED },
	{ 200, "", DIALPAD_TOKEN_UNREADABLE },
	{ 200, "{", DIALPAD_TOKEN_UNREADABLE },
	{ 200, "[]", DIALPAD_TOKEN_UNREADABLE },
	{ 200, "{\"access_token\":\"\"}", DIALPAD_TOKEN_UNREADABLE },
	{ 200, "{\"access_token\":7}", DIALPAD_TOKEN_UNREADABLE },
	{ 200, "{\"access_token\":\"a b\"}", DIALPAD_TOKEN_UNREADABLE },
	{ 200, "{\"access_token\":\"a\\r\\nX: y\"}", DIALPAD_TOKEN_UNREADABLE },
	{ 200, "{\"access_token\":null,\"refresh_token\":\"r\"}", DIALPAD_TOKEN_UNREADABLE },
};

static void
each_answer_has_its_meaning(void **state)
{
	struct dialpad_tokens	t;

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		enum dialpad_token_outcome	o = dialpad_token_answer(&t, &arena, answers[i].status, str_c(answers[i].body));

		if (o != answers[i].outcome)
			fail_msg("%d %s: %d", answers[i].status, answers[i].body, (int)o);
		assert_true((o == DIALPAD_TOKEN_OK) == (t.why[0] == '\0'));
	}
}

static void
token_fields_are_taken(void **state)
{
	struct dialpad_tokens	t;

	(void)state;
	assert_int_equal(dialpad_token_answer(&t, &arena, 200, str_c(answers[0].body)), DIALPAD_TOKEN_OK);
	assert_true(str_eq(t.access, STR("a")) && str_eq(t.refresh, STR("r")));
	assert_int_equal(t.expires_in_s, 3600);
	assert_int_equal(dialpad_token_answer(&t, &arena, 200, str_c(answers[1].body)), DIALPAD_TOKEN_OK);
	assert_null(t.refresh.p);
	assert_int_equal(t.expires_in_s, -1);
	assert_int_equal(dialpad_token_answer(&t, &arena, 201, str_c(answers[2].body)), DIALPAD_TOKEN_OK);
	assert_int_equal(t.expires_in_s, 60);
	assert_int_equal(dialpad_token_answer(&t, &arena, 200, STR("{\"access_token\":\"a\",\"expires_in\":9223372036854775807}")),
	    DIALPAD_TOKEN_OK);
	assert_true(t.expires_in_s > 0 && t.expires_in_s < INT64_C(400000000));
}

static void
a_reason_shows_no_token(void **state)
{
	struct dialpad_tokens	t;

	(void)state;
	dialpad_token_answer(&t, &arena, 200, STR("{\"error\":\"invalid_grant\",\"access_token\":\"canary\"}"));
	assert_null(strstr(t.why, "canary"));
	assert_non_null(strstr(t.why, "invalid_grant"));
}

static void
me_names_the_company(void **state)
{
	struct dialpad_me	m;

	(void)state;
	assert_true(dialpad_me_answer(&m, &arena, STR("{\"id\":\"12\",\"company_id\":5511220033440011,\"is_admin\":false,\"display_name\":\"D\"}")));
	assert_true(str_eq(m.company_id, STR("5511220033440011")) && str_eq(m.user_id, STR("12")) && str_eq(m.name, STR("D")));
	assert_false(m.is_admin);
	assert_true(dialpad_me_answer(&m, &arena, STR("{\"company_id\":\"7\"}")));
	assert_true(m.is_admin);
	assert_false(dialpad_me_answer(&m, &arena, STR("{\"id\":\"12\"}")));
	assert_false(dialpad_me_answer(&m, &arena, STR("{\"company_id\":\"x\"}")));
	assert_false(dialpad_me_answer(&m, &arena, STR("")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pkce_is_rfc_7636, setup, teardown),
		cmocka_unit_test_setup_teardown(percent_leaves_nothing_that_ends_its_place, setup, teardown),
		cmocka_unit_test_setup_teardown(pairs_join, setup, teardown),
		cmocka_unit_test_setup_teardown(authorize_url_is_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(authorize_path_may_have_a_query, setup, teardown),
		cmocka_unit_test_setup_teardown(forms_hold_what_they_must, setup, teardown),
		cmocka_unit_test_setup_teardown(a_client_may_say_who_it_is_in_a_header, setup, teardown),
		cmocka_unit_test_setup_teardown(each_answer_has_its_meaning, setup, teardown),
		cmocka_unit_test_setup_teardown(token_fields_are_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reason_shows_no_token, setup, teardown),
		cmocka_unit_test_setup_teardown(me_names_the_company, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
