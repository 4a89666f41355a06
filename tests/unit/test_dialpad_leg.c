/* The single fields of a call event in all their spellings. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/count.h"
#include "dialpad_rig.h"

/* A real event with one more member. */
static const struct leg *
with(const char *members)
{
	static char	payload[1 << 18];

	snprintf(payload, sizeof(payload), "{\"call_id\":5031100220033001,\"state\":\"hangup\","
	    "\"event_timestamp\":%lld,%s}",
	    (long long)TS, members);
	return &map(str_c(payload))->leg;
}

static void
assert_str(struct str s, const char *expected)
{
	if (!str_eq(s, str_c(expected)))
		fail_msg("got \"%.*s\", expected \"%s\"", STR_ARG(s), expected != NULL ? expected : "(absent)");
}

static void
ids_come_from_digits_only(void **state)
{
	static const struct {
		const char	*json, *id;
	} table[] = {
		{ "5031100220033001", "5031100220033001" }, { "\"5031100220033001\"", "5031100220033001" },
		{ "9007199254740993", "9007199254740993" }, { "9223372036854775807", "9223372036854775807" },
		{ "\"007\"", "7" }, { "9223372036854775808", NULL }, { "0", NULL }, { "\"0\"", NULL }, { "\"\"", NULL },
		{ "null", NULL }, { "\"null\"", NULL }, { "-5", NULL }, { "5.0", NULL }, { "5e15", NULL },
		{ "\"5 \"", NULL }, { "\"abc\"", NULL }, { "true", NULL }, { "[5]", NULL }, { "{}", NULL },
	};
	char	payload[256];
	size_t	i;

	(void)state;
	for (i = 0; i < COUNT(table); i++) {
		snprintf(payload, sizeof(payload), "{\"state\":\"ringing\",\"call_id\":%s}", table[i].json);
		map(str_c(payload));
		assert_int_equal(e.is_call, table[i].id != NULL);
		assert_str(e.leg.id, table[i].id);
		snprintf(payload, sizeof(payload), "{\"state\":\"ringing\",\"call_id\":1,\"master_call_id\":%s,"
		    "\"entry_point_call_id\":%s,\"operator_call_id\":%s}", table[i].json, table[i].json, table[i].json);
		map(str_c(payload));
		assert_str(e.leg.master, table[i].id);
		assert_str(e.leg.entry, table[i].id);
		assert_str(e.leg.operator_id, table[i].id);
	}
}

static void
times_are_ms_or_text_of_this_century(void **state)
{
	static const struct {
		const char	*json;
		int64_t		 ms;
	} table[] = {
		{ "1790000000000", 1790000000000 }, { "\"1790000000000\"", 1790000000000 },
		{ "1790000000000.7", 1790000000000 },
		{ "\"2026-01-27T10:30:00.000Z\"", 1769509800000 }, { "\"2026-01-27T12:30:00+02:00\"", 1769509800000 },
		{ "946684800000", 946684800000 }, { "946684799999", LEG_NONE }, { "4102444799999", 4102444799999 },
		{ "4102444800000", LEG_NONE }, { "1790000000", LEG_NONE }, { "0", LEG_NONE }, { "-1", LEG_NONE },
		{ "null", LEG_NONE }, { "\"\"", LEG_NONE }, { "\"soon\"", LEG_NONE }, { "true", LEG_NONE },
		{ "1.79e12", LEG_NONE }, { "99999999999999999999", LEG_NONE }, { "[]", LEG_NONE },
	};
	char	member[128];
	size_t	i;

	(void)state;
	for (i = 0; i < COUNT(table); i++) {
		snprintf(member, sizeof(member), "\"date_ended\":%s", table[i].json);
		if (with(member)->ended != table[i].ms)
			fail_msg("%s: %lld", table[i].json, (long long)e.leg.ended);
	}
	assert_int_equal(with("\"date_first_rang\":1790000000380,\"date_rang\":1790000000400")->rang, 1790000000380);
	assert_int_equal(with("\"date_first_rang\":null,\"date_rang\":1790000000400")->rang, 1790000000400);
}

static void
lengths_lose_their_fraction(void **state)
{
	(void)state;
	assert_int_equal(with("\"talk_time\":123480.999")->talk_ms, 123480);
	assert_int_equal(with("\"duration\":\"5\"")->duration_ms, 5);
	assert_int_equal(with("\"hold_time\":0")->hold_ms, 0);
	assert_int_equal(with("\"hold_time\":-1")->hold_ms, LEG_NONE);
	assert_int_equal(with("\"hold_time\":null")->hold_ms, LEG_NONE);
	assert_int_equal(with("\"hold_time\":99999999999999")->hold_ms, LEG_NONE);
}

