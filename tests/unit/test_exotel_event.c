/* Deliveries of Exotel, good and odd, to events. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/count.h"
#include "exotel_rig.h"
#include "model/call.h"

#define SID	"\"CallSid\":\"c1\""

static int64_t
at(const char *time)
{
	int64_t	ms;

	assert_true(clock_parse_rfc3339(str_c(time), &ms));
	return ms;
}

/* What a single delivery makes of its call. */
static const char *
outcome(void)
{
	static struct call	c;
	const struct leg	*legs[1] = { &e.leg };

	call_derive(&c, legs, 1);
	return c.status == CALL_ENDED ? c.outcome : call_status_word(c.status);
}

static void
becomes(const char *json, const char *state, const char *status)
{
	map(arena_str(&arena, str_c(json)));
	assert_true(e.is_call);
	if (!str_eq(e.leg.state, str_c(state)) || strcmp(outcome(), status) != 0)
		fail_msg("%s: state %.*s, %s; expected %s, %s", json, STR_ARG(e.leg.state), outcome(), state, status);
}

static void
every_status(void **state)
{
	static const struct {
		const char	*word, *live, *ended;	/* without an event; with EventType terminal */
	} table[] = {
		{ "queued", "ringing", "missed" }, { "ringing", "ringing", "missed" }, { "in-progress", "active", "missed" },
		{ "completed", "answered", "answered" }, { "failed", "missed", "missed" }, { "busy", "missed", "missed" },
		{ "no-answer", "missed", "missed" }, { "canceled", "missed", "missed" }, { "Completed", "answered", "answered" },
		{ "brand-new", "ringing", "missed" }, { "to_leg_unanswered", "missed", "missed" },
	};
	char	json[256], word[64];
	size_t	i, k;

	(void)state;
	for (i = 0; i < COUNT(table); i++) {
		for (k = 0; table[i].word[k] != '\0'; k++)
			word[k] = (char)(table[i].word[k] == 'C' ? 'c' : table[i].word[k]);
		word[k] = '\0';
		snprintf(json, sizeof(json), "{" SID ",\"Status\":\"%s\"}", table[i].word);
		becomes(json, word, table[i].live);
		assert_str(e.type, "exotel.status");
		snprintf(json, sizeof(json), "{" SID ",\"Status\":\"%s\",\"EventType\":\"terminal\"}", table[i].word);
		becomes(json, word, table[i].ended);
		assert_str(e.type, "exotel.terminal");
	}
}

static void
nothing_said(void **state)
{
	(void)state;
	/* A callback without event and status is that of the end: Exotel sends no other one unasked. */
	becomes("{" SID "}", "terminal", "missed");
	becomes("{" SID ",\"Status\":null}", "terminal", "missed");
	becomes("{" SID ",\"Status\":\"null\",\"EventType\":\"\"}", "terminal", "missed");
	becomes("{" SID ",\"Status\":7}", "terminal", "missed");
	becomes("{" SID ",\"Status\":\"null\",\"EventType\":\"terminal\"}", "terminal", "missed");
	becomes("{" SID ",\"Status\":\"null\",\"EventType\":\"answered\"}", "answered", "active");
	becomes("{" SID ",\"EventType\":\"brand new\",\"Status\":\"null\"}", "brand_new", "ringing");
	/* A flow lives until something says otherwise. */
	becomes("{" SID ",\"CallFrom\":\"1\"}", "incoming", "ringing");
	becomes("{" SID ",\"CallFrom\":\"1\",\"DialCallStatus\":\"null\",\"CallType\":\"call-attempt\"}", "call-attempt", "ringing");
	becomes("{" SID ",\"CallFrom\":\"1\",\"DialCallStatus\":\"null\",\"RecordingUrl\":\"https://r\"}", "completed", "answered");
}

