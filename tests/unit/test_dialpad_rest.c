/* Lists, webhooks, subscriptions and calls as REST answers give them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/count.h"
#include "providers/dialpad_rest.h"
#include "dialpad_rig.h"

#define OUR_URL	STR("https://cti.example/webhooks/dialpad/hk_x")

static struct json
item(const char *text)
{
	struct json_error	err;

	if (!json_parse(&doc, &arena, str_c(text), &limits, &err))
		fail_msg("%s: no JSON at %zu", text, err.offset);
	return json_root(&doc);
}

static void
pages_are_read_leniently(void **state)
{
	struct dialpad_page	p;

	(void)state;
	assert_true(dialpad_page(&p, &arena, STR("{\"items\":[{\"id\":\"1\"},{\"id\":2}],\"cursor\":\"n\\u0061\"}")));
	assert_int_equal(json_count(p.items), 2);
	assert_true(str_eq(p.cursor, STR("na")));
	assert_true(str_eq(dialpad_item_id(json_first(p.items)), STR("1")));
	assert_true(dialpad_page(&p, &arena, STR("{}")));
	assert_null(p.cursor.p);
	assert_true(dialpad_page(&p, &arena, STR("{\"items\":null,\"cursor\":\"\"}")));
	assert_null(p.cursor.p);
	assert_false(dialpad_page(&p, &arena, STR("[]")));
	assert_false(dialpad_page(&p, &arena, STR("{\"items\":{}}")));
	assert_false(dialpad_page(&p, &arena, STR("{\"error\":{\"code\":500}}")));
	assert_true(dialpad_page(&p, &arena, STR("{\"error\":null}")));
	assert_false(dialpad_page(&p, &arena, STR("<html>")));
}

static void
a_hook_is_ours_by_the_token_in_its_address(void **state)
{
	static const struct { const char *text; enum dialpad_hook_verdict verdict; } cases[] = {
		{ "{\"id\":\"9\",\"hook_url\":\"https://cti.example/webhooks/dialpad/hk_x\",\"signature\":{\"secret\":\"s3\"}}", DIALPAD_HOOK_OURS },
		{ "{\"id\":9,\"hook_url\":\"https:\\/\\/cti.example/webhooks/dialpad/hk_x\",\"signature\":{\"secret\":\"s3\"}}", DIALPAD_HOOK_OURS },
		{ "{\"id\":9,\"hook_url\":\"https://cti.example/webhooks/dialpad/hk_x\",\"signature\":{\"secret\":\"s4\"}}", DIALPAD_HOOK_MEND },
		{ "{\"id\":9,\"hook_url\":\"https://cti.example/webhooks/dialpad/hk_x\"}", DIALPAD_HOOK_MEND },
		{ "{\"id\":9,\"hook_url\":\"https://cti.example/webhooks/dialpad/hk_x\",\"signature\":null}", DIALPAD_HOOK_MEND },
		{ "{\"id\":9,\"hook_url\":\"http://old.example:8080/webhooks/dialpad/hk_x\",\"signature\":{\"secret\":\"s3\"}}", DIALPAD_HOOK_MEND },
		{ "{\"id\":9,\"hook_url\":\"https://cti.example/other/webhooks/dialpad/hk_x\"}", DIALPAD_HOOK_FOREIGN },
		{ "{\"id\":9,\"hook_url\":\"https://cti.example\"}", DIALPAD_HOOK_FOREIGN },
		{ "{\"id\":9,\"hook_url\":7}", DIALPAD_HOOK_FOREIGN },
		{ "{\"id\":9,\"hook_url\":\"https://cti.example/webhooks/dialpad/hk_y\"}", DIALPAD_HOOK_FOREIGN },
		{ "{\"id\":9,\"hook_url\":\"https://cti.example/webhooks/dialpad/hk_x2\"}", DIALPAD_HOOK_FOREIGN },
		{ "{\"hook_url\":\"https://cti.example/webhooks/dialpad/hk_x\"}", DIALPAD_HOOK_FOREIGN },
		{ "{\"id\":9}", DIALPAD_HOOK_FOREIGN },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (dialpad_judge_hook(item(cases[i].text), &arena, OUR_URL, STR("s3")) != cases[i].verdict)
			fail_msg("%s", cases[i].text);
}

static void
subscriptions_are_judged(void **state)
{
	static const struct { const char *text; enum dialpad_subscription_verdict verdict; } cases[] = {
		{ "{\"id\":1,\"enabled\":true,\"call_states\":[],\"webhook\":{\"id\":\"9\"}}", DIALPAD_SUBSCRIPTION_GOOD },
		{ "{\"id\":1,\"webhook\":{\"id\":9}}", DIALPAD_SUBSCRIPTION_GOOD },
		{ "{\"id\":1,\"call_states\":[\"all\"],\"endpoint_id\":9}", DIALPAD_SUBSCRIPTION_GOOD },
		{ "{\"id\":1,\"call_states\":[\"hangup\"],\"webhook\":{\"id\":9}}", DIALPAD_SUBSCRIPTION_MEND },
		{ "{\"id\":1,\"enabled\":false,\"webhook\":{\"id\":9}}", DIALPAD_SUBSCRIPTION_MEND },
		{ "{\"id\":1,\"group_calls_only\":true,\"webhook\":{\"id\":9}}", DIALPAD_SUBSCRIPTION_MEND },
		{ "{\"id\":1,\"webhook\":{\"id\":8}}", DIALPAD_SUBSCRIPTION_FOREIGN },
		{ "{\"id\":1,\"target_id\":\"5\",\"webhook\":{\"id\":9}}", DIALPAD_SUBSCRIPTION_FOREIGN },
		{ "{\"id\":1,\"webhook\":null}", DIALPAD_SUBSCRIPTION_FOREIGN },
		{ "{\"webhook\":{\"id\":9}}", DIALPAD_SUBSCRIPTION_FOREIGN },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (dialpad_judge_subscription(item(cases[i].text), STR("9")) != cases[i].verdict)
			fail_msg("%s", cases[i].text);
}

static void
a_complaint_shows_no_secret(void **state)
{
	static const struct { const char *body, *want; } cases[] = {
		{ "{\"error\":{\"code\":409,\"message\":\"too many\"}}", "too many" },
		{ "{\"error\":\"nope\"}", "nope" },
		{ "{\"error\":{\"message\":\"https://cti.example/webhooks/dialpad/hk_x is no address\"}}", NULL },
		{ "{\"error\":\"whs_abc is weak\"}", NULL },
		{ "{}", NULL }, { "", NULL }, { "<html>", NULL }, { "[1]", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (!str_eq(dialpad_complaint(&arena, str_c(cases[i].body)), str_c(cases[i].want)))
			fail_msg("%s", cases[i].body);
}

static void
what_we_ask_for_satisfies_us(void **state)
{
	struct buf	b;

	(void)state;
	buf_init(&b, 4096);
	dialpad_subscription_body(&b, STR("9"));
	buf_putc(&b, '\0');
	assert_non_null(strstr(b.p, "\"endpoint_id\":9,"));
	b.p[0] = ',';
	struct buf	whole;

	buf_init(&whole, 4096);
	buf_puts(&whole, "{\"id\":1");
	buf_puts(&whole, b.p);
	buf_putc(&whole, '\0');
	assert_int_equal(dialpad_judge_subscription(item(whole.p), STR("9")), DIALPAD_SUBSCRIPTION_GOOD);
	buf_free(&whole);
	buf_free(&b);
}

/* A record of REST becomes the event that was lost: the same leg, ended, with its lengths. */
static void
a_record_becomes_an_event(void **state)
{
	static const char	record[] = "{\"call_id\":\"5031100220033001\",\"date_started\":\"1790000000000\",\"date_connected\":\"1790000006200\","
	    "\"date_ended\":\"1790000066200\",\"direction\":\"inbound\",\"external_number\":\"+15550142233\",\"state\":\"connected\",\"talk_time\":60000,"
	    "\"contact\":{\"name\":\"a \\\"q\\\" \\u00e9\"},\"event_timestamp\":\"1\",\"labels\":[1,{\"x\":null}]}";
	struct buf		 b;

	(void)state;
	buf_init(&b, 4096);
	assert_true(dialpad_call_event(&b, item(record)));
	map(arena_str(&arena, buf_as_str(&b)));
	assert_true(e.is_call);
	assert_true(str_eq(e.leg.id, STR("5031100220033001")));
	assert_true(str_eq(e.type, STR("dialpad.hangup")));
	assert_int_equal(e.leg.rank, LEG_ENDED);
	assert_int_equal(e.event_ts, INT64_C(1790000066200));
	assert_int_equal(e.leg.ended, INT64_C(1790000066200));
	assert_int_equal(e.leg.talk_ms, 60000);
	assert_true(str_eq(e.leg.contact_name.v, STR("a \"q\" \xc3\xa9")));
	buf_free(&b);
}

