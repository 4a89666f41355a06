/* From legs to a call: the rules of the derivation, one by one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "legs_rig.h"
#include "model/call.h"

static void
assert_str(struct str s, const char *expected)
{
	if (!str_eq(s, str_c(expected)))
		fail_msg("got \"%.*s\", expected \"%s\"", STR_ARG(s), expected != NULL ? expected : "(absent)");
}

static struct call
derive(const struct leg *a, const struct leg *b, const struct leg *c)
{
	const struct leg	*set[3];
	struct call		 call;
	size_t			 n = 0;

	if (c != NULL)
		set[n++] = c;
	if (b != NULL)
		set[n++] = b;
	set[n++] = a;
	call_derive(&call, set, n);
	return call;
}

static void
menu_pickup_is_still_ringing(void **state)
{
	struct leg	menu = leg_of("1", LEG_ACTIVE, "connected", 10, "office", "Main");
	struct call	c;

	(void)state;
	menu.connected = 9;
	menu.seen = LEG_SEEN_CONNECTED;
	c = derive(&menu, NULL, NULL);
	assert_int_equal(c.status, CALL_RINGING);
	assert_int_equal(c.connected, LEG_NONE);
	assert_null(c.outcome);
	menu.operator_id = STR("2");
	c = derive(&menu, NULL, NULL);
	assert_int_equal(c.status, CALL_ACTIVE);
	assert_int_equal(c.connected, 9);
	assert_int_equal(c.talk_ms, LEG_NONE);
	menu.operator_id = STR_NONE;
	menu.rank = LEG_ENDED;
	menu.ended = 20;
	c = derive(&menu, NULL, NULL);
	assert_int_equal(c.status, CALL_ENDED);
	assert_string_equal(c.outcome, "missed");
	assert_int_equal(c.talk_ms, 0);
}

static void
user_or_unknown_target_talks(void **state)
{
	struct leg	user = leg_of("1", LEG_ACTIVE, "connected", 10, "user", "Ann");
	struct leg	bare = leg("1", LEG_ACTIVE, "connected", 10);
	struct leg	said = leg_of("1", LEG_ACTIVE, "connected", 10, "office", "Main");

	(void)state;
	assert_int_equal(derive(&user, NULL, NULL).status, CALL_RINGING);
	user.connected = 9;
	assert_int_equal(derive(&user, NULL, NULL).status, CALL_ACTIVE);
	bare.seen = LEG_SEEN_CONNECTED;
	assert_int_equal(derive(&bare, NULL, NULL).status, CALL_ACTIVE);
	said.seen = LEG_SEEN_PERSON;
	assert_int_equal(derive(&said, NULL, NULL).status, CALL_ACTIVE);
}

static void
presumed_over_until_it_speaks(void **state)
{
	struct leg	user = leg_of("1", LEG_ACTIVE, "connected", 10, "user", "Ann"), given_up, child, late;
	struct call	c;

	(void)state;
	user.connected = 9;
	leg_init(&given_up);
	given_up.id = STR("1");
	given_up.presumed = 500;
	leg_join(&user, &given_up);
	c = derive(&user, NULL, NULL);
	assert_int_equal(c.status, CALL_ENDED);
	assert_true(c.end_inferred);
	assert_string_equal(c.outcome, "answered");
	assert_int_equal(c.ended, 10);

	child = leg_of("2", LEG_RINGING, "ringing", 20, "user", "Bob");
	child.master = STR("1");
	assert_int_equal(derive(&user, &child, NULL).status, CALL_ENDED);

	late = leg("1", LEG_ACTIVE, "hold", 600);
	leg_join(&late, &user);
	c = derive(&late, NULL, NULL);
	assert_int_equal(c.status, CALL_ACTIVE);
	assert_false(c.end_inferred);

	late = leg("1", LEG_ENDED, "hangup", 400);
	late.ended = 390;
	leg_join(&late, &user);
	c = derive(&late, NULL, NULL);
	assert_int_equal(c.status, CALL_ENDED);
	assert_false(c.end_inferred);
	assert_int_equal(c.ended, 390);
}

static void
end_date_alone_ends_a_leg(void **state)
{
	struct leg	late = leg_of("1", LEG_RINGING, "ringing", 10, "user", "Ann");

	(void)state;
	assert_int_equal(derive(&late, NULL, NULL).status, CALL_RINGING);
	late.ended = 30;
	assert_int_equal(derive(&late, NULL, NULL).status, CALL_ENDED);
	assert_int_equal(derive(&late, NULL, NULL).ended, 30);
}

static void
undated_end_is_dated_by_its_event(void **state)
{
	struct leg	l = leg("1", LEG_ENDED, "hangup", 50);

	(void)state;
	l.seen = LEG_SEEN_PERSON;
	l.connected = 20;
	assert_int_equal(derive(&l, NULL, NULL).ended, 50);
	assert_int_equal(derive(&l, NULL, NULL).talk_ms, 30);
	l.connected = LEG_NONE;
	assert_int_equal(derive(&l, NULL, NULL).talk_ms, LEG_NONE);
}

static void
after_call_news_alone_do_not_ring(void **state)
{
	struct leg	post = leg("1", LEG_POST, "recording", 10), unknown = leg("1", LEG_POST, "novelty", 10);

	(void)state;
	post.seen = LEG_SEEN_AFTER;
	assert_int_equal(derive(&post, NULL, NULL).status, CALL_ENDED);
	assert_str(derive(&post, NULL, NULL).state, "recording");
	assert_int_equal(derive(&unknown, NULL, NULL).status, CALL_RINGING);
	post.rank = LEG_RINGING;
	assert_int_equal(derive(&post, NULL, NULL).status, CALL_RINGING);
}

static void
parents_end_closes_children(void **state)
{
	struct leg	root = leg_of("10", LEG_ENDED, "hangup", 100, "office", "Main");
	struct leg	queue = leg_of("11", LEG_RINGING, "queued", 50, "call_center", "Q");
	struct leg	agent = leg_of("12", LEG_RINGING, "ringing", 60, "user", "Ann");

	(void)state;
	queue.master = STR("10");
	queue.seen = LEG_SEEN_QUEUED;
	agent.entry = STR("11");
	assert_int_equal(derive(&root, &queue, &agent).status, CALL_ENDED);
	assert_string_equal(derive(&root, &queue, &agent).outcome, "abandoned");
	agent.state_ts = 101;		/* it has spoken since */
	assert_int_equal(derive(&root, &queue, &agent).status, CALL_RINGING);
	agent.state_ts = 60;
	root.seen = LEG_SEEN_TRANSFERRED;	/* handed on: its end says nothing */
	assert_int_equal(derive(&root, &queue, &agent).status, CALL_RINGING);
	queue.rank = LEG_ENDED;
	queue.state_ts = 120;
	assert_int_equal(derive(&root, &queue, &agent).status, CALL_ENDED);
	agent.entry = STR_NONE;
	assert_int_equal(derive(&root, &queue, &agent).status, CALL_RINGING);
	queue.operator_id = STR("12");
	assert_int_equal(derive(&root, &queue, &agent).status, CALL_ENDED);
}