static void
who_was_reached(void **state)
{
	(void)state;
	/* Only the agent's end is up: the customer's telephone rings. */
	becomes("{" SID ",\"EventType\":\"answered\",\"Status\":\"in-progress\",\"Direction\":\"outbound-api\",\"Legs\":[{\"Status\":"
	    "\"in-progress\"},{\"Status\":\"\"}]}", "in-progress", "ringing");
	becomes("{" SID ",\"EventType\":\"answered\",\"Status\":\"in-progress\",\"Legs\":[{\"Status\":\"in-progress\"},{\"Status\":"
	    "\"in-progress\"}]}", "in-progress", "active");
	becomes("{" SID ",\"EventType\":\"answered\",\"Status\":\"in-progress\"}", "in-progress", "active");
	becomes("{" SID ",\"Status\":\"completed\",\"Legs[1][Status]\":\"no-answer\",\"Legs[0][Status]\":\"completed\"}", "completed",
	    "missed");
	becomes("{" SID ",\"Status\":\"completed\",\"ConversationDuration\":\"0\"}", "completed", "missed");
	becomes("{" SID ",\"Status\":\"completed\",\"ConversationDuration\":5}", "completed", "answered");
	becomes("{" SID ",\"Status\":\"completed\",\"Legs\":\"[{\\\"Status\\\":\\\"completed\\\"},{\\\"Status\\\":\\\"busy\\\"}]\"}",
	    "completed", "missed");
	becomes("{" SID ",\"CallType\":\"completed\",\"DialCallStatus\":\"completed\"}", "completed", "answered");
	becomes("{" SID ",\"CallType\":\"client-hangup\",\"DialCallStatus\":\"canceled\"}", "canceled", "missed");
	becomes("{" SID ",\"CallType\":\"incomplete\",\"DialCallStatus\":\"no-answer\"}", "no-answer", "missed");
	becomes("{" SID ",\"CallType\":\"voicemail\",\"DialCallStatus\":\"no-answer\",\"RecordingUrl\":\"https://v\"}", "no-answer",
	    "voicemail");
	assert_str(e.leg.rec[0].type, "voicemail");
	becomes("{" SID ",\"CallState\":\"active\",\"CallStatus\":\"\"}", "active", "ringing");
	becomes("{" SID ",\"CallState\":\"terminal\",\"CallStatus\":\"\"}", "terminal", "missed");
	becomes("{" SID ",\"CallState\":\"terminal\",\"CallStatus\":\"completed\"}", "completed", "answered");
}

static void
lengths_and_times(void **state)
{
	(void)state;
	map(STR("{" SID ",\"EventType\":\"terminal\",\"Status\":\"completed\",\"DateCreated\":\"2026-01-05 10:00:00\",\"DateUpdated\":"
	    "\"2026-01-05 10:03:10\",\"StartTime\":\"2026-01-05 10:00:02\",\"EndTime\":\"2026-01-05 10:03:08\",\"ConversationDuration\":171}"));
	assert_int_equal(e.leg.started, at("2026-01-05T10:00:00+05:30"));
	assert_int_equal(e.leg.ended, at("2026-01-05T10:03:08+05:30"));
	assert_int_equal(e.leg.connected, at("2026-01-05T10:00:17+05:30"));
	assert_int_equal(e.leg.state_ts, at("2026-01-05T10:03:10+05:30"));
	assert_int_equal(e.event_ts, e.leg.state_ts);
	assert_int_equal(e.leg.talk_ms, 171000);
	map(STR("{" SID ",\"CallFrom\":\"1\",\"DialCallStatus\":\"completed\",\"EndTime\":\"1970-01-01 05:30:00\",\"Created\":"
	    "\"Mon, 5 Jan 2026 13:00:00\",\"DialCallDuration\":\"97\",\"Legs\":[{\"OnCallDuration\":0},{\"OnCallDuration\":\"90\"},{}]}"));
	assert_int_equal(e.leg.started, at("2026-01-05T13:00:00+05:30"));
	assert_int_equal(e.leg.ended, LEG_NONE);
	assert_int_equal(e.leg.talk_ms, 90000);
	assert_int_equal(e.leg.duration_ms, 97000);
	assert_int_equal(e.leg.state_ts, RECEIVED);
	assert_int_equal(e.event_ts, LEG_NONE);
	/* Filled in before the end it is none; nor is an end before the beginning. */
	map(STR("{" SID ",\"Status\":\"in-progress\",\"EndTime\":\"2026-01-05 10:03:08\"}"));
	assert_int_equal(e.leg.ended, LEG_NONE);
	map(STR("{" SID ",\"Status\":\"busy\",\"StartTime\":\"2026-01-05 10:03:08\",\"EndTime\":\"2026-01-05 10:03:07\"}"));
	assert_int_equal(e.leg.ended, LEG_NONE);
}

