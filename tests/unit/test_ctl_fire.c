/*
 * Invented calls: the same for the same seed, true to the real ones' order and shape, read by the daemon's own reader
 * of Dialpad events as what they were meant to be; and signed so that the daemon's own check takes them.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/count.h"
#include "base/json_read.h"
#include "ctl/fire_plan.h"
#include "ctl/fire_report.h"
#include "ctl/fire_sign.h"
#include "model/call.h"
#include "providers/dialpad.h"

#define NOW	INT64_C(1790000000000)
#define RUNS	60

static const struct json_limits limits = { 32, 4096 };

/* Reads a payload as the daemon does; e points into the arena. */
static void
read_event(struct event *e, struct arena *a, struct str payload)
{
	struct json_error	err;
	struct json_doc		doc;

	assert_true(json_parse(&doc, a, payload, &limits, &err));
	assert_true(dialpad_event(e, a, payload, &doc, NOW));
	assert_true(e->is_call);
}

/* All events of a call, joined by leg and derived: what the reaper would make of them. */
static void
play(struct call *out, struct arena *a, const struct fire_call *c, enum fire_dialect dialect, int64_t *last)
{
	struct leg		 legs[FIRE_LEGS_MAX];
	const struct leg	*list[FIRE_LEGS_MAX];
	size_t			 n = 0, k;
	struct event		 e;
	struct buf		 b;

	for (size_t i = 0; i < c->nsteps; i++) {
		buf_init(&b, 65536);
		fire_payload(c, i, dialect, &b);
		assert_false(b.failed);
		read_event(&e, a, arena_str(a, buf_as_str(&b)));
		buf_free(&b);
		assert_true(e.event_ts >= *last);
		*last = e.event_ts;
		for (k = 0; k < n && !str_eq(legs[k].id, e.leg.id); k++)
			continue;
		if (k == n) {
			assert_true(n < FIRE_LEGS_MAX);
			leg_init(&legs[n]);
			list[n] = &legs[n];
			legs[n++] = e.leg;
		} else
			leg_join(&legs[k], &e.leg);
	}
	call_derive(out, list, n);
}

static void
test_scenarios(void **state)
{
	static const struct {
		enum fire_scenario	 scenario;
		const char		*direction;
		const char		*outcome;	/* NULL: either */
		const char		*recording;	/* NULL: none or either */
	} expected[] = {
		{ FIRE_INBOUND, "inbound", "answered", "callrecording" },
		{ FIRE_MISSED, "inbound", "missed", NULL },
		{ FIRE_VOICEMAIL, "inbound", "voicemail", "voicemail" },
		{ FIRE_QUEUE, "inbound", "answered", "callrecording" },
		{ FIRE_OUTBOUND, "outbound", NULL, NULL },
	};
	struct fire_call	c;
	struct call		out;
	struct arena		a;
	int64_t			last;

	(void)state;
	for (size_t i = 0; i < COUNT(expected); i++)
		for (uint64_t run = 0; run < RUNS; run++) {
			arena_init(&a, 4u << 20);
			last = 0;
			fire_call_make(&c, expected[i].scenario, FIRE_JWT, 42, run, NOW);
			play(&out, &a, &c, FIRE_JWT, &last);
			assert_true(last <= NOW && last > NOW - 5000);
			assert_int_equal(out.status, CALL_ENDED);
			assert_true(str_eq(out.direction, str_c(expected[i].direction)));
			assert_true(str_eq(out.external, str_c(c.customer->phone)));
			if (expected[i].outcome != NULL)
				assert_string_equal(out.outcome, expected[i].outcome);
			if (expected[i].recording != NULL)
				assert_true(str_eq(out.recording_type, str_c(expected[i].recording)));
			arena_free(&a);
		}
}

static void
test_seed_dialect(void **state)
{
	struct fire_call	c;
	struct call		out;
	struct arena		a;
	int64_t			last;

	(void)state;
	for (uint64_t run = 0; run < RUNS; run++) {
		arena_init(&a, 4u << 20);
		last = 0;
		fire_call_make(&c, FIRE_QUEUE, FIRE_SEED, 7, run, NOW);
		assert_int_equal(c.nsteps, 4);
		play(&out, &a, &c, FIRE_SEED, &last);
		assert_int_equal(out.status, CALL_ENDED);
		assert_string_equal(out.outcome, "answered");
		assert_non_null(out.recording_url.p);
		fire_call_make(&c, FIRE_MISSED, FIRE_SEED, 7, run, NOW);
		assert_int_equal(c.nsteps, 2);
		arena_free(&a);
	}
}

/* As real ones do, the legs name each other in different fields, each enough to find the rest. */
static void
test_queue_legs(void **state)
{
	struct fire_call c;

	(void)state;
	fire_call_make(&c, FIRE_QUEUE, FIRE_JWT, 5, 5, NOW);
	assert_int_equal(c.nlegs, 4);
	assert_int_equal(c.leg[1].master, c.leg[0].id);
	assert_int_equal(c.leg[2].entry, c.leg[1].id);
	assert_int_equal(c.leg[3].entry, c.leg[1].id);
	assert_int_equal(c.leg[1].operator_id, c.leg[3].id);
	assert_int_equal(c.leg[3].master, 0);
	assert_int_equal(c.leg[2].connected, FIRE_NONE);
}

