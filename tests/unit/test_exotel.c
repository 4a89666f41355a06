/* Exotel: credentials as texts, what is asked and what its answers mean, its agents. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/count.h"
#include "providers/dialpad_api.h"
#include "providers/exotel_api.h"
#include "providers/exotel_dial.h"
#include "providers/exotel_users.h"

#define CALL	"0192f3a4-5b6c-7d8e-9f00-112233445566"

static void
tables_are_whole(void **state)
{
	const struct endpoint *all[EXOTEL_ENDPOINTS + DIALPAD_ENDPOINTS];
	size_t n = 0;

	(void)state;
	for (int i = 0; i < EXOTEL_ENDPOINTS; i++)
		all[n++] = exotel_api((enum exotel_endpoint)i);
	for (int i = 0; i < DIALPAD_ENDPOINTS; i++)
		all[n++] = dialpad_api((enum dialpad_endpoint)i);
	for (size_t i = 0; i < n; i++) {
		assert_non_null(all[i]->name);
		assert_int_equal(all[i]->path[0], '/');
		/* Budgets are found by these names. */
		for (size_t k = 0; k < i; k++) {
			assert_string_not_equal(all[i]->name, all[k]->name);
			assert_int_equal(all[i]->provider == all[k]->provider, strcmp(all[i]->provider->account, all[k]->provider->account) == 0);
		}
	}
	for (int i = 0; i < EXOTEL_DIAL_OUTCOMES; i++) {
		enum exotel_dial_outcome back;

		assert_true(exotel_dial_outcome(str_c(exotel_dial_word((enum exotel_dial_outcome)i)), &back));
		assert_int_equal(back, i);
		/* What may be sent anew has certainly done nothing. */
		assert_true(!exotel_dial_retryable(back) || exotel_dial_certain(back));
	}
}

static void
credentials_come_back(void **state)
{
	struct exotel_account x = { .account_sid = STR("acme1"), .app_token = STR("a\"b\\c"), .hook_url = STR("https://x/y") }, back;
	struct exotel_agent g = { .sip_user = STR("u"), .sip_secret = STR("\xe2\x9c\x93") }, again;
	struct arena a;
	struct buf b;

	(void)state;
	arena_init(&a, 65536);
	buf_init(&b, EXOTEL_TEXT_MAX);
	exotel_account_write(&b, &x);
	assert_true(exotel_account_read(&back, &a, buf_as_str(&b)));
	memset(b.p, 'x', b.len);	/* values do not need the text any more */
	assert_true(str_eq(back.app_token, x.app_token) && str_eq(back.account_sid, x.account_sid) && str_eq(back.hook_url, x.hook_url));
	assert_null(back.api_key.p);
	buf_free(&b);
	exotel_agent_write(&b, &g);
	assert_true(exotel_agent_read(&again, &a, buf_as_str(&b)));
	assert_true(str_eq(again.sip_secret, g.sip_secret) && exotel_agent_has_sip(&again));
	buf_free(&b);
	assert_true(exotel_account_read(&back, &a, STR("{\"later\":\"x\",\"account_sid\":null,\"api_key\":\"\"}")));
	assert_null(back.account_sid.p);
	assert_null(back.api_key.p);
	assert_false(exotel_account_read(&back, &a, STR("{\"account_sid\":7}")));
	assert_false(exotel_account_read(&back, &a, STR("[]")));
	assert_false(exotel_account_read(&back, &a, STR("")));
	arena_free(&a);
}

static void
what_is_wrong_with_credentials(void **state)
{
	struct exotel_account x = { .account_sid = STR("acme-1_x"), .api_key = STR("k"), .api_token = STR("t") };
	char domain[EXOTEL_DOMAIN_SIZE];

	(void)state;
	assert_null(exotel_account_fault(&x));
	assert_true(exotel_sip_domain(domain, &x, "voip.exotel.com"));
	assert_string_equal(domain, "acme-1_x.voip.exotel.com");
	x.sip_domain = STR("sip.example.com");
	assert_true(exotel_sip_domain(domain, &x, "voip.exotel.com"));
	assert_string_equal(domain, "sip.example.com");
	x.api_key = STR("a b");
	assert_non_null(exotel_account_fault(&x));
	x.api_key = STR("a\nb");
	assert_non_null(exotel_account_fault(&x));
	x.api_key = STR_NONE;
	assert_non_null(exotel_account_fault(&x));
	x.app_token = x.exotel_app_id = x.customer_id = STR("x");
	assert_null(exotel_account_fault(&x));
	x.account_sid = STR("a/../b");
	assert_non_null(exotel_account_fault(&x));
	x.account_sid = STR("");
	assert_non_null(exotel_account_fault(&x));
	assert_true(exotel_account_set(&x, STR("api_key"), STR("z")));
	assert_false(exotel_account_set(&x, STR("caller_id"), STR("z")));
}

