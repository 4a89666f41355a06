/* From legs to a call: the sample deliveries in every order and doubled, and order never showing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "legs_rig.h"
#include "model/call.h"
#include "providers/dialpad.h"

#define SAMPLES		12
#define SHUFFLES	2000
#define LEGS_MAX	8

static uint64_t	rng_state = 0x2545f4914f6cdd1du;

static unsigned
rnd(unsigned below)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return (unsigned)(rng_state >> 33) % below;
}

static void
assert_str(struct str s, const char *expected)
{
	if (!str_eq(s, str_c(expected)))
		fail_msg("got \"%.*s\", expected \"%s\"", STR_ARG(s), expected != NULL ? expected : "(absent)");
}

static void
show(struct buf *out, const char *name, struct str s)
{
	buf_printf(out, " %s=%.*s", name, s.p != NULL ? (int)s.n : 1, s.p != NULL ? s.p : "-");
}

/* Everything of a call as text, so that two calls are equal when their texts are. */
static void
dump(struct buf *out, const struct call *c)
{
	size_t	i;

	show(out, "id", c->provider_id);
	buf_printf(out, " %s %s", call_status_word(c->status), c->outcome != NULL ? c->outcome : "-");
	show(out, "state", c->state);
	show(out, "direction", c->direction);
	show(out, "external", c->external);
	show(out, "internal", c->internal);
	show(out, "from", c->from);
	show(out, "to", c->to);
	show(out, "agent", c->agent_id);
	show(out, "agent_name", c->agent_name);
	show(out, "agent_email", c->agent_email);
	show(out, "group", c->group_type);
	show(out, "group_id", c->group_id);
	show(out, "group_name", c->group_name);
	show(out, "contact", c->contact_name);
	show(out, "contact_id", c->contact_id);
	show(out, "custom", c->custom_data);
	show(out, "transcription", c->transcription);
	buf_printf(out, " at %lld %lld %lld %lld %lld for %lld %lld %lld %d %d", (long long)c->state_ts,
	    (long long)c->started, (long long)c->rang, (long long)c->connected, (long long)c->ended,
	    (long long)c->talk_ms, (long long)c->hold_ms, (long long)c->duration_ms, c->transferred, c->internal_call);
	for (i = 0; i < c->nrec; i++) {
		show(out, "rec", c->rec[i].id);
		show(out, "type", c->rec[i].type);
		show(out, "url", c->rec[i].url);
		buf_printf(out, " %lld %lld", (long long)c->rec[i].start_ms, (long long)c->rec[i].duration_ms);
	}
	show(out, "show", c->recording_url);
	show(out, "show_type", c->recording_type);
	buf_putc(out, '\n');
}

static size_t
load_samples(struct leg legs[SAMPLES], struct arena *a)
{
	const struct json_limits	limits = { .depth = 16, .tokens = 1000 };
	char				line[8192];
	FILE				*f = fopen("tests/data/dialpad-samples.jsonl", "r");
	struct json_error		err;
	struct json_doc			doc;
	struct event			e;
	size_t				n = 0;

	if (f == NULL)
		fail_msg("tests/data/dialpad-samples.jsonl: run from the top of the tree");
	while (n < SAMPLES && fgets(line, sizeof(line), f) != NULL) {
		struct str	payload = arena_str(a, str_c(line));

		assert_true(json_parse(&doc, a, payload, &limits, &err));
		assert_true(dialpad_event(&e, a, payload, &doc, 1));
		legs[n++] = e.leg;
	}
	fclose(f);
	return n;
}

/* Legs of one id joined in the order they come; returns how many legs there are. */
static size_t
join_events(struct leg out[LEGS_MAX], const struct leg *const *events, size_t n)
{
	size_t	nlegs = 0, i, k;

	for (i = 0; i < n; i++) {
		for (k = 0; k < nlegs && !str_eq(out[k].id, events[i]->id); k++)
			continue;
		if (k == nlegs) {
			assert_true(nlegs < LEGS_MAX);
			out[nlegs++] = *events[i];
		} else
			leg_join(&out[k], events[i]);
	}
	return nlegs;
}

static bool
related(const struct leg *a, const struct leg *b)
{
	struct str	ia[4], ib[4];
	size_t		na = leg_ids(a, ia), nb = leg_ids(b, ib), i, k;

	for (i = 0; i < na; i++) {
		for (k = 0; k < nb; k++) {
			if (str_eq(ia[i], ib[k]))
				return true;
		}
	}
	return false;
}