static void
spellings_of_times(void **state)
{
	static const struct {
		const char	*text, *utc;	/* utc NULL: none */
	} table[] = {
		{ "2026-01-05 10:00:00", "2026-01-05T04:30:00Z" }, { "2026-01-05T10:00:00", "2026-01-05T04:30:00Z" },
		{ "2026-01-05T10:00:00+08:00", "2026-01-05T02:00:00Z" }, { "2026-01-05 10:00:00Z", "2026-01-05T10:00:00Z" },
		{ "2026-01-05 10:00:00.250", "2026-01-05T04:30:00.250Z" }, { "Mon, 05 Jan 2026 10:00:00", "2026-01-05T04:30:00Z" },
		{ "5 Jan 2026 10:00:00", "2026-01-05T04:30:00Z" }, { "05 Jan 2026 10:00:00", "2026-01-05T04:30:00Z" },
		{ "Mon, 05 Jan 2026 10:00:00 +0530", NULL }, { "Mon, 05 Foo 2026 10:00:00", NULL }, { "Mon,  , 2026 10:00:00 x", NULL },
		{ "1970-01-01 05:30:00", NULL }, { "0000-00-00 00:00:00", NULL }, { "2026-02-30 10:00:00", NULL }, { "", NULL },
		{ "2026-01-05", NULL }, { "null", NULL }, { "2026-11-18 20:37:00", NULL }, { "2199-01-05 10:00:00", NULL },
	};
	char	json[256];
	size_t	i;

	(void)state;
	for (i = 0; i < COUNT(table); i++) {
		snprintf(json, sizeof(json), "{" SID ",\"Status\":\"ringing\",\"DateUpdated\":\"%s\"}", table[i].text);
		map(arena_str(&arena, str_c(json)));
		if (e.event_ts != (table[i].utc != NULL ? at(table[i].utc) : LEG_NONE))
			fail_msg("%s: %lld", table[i].text, (long long)e.event_ts);
	}
	/* A minute ahead is another clock, an hour is another zone. */
	assert_int_equal(RECEIVED, at("2026-11-18T11:06:40Z"));
	map(STR("{" SID ",\"DateUpdated\":\"2026-11-18 16:37:40\"}"));
	assert_int_equal(e.event_ts, RECEIVED + 60000);
	place.utc_offset_ms = 0;
	map(STR("{" SID ",\"DateUpdated\":\"2026-11-18 16:37:40\"}"));
	assert_int_equal(e.event_ts, LEG_NONE);
}

static void
numbers(void **state)
{
	static const struct {
		int64_t		 country;
		const char	*text, *number;
	} table[] = {
		{ 91, "09812345678", "+919812345678" }, { 91, "08040001234", "+918040001234" }, { 91, "9812345678", "+919812345678" },
		{ 91, "919812345678", "+919812345678" }, { 91, "+91 98123-45678", "+919812345678" }, { 91, " 919812345678", "+919812345678" },
		{ 91, "00442071838750", "+442071838750" }, { 91, "+442071838750", "+442071838750" }, { 91, "14155550123", "14155550123" },
		{ 91, "4155550123", "4155550123" }, { 91, "0981234567", "0981234567" }, { 91, "100", "100" }, { 91, "0", "0" },
		{ 91, "000000000", "000000000" }, { 91, "+1", "+1" }, { 91, "anonymous", "anonymous" }, { 91, "sip:asha@x.y", "asha" },
		{ 91, "+12345678901234567890", "+12345678901234567890" }, { 91, "null", NULL }, { 91, "", NULL },
		{ 0, "09812345678", "09812345678" }, { 0, "9812345678", "9812345678" }, { 0, "+919812345678", "+919812345678" },
		{ 62, "0812345678", "+62812345678" }, { 62, "9812345678", "9812345678" }, { 65, "0012025550123", "+12025550123" },
	};
	char	json[256];
	size_t	i;

	(void)state;
	for (i = 0; i < COUNT(table); i++) {
		place.country = table[i].country;
		snprintf(json, sizeof(json), "{" SID ",\"Status\":\"ringing\",\"Direction\":\"outbound-api\",\"To\":\"%s\"}", table[i].text);
		map(arena_str(&arena, str_c(json)));
		assert_str(e.leg.external.v, table[i].number);
	}
	map(STR("{" SID ",\"CallFrom\":9812345678,\"CallTo\":\"08040001234\",\"Direction\":\"incoming\"}"));
	assert_str(e.leg.external.v, "9812345678");		/* 65 is no country it could be of */
}