static void
what_is_asked(void **state)
{
	struct exotel_account x = { .account_sid = STR("acme1"), .exotel_app_id = STR("app-1"), .customer_id = STR("c-1") };
	struct uuid call;
	struct buf b;

	(void)state;
	assert_true(uuid_parse(STR(CALL), &call));
	buf_init(&b, 4096);
	exotel_outbound_body(&b, &x, STR("agent\"7"), STR("+919812345678"));
	assert_true(str_eq(buf_as_str(&b), STR("{\"customer_id\":\"c-1\",\"app_id\":\"app-1\",\"to\":\"+919812345678\",\"user_id\":\"agent\\\"7\"}")));
	buf_free(&b);
	exotel_connect_form(&b, call, STR("+9198"), STR("+9199"), STR("080"), STR("https://x/y?z=1&b"));
	assert_true(str_eq(buf_as_str(&b), STR("From=%2B9198&To=%2B9199&CallerId=080&CallType=trans&CustomField=ringd%3A" CALL
	    "&StatusCallback=https%3A%2F%2Fx%2Fy%3Fz%3D1%26b&StatusCallbackEvents[0]=terminal&StatusCallbackEvents[1]=answered"
	    "&StatusCallbackContentType=application%2Fjson")));
	buf_free(&b);
	exotel_connect_form(&b, call, STR("+9198"), STR("+9199"), STR("080"), STR_NONE);
	buf_putc(&b, '\0');
	assert_null(strstr(b.p, "StatusCallback"));
	buf_free(&b);
	exotel_connect_path(&b, &x);
	assert_true(str_eq(buf_as_str(&b), STR("acme1/Calls/connect.json")));
	buf_free(&b);
}


static void
what_answers_mean(void **state)
{
	static const struct {
		int		 status;
		const char	*body;
		bool		 retry;
		enum exotel_dial_outcome outcome;
		int		 code;
		const char	*sid;
	} cases[] = {
		{ 200, "{\"Code\":200,\"Error\":\"\",\"Data\":{\"CallSid\":\"f00d\"}}", false, EXOTEL_DIAL_PLACED, 200, "f00d" },
		{ 200, "{\"Code\":\"200\",\"Data\":{\"CallSid\":17}}", false, EXOTEL_DIAL_PLACED, 200, "" },
		{ 200, "{\"Call\":{\"Sid\":\"0a1b\",\"Status\":\"in-progress\"}}", false, EXOTEL_DIAL_PLACED, 200, "0a1b" },
		{ 200, "{\"Call\":{\"Sid\":\"0a 1b\"}}", false, EXOTEL_DIAL_PLACED, 200, "" },
		{ 200, "{\"Code\":200,\"Data\":\"Success\"}", false, EXOTEL_DIAL_UNKNOWN, 200, "" },
		{ 200, "{\"Code\":200,\"Data\":null,\"Status\":\"Failed\"}", false, EXOTEL_DIAL_UNKNOWN, 200, "" },
		{ 200, "<html>", false, EXOTEL_DIAL_UNKNOWN, 200, "" },
		{ 200, "", false, EXOTEL_DIAL_UNKNOWN, 200, "" },
		{ 200, "{\"Code\":401,\"Data\":{\"CallSid\":\"x\"}}", false, EXOTEL_DIAL_FORBIDDEN, 401, "" },
		{ 200, "{\"Code\":400,\"Error\":\"{\\\"response\\\":{\\\"error_data\\\":{\\\"code\\\":10725}}}\"}", false, EXOTEL_DIAL_REFUSED, 10725, "" },
		{ 200, "{\"Code\":1012,\"Data\":null}", false, EXOTEL_DIAL_DEVICE_OFF, 1012, "" },
		{ 409, "{\"Code\":409,\"Error\":\"{\\\"response\\\":{\\\"error_data\\\":{\\\"code\\\":1012}}}\"}", false, EXOTEL_DIAL_DEVICE_OFF, 1012, "" },
		{ 409, "{\"Code\":409,\"Error\":\"{\\\"error_data\\\":{\\\"code\\\":\\\"10706\\\"}}\"}", false, EXOTEL_DIAL_AGENT_BUSY, 10706, "" },
		{ 409, "", false, EXOTEL_DIAL_REFUSED, 409, "" },
		{ 401, "{\"RestException\":{\"Status\":401}}", false, EXOTEL_DIAL_FORBIDDEN, 401, "" },
		{ 403, "", false, EXOTEL_DIAL_FORBIDDEN, 403, "" },
		{ 402, "", false, EXOTEL_DIAL_BALANCE, 402, "" },
		{ 404, "", false, EXOTEL_DIAL_REFUSED, 404, "" },
		{ 429, "", true, EXOTEL_DIAL_LIMIT, 429, "" },
		{ 500, "{\"Call\":{\"Sid\":\"0a1b\"}}", false, EXOTEL_DIAL_BROKEN, 500, "" },
		{ 503, "", false, EXOTEL_DIAL_BROKEN, 503, "" },
		{ 503, "", true, EXOTEL_DIAL_UNREACHABLE, 503, "" },
		{ 302, "", false, EXOTEL_DIAL_BROKEN, 302, "" },
	};
	struct exotel_reply r;
	struct arena a;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		arena_init(&a, 262144);
		exotel_dial_judge(&r, &a, cases[i].status, cases[i].retry, str_c(cases[i].body));
		assert_int_equal(r.outcome, cases[i].outcome);
		assert_int_equal(r.code, cases[i].code);
		assert_string_equal(r.call_sid, cases[i].sid);
		arena_free(&a);
	}
}

