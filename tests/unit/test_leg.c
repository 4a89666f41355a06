/* The lattice laws of leg_join over random values, the rules one by one, and the record's JSON. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/count.h"
#include "model/leg.h"

#define TRIPLES		24000
#define KEYS		80	/* more than a leg has room for */

static uint64_t	rng_state = 0x9e3779b97f4a7c15u;
static char	keys[KEYS][16];

static unsigned
rnd(unsigned below)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return (unsigned)(rng_state >> 33) % below;
}

static struct str
rnd_str(void)
{
	static const char *const	pool[] = { "", "0", "null", "user", "office", "call_center", "5031100220033010",
	    "5031100220033011", "Dana \"Q\" Ortiz\n\t\\", "M\xc3\xbcller", "\xf0\x9f\x93\x9e", "z", "za" };
	unsigned			i = rnd(COUNT(pool) + 4);

	return i < COUNT(pool) ? str_c(pool[i]) : STR_NONE;
}

static int64_t
rnd_i64(void)
{
	static const int64_t	pool[] = { LEG_NONE, LEG_NONE + 1, -1, 0, 1, 2, 3, 1790000000000, INT64_MAX };

	return pool[rnd(COUNT(pool))];
}

static struct leg_text
rnd_text(void)
{
	return (struct leg_text){ rnd_str(), rnd_i64() };
}

static void
rnd_leg(struct leg *l)
{
	unsigned	n = rnd(4) == 0 ? rnd(50) : rnd(4);

	leg_init(l);
	l->id = rnd_str();
	l->master = rnd_str();
	l->entry = rnd_str();
	l->operator_id = rnd_str();
	l->rank = (enum leg_rank)rnd(4);
	l->state = rnd_str();
	l->state_ts = rnd_i64();
	l->seen = rnd(1024);
	l->direction = rnd_text();
	l->external = rnd_text();
	l->internal = rnd_text();
	l->contact_name = rnd_text();
	l->contact_id = rnd_text();
	l->custom_data = rnd_text();
	l->transcription = rnd_text();
	l->voicemail_url = rnd_text();
	if (rnd(3) != 0)
		l->target = (struct leg_party){ rnd_str(), rnd_str(), rnd_str(), rnd_str(), rnd_str(), rnd_i64() };
	else
		l->target.ts = rnd_i64();
	l->started = rnd_i64();
	l->rang = rnd_i64();
	l->queued = rnd_i64();
	l->connected = rnd_i64();
	l->ended = rnd_i64();
	l->presumed = rnd_i64();
	l->talk_ms = rnd_i64();
	l->hold_ms = rnd_i64();
	l->duration_ms = rnd_i64();
	while (n-- > 0) {
		struct leg_recording	r = { STR_NONE, rnd_str(), rnd_str(), rnd_i64(), rnd_i64() };

		if (rnd(4) != 0)
			r.id = str_c(keys[rnd(KEYS)]);
		else
			r.url = str_c(keys[rnd(KEYS)]);
		leg_add_recording(l, &r);
	}
}

static struct leg
joined(const struct leg *a, const struct leg *b)
{
	struct leg	l = *a;

	leg_join(&l, b);
	return l;
}

static void
join_obeys_the_laws(void **state)
{
	unsigned	i, full = 0;

	(void)state;
	for (i = 0; i < TRIPLES; i++) {
		struct leg	a, b, c, nothing, ab, ba, bc, left, right;

		rnd_leg(&a);
		rnd_leg(&b);
		rnd_leg(&c);
		leg_init(&nothing);
		ab = joined(&a, &b);
		ba = joined(&b, &a);
		bc = joined(&b, &c);
		left = joined(&ab, &c);
		right = joined(&a, &bc);
		assert_true(leg_equal(&ab, &ba));
		assert_true(leg_equal(&left, &right));
		ba = joined(&a, &a);
		assert_true(leg_equal(&ba, &a));
		ba = joined(&ab, &b);
		assert_true(leg_equal(&ba, &ab));
		ba = joined(&a, &nothing);
		assert_true(leg_equal(&ba, &a));
		ba = joined(&nothing, &a);
		assert_true(leg_equal(&ba, &a));
		full += left.nrec == LEG_RECORDINGS_MAX;
	}
	assert_true(full > TRIPLES / 100);	/* else the limit was not tried */
}

static void
write_then_read_is_the_same(void **state)
{
	unsigned	i;

	(void)state;
	for (i = 0; i < 3000; i++) {
		struct arena	a;
		struct buf	b;
		struct leg	l, back;

		rnd_leg(&l);
		arena_init(&a, 1 << 20);
		buf_init(&b, 1 << 20);
		leg_write(&l, &b);
		assert_false(b.failed);
		assert_true(leg_read(&back, &a, buf_as_str(&b)));
		assert_true(leg_equal(&l, &back));
		buf_free(&b);
		arena_free(&a);
	}
}