static void
sides_and_agents(void **state)
{
	(void)state;
	map(STR("{" SID ",\"Status\":\"busy\",\"Direction\":\"inbound\",\"From\":\"09812345678\",\"To\":\"08040001234\"}"));
	assert_str(e.leg.external.v, "+919812345678");
	assert_str(e.leg.internal.v, "+918040001234");
	assert_null(e.leg.target.type.p);
	map(STR("{" SID ",\"Status\":\"busy\",\"Direction\":\"outbound-api\",\"From\":\"sip:asha7\",\"To\":\"09812345678\"}"));
	assert_str(e.leg.external.v, "+919812345678");
	assert_null(e.leg.internal.v.p);			/* a SIP user is no number of ours */
	assert_str(e.leg.target.id, "asha7");
	assert_null(e.leg.target.phone.p);
	map(STR("{" SID ",\"CallState\":\"active\",\"Direction\":\"outbound\",\"AppUserID\":\"agent7\",\"FromNumber\":\"sip:asha7\","
	    "\"ToNumber\":\"9812345678\",\"VirtualNumber\":\"08040001234\"}"));
	assert_str(e.type, "exotel.app");
	assert_str(e.leg.target.id, "agent7");
	assert_str(e.leg.external.v, "+919812345678");
	assert_str(e.leg.internal.v, "+918040001234");
	map(STR("{" SID ",\"CallFrom\":\"09812345678\",\"CallTo\":\"08040001234\",\"To\":\"08040009999\",\"Direction\":\"incoming\"}"));
	assert_str(e.leg.external.v, "+919812345678");
	assert_str(e.leg.internal.v, "+918040001234");
	map(STR("{" SID ",\"CallFrom\":\"08040001234\",\"CallTo\":\"09812345678\",\"Direction\":\"outbound-dial\"}"));
	assert_str(e.leg.external.v, "+919812345678");
	assert_str(e.leg.internal.v, "+918040001234");
	/* Nothing says which way it went but the tag of a dial of ours. */
	map(STR("{" SID ",\"CustomField\":\"ringd:0192f3a4-0000-7000-8000-000000000001 deal\",\"From\":\"09800000001\",\"To\":\"09812345678\"}"));
	assert_str(e.leg.direction.v, "outbound");
	assert_str(e.leg.external.v, "+919812345678");
	map(STR("{" SID ",\"CustomField\":\"null\"}"));
	assert_null(e.leg.custom_data.v.p);
}

static void
attempts_are_legs_below_the_call(void **state)
{
	(void)state;
	map(STR("{" SID ",\"EventType\":\"Dial\",\"Status\":\"busy\",\"CallFrom\":\"1\",\"DialWhomNumber\":\"09800000001\",\"AgentEmail\":\"a@b\"}"));
	assert_str(e.type, "exotel.agent_dial");
	assert_str(e.leg.id, "c1/+919800000001");
	assert_str(e.leg.master, "c1");
	assert_str(e.leg.target.email, "a@b");
	assert_int_equal(e.leg.rank, LEG_RINGING);
	assert_int_equal(e.leg.again, LEG_NONE);
	map(STR("{" SID ",\"Status\":\"free\",\"AgentEmail\":\"a@b\",\"DialWhomNumber\":\"null\"}"));
	assert_str(e.type, "exotel.agent");
	assert_str(e.leg.id, "c1/a@b");
	assert_int_equal(e.leg.rank, LEG_ENDED);
	map(STR("{" SID ",\"EventType\":\"Terminal\",\"Status\":\"free\",\"CallFrom\":\"1\"}"));
	assert_str(e.leg.id, "c1");
	assert_null(e.leg.master.p);
	map(STR("{" SID ",\"EventType\":\"Answered\",\"CallFrom\":\"1\",\"DialWhomNumber\":\"2\",\"CurrentTime\":\"2026-01-05 10:00:00\"}"));
	assert_int_equal(e.leg.connected, at("2026-01-05T10:00:00+05:30"));
	assert_int_equal(e.leg.again, e.leg.connected);
	assert_string_equal(outcome(), "active");
	map(STR("{" SID ",\"EventType\":\"BrandNew\",\"Status\":\"busy\",\"CallFrom\":\"1\"}"));
	assert_int_equal(e.leg.rank, LEG_RINGING);
	map(STR("{" SID ",\"EventType\":\"BrandNew\",\"Status\":\"odd\",\"CallFrom\":\"1\"}"));
	assert_int_equal(e.leg.rank, LEG_POST);
}