/* Ids against the order of the tree: the end reaches the agent over the queue all the same. */
static void
an_end_travels_all_the_way_down(void **state)
{
	struct leg	root = leg_of("30", LEG_RINGING, "ringing", 10, "office", "Main");
	struct leg	queue = leg_of("20", LEG_RINGING, "queued", 50, "call_center", "Q");
	struct leg	agent = leg_of("10", LEG_RINGING, "ringing", 60, "user", "Ann");

	(void)state;
	agent.entry = STR("20");
	queue.master = STR("30");
	assert_int_equal(derive(&root, &queue, &agent).status, CALL_RINGING);
	root.ended = 55;
	assert_int_equal(derive(&root, &queue, &agent).status, CALL_RINGING);
	root.ended = 100;
	assert_int_equal(derive(&root, &queue, &agent).status, CALL_ENDED);
}

static void
handed_on_and_nothing_else_seen(void **state)
{
	struct leg	root = leg_of("10", LEG_ENDED, "hangup", 100, "office", "Main");
	struct leg	queue = leg_of("11", LEG_RINGING, "queued", 50, "call_center", "Q");

	(void)state;
	root.seen = LEG_SEEN_TRANSFERRED;
	assert_string_equal(derive(&root, NULL, NULL).outcome, "transferred");
	queue.master = STR("10");
	assert_int_equal(derive(&root, &queue, NULL).status, CALL_RINGING);
	assert_str(derive(&root, &queue, NULL).state, "queued");
	assert_true(derive(&root, &queue, NULL).transferred);
	assert_null(derive(&root, &queue, NULL).outcome);
}