static void
unknown_leg_is_small(void **state)
{
	struct buf	b;
	struct leg	l;

	(void)state;
	buf_init(&b, 1024);
	leg_init(&l);
	leg_write(&l, &b);
	assert_true(str_eq(buf_as_str(&b), STR("{\"rank\":0}")));
	buf_free(&b);
}

static void
read_refuses_what_is_not_ours(void **state)
{
	static const char *const	bad[] = {
		"", "null", "[]", "{", "{}", "\"x\"", "{\"rank\":4}", "{\"rank\":-1}", "{\"rank\":\"1\"}",
		"{\"rank\":1,\"seen\":-1}",
		"{\"rank\":1,\"seen\":4294967296}", "{\"rank\":1,\"id\":5}", "{\"rank\":1,\"direction\":\"inbound\"}",
		"{\"rank\":1,\"direction\":[]}", "{\"rank\":1,\"direction\":[\"a\",1,2]}",
		"{\"rank\":1,\"direction\":[\"a\",\"1\"]}",
		"{\"rank\":1,\"started\":\"1\"}", "{\"rank\":1,\"target\":[]}", "{\"rank\":1,\"target\":{\"id\":1}}",
		"{\"rank\":1,\"rec\":{}}", "{\"rank\":1,\"rec\":[1]}", "{\"rank\":1,\"rec\":[{\"url\":1}]}",
	};
	size_t				i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		struct arena	a;
		struct leg	l;

		arena_init(&a, 1 << 16);
		if (leg_read(&l, &a, str_c(bad[i])))
			fail_msg("taken: %s", bad[i]);
		arena_free(&a);
	}
}

static void
read_leaves_out_what_a_later_version_added(void **state)
{
	struct arena	a;
	struct leg	l;

	(void)state;
	arena_init(&a, 1 << 16);
	assert_true(leg_read(&l, &a, STR("{\"rank\":2,\"id\":\"7\",\"new\":{\"x\":[1]},\"target\":{\"mood\":1}}")));
	assert_true(str_eq(l.id, STR("7")));
	assert_int_equal(l.rank, LEG_ACTIVE);
	arena_free(&a);
}

static void
state_never_goes_back(void **state)
{
	struct leg	ended, late, post;

	(void)state;
	leg_init(&ended);
	ended.rank = LEG_ENDED;
	ended.state = STR("hangup");
	ended.state_ts = 100;
	leg_init(&late);
	late.rank = LEG_RINGING;
	late.state = STR("ringing");
	late.state_ts = 900;
	leg_init(&post);
	post.rank = LEG_POST;
	post.state = STR("recording");
	post.state_ts = 1000;
	leg_join(&late, &post);
	assert_true(str_eq(late.state, STR("ringing")));
	leg_join(&late, &ended);
	assert_true(str_eq(late.state, STR("hangup")));
	assert_int_equal(late.state_ts, 100);
}

static void
nothing_erases_nothing(void **state)
{
	struct leg	known, empty, before;

	(void)state;
	rnd_leg(&known);
	known.direction = (struct leg_text){ STR("inbound"), 5 };
	known.target = (struct leg_party){ .type = STR("office"), .id = STR("7"), .ts = 5 };
	before = known;
	leg_init(&empty);
	empty.direction.ts = 100;
	empty.target.ts = 100;
	leg_join(&known, &empty);
	assert_true(leg_equal(&known, &before));
}

static void
user_is_never_replaced_by_a_group(void **state)
{
	struct leg	user, group, later;

	(void)state;
	leg_init(&user);
	user.target = (struct leg_party){ .type = STR("user"), .id = STR("1"), .ts = 5 };
	leg_init(&group);
	group.target = (struct leg_party){ .type = STR("zzz"), .id = STR("2"), .name = STR("Queue"), .ts = 9 };
	leg_init(&later);
	later.target = (struct leg_party){ .type = STR("user"), .id = STR("0"), .ts = 7 };
	leg_join(&group, &user);
	assert_true(str_eq(group.target.id, STR("1")));
	assert_null(group.target.name.p);
	leg_join(&group, &later);
	assert_true(str_eq(group.target.id, STR("0")));
}

/* What two events at one moment say differently has one winner, whichever comes first. */
static void
ties_have_one_winner(void **state)
{
	struct leg	a, b, ab, ba;

	(void)state;
	leg_init(&a);
	a.rank = LEG_RINGING;
	a.state_ts = 5;
	a.state = STR("calling");
	a.target = (struct leg_party){ .type = STR("user"), .id = STR("1"), .phone = STR("+1"), .ts = 5 };
	b = a;
	b.state = STR("ringing");
	b.target.phone = STR("+2");
	ab = joined(&a, &b);
	ba = joined(&b, &a);
	assert_true(str_eq(ab.state, STR("ringing")) && str_eq(ba.state, STR("ringing")));
	assert_true(str_eq(ab.target.phone, STR("+2")) && str_eq(ba.target.phone, STR("+2")));
}