/* Groups of related legs, each derived; calls in the order of their started time, as text. Returns how many. */
static size_t
derive_all(struct call calls[LEGS_MAX], const struct leg *legs, size_t n)
{
	size_t	group[LEGS_MAX], i, k, ncalls = 0, m;
	bool	changed = true;

	for (i = 0; i < n; i++)
		group[i] = i;
	while (changed) {
		changed = false;
		for (i = 0; i < n; i++) {
			for (k = 0; k < n; k++) {
				if (group[k] > group[i] && related(&legs[i], &legs[k])) {
					group[k] = group[i];
					changed = true;
				}
			}
		}
	}
	for (i = 0; i < n; i++) {
		const struct leg	*members[LEGS_MAX];
		struct call		 c;

		for (k = 0, m = 0; k < n; k++) {
			if (group[k] == i)
				members[m++] = &legs[k];
		}
		if (m == 0)
			continue;
		call_derive(&c, members, m);
		for (k = ncalls++; k > 0 && calls[k - 1].started > c.started; k--)
			calls[k] = calls[k - 1];
		calls[k] = c;
	}
	return ncalls;
}

static void
assert_sample_calls(const struct call *c)
{
	assert_str(c[0].provider_id, "5031100220033001");
	assert_int_equal(c[0].status, CALL_ENDED);
	assert_string_equal(c[0].outcome, "answered");
	assert_str(c[0].state, "hangup");
	assert_str(c[0].direction, "inbound");
	assert_str(c[0].from, "+15550142233");
	assert_str(c[0].to, "+15550100101");
	assert_int_equal(c[0].talk_ms, 123480);
	assert_int_equal(c[0].duration_ms, 123480);
	assert_int_equal(c[0].connected, 1790000006200);
	assert_int_equal(c[0].ended, 1790000129680);
	assert_int_equal(c[0].nrec, 1);
	assert_str(c[0].rec[0].id, "rec-7f31");
	assert_str(c[0].recording_url, "https://dialpad.example/blob/callrecording/rec-7f31.mp3");
	assert_str(c[0].agent_name, "Dana Ortiz");
	assert_str(c[0].agent_email, "dana.ortiz@example.com");
	assert_string_equal(c[1].outcome, "missed");
	assert_str(c[1].state, "missed");
	assert_int_equal(c[1].talk_ms, 0);
	assert_str(c[1].contact_name, "Kim Patel");
	assert_int_equal(c[2].status, CALL_ENDED);
	assert_string_equal(c[2].outcome, "voicemail");
	assert_str(c[2].recording_url, "https://dialpad.example/secureblob/voicemail/vm-20c4.mp3");
	assert_str(c[2].recording_type, "voicemail");
	assert_int_equal(c[2].nrec, 1);
	assert_str(c[3].provider_id, "5031100220033010");
	assert_int_equal(c[3].status, CALL_ENDED);
	assert_string_equal(c[3].outcome, "answered");
	assert_str(c[3].from, "+15550148899");
	assert_str(c[3].to, "+15550100110");
	assert_int_equal(c[3].talk_ms, 221000);
	assert_int_equal(c[3].started, 1790010800000);
	assert_int_equal(c[3].connected, 1790010838400);
	assert_int_equal(c[3].ended, 1790011059400);
	assert_int_equal(c[3].hold_ms, 16400);
	assert_true(c[3].transferred);
	assert_str(c[3].agent_name, "Dana Ortiz");
	assert_str(c[3].group_name, "Support Desk");
	assert_str(c[4].direction, "outbound");
	assert_str(c[4].from, "+15550100102");
	assert_str(c[4].to, "+15550177001");
	assert_int_equal(c[4].status, CALL_ENDED);
	assert_string_equal(c[4].outcome, "missed");
	assert_str(c[4].state, "hangup");
	assert_int_equal(c[4].talk_ms, 0);
}

static void
samples_in_any_order_and_doubled(void **state)
{
	static struct leg	events[SAMPLES], legs[LEGS_MAX];
	static struct call	calls[LEGS_MAX];
	const struct leg	*deck[2 * SAMPLES];
	struct arena		a;
	struct buf		first, now;
	unsigned		round;
	size_t			n, i, k;

	(void)state;
	arena_init(&a, 4 << 20);
	buf_init(&first, 1 << 16);
	buf_init(&now, 1 << 16);
	assert_int_equal(load_samples(events, &a), SAMPLES);
	for (round = 0; round < SHUFFLES; round++) {
		n = 0;
		for (i = 0; i < SAMPLES; i++) {
			deck[n++] = &events[i];
			if (round > 0 && rnd(2) == 0)
				deck[n++] = &events[i];
		}
		for (i = n; round > 0 && i > 1; i--) {
			const struct leg	*swap = deck[i - 1];

			k = rnd((unsigned)i);
			deck[i - 1] = deck[k];
			deck[k] = swap;
		}
		n = join_events(legs, deck, n);
		n = derive_all(calls, legs, n);
		assert_int_equal(n, 5);
		now.len = 0;
		for (i = 0; i < n; i++)
			dump(round == 0 ? &first : &now, &calls[i]);
		if (round == 0)
			assert_sample_calls(calls);
		else
			assert_true(str_eq(buf_as_str(&first), buf_as_str(&now)));
	}
	buf_free(&first);
	buf_free(&now);
	arena_free(&a);
}

