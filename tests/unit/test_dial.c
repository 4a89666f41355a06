/* A call we place: what is asked of Dialpad, what its answers mean, and the mark by which its events are known again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/count.h"
#include "base/json_read.h"
#include "base/phone.h"
#include "model/dial_tag.h"
#include "providers/dialpad_dial.h"

#define DIAL	"0192f3a4-5b6c-7d8e-9f00-112233445566"

static struct uuid
dial(void)
{
	struct uuid	u;

	assert_true(uuid_parse(STR(DIAL), &u));
	return u;
}

static void
a_mark_comes_back_with_what_was_given(void **state)
{
	static const char *const	given[] = { "", "deal 17", " ", "ringd:" DIAL " x", "\xe2\x9c\x93" };
	struct uuid			back;
	struct buf			b;
	struct str			s;

	(void)state;
	for (size_t i = 0; i < COUNT(given); i++) {
		buf_init(&b, 256);
		dial_tag_write(&b, dial(), str_c(given[i]));
		s = buf_as_str(&b);
		assert_true(dial_tag_take(&s, &back));
		assert_int_equal(uuid_cmp(back, dial()), 0);
		if (given[i][0] == '\0')
			assert_null(s.p);
		else
			assert_true(str_eq(s, str_c(given[i])));
		buf_free(&b);
	}
}

static void
what_is_no_mark_is_left_alone(void **state)
{
	static const char *const	texts[] = {
		"", "ringd:", "ringd", "deal 17", "ringd:" DIAL "x", "ringd:" DIAL "\t", " ringd:" DIAL, "Ringd:" DIAL,
		"ringd:0192f3a4-5b6c-7d8e-9f00-11223344556", "ringd:0192f3a4-5b6c-7d8e-9f00-11223344556g x",
	};
	struct uuid			u;
	struct str			s;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		s = str_c(texts[i]);
		assert_false(dial_tag_take(&s, &u));
		assert_true(str_eq(s, str_c(texts[i])));
	}
	s = STR_NONE;
	assert_false(dial_tag_take(&s, &u));
	assert_null(s.p);
	s = (struct str){ "ringd:" DIAL " deal", sizeof("ringd:" DIAL) - 2 };	/* one character short, with more behind it */
	assert_false(dial_tag_take(&s, &u));
}

static void
numbers_and_users_have_their_form(void **state)
{
	static const char *const	numbers[] = { "+1555014", "+15550142233", "+123456789012345" };
	static const char *const	no_numbers[] = { "", "+", "+155501", "+1234567890123456", "15550142233", "+05550142233", "+1555014223x",
	    "+1 5550142233", "++5550142233" };
	static const char *const	no_users[] = { "", "0", "01", "-1", "+1", "1x", "9223372036854775808", "99999999999999999999" };

	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++)
		assert_true(phone_is_e164(str_c(numbers[i])));
	for (size_t i = 0; i < COUNT(no_numbers); i++)
		assert_false(phone_is_e164(str_c(no_numbers[i])));
	assert_false(phone_is_e164((struct str){ "+1555014\0", 9 }));
	assert_false(phone_is_e164(STR_NONE));
	assert_true(dialpad_user_ok(STR("1")));
	assert_true(dialpad_user_ok(STR("9223372036854775807")));
	assert_false(dialpad_user_ok(STR_NONE));
	for (size_t i = 0; i < COUNT(no_users); i++)
		assert_false(dialpad_user_ok(str_c(no_users[i])));
}

static void
the_body_says_what_is_wanted(void **state)
{
	struct buf	b;

	(void)state;
	buf_init(&b, 4096);
	dialpad_dial_body(&b, dial(), STR("5600110022003300"), STR("+15550142233"), STR("a \"b\"\n"));
	assert_true(str_eq(buf_as_str(&b), STR("{\"user_id\":5600110022003300,\"phone_number\":\"+15550142233\","
	    "\"custom_data\":\"ringd:" DIAL " a \\\"b\\\"\\n\"}")));
	buf_free(&b);
	buf_init(&b, 16);
	dialpad_dial_body(&b, dial(), STR("5600110022003300"), STR("+15550142233"), STR_NONE);
	assert_true(b.failed);
	buf_free(&b);
}

static void
answers_are_judged(void **state)
{
	static const struct { int status; bool retry; enum dialpad_dial_outcome outcome; } cases[] = {
		{ 200, false, DIALPAD_DIAL_PLACED }, { 201, true, DIALPAD_DIAL_PLACED }, { 302, false, DIALPAD_DIAL_BROKEN },
		{ 400, false, DIALPAD_DIAL_REFUSED }, { 401, false, DIALPAD_DIAL_NEEDS_RECONNECT }, { 403, false, DIALPAD_DIAL_FORBIDDEN },
		{ 404, false, DIALPAD_DIAL_USER_UNKNOWN }, { 409, false, DIALPAD_DIAL_REFUSED }, { 422, false, DIALPAD_DIAL_REFUSED },
		{ 429, false, DIALPAD_DIAL_LIMIT }, { 429, true, DIALPAD_DIAL_LIMIT }, { 500, true, DIALPAD_DIAL_BROKEN },
		{ 503, false, DIALPAD_DIAL_BROKEN }, { 503, true, DIALPAD_DIAL_UNREACHABLE }, { 504, false, DIALPAD_DIAL_BROKEN },
	};
	static const struct { const char *body, *id; } bodies[] = {
		{ "{\"call_id\":\"5200\"}", "5200" }, { "{\"call_id\":5200,\"x\":1}", "5200" }, { "{\"call_id\":\"0\"}", NULL },
		{ "{\"call_id\":\"../x\"}", NULL }, { "{\"call_id\":null}", NULL }, { "{}", NULL }, { "[]", NULL }, { "", NULL }, { "<html>", NULL },
	};
	struct arena	a;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(dialpad_dial_judge(cases[i].status, cases[i].retry), cases[i].outcome);
	arena_init(&a, 65536);
	for (size_t i = 0; i < COUNT(bodies); i++)
		assert_true(str_eq(dialpad_dial_call_id(&a, str_c(bodies[i].body)), str_c(bodies[i].id)));
	arena_free(&a);
}

static void
words_lead_back_to_outcomes(void **state)
{
	enum dialpad_dial_outcome	o;

	(void)state;
	for (int i = 0; i < DIALPAD_DIAL_OUTCOMES; i++) {
		assert_true(dialpad_dial_outcome(str_c(dialpad_dial_word((enum dialpad_dial_outcome)i)), &o));
		assert_int_equal(o, i);
	}
	assert_false(dialpad_dial_outcome(STR("other"), &o));
	assert_false(dialpad_dial_outcome(STR_NONE, &o));
	/* What may have rung somebody's telephone is never asked for again. */
	assert_false(dialpad_dial_retryable(DIALPAD_DIAL_PLACED));
	assert_false(dialpad_dial_retryable(DIALPAD_DIAL_BROKEN));
	assert_false(dialpad_dial_retryable(DIALPAD_DIAL_UNKNOWN));
	assert_false(dialpad_dial_retryable(DIALPAD_DIAL_PENDING));
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(a_mark_comes_back_with_what_was_given), cmocka_unit_test(what_is_no_mark_is_left_alone),
		cmocka_unit_test(numbers_and_users_have_their_form), cmocka_unit_test(the_body_says_what_is_wanted),
		cmocka_unit_test(answers_are_judged), cmocka_unit_test(words_lead_back_to_outcomes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
