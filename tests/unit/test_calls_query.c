/*
 * What GET /api/calls takes and refuses, which filter leads, and that a cursor is of no use to anybody else.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "api/calls_query.h"
#include "base/count.h"

static struct conf conf = { .api_default_limit = 50, .api_max_limit = 200, .api_max_offset = 10000, .api_total_cap = 10000 };
static struct arena arena;
static const char *code;
static char message[256];

static bool
parse(struct calls_query *q, const char *query, bool only_active)
{
	code = "";
	message[0] = '\0';
	return calls_query_parse(q, &arena, str_c(query), &conf, only_active, &code, message, sizeof(message));
}

static void
assert_str(struct str s, const char *want)
{
	assert_true(str_eq(s, str_c(want)));
}

static void
defaults(void **state)
{
	struct calls_query q;

	(void)state;
	assert_true(parse(&q, NULL, false));
	assert_int_equal(q.limit, 50);
	assert_int_equal(q.offset, 0);
	assert_int_equal(q.by, CALLS_BY_TIME);
	assert_true(q.from_us == INT64_MIN && q.to_us == INT64_MAX && q.after_us == INT64_MAX);
	assert_true(parse(&q, "", true));
	assert_int_equal(q.by, CALLS_BY_ACTIVE);
}

static void
leading_filter(void **state)
{
	static const struct { const char *query; enum calls_by by; } cases[] = {
		{ "status=ended", CALLS_BY_STATUS }, { "direction=inbound", CALLS_BY_DIRECTION },
		{ "direction=inbound&has_recording=true", CALLS_BY_RECORDING },
		{ "has_recording=false&status=ended", CALLS_BY_STATUS }, { "agent=55&status=ended", CALLS_BY_AGENT_ID },
		{ "agent=A%40b.c&status=ended", CALLS_BY_AGENT_EMAIL }, { "agent=55&phone_number=%2B15551234567", CALLS_BY_NUMBER },
		{ "from=2026-01-01&to=2026-02-01", CALLS_BY_TIME },
	};
	struct calls_query q;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_true(parse(&q, cases[i].query, false));
		assert_int_equal(q.by, cases[i].by);
	}
}

static void
numbers_are_normalised(void **state)
{
	static const struct { const char *given, *want; } cases[] = {
		{ "%2B15551234567", "+15551234567" }, { "+15551234567", "+15551234567" }, { "15551234567", "+15551234567" },
		{ "%2B1%20(555)%20123-4567", "+15551234567" }, { "0015551234567", "+15551234567" }, { "101", "101" },
		{ "blocked", "blocked" }, { "%2B49.30/1234567", "+49301234567" },
	};
	struct calls_query q;
	char query[128];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		snprintf(query, sizeof(query), "phone_number=%s", cases[i].given);
		assert_true(parse(&q, query, false));
		assert_str(q.number, cases[i].want);
	}
	assert_true(parse(&q, "agent=Dana@Example.COM", false));
	assert_str(q.agent, "dana@example.com");
}

static void
refusals_name_what_and_what_was_expected(void **state)
{
	static const struct { const char *query, *code, *says; } cases[] = {
		{ "limit=0", "invalid_limit", "1 to 200" }, { "limit=201", "invalid_limit", "1 to 200" }, { "limit=", "invalid_limit", "limit" },
		{ "limit=1e2", "invalid_limit", "whole" }, { "offset=10001", "invalid_offset", "cursor" },
		{ "status=Ended", "invalid_parameter", "ringing, active or ended" }, { "from=x", "invalid_parameter", "time" },
		{ "tenant=1", "unknown_parameter", "tenant" }, { "limit=1&limit=1", "invalid_parameter", "repeated" },
		{ "a=%4", "malformed_query", "%XX" }, { "cursor=x&offset=5", "invalid_offset", "cursor" },
		{ "phone_number=+", "invalid_parameter", "phone_number" },
	};
	struct calls_query q;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_false(parse(&q, cases[i].query, false));
		assert_string_equal(code, cases[i].code);
		assert_non_null(strstr(message, cases[i].says));
	}
	assert_false(parse(&q, "status=ended", true));
	assert_string_equal(code, "unknown_parameter");
}

static void
cursor_round_trip_and_binding(void **state)
{
	static const char app[] = "01a1fbc3-74ce-7086-bbda-c034cc5e875c", other[] = "01a1fbc3-74d1-7cf1-aa5f-272c2d5bbb65";
	struct secret key = { NULL, 0 }, other_key = { NULL, 0 };
	struct calls_query q, again;
	struct uuid id;
	char text[CURSOR_TEXT_SIZE], query[256];
	size_t i;

	(void)state;
	memset(id.b, 7, sizeof(id.b));
	secret_set(&key, STR("0123456789abcdef0123456789abcdef"));
	secret_set(&other_key, STR("0123456789abcdef0123456789abcdeg"));
	assert_true(parse(&q, "status=ended&limit=5", false));
	calls_cursor_make(text, &q, &key, app, 1790000000123456, id, 10000, true);
	assert_true(strlen(text) < CURSOR_TEXT_SIZE);

	snprintf(query, sizeof(query), "limit=9&status=ended&cursor=%s", text);
	assert_true(parse(&again, query, false));
	assert_true(calls_cursor_open(&again, &key, app));
	assert_true(again.resumed && again.total_capped);
	assert_int_equal(again.total, 10000);
	assert_int_equal(again.after_us, 1790000000123456);
	assert_int_equal(uuid_cmp(again.after_id, id), 0);

	assert_false(calls_cursor_open(&again, &key, other));
	assert_false(calls_cursor_open(&again, &other_key, app));
	snprintf(query, sizeof(query), "status=active&cursor=%s", text);
	assert_true(parse(&again, query, false));
	assert_false(calls_cursor_open(&again, &key, app));
	for (i = 0; text[i] != '\0'; i++) {
		char kept = text[i];
		text[i] = kept == 'A' ? 'B' : 'A';
		snprintf(query, sizeof(query), "status=ended&cursor=%s", text);
		assert_true(parse(&again, query, false));
		assert_false(calls_cursor_open(&again, &key, app));
		text[i] = kept;
	}
	secret_free(&key);
	secret_free(&other_key);
}

static int
set_up(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(leading_filter),
		cmocka_unit_test(numbers_are_normalised),
		cmocka_unit_test(refusals_name_what_and_what_was_expected),
		cmocka_unit_test(cursor_round_trip_and_binding),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