static void
rnd_leg(struct leg *l, const char *id)
{
	static const char *const	ids[] = { "1", "2", "3", "4", "55", "66", "0" };
	static const char *const	types[] = { "user", "office", NULL };

	*l = leg_of(id, (enum leg_rank)rnd(4), rnd(2) ? "x" : "y", rnd(4), types[rnd(3)], ids[rnd(7)]);
	if (rnd(2))
		l->master = str_c(ids[rnd(7)]);
	if (rnd(3) == 0)
		l->entry = str_c(ids[rnd(7)]);
	if (rnd(3) == 0)
		l->operator_id = str_c(ids[rnd(7)]);
	l->seen = rnd(3) ? 0 : 1u << rnd(10);
	l->started = rnd(2) ? rnd(3) : LEG_NONE;
	l->rang = rnd(2) ? rnd(3) : LEG_NONE;
	l->connected = rnd(3) == 0 ? rnd(3) : LEG_NONE;
	l->ended = rnd(3) == 0 ? rnd(9) : LEG_NONE;
	l->talk_ms = rnd(3) == 0 ? rnd(9) : LEG_NONE;
	l->internal.v = str_c(ids[rnd(7)]);
	l->external.v = str_c(ids[rnd(7)]);
	l->direction.v = rnd(3) ? STR("inbound") : STR_NONE;
	if (rnd(2)) {
		struct leg_recording	r = { str_c(rnd(2) ? ids[rnd(7)] : NULL), STR("callrecording"),
		    str_c(ids[rnd(7)]), rnd(3), LEG_NONE };

		leg_add_recording(l, &r);
	}
}

static void
order_never_shows(void **state)
{
	static const char *const	ids[] = { "1", "2", "3", "4", "55" };
	static struct leg		legs[5];
	struct buf			a, b;
	unsigned			round;
	size_t				i, k;

	(void)state;
	buf_init(&a, 1 << 16);
	buf_init(&b, 1 << 16);
	for (round = 0; round < 20000; round++) {
		const struct leg	*set[5], *swap;
		struct call		 c;

		for (i = 0; i < 5; i++) {
			rnd_leg(&legs[i], ids[i]);
			set[i] = &legs[i];
		}
		a.len = b.len = 0;
		call_derive(&c, set, 5);
		dump(&a, &c);
		for (i = 5; i > 1; i--) {
			k = rnd((unsigned)i);
			swap = set[i - 1];
			set[i - 1] = set[k];
			set[k] = swap;
		}
		call_derive(&c, set, 5);
		dump(&b, &c);
		if (!str_eq(buf_as_str(&a), buf_as_str(&b)))
			fail_msg("%.*s%.*s", STR_ARG(buf_as_str(&a)), STR_ARG(buf_as_str(&b)));
	}
	buf_free(&a);
	buf_free(&b);
}

/* More legs than are looked at: the one that talked is, whatever its place; all in one chain, the longest way down. */
static void
too_many_legs_keep_who_talked(void **state)
{
	enum { MANY = 700 };
	static struct leg		legs[MANY];
	static const struct leg		*set[MANY];
	static char			ids[MANY][16];
	struct call			c;
	size_t				i;

	(void)state;
	for (i = 0; i < MANY; i++) {
		snprintf(ids[i], sizeof(ids[i]), "%zu", 9000 - i);
		legs[i] = leg_of(ids[i], LEG_ENDED, "missed", 5, "user", "Nobody");
		legs[i].started = (int64_t)i;
		legs[i].rang = (int64_t)i;
		if (i > 0)
			legs[i].master = str_c(ids[i - 1]);
		set[MANY - 1 - i] = &legs[i];
	}
	legs[650].connected = 700;
	legs[650].target.name = STR("Ann");
	call_derive(&c, set, MANY);
	assert_string_equal(c.outcome, "answered");
	assert_str(c.agent_name, "Ann");
	assert_int_equal(c.started, 0);
	for (i = 0; i < MANY; i++)
		set[i] = &legs[i];
	call_derive(&c, set, MANY);
	assert_str(c.agent_name, "Ann");
	assert_int_equal(c.rang, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_in_any_order_and_doubled),
		cmocka_unit_test(order_never_shows),
		cmocka_unit_test(too_many_legs_keep_who_talked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
