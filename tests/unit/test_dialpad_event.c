/* Payloads of both dialects, good and odd, to events. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/count.h"
#include "dialpad_rig.h"

static void
assert_str(struct str s, const char *expected)
{
	if (!str_eq(s, str_c(expected)))
		fail_msg("got \"%.*s\", expected \"%s\"", STR_ARG(s), expected != NULL ? expected : "(absent)");
}

static void
states_have_their_ranks(void **state)
{
	static const struct {
		const char	*word;
		enum leg_rank	 rank;
		unsigned	 seen;
	} table[] = {
		{ "calling", LEG_RINGING, 0 }, { "preanswer", LEG_RINGING, 0 },
		{ "queued", LEG_RINGING, LEG_SEEN_QUEUED },
		{ "ringing", LEG_RINGING, 0 }, { "connected", LEG_ACTIVE, LEG_SEEN_CONNECTED },
		{ "hold", LEG_ACTIVE, 1 },
		{ "parked", LEG_ACTIVE, 1 }, { "merged", LEG_ACTIVE, 1 }, { "monitor", LEG_ACTIVE, 1 },
		{ "eavesdrop", LEG_ACTIVE, 1 }, { "barge", LEG_ACTIVE, 1 }, { "takeover", LEG_ACTIVE, 1 },
		{ "hangup", LEG_ENDED, LEG_SEEN_HANGUP }, { "missed", LEG_ENDED, LEG_SEEN_MISSED },
		{ "voicemail", LEG_ENDED, LEG_SEEN_VOICEMAIL }, { "blocked", LEG_ENDED, LEG_SEEN_BLOCKED },
		{ "recording", LEG_POST, LEG_SEEN_AFTER }, { "recap_summary", LEG_POST, LEG_SEEN_AFTER },
		{ "voicemail_uploaded", LEG_POST, LEG_SEEN_AFTER | LEG_SEEN_VOICEMAIL }, { "brand_new", LEG_POST, 0 },
		{ "all", LEG_POST, 0 }, { "ai_playbook", LEG_POST, 0 },
	};
	char	payload[256], type[80];
	size_t	i;

	(void)state;
	for (i = 0; i < COUNT(table); i++) {
		snprintf(payload, sizeof(payload), "{\"state\":\"%s\",\"call_id\":7}", table[i].word);
		snprintf(type, sizeof(type), "dialpad.%s", table[i].word);
		map(str_c(payload));
		assert_true(e.is_call);
		assert_str(e.type, type);
		assert_str(e.leg.state, table[i].word);
		assert_int_equal(e.leg.rank, table[i].rank);
		assert_int_equal(e.leg.seen, table[i].seen);
	}
}

static void
types_are_clean_and_bounded(void **state)
{
	(void)state;
	map(STR("{\"state\":\"Call-Recap\\n\\u0000x.y\",\"call_id\":7}"));
	assert_str(e.type, "dialpad.call_recap____x_y");
	map(STR("{\"state\":\"HangUp\",\"call_id\":7}"));
	assert_int_equal(e.leg.rank, LEG_ENDED);
	map(STR("{\"state\":\"aaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\","
	    "\"call_id\":7}"));
	assert_int_equal(e.type.n, 64);
	assert_int_equal(e.leg.state.n, 64);
}

static void
time_falls_back_to_reception(void **state)
{
	(void)state;
	map(STR("{\"state\":\"ringing\",\"call_id\":7,\"direction\":\"inbound\"}"));
	assert_int_equal(e.event_ts, LEG_NONE);
	assert_int_equal(e.leg.state_ts, RECEIVED);
	assert_int_equal(e.leg.direction.ts, RECEIVED);
	map(STR("{\"state\":\"ringing\",\"call_id\":7,\"timestamp\":\"1790000000910\"}"));
	assert_int_equal(e.event_ts, TS);
	assert_int_equal(e.leg.state_ts, TS);
}

static void
seeds_ring_and_start(void **state)
{
	(void)state;
	map(STR("{\"event_type\":\"call.ring\",\"timestamp\":\"2026-01-27T10:30:01.000Z\",\"organization_id\":42,"
	    "\"call\":{"
	    "\"id\":123456789,\"direction\":\"inbound\",\"from\":\"+15551234567\",\"to\":\"+15559876543\","
	    "\"started_at\":\"2026-01-27T10:30:00.000Z\"}}"));
	assert_true(e.is_call);
	assert_str(e.type, "call.ring");
	assert_str(e.org_id, "42");
	assert_str(e.leg.id, "123456789");
	assert_str(e.leg.state, "ringing");
	assert_int_equal(e.leg.rank, LEG_RINGING);
	assert_int_equal(e.leg.started, 1769509800000);
	assert_int_equal(e.event_ts, 1769509801000);
	assert_str(e.leg.external.v, "+15551234567");
	assert_str(e.leg.internal.v, "+15559876543");
	map(STR("{\"event_type\":\"call.started\",\"timestamp\":1790000000910,\"from\":\"+1\",\"to\":\"+2\","
	    "\"direction\":\"outbound\","
	    "\"call\":{\"id\":\"9\"}}"));
	assert_str(e.leg.state, "connected");
	assert_int_equal(e.leg.rank, LEG_ACTIVE);
	assert_true(e.leg.seen & LEG_SEEN_PERSON);
	assert_int_equal(e.leg.connected, TS);
	assert_str(e.leg.external.v, "+2");
	assert_str(e.leg.internal.v, "+1");
}

static void
seeds_end_and_recording(void **state)
{
	(void)state;
	map(STR("{\"event_type\":\"call.ended\",\"call\":{\"id\":9,\"ended_at\":\"2026-01-27T10:31:00Z\","
	    "\"talk_time\":4000}}"));
	assert_str(e.leg.state, "hangup");
	assert_int_equal(e.leg.rank, LEG_ENDED);
	assert_int_equal(e.leg.ended, 1769509860000);
	assert_int_equal(e.leg.talk_ms, 4000);
	map(STR("{\"event_type\":\"call.ended\",\"call\":{\"id\":9,\"status\":\"No-Answer\"}}"));
	assert_str(e.leg.state, "missed");
	assert_int_equal(e.leg.seen, LEG_SEEN_MISSED);
	map(STR("{\"event_type\":\"call.ended\",\"outcome\":\"voicemail\",\"call\":{\"id\":9,"
	    "\"status\":\"completed\"}}"));
	assert_str(e.leg.state, "voicemail");
	map(STR("{\"event_type\":\"call.recording.completed\",\"call\":{\"id\":9,\"recording\":{\"id\":\"r\","
	    "\"url\":\"https://d/r\"},"
	    "\"recording_url\":\"https://d/r\"}}"));
	assert_int_equal(e.leg.rank, LEG_POST);
	assert_int_equal(e.leg.nrec, 1);
	assert_str(e.leg.rec[0].id, "r");
	assert_str(e.leg.rec[0].type, "callrecording");
	map(STR("{\"event_type\":\"call.recording.completed\",\"call_id\":\"9\",\"recording_url\":\"https://d/r\"}"));
	assert_true(e.is_call);
	assert_str(e.leg.id, "9");
	assert_int_equal(e.leg.nrec, 1);
}

static void
seeds_other_words(void **state)
{
	(void)state;
	map(STR("{\"event_type\":\"call.hold\",\"call\":{\"id\":9}}"));
	assert_str(e.leg.state, "hold");
	assert_int_equal(e.leg.rank, LEG_ACTIVE);
	map(STR("{\"event_type\":\"call.Foo Bar\",\"call\":{\"id\":9}}"));
	assert_true(e.is_call);
	assert_str(e.type, "call.foo_bar");
	assert_str(e.leg.state, "foo_bar");
	assert_int_equal(e.leg.rank, LEG_POST);
	map(STR("{\"event_type\":\"call.ring\",\"call\":{\"id\":null}}"));
	assert_false(e.is_call);
	assert_str(e.type, "call.ring");
	map(STR("{\"event_type\":\"user.updated\",\"call\":{\"id\":9}}"));
	assert_false(e.is_call);
	assert_null(e.leg.id.p);
	map(STR("{\"event_type\":\"call.ring\",\"state\":\"hangup\",\"call_id\":9,\"call\":{\"id\":8}}"));
	assert_str(e.type, "dialpad.hangup");
	assert_str(e.leg.id, "9");
}

static void
what_is_no_call(void **state)
{
	static const struct {
		const char	*json, *type;
	} table[] = {
		{ "null", "dialpad.other" }, { "[]", "dialpad.other" }, { "7", "dialpad.other" },
		{ "\"x\"", "dialpad.other" },
		{ "{}", "dialpad.other" }, { "[{\"state\":\"ringing\",\"call_id\":7}]", "dialpad.other" },
		{ "{\"state\":\"ringing\"}", "dialpad.other" }, { "{\"state\":7,\"call_id\":7}", "dialpad.other" },
		{ "{\"state\":\"\",\"call_id\":7}", "dialpad.other" },
		{ "{\"state\":null,\"text\":\"hi\"}", "dialpad.sms" },
		{ "{\"id\":1,\"text\":\"hi\",\"to_number\":[\"+1\"]}", "dialpad.sms" },
		{ "{\"message_status\":\"x\"}", "dialpad.sms" },
		{ "{\"from_number\":\"+1\"}", "dialpad.sms" }, { "{\"state\":\"x\",\"text\":\"hi\"}", "dialpad.other" },
		{ "{\"event_type\":\"\"}", "dialpad.other" }, { "{\"event_type\":7}", "dialpad.other" },
	};
	unsigned char	digest[SHA256_SIZE];
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(table); i++) {
		const struct str	parts[2] = { STR("dialpad-payload"), str_c(table[i].json) };

		map(str_c(table[i].json));
		assert_false(e.is_call);
		assert_str(e.type, table[i].type);
		hash_sha256_parts(digest, parts, 2);
		assert_memory_equal(e.digest, digest, SHA256_SIZE);
	}
}

static void
org_ids_where_they_occur(void **state)
{
	(void)state;
	map(STR("{\"dialpad_org_id\":\"abc-1\"}"));
	assert_str(e.org_id, "abc-1");
	map(STR("{\"org_id\":0,\"company_id\":\"\",\"company\":{\"id\":5511}}"));
	assert_str(e.org_id, "5511");
	map(STR("{\"event_type\":\"call.ring\",\"call\":{\"id\":1,\"company_id\":77}}"));
	assert_str(e.org_id, "77");
	map(STR("{\"state\":\"ringing\",\"call_id\":1,\"company_id\":78}"));
	assert_str(e.org_id, "78");
	map(STR("{\"state\":\"ringing\",\"call_id\":1}"));
	assert_null(e.org_id.p);
}

static bool
same_digest(const char *a, const char *b)
{
	unsigned char	first[SHA256_SIZE];

	map(str_c(a));
	memcpy(first, e.digest, SHA256_SIZE);
	map(str_c(b));
	return memcmp(first, e.digest, SHA256_SIZE) == 0;
}

static void
duplicates_are_told_by_leg_state_and_moment(void **state)
{
	(void)state;
	assert_true(same_digest("{\"state\":\"ringing\",\"call_id\":7,\"event_timestamp\":1790000000910}",
	    "{\"event_timestamp\":\"1790000000910\",\"call_id\":\"7\",\"state\":\"ringing\",\"more\":1}"));
	assert_false(same_digest("{\"state\":\"ringing\",\"call_id\":7,\"event_timestamp\":1790000000910}",
	    "{\"state\":\"ringing\",\"call_id\":7,\"event_timestamp\":1790000000911}"));
	assert_false(same_digest("{\"state\":\"ringing\",\"call_id\":7,\"event_timestamp\":1790000000910}",
	    "{\"state\":\"hangup\",\"call_id\":7,\"event_timestamp\":1790000000910}"));
	assert_false(same_digest("{\"state\":\"ringing\",\"call_id\":7,\"event_timestamp\":1790000000910}",
	    "{\"state\":\"ringing\",\"call_id\":8,\"event_timestamp\":1790000000910}"));
	assert_false(same_digest("{\"state\":\"recording\",\"call_id\":7,\"event_timestamp\":1790000000910,"
	    "\"recording_url\":\"a\"}",
	    "{\"state\":\"recording\",\"call_id\":7,\"event_timestamp\":1790000000910,\"recording_url\":\"b\"}"));
	assert_true(same_digest("{\"state\":\"hangup\",\"call_id\":7,\"event_timestamp\":1790000000910,"
	    "\"recording_url\":\"a\"}",
	    "{\"state\":\"hangup\",\"call_id\":7,\"event_timestamp\":1790000000910,\"recording_url\":\"b\"}"));
	/* without a moment only the same bytes are the same event */
	assert_false(same_digest("{\"state\":\"ringing\",\"call_id\":7}", "{\"state\":\"ringing\",\"call_id\": 7}"));
	assert_true(same_digest("{\"state\":\"ringing\",\"call_id\":7}", "{\"state\":\"ringing\",\"call_id\":7}"));
}