static void
outcomes_in_their_order(void **state)
{
	struct leg	l = leg_of("1", LEG_ENDED, "hangup", 100, "user", "Ann");

	(void)state;
	assert_string_equal(derive(&l, NULL, NULL).outcome, "missed");
	l.seen = LEG_SEEN_QUEUED;
	assert_string_equal(derive(&l, NULL, NULL).outcome, "abandoned");
	l.direction.v = STR("outbound");
	assert_string_equal(derive(&l, NULL, NULL).outcome, "missed");
	l.direction.v = STR("inbound");
	l.seen |= LEG_SEEN_MISSED;
	assert_string_equal(derive(&l, NULL, NULL).outcome, "missed");
	l.voicemail_url.v = STR("https://d/vm");
	assert_string_equal(derive(&l, NULL, NULL).outcome, "voicemail");
	l.seen |= LEG_SEEN_BLOCKED;
	assert_string_equal(derive(&l, NULL, NULL).outcome, "blocked");
	l.connected = 50;
	assert_string_equal(derive(&l, NULL, NULL).outcome, "answered");
}

static void
root_is_the_id_without_a_parent(void **state)
{
	struct leg	agent = leg("12", LEG_RINGING, "ringing", 1), other = leg("9", LEG_RINGING, "ringing", 1);

	(void)state;
	agent.entry = STR("11");
	assert_str(derive(&agent, NULL, NULL).provider_id, "11");	/* only named */
	agent.entry = STR("12");
	assert_str(derive(&agent, NULL, NULL).provider_id, "12");	/* itself */
	agent.entry = STR("0");
	assert_str(derive(&agent, NULL, NULL).provider_id, "12");
	assert_str(derive(&agent, &other, NULL).provider_id, "9");	/* shorter is smaller */
	agent.started = 5;
	other.started = 6;
	assert_str(derive(&agent, &other, NULL).provider_id, "12");	/* earlier comes first */
	agent.entry = STR("9");
	other.entry = STR("12");
	assert_str(derive(&agent, &other, NULL).provider_id, "12");	/* a ring */
	agent.started = LEG_NONE;
	agent.entry = STR("12");
	assert_str(derive(&agent, &other, NULL).provider_id, "12");	/* itself, and another's parent */
	other.operator_id = STR("12");
	agent.entry = other.entry = STR_NONE;
	assert_str(derive(&agent, &other, NULL).provider_id, "9");	/* the operator's leg is a child */
}

static void
talk_is_summed_over_people(void **state)
{
	struct leg	queue = leg_of("1", LEG_ENDED, "hangup", 100, "call_center", "Q");
	struct leg	ann = leg_of("2", LEG_ENDED, "hangup", 60, "user", "Ann");
	struct leg	bob = leg_of("3", LEG_ENDED, "hangup", 100, "user", "Bob");

	(void)state;
	queue.operator_id = STR("3");
	queue.connected = 10;
	queue.talk_ms = 95;
	queue.duration_ms = 99;
	ann.entry = bob.entry = STR("1");
	ann.connected = 10;
	ann.ended = 60;
	bob.connected = 70;
	bob.ended = 100;
	assert_int_equal(derive(&queue, &ann, &bob).talk_ms, 95);
	queue.talk_ms = LEG_NONE;
	assert_int_equal(derive(&queue, &ann, &bob).talk_ms, 80);	/* by their dates */
	ann.talk_ms = 40;
	assert_int_equal(derive(&queue, &ann, &bob).talk_ms, 40);
	bob.talk_ms = 25;
	assert_int_equal(derive(&queue, &ann, &bob).talk_ms, 65);
	assert_int_equal(derive(&queue, &ann, &bob).duration_ms, 99);
	assert_str(derive(&queue, &ann, &bob).agent_name, "Bob");
	bob.rank = LEG_ACTIVE;
	bob.ended = LEG_NONE;
	bob.state_ts = 200;
	assert_int_equal(derive(&queue, &ann, &bob).talk_ms, LEG_NONE);
	assert_int_equal(derive(&queue, &ann, &bob).status, CALL_ACTIVE);
}

static void
agent_is_who_answered_else_who_rang_last(void **state)
{
	struct leg	ann = leg_of("2", LEG_ENDED, "hangup", 60, "user", "Ann");
	struct leg	bob = leg_of("3", LEG_ENDED, "missed", 100, "user", "Bob");

	(void)state;
	ann.master = bob.master = STR("1");
	ann.rang = 10;
	bob.rang = 20;
	assert_str(derive(&ann, &bob, NULL).agent_name, "Bob");
	assert_null(derive(&ann, &bob, NULL).group_name.p);
	ann.rang = 20;
	assert_str(derive(&ann, &bob, NULL).agent_name, "Bob");	/* the larger id */
	ann.connected = 15;
	assert_str(derive(&ann, &bob, NULL).agent_name, "Ann");
}