/* An agent who did not answer is rung a second time: the attempt lives again, whatever order the popups come in. */
static void
one_agent_rung_twice(void **state)
{
	static const char *const rings[] = {
		"{" SID ",\"EventType\":\"Dial\",\"CallFrom\":\"1\",\"DialWhomNumber\":\"2\",\"CurrentTime\":\"2026-01-05 10:00:00\"}",
		"{" SID ",\"EventType\":\"Terminal\",\"CallFrom\":\"1\",\"DialWhomNumber\":\"2\",\"CurrentTime\":\"2026-01-05 10:00:20\"}",
		"{" SID ",\"EventType\":\"Dial\",\"CallFrom\":\"1\",\"DialWhomNumber\":\"2\",\"CurrentTime\":\"2026-01-05 10:00:40\"}",
		"{" SID ",\"EventType\":\"Terminal\",\"CallFrom\":\"1\",\"DialWhomNumber\":\"2\",\"CurrentTime\":\"2026-01-05 10:01:00\"}",
	};
	static const size_t	orders[][4] = { { 0, 1, 2, 3 }, { 2, 1, 0, 3 }, { 1, 2, 0, 3 } };
	struct leg		all;
	size_t			i, k;

	(void)state;
	for (i = 0; i < COUNT(orders); i++) {
		leg_init(&all);
		for (k = 0; k < 4; k++) {
			map(str_c(rings[orders[i][k]]));
			leg_join(&all, &e.leg);
			if (k >= 2) {
				e.leg = all;
				assert_string_equal(outcome(), k == 2 ? "ringing" : "missed");
			}
		}
	}
}

static void
digest_of(unsigned char out[SHA256_SIZE], const char *json)
{
	map(arena_str(&arena, str_c(json)));
	memcpy(out, e.digest, SHA256_SIZE);
}

static void
duplicates(void **state)
{
	static const struct {
		const char	*a, *b;
		bool		 same;
	} table[] = {
		{ "{" SID ",\"EventType\":\"terminal\",\"Status\":\"busy\",\"DateUpdated\":\"2026-01-05 10:00:00\"}",
		    "{\"DateUpdated\":\"2026-01-05 10:05:00\",\"Status\":\"busy\",\"EventType\":\"Terminal\"," SID ",\"New\":1}", true },
		{ "{" SID ",\"EventType\":\"terminal\",\"Status\":\"busy\"}", "{" SID ",\"EventType\":\"terminal\",\"Status\":\"failed\"}", false },
		{ "{" SID ",\"EventType\":\"terminal\",\"Status\":\"busy\"}", "{" SID ",\"EventType\":\"answered\",\"Status\":\"busy\"}", false },
		{ "{" SID ",\"EventType\":\"terminal\",\"Status\":\"busy\"}", "{\"CallSid\":\"c2\",\"EventType\":\"terminal\",\"Status\":\"busy\"}", false },
		{ "{" SID ",\"EventType\":\"terminal\",\"Status\":\"completed\"}",
		    "{" SID ",\"EventType\":\"terminal\",\"Status\":\"completed\",\"RecordingUrl\":\"https://r\"}", false },
		{ "{" SID ",\"Status\":\"busy\"}", "{" SID ",\"Status\":\"busy\"}", true },
		{ "{" SID ",\"Status\":\"busy\"}", "{" SID ",\"Status\":\"busy\",\"DateUpdated\":\"2026-01-05 10:00:00\"}", false },
		{ "{" SID ",\"EventType\":\"Dial\",\"CallFrom\":\"1\",\"DialWhomNumber\":\"2\",\"CurrentTime\":\"2026-01-05 10:00:00\"}",
		    "{" SID ",\"EventType\":\"Dial\",\"CallFrom\":\"1\",\"DialWhomNumber\":\"2\",\"CurrentTime\":\"2026-01-05 10:00:40\"}", false },
		{ "{\"a\":1}", "{\"a\":1}", true }, { "{\"a\":1}", "{\"a\":2}", false },
	};
	unsigned char	a[SHA256_SIZE], b[SHA256_SIZE];
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(table); i++) {
		digest_of(a, table[i].a);
		digest_of(b, table[i].b);
		if ((memcmp(a, b, SHA256_SIZE) == 0) != table[i].same)
			fail_msg("%s and %s", table[i].a, table[i].b);
	}
}