static void
full_arena_is_said(void **state)
{
	struct str	payload = STR("{\"state\":\"ringing\",\"call_id\":7,\"contact\":{\"name\":\"\\u00fc\"}}");
	struct arena	small;

	(void)state;
	map(payload);
	arena_init(&small, 1);
	assert_false(dialpad_event(&e, &small, payload, &doc, RECEIVED));
	arena_free(&small);
}

static void
samples_map_whole(void **state)
{
	char	line[8192];
	FILE	*f = fopen("tests/data/dialpad-samples.jsonl", "r");
	int	n = 0;

	(void)state;
	if (f == NULL)
		fail_msg("tests/data/dialpad-samples.jsonl: run from the top of the tree");
	while (fgets(line, sizeof(line), f) != NULL) {
		struct str	payload = arena_str(&arena, str_c(line));

		assert_true(map(payload)->is_call);
		assert_true(e.event_ts > 0 && e.leg.state_ts == e.event_ts);
		assert_int_equal(e.leg.id.n, 16);
		if (++n == 12) {
			assert_str(e.leg.state, "ringing");
			assert_int_equal(e.leg.ended, 1790014412400);
			assert_str(e.leg.custom_data.v, "{\"crm_contact\":\"c-4410\",\"token\":\"dial-9b2e\"}");
		}
	}
	fclose(f);
	assert_int_equal(n, 12);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(states_have_their_ranks),
		TEST(types_are_clean_and_bounded),
		TEST(time_falls_back_to_reception),
		TEST(seeds_ring_and_start),
		TEST(seeds_end_and_recording),
		TEST(seeds_other_words),
		TEST(what_is_no_call),
		TEST(org_ids_where_they_occur),
		TEST(duplicates_are_told_by_leg_state_and_moment),
		TEST(full_arena_is_said),
		TEST(samples_map_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