static void
parties_come_from_the_entry(void **state)
{
	struct leg	root = leg_of("10", LEG_RINGING, "ringing", 1, "office", "Main");
	struct leg	agent = leg_of("9", LEG_RINGING, "ringing", 2, "user", "Ann");
	struct call	c;

	(void)state;
	agent.master = STR("10");
	root.internal.v = STR("Blocked");
	root.target.phone = STR("+100");
	agent.internal.v = STR("+101");
	agent.external.v = STR("+999");
	c = derive(&root, &agent, NULL);
	assert_str(c.from, "+999");
	assert_str(c.to, "+100");
	assert_str(c.group_name, "Main");
	root.direction.v = STR("outbound");
	c = derive(&root, &agent, NULL);
	assert_str(c.from, "+100");
	assert_str(c.to, "+999");
	root.target.phone = STR_NONE;
	assert_str(derive(&root, &agent, NULL).internal, "+101");
}

static void
recordings_once_and_the_best_first(void **state)
{
	const struct leg_recording	vm = { STR("a"), STR("voicemail"), STR("u/vm"), 1, 1 };
	const struct leg_recording	admin = { STR_NONE, STR("admincallrecording"), STR("u/admin"), 2, 1 };
	const struct leg_recording	mine = { STR("z"), STR("callrecording"), STR("u/mine"), LEG_NONE, 1 };
	const struct leg_recording	bare = { STR_NONE, STR("callrecording"), STR("u/mine"), LEG_NONE, LEG_NONE };
	struct leg			a = leg("1", LEG_ENDED, "hangup", 1), b = leg("2", LEG_ENDED, "hangup", 1);
	struct call			c;

	(void)state;
	b.master = STR("1");
	leg_add_recording(&a, &vm);
	leg_add_recording(&a, &bare);
	leg_add_recording(&b, &admin);
	c = derive(&a, &b, NULL);
	assert_int_equal(c.nrec, 3);
	assert_str(c.recording_url, "u/mine");
	leg_add_recording(&b, &mine);
	c = derive(&a, &b, NULL);
	assert_int_equal(c.nrec, 3);
	assert_str(c.rec[0].url, "u/vm");
	assert_str(c.rec[1].url, "u/admin");
	assert_str(c.rec[2].id, "z");
	assert_str(c.recording_type, "callrecording");
}

/* Values at the edge of the type neither overflow nor lead anywhere but to a number. */
static void
extreme_times_do_not_overflow(void **state)
{
	struct leg	a = leg_of("1", LEG_ENDED, "hangup", INT64_MAX, "user", "Ann");
	struct leg	b = leg_of("2", LEG_ENDED, "hangup", LEG_NONE + 1, "user", "Bob");

	(void)state;
	b.master = STR("1");
	a.connected = b.connected = a.started = LEG_NONE + 1;
	a.ended = b.ended = INT64_MAX;
	assert_int_equal(derive(&a, &b, NULL).talk_ms, INT64_MAX);
	a.talk_ms = b.talk_ms = INT64_MAX - 1;
	assert_int_equal(derive(&a, &b, NULL).talk_ms, INT64_MAX);
	assert_int_equal(derive(&a, &b, NULL).duration_ms, INT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(menu_pickup_is_still_ringing),
		cmocka_unit_test(user_or_unknown_target_talks),
		cmocka_unit_test(presumed_over_until_it_speaks),
		cmocka_unit_test(end_date_alone_ends_a_leg),
		cmocka_unit_test(undated_end_is_dated_by_its_event),
		cmocka_unit_test(after_call_news_alone_do_not_ring),
		cmocka_unit_test(parents_end_closes_children),
		cmocka_unit_test(an_end_travels_all_the_way_down),
		cmocka_unit_test(handed_on_and_nothing_else_seen),
		cmocka_unit_test(outcomes_in_their_order),
		cmocka_unit_test(root_is_the_id_without_a_parent),
		cmocka_unit_test(talk_is_summed_over_people),
		cmocka_unit_test(agent_is_who_answered_else_who_rang_last),
		cmocka_unit_test(parties_come_from_the_entry),
		cmocka_unit_test(recordings_once_and_the_best_first),
		cmocka_unit_test(extreme_times_do_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