static void
what_is_no_call(void **state)
{
	static const char *const table[] = { "null", "[]", "7", "\"x\"", "{}", "{\"Status\":\"busy\"}", "{\"CallSid\":null}",
	    "{\"CallSid\":\"\"}", "{\"CallSid\":\"null\"}", "{\"CallSid\":{}}", "{\"CallSid\":\"0\"}", "[{" SID "}]" };
	char	json[512], sid[200];
	size_t	i;

	(void)state;
	for (i = 0; i < COUNT(table); i++) {
		map(str_c(table[i]));
		assert_false(e.is_call);
		assert_str(e.type, "exotel.other");
		assert_null(e.leg.id.p);
	}
	memset(sid, 'x', 129);
	sid[129] = '\0';
	snprintf(json, sizeof(json), "{\"CallSid\":\"%s\"}", sid);
	map(arena_str(&arena, str_c(json)));
	assert_false(e.is_call);
	map(STR("{\"CallSid\":4711}"));
	assert_str(e.leg.id, "4711");
}

static void
full_arena_is_said(void **state)
{
	struct str	payload = STR("{" SID ",\"EventType\":\"terminal\"}");
	struct arena	small;

	(void)state;
	map(payload);
	arena_init(&small, 1);
	assert_false(exotel_event(&e, &small, payload, &doc, &place, RECEIVED));
	arena_free(&small);
}

/* ---- in any order */

static uint32_t	seed;