static void
sip_secrets_are_opened(void **state)
{
	/* By "openssl enc -aes-256-cfb" with the published key. */
	static const struct { const char *given, *opened; } cases[] = {
		{ "000102030405060708090a0b0c0d0e0f47b1d3954987e0dcc5c18653c031", "s3cr3t-of-asha" },
		{ "s3cr3t-in-plain", "s3cr3t-in-plain" },
		{ "", "" },
		{ "0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef" },	/* an IV and nothing in it */
		{ "0123456789abcdef0123456789abcdef0123456789", "0123456789abcdef0123456789abcdef0123456789" },	/* opens to no text */
	};
	struct arena a;
	struct str s;

	(void)state;
	arena_init(&a, 65536);
	for (size_t i = 0; i < COUNT(cases); i++) {
		s = exotel_secret_open(&a, str_c(cases[i].given));
		assert_true(str_eq(s, str_c(cases[i].opened)));
	}
	arena_free(&a);
}

static void
pages_of_users(void **state)
{
	static const struct { const char *body; int n; const char *next; } cases[] = {
		{ "{\"Code\":200,\"Data\":{\"Users\":[{\"AppUserId\":\"a\",\"SipId\":\"sip:u\",\"SipSecret\":\"p\"},{\"AppUserId\":\"\"},{}],\"LastEvaluatedValue\":\"a\"}}", 1, "a" },
		{ "{\"Code\":200,\"Data\":{\"Users\":[],\"LastEvaluatedValue\":\"\"}}", 0, NULL },
		{ "{\"Data\":[{\"AppUserId\":\"a\"},{\"AppUserId\":\"b\"}]}", 2, NULL },
		{ "{\"Data\":{\"AppUserId\":\"a\",\"IsActive\":false}}", 1, NULL },
		{ "{\"Data\":{}}", 0, NULL },
		{ "{\"Code\":401,\"Data\":{\"Users\":[]}}", -1, NULL },
		{ "{\"Data\":null}", -1, NULL }, { "{\"Data\":\"x\"}", -1, NULL }, { "[]", -1, NULL }, { "", -1, NULL },
	};
	struct exotel_users page;
	struct arena a;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		arena_init(&a, 262144);
		assert_int_equal(exotel_users_read(&page, &a, str_c(cases[i].body)), cases[i].n >= 0);
		if (cases[i].n >= 0) {
			assert_int_equal(page.n, cases[i].n);
			assert_true(str_eq(page.next, str_c(cases[i].next)));
		}
		if (i == 0)
			assert_true(str_eq(page.user[0].sip_user, STR("u")) && str_eq(page.user[0].sip_secret, STR("p")) && page.user[0].active);
		if (i == 3)
			assert_false(page.user[0].active);
		arena_free(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_whole),
		cmocka_unit_test(credentials_come_back),
		cmocka_unit_test(what_is_wrong_with_credentials),
		cmocka_unit_test(what_is_asked),
		cmocka_unit_test(what_answers_mean),
		cmocka_unit_test(sip_secrets_are_opened),
		cmocka_unit_test(pages_of_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