static void
times_take_the_outermost(void **state)
{
	struct leg	a, b;

	(void)state;
	leg_init(&a);
	leg_init(&b);
	a.started = 5;
	b.started = 4;
	b.connected = 8;
	a.ended = 10;
	b.ended = 12;
	b.talk_ms = 3;
	leg_join(&a, &b);
	assert_int_equal(a.started, 4);
	assert_int_equal(a.connected, 8);
	assert_int_equal(a.ended, 12);
	assert_int_equal(a.talk_ms, 3);
	assert_int_equal(a.hold_ms, LEG_NONE);
}

static void
recordings_meet_by_key(void **state)
{
	struct leg_recording	first = { .id = STR("r1"), .url = STR("u"), .start_ms = 50, .duration_ms = LEG_NONE };
	struct leg_recording	again = { .id = STR("r1"), .type = STR("callrecording"), .start_ms = 40,
	    .duration_ms = 7 };
	struct leg_recording	bare = { .url = STR("r1"), .start_ms = 1, .duration_ms = 1 };
	struct leg_recording	none = { .type = STR("voicemail"), .start_ms = 1, .duration_ms = 1 };
	struct leg		l;

	(void)state;
	leg_init(&l);
	leg_add_recording(&l, &bare);
	leg_add_recording(&l, &first);
	leg_add_recording(&l, &again);
	leg_add_recording(&l, &none);
	assert_int_equal(l.nrec, 2);
	assert_true(str_eq(l.rec[0].id, STR("r1")));
	assert_true(str_eq(l.rec[0].url, STR("u")));
	assert_true(str_eq(l.rec[0].type, STR("callrecording")));
	assert_int_equal(l.rec[0].start_ms, 40);
	assert_int_equal(l.rec[0].duration_ms, 7);
	assert_null(l.rec[1].id.p);
}

static void
ids_without_junk_or_repeats(void **state)
{
	struct str	ids[4];
	struct leg	l;

	(void)state;
	leg_init(&l);
	assert_int_equal(leg_ids(&l, ids), 0);
	l.id = STR("12");
	l.master = STR("0");
	l.entry = STR("12");
	l.operator_id = STR("null");
	assert_int_equal(leg_ids(&l, ids), 1);
	assert_true(str_eq(ids[0], STR("12")));
	l.master = STR("");
	l.entry = STR("11");
	l.operator_id = STR("9");
	assert_int_equal(leg_ids(&l, ids), 3);
	assert_true(str_eq(ids[1], STR("11")));
	assert_true(leg_id_cmp(STR("9"), STR("11")) < 0);
	assert_true(leg_id_cmp(STR("11"), STR("12")) < 0);
	assert_true(leg_id_cmp(STR("11"), STR("11")) == 0);
}

/* What was joined once adds nothing more; what adds something changes the join. */
static void
adding_is_told_from_repeating(void **state)
{
	struct leg	a, b;
	unsigned	added = 0;

	(void)state;
	for (unsigned i = 0; i < TRIPLES; i++) {
		struct leg	both;

		rnd_leg(&a);
		rnd_leg(&b);
		both = a;
		leg_join(&both, &b);
		assert_false(leg_adds(&both, &b));
		assert_false(leg_adds(&a, &a));
		assert_int_equal(leg_adds(&a, &b), !leg_equal(&a, &both));
		added += leg_adds(&a, &b);
	}
	assert_in_range(added, TRIPLES / 2, TRIPLES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(join_obeys_the_laws),
		cmocka_unit_test(write_then_read_is_the_same),
		cmocka_unit_test(unknown_leg_is_small),
		cmocka_unit_test(read_refuses_what_is_not_ours),
		cmocka_unit_test(read_leaves_out_what_a_later_version_added),
		cmocka_unit_test(state_never_goes_back),
		cmocka_unit_test(nothing_erases_nothing),
		cmocka_unit_test(user_is_never_replaced_by_a_group),
		cmocka_unit_test(ties_have_one_winner),
		cmocka_unit_test(times_take_the_outermost),
		cmocka_unit_test(recordings_meet_by_key),
		cmocka_unit_test(ids_without_junk_or_repeats),
		cmocka_unit_test(adding_is_told_from_repeating),
	};
	int	i;

	for (i = 0; i < KEYS; i++)
		snprintf(keys[i], sizeof(keys[i]), "rec-%02d", i);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