static uint32_t
random_below(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

/* A delivery with any fields in any state, of one call. */
static struct str
random_delivery(void)
{
	static const char *const	fields[] = {
		"\"EventType\":\"terminal\"", "\"EventType\":\"answered\"", "\"EventType\":\"Dial\"", "\"EventType\":\"Terminal\"",
		"\"EventType\":\"Answered\"", "\"Status\":\"in-progress\"", "\"Status\":\"completed\"", "\"Status\":\"busy\"",
		"\"Status\":\"free\"", "\"Status\":\"null\"", "\"Status\":null", "\"Status\":\"odd\"", "\"DialCallStatus\":\"no-answer\"",
		"\"DialCallStatus\":\"completed\"", "\"CallType\":\"voicemail\"", "\"CallType\":\"client-hangup\"", "\"CallState\":\"terminal\"",
		"\"DialWhomNumber\":\"09800000001\"", "\"DialWhomNumber\":\"09800000002\"", "\"AgentEmail\":\"a@b\"",
		"\"CurrentTime\":\"2026-01-05 10:00:00\"", "\"CurrentTime\":\"2026-01-05 10:00:20\"", "\"DateUpdated\":\"2026-01-05 10:00:10\"",
		"\"EndTime\":\"2026-01-05 10:00:30\"", "\"EndTime\":\"1970-01-01 05:30:00\"", "\"ConversationDuration\":0",
		"\"ConversationDuration\":17", "\"Legs[0][Status]\":\"completed\"", "\"Legs[1][Status]\":\"busy\"",
		"\"Legs\":[{\"Status\":\"in-progress\"},{\"Status\":\"in-progress\"}]", "\"Direction\":\"outbound-api\"", "\"Direction\":\"incoming\"",
		"\"From\":\"09800000001\"", "\"To\":\"09812345678\"", "\"CallFrom\":\"09812345678\"", "\"RecordingUrl\":\"https://r/1\"",
		"\"RecordingUrl\":\"https://r/2\"", "\"CustomField\":\"x\"", "\"CustomField\":\"null\"", "\"StartTime\":\"2026-01-05 09:59:59\"",
	};
	char	json[1024] = "{" SID;
	size_t	n = random_below(8), i;

	for (i = 0; i < n; i++) {
		strcat(json, ",");
		strcat(json, fields[random_below(COUNT(fields))]);
	}
	strcat(json, "}");
	return arena_str(&arena, str_c(json));
}

#define EVENTS	7

static size_t
join_all(struct leg out[EVENTS], const struct leg *events, const size_t *order, size_t n)
{
	size_t	legs = 0, i, k;

	for (i = 0; i < n; i++) {
		const struct leg	*said = &events[order[i]];

		for (k = 0; k < legs && !str_eq(out[k].id, said->id); k++)
			continue;
		if (k == legs)
			out[legs++] = *said;
		else
			leg_join(&out[k], said);
	}
	return legs;
}

static void
show(struct buf *out, const struct leg *legs, size_t n)
{
	const struct leg	*p[EVENTS];
	struct call		 c;
	size_t			 i;

	for (i = 0; i < n; i++)
		p[i] = &legs[i];
	call_derive(&c, p, n);
	buf_printf(out, "%s|%s|%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%zu|%lld %lld %lld %lld %lld %lld", call_status_word(c.status),
	    c.outcome != NULL ? c.outcome : "", STR_ARG(c.provider_id), STR_ARG(c.state), STR_ARG(c.from), STR_ARG(c.to), STR_ARG(c.agent_id),
	    STR_ARG(c.custom_data), STR_ARG(c.recording_url), c.nrec, (long long)c.started, (long long)c.rang, (long long)c.connected,
	    (long long)c.ended, (long long)c.talk_ms, (long long)c.duration_ms);
}

static void
the_order_of_events_does_not_matter(void **state)
{
	struct leg	events[EVENTS], legs[EVENTS];
	size_t		order[2 * EVENTS], round, i, k, n;
	struct buf	first, again;

	(void)state;
	for (round = 0; round < 4000; round++) {
		seed = (uint32_t)round + 1;
		arena_free(&arena);
		arena_init(&arena, 64 << 20);
		for (i = 0; i < EVENTS; i++) {
			events[i] = map(random_delivery())->leg;
			order[i] = order[EVENTS + i] = i;
		}
		buf_init(&first, 65536);
		n = join_all(legs, events, order, EVENTS);
		show(&first, legs, n);
		for (k = 0; k < 4; k++) {
			for (i = 2 * EVENTS - 1; i > 0; i--) {
				size_t	other = random_below((uint32_t)i + 1), held = order[i];

				order[i] = order[other];
				order[other] = held;
			}
			buf_init(&again, 65536);
			n = join_all(legs, events, order, 2 * EVENTS);
			show(&again, legs, n);
			if (!str_eq(buf_as_str(&first), buf_as_str(&again)))
				fail_msg("round %zu: %.*s\nbut %.*s", round, STR_ARG(buf_as_str(&first)), STR_ARG(buf_as_str(&again)));
			buf_free(&again);
		}
		buf_free(&first);
	}
}

/* Each line of the samples, its fields as they would be kept. */
static void
samples_map_whole(void **state)
{
	char			line[8192];
	FILE			*f = fopen("tests/data/exotel-samples.jsonl", "r");
	struct json_error	err;
	int			n = 0;

	(void)state;
	if (f == NULL)
		fail_msg("tests/data/exotel-samples.jsonl: run from the top of the tree");
	while (fgets(line, sizeof(line), f) != NULL) {
		assert_true(json_parse(&doc, &arena, arena_str(&arena, str_c(line)), &limits, &err));
		assert_true(map(arena_str(&arena, (struct str){ strstr(line, "\"fields\":") + 9, strlen(strstr(line, "\"fields\":")) - 11 }))->is_call);
		assert_true(str_starts(e.type, STR("exotel.")) && e.leg.rank != LEG_POST);
		n++;
	}
	fclose(f);
	assert_int_equal(n, 18);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_status), TEST(nothing_said), TEST(who_was_reached), TEST(lengths_and_times), TEST(spellings_of_times),
		TEST(numbers), TEST(sides_and_agents), TEST(attempts_are_legs_below_the_call), TEST(one_agent_rung_twice), TEST(duplicates),
		TEST(what_is_no_call), TEST(full_arena_is_said), TEST(the_order_of_events_does_not_matter), TEST(samples_map_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