static void
a_record_keeps_a_state_that_ends(void **state)
{
	struct buf	b;

	(void)state;
	buf_init(&b, 4096);
	assert_true(dialpad_call_event(&b, item("{\"call_id\":1,\"date_ended\":1790000066200,\"state\":\"missed\"}")));
	map(arena_str(&arena, buf_as_str(&b)));
	assert_true(str_eq(e.type, STR("dialpad.missed")));
	buf_free(&b);
}

static void
what_goes_on_is_no_event(void **state)
{
	struct buf	b;

	(void)state;
	buf_init(&b, 4096);
	assert_false(dialpad_call_event(&b, item("{\"call_id\":1}")));
	assert_false(dialpad_call_event(&b, item("{\"date_ended\":1790000066200}")));
	assert_false(dialpad_call_event(&b, item("[]")));
	assert_int_equal(b.len, 0);
	assert_int_equal(dialpad_call_started(item("{\"date_started\":\"1790000000000\"}")), INT64_C(1790000000000));
}

static void
calls_are_asked_for_by_span_and_cursor(void **state)
{
	struct buf	b;

	(void)state;
	buf_init(&b, 4096);
	dialpad_calls_query(&b, INT64_C(1790000000000), INT64_C(1790000066200), STR_NONE);
	assert_true(str_eq(buf_as_str(&b), STR("?started_after=1790000000000&started_before=1790000066200")));
	buf_free(&b);
	dialpad_calls_query(&b, 1, 2, STR("a+b/=&\xc3\xa9"));
	assert_true(str_eq(buf_as_str(&b), STR("?started_after=1&started_before=2&cursor=a%2Bb%2F%3D%26%C3%A9")));
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pages_are_read_leniently, setup, teardown),
		cmocka_unit_test_setup_teardown(a_hook_is_ours_by_the_token_in_its_address, setup, teardown),
		cmocka_unit_test_setup_teardown(subscriptions_are_judged, setup, teardown),
		cmocka_unit_test_setup_teardown(a_complaint_shows_no_secret, setup, teardown),
		cmocka_unit_test_setup_teardown(what_we_ask_for_satisfies_us, setup, teardown),
		cmocka_unit_test_setup_teardown(a_record_becomes_an_event, setup, teardown),
		cmocka_unit_test_setup_teardown(a_record_keeps_a_state_that_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(what_goes_on_is_no_event, setup, teardown),
		cmocka_unit_test_setup_teardown(calls_are_asked_for_by_span_and_cursor, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