static void
flags_are_read_leniently(void **state)
{
	(void)state;
	assert_true(with("\"is_transferred\":true")->seen & LEG_SEEN_TRANSFERRED);
	assert_true(with("\"is_transferred\":\"TRUE\"")->seen & LEG_SEEN_TRANSFERRED);
	assert_false(with("\"is_transferred\":\"FALSE\"")->seen & LEG_SEEN_TRANSFERRED);
	assert_false(with("\"is_transferred\":null")->seen & LEG_SEEN_TRANSFERRED);
	assert_true(with("\"is_internal\":true")->seen & LEG_SEEN_INTERNAL);
	assert_true(with("\"date_queued\":1790000000000")->seen & LEG_SEEN_QUEUED);
}

static void
people_and_numbers(void **state)
{
	const struct leg	*l;

	(void)state;
	l = with("\"direction\":\"Inbound\",\"external_number\":\"+15550142233\",\"internal_number\":\"blocked\","
	    "\"contact\":{\"id\":5900440011223344,\"name\":\"(555) \\u00fc\"},"
	    "\"target\":{\"id\":\"5600110022003300\",\"type\":\"user\",\"email\":\"\",\"phone\":\"+15550100101\","
	    "\"name\":\"D\"}");
	assert_str(l->direction.v, "inbound");
	assert_int_equal(l->direction.ts, TS);
	assert_str(l->external.v, "+15550142233");
	assert_str(l->internal.v, "blocked");
	assert_str(l->contact_id.v, "5900440011223344");
	assert_str(l->contact_name.v, "(555) \xc3\xbc");
	assert_str(l->target.type, "user");
	assert_str(l->target.id, "5600110022003300");
	assert_null(l->target.email.p);
	assert_str(l->target.phone, "+15550100101");
	assert_int_equal(l->target.ts, TS);
	l = with("\"direction\":\"sideways\",\"contact\":{},\"target\":{\"type\":\"user\",\"email\":\"a@b.c\"},"
	    "\"external_number\":\"\"");
	assert_null(l->direction.v.p);
	assert_null(l->contact_id.v.p);
	assert_null(l->target.type.p);
	assert_null(l->external.v.p);
}

static void
long_text_is_cut_at_a_character(void **state)
{
	static char	member[80000];
	size_t		at, i;

	(void)state;
	at = (size_t)snprintf(member, sizeof(member), "\"contact\":{\"name\":\"x");
	for (i = 0; i < 400; i++)
		at += (size_t)snprintf(member + at, sizeof(member) - at, "\xc3\xbc");
	snprintf(member + at, sizeof(member) - at, "\"}");
	with(member);
	assert_int_equal(e.leg.contact_name.v.n, 511);	/* 512 would split one */
	at = (size_t)snprintf(member, sizeof(member), "\"transcription_text\":\"");
	memset(member + at, 'a', 70000);
	snprintf(member + at + 70000, sizeof(member) - at - 70000, "\"");
	assert_int_equal(with(member)->transcription.v.n, 65536);
	at = (size_t)snprintf(member, sizeof(member), "\"recording_url\":\"");
	memset(member + at, 'a', 5000);
	snprintf(member + at + 5000, sizeof(member) - at - 5000, "\"");
	assert_int_equal(with(member)->nrec, 0);	/* half an address is none */
}

static void
recordings_of_every_shape(void **state)
{
	const struct leg	*l;

	(void)state;
	l = with("\"recording_details\":[{\"id\":\"rec-1\",\"url\":\"https://d/1\","
	    "\"recording_type\":\"callrecording\","
	    "\"start_time\":1790000006300,\"duration\":123100.5}],\"recording_url\":[\"https://d/1\",\"https://d/2\"],"
	    "\"admin_recording_urls\":[\"https://d/3\"],\"voicemail_link\":\"https://d/vm\","
	    "\"voicemail_recording_id\":\"vm-1\"");
	assert_int_equal(l->nrec, 4);
	assert_str(l->rec[0].id, "rec-1");
	assert_str(l->rec[0].type, "callrecording");
	assert_int_equal(l->rec[0].start_ms, 1790000006300);
	assert_int_equal(l->rec[0].duration_ms, 123100);
	assert_str(l->rec[1].id, "vm-1");
	assert_str(l->rec[1].type, "voicemail");
	assert_str(l->rec[1].url, "https://d/vm");
	assert_str(l->rec[2].url, "https://d/2");
	assert_str(l->rec[2].type, "callrecording");
	assert_str(l->rec[3].url, "https://d/3");
	assert_str(l->rec[3].type, "admincallrecording");
	assert_str(l->voicemail_url.v, "https://d/vm");
	assert_int_equal(with("\"recording_url\":\"https://d/9\"")->nrec, 1);
	assert_int_equal(with("\"recording_url\":[null,1.5,{}],\"recording_details\":[null,3,{}],"
	    "\"voicemail_link\":null")->nrec, 0);
	assert_int_equal(with("\"recording_details\":{\"id\":\"x\"}")->nrec, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ids_come_from_digits_only),
		TEST(times_are_ms_or_text_of_this_century),
		TEST(lengths_lose_their_fraction),
		TEST(flags_are_read_leniently),
		TEST(people_and_numbers),
		TEST(long_text_is_cut_at_a_character),
		TEST(recordings_of_every_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