/* Dates that lie ahead are not told: a ringing event must not know its end. */
static void
test_no_future(void **state)
{
	struct fire_call	c;
	struct arena		a;
	struct event		e;
	struct buf		b;

	(void)state;
	fire_call_make(&c, FIRE_INBOUND, FIRE_JWT, 1, 1, NOW);
	arena_init(&a, 1u << 20);
	buf_init(&b, 65536);
	fire_payload(&c, 0, FIRE_JWT, &b);
	read_event(&e, &a, buf_as_str(&b));
	assert_string_equal(c.step[0].state, "ringing");
	assert_int_equal(e.leg.ended, LEG_NONE);
	assert_int_equal(e.leg.connected, LEG_NONE);
	assert_int_equal(e.leg.talk_ms, LEG_NONE);
	buf_free(&b);
	arena_free(&a);
}

static void
test_plan(void **state)
{
	struct fire_plan	p = { .scenario = FIRE_SCENARIOS, .dialect = FIRE_JWT, .seed = 9, .now_ms = NOW };
	struct fire_plan	q = p;
	struct buf		x, y;
	size_t			n;

	(void)state;
	assert_true(fire_plan_calls(&p, 10));
	assert_true(fire_plan_calls(&q, 10));
	assert_int_equal(p.n, q.n);
	for (size_t i = 0; i < p.n; i++) {
		assert_true(i == 0 || p.item[i - 1].at <= p.item[i].at);
		buf_init(&x, 65536);
		buf_init(&y, 65536);
		fire_plan_payload(&p, i, &x);
		fire_plan_payload(&q, i, &y);
		assert_true(str_eq(buf_as_str(&x), buf_as_str(&y)));
		buf_free(&x);
		buf_free(&y);
	}
	n = p.n;
	assert_true(fire_plan_double(&p));
	assert_int_equal(p.n, 2 * n);
	assert_memory_equal(&p.item[6], &p.item[7], sizeof(p.item[6]));
	fire_plan_shuffle(&p);
	n = 0;
	for (size_t i = 1; i < p.n; i++)
		n += p.item[i - 1].at > p.item[i].at;
	assert_true(n > p.n / 4);
	fire_plan_free(&p);
	fire_plan_free(&q);
}

static enum dialpad_verdict
verify(struct arena *a, struct str body, struct str header, const char *secret, struct str *payload)
{
	struct dialpad_delivery	 d;
	const char		*why = NULL;

	if (dialpad_open(&d, a, body, header, &limits, &why) == DIALPAD_MALFORMED)
		return DIALPAD_MALFORMED;
	*payload = d.payload;
	return dialpad_verify(&d, str_c(secret));
}

static void
test_signatures(void **state)
{
	const struct str	payload = STR("{\"event_type\":\"call.ring\"}");
	char			header[FIRE_SIGNATURE_SIZE];
	struct secret		secret = { NULL, 0 };
	struct str		got;
	struct arena		a;
	struct buf		body;

	(void)state;
	assert_true(secret_set(&secret, STR("ringd-test-secret")));
	arena_init(&a, 1u << 20);
	buf_init(&body, 65536);
	fire_sign_jwt(&body, payload, &secret);
	assert_int_equal(verify(&a, buf_as_str(&body), STR_NONE, "ringd-test-secret", &got), DIALPAD_VERIFIED);
	assert_true(str_eq(got, payload));
	assert_int_equal(verify(&a, buf_as_str(&body), STR_NONE, "another", &got), DIALPAD_WRONG_SIGNATURE);
	fire_sign_header(header, FIRE_HEX, payload, &secret);
	assert_string_equal(header, "9f10b82122d9feb23297b617d36ecf36e21e6a8ad74156da17277a24c96ce8e4");
	fire_sign_header(header, FIRE_BASE64, payload, &secret);
	assert_string_equal(header, "nxC4ISLZ/rIyl7YX027PNuIeaorXQVbaFyd6JMls6OQ=");
	fire_sign_header(header, FIRE_SHA256, payload, &secret);
	assert_memory_equal(header, "sha256=9f10", 11);
	assert_int_equal(verify(&a, payload, str_c(header), "ringd-test-secret", &got), DIALPAD_VERIFIED);
	buf_free(&body);
	arena_free(&a);
	secret_free(&secret);
}

static void
test_report(void **state)
{
	static const uint32_t	sorted[] = { 10, 20, 30, 40, 50, 60, 70, 80, 90, 100 };
	struct fire_report	r;
	struct buf		b;

	(void)state;
	assert_int_equal(fire_percentile(sorted, 10, 500), 50);
	assert_int_equal(fire_percentile(sorted, 10, 900), 90);
	assert_int_equal(fire_percentile(sorted, 10, 990), 100);
	assert_int_equal(fire_percentile(sorted, 10, 1000), 100);
	assert_int_equal(fire_percentile(sorted, 1, 1), 10);
	assert_int_equal(fire_percentile(NULL, 0, 500), 0);
	assert_true(fire_report_init(&r, 3));
	fire_report_answer(&r, &(struct http_client_answer){ .status = 200, .us = 5, .error = "" });
	fire_report_answer(&r, &(struct http_client_answer){ .status = 503, .us = 9, .error = "",
	    .body = STR("busy\033[31m") });
	fire_report_answer(&r, &(struct http_client_answer){ .status = 0, .error = "refused" });
	assert_int_equal(fire_report_accepted(&r), 1);
	assert_string_equal(r.failure, "503 busy\\x1b[31m");
	buf_init(&b, 4096);
	fire_report_json(&r, &b);
	buf_putc(&b, '\0');
	assert_non_null(strstr(b.p, "\"accepted\":1,\"no_answer\":1,"));
	assert_non_null(strstr(b.p, "\"status\":{\"200\":1,\"503\":1}"));
	assert_non_null(strstr(b.p, "\"max\":9}"));
	buf_free(&b);
	fire_report_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenarios),
		cmocka_unit_test(test_seed_dialect),
		cmocka_unit_test(test_queue_legs),
		cmocka_unit_test(test_no_future),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
