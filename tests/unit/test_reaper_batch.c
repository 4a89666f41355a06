/*
 * reaper: what is pure in it. A batch's events become aliases and groups whatever their order; a group becomes rows; a
 * failure becomes the right consequence. With a database: tests/e2e/test_reaper.py.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/count.h"
#include "reaper/internal.h"

#define NOW	INT64_C(1790000000000)

static struct uuid
app_no(unsigned char n)
{
	return (struct uuid){ { 0xa0, n } };
}

/* A call id as old as n. */
static struct uuid
call_no(unsigned char n)
{
	return (struct uuid){ { 0x01, n, 0, 0, 0, 0, 0x70 } };
}

static void
begin(struct batch *b, size_t n)
{
	batch_begin(b, NOW);
	b->event = batch_array(b, n, sizeof(*b->event));
	assert_non_null(b->event);
	b->nevents = n;
}

static void
tell(struct batch *b, size_t i, unsigned char app, const char *facts)
{
	b->event[i].app = app_no(app);
	b->event[i].id = (struct uuid){ { (unsigned char)i } };
	b->event[i].received_at = STR("2026-09-21 10:00:00+00");
	assert_true(batch_read_event(b, i, STR("dialpad"), str_c(facts)));
}

static size_t
alias_of(const struct batch *b, unsigned char app, const char *id)
{
	size_t i;

	for (i = 0; i < b->naliases; i++)
		if (uuid_cmp(b->alias[i].app, app_no(app)) == 0 && str_eq(b->alias[i].id, str_c(id)))
			return i;
	fail_msg("no alias %s", id);
	return 0;
}

static struct uuid
candidate(const struct batch *b, unsigned char app, const char *id)
{
	return b->alias[alias_of(b, app, id)].candidate;
}

/* As if the database knew none of them. */
static void
all_fresh(struct batch *b)
{
	size_t i;

	for (i = 0; i < b->naliases; i++)
		assert_true(batch_alias_found(b, i, b->alias[i].candidate));
}

static void
test_facts_that_are_none_are_dead_and_last(void **state)
{
	struct batch b;

	(void)state;
	begin(&b, 4);
	tell(&b, 0, 1, NULL);
	tell(&b, 1, 1, "{\"rank\":\"x\"}");
	tell(&b, 2, 1, "{\"rank\":1,\"state\":\"ringing\",\"state_ts\":5}");
	tell(&b, 3, 1, "{\"id\":\"7\",\"rank\":1,\"state\":\"ringing\",\"state_ts\":5}");
	assert_string_equal(b.event[0].dead, "the event holds no facts about a call");
	assert_string_equal(b.event[1].dead, "the event's facts cannot be read");
	assert_string_equal(b.event[2].dead, "the event's facts name no call id");
	assert_null(b.event[3].dead);
	assert_true(batch_name_aliases(&b));
	assert_int_equal(b.nlive, 1);
	assert_true(str_eq(b.event[0].leg->id, STR("7")));
	assert_int_equal(b.naliases, 1);
	batch_end(&b);
}

static void
test_what_is_named_together_gets_one_candidate(void **state)
{
	struct batch b;

	(void)state;
	begin(&b, 4);
	tell(&b, 0, 1, "{\"id\":\"30\",\"entry\":\"20\",\"rank\":1,\"state\":\"ringing\",\"state_ts\":5}");
	tell(&b, 1, 2, "{\"id\":\"20\",\"rank\":1,\"state\":\"ringing\",\"state_ts\":5}");
	tell(&b, 2, 1, "{\"id\":\"40\",\"rank\":1,\"state\":\"ringing\",\"state_ts\":5}");
	tell(&b, 3, 1, "{\"id\":\"20\",\"master\":\"10\",\"rank\":3,\"state\":\"hangup\",\"state_ts\":9}");
	assert_true(batch_name_aliases(&b));
	assert_int_equal(b.naliases, 5);
	assert_int_equal(uuid_cmp(candidate(&b, 1, "30"), candidate(&b, 1, "10")), 0);
	assert_int_equal(uuid_cmp(candidate(&b, 1, "30"), candidate(&b, 1, "20")), 0);
	assert_int_not_equal(uuid_cmp(candidate(&b, 1, "40"), candidate(&b, 1, "10")), 0);
	/* The same number at another tenant is another leg. */
	assert_int_not_equal(uuid_cmp(candidate(&b, 2, "20"), candidate(&b, 1, "20")), 0);
	assert_null(b.alias[alias_of(&b, 1, "10")].said);
	all_fresh(&b);
	assert_true(batch_group(&b));
	assert_int_equal(b.ngroups, 3);
	batch_end(&b);
}

static void
test_the_oldest_call_wins_and_takes_legs_and_count(void **state)
{
	struct batch b;
	struct changes c;
	const struct group *g;

	(void)state;
	begin(&b, 1);
	tell(&b, 0, 1,
	    "{\"id\":\"30\",\"entry\":\"20\",\"master\":\"10\",\"rank\":1,\"state\":\"ringing\",\"state_ts\":5}");
	assert_true(batch_name_aliases(&b));
	b.call = batch_array(&b, 2, sizeof(*b.call));
	b.call[0] = (struct known_call){ .app = app_no(1), .id = call_no(3), .legs = 2 };
	b.call[1] = (struct known_call){ .app = app_no(1), .id = call_no(5), .legs = 1 };
	b.ncalls = 2;
	assert_true(batch_alias_found(&b, alias_of(&b, 1, "10"), call_no(5)));
	assert_true(batch_alias_found(&b, alias_of(&b, 1, "20"), call_no(3)));
	assert_true(batch_alias_found(&b, alias_of(&b, 1, "30"), candidate(&b, 1, "30")));
	assert_false(batch_alias_found(&b, alias_of(&b, 1, "30"), call_no(9)));	/* not locked: moved meanwhile */
	assert_true(batch_alias_found(&b, alias_of(&b, 1, "30"), candidate(&b, 1, "30")));
	b.sibling = batch_array(&b, 1, sizeof(*b.sibling));
	assert_true(batch_leg_loaded(&b, 1, STR("10"),
	    STR("{\"id\":\"10\",\"rank\":1,\"state\":\"ringing\",\"state_ts\":1}")));
	assert_true(batch_leg_loaded(&b, 0, STR("20"), STR_NONE));
	assert_true(batch_leg_loaded(&b, 0, STR("21"),
	    STR("{\"id\":\"21\",\"rank\":3,\"state\":\"hangup\",\"state_ts\":2}")));
	assert_int_equal(b.nsiblings, 1);
	assert_true(batch_group(&b));
	assert_int_equal(b.ngroups, 1);
	g = &b.group[0];
	assert_int_equal(uuid_cmp(g->id, call_no(3)), 0);
	assert_int_equal(g->nlosers, 1);
	assert_int_equal(uuid_cmp(g->losers[0], call_no(5)), 0);
	assert_int_equal(g->legs, 4);
	changes_begin(&c);
	assert_true(changes_from_batch(&c, &b));
	assert_int_equal(c.calls[0].n, 1);
	assert_int_equal(c.merged[0].n, 1);
	assert_int_equal(c.legs[0].n, 1);		/* the new one moves; the loser's move by R_LEGS_MOVE */
	changes_end(&c);
	batch_end(&b);
}

static size_t
written_calls(const char *stored, const char *said)
{
	struct batch b;
	struct changes c;
	size_t n;

	begin(&b, 1);
	tell(&b, 0, 1, said);
	assert_true(batch_name_aliases(&b));
	b.call = batch_array(&b, 1, sizeof(*b.call));
	b.call[0] = (struct known_call){ .app = app_no(1), .id = call_no(3), .legs = 1 };
	b.ncalls = 1;
	assert_true(batch_alias_found(&b, 0, call_no(3)));
	b.sibling = batch_array(&b, 1, sizeof(*b.sibling));
	assert_true(batch_leg_loaded(&b, 0, STR("10"), str_c(stored)));
	assert_true(batch_group(&b));
	changes_begin(&c);
	assert_true(changes_from_batch(&c, &b));
	n = c.calls[0].n;
	assert_int_equal(c.legs[0].n, n);
	changes_end(&c);
	batch_end(&b);
	return n;
}

static void
test_what_is_known_already_writes_nothing(void **state)
{
	static const char hangup[] = "{\"id\":\"10\",\"rank\":3,\"state\":\"hangup\",\"state_ts\":9}";
	static const char ringing[] = "{\"id\":\"10\",\"rank\":1,\"state\":\"ringing\",\"state_ts\":5}";

	(void)state;
	assert_int_equal(written_calls(hangup, hangup), 0);
	assert_int_equal(written_calls(hangup, ringing), 0);	/* late: never goes back */
	assert_int_equal(written_calls(ringing, hangup), 1);
	assert_int_equal(written_calls(NULL, ringing), 1);	/* was only named */
}

static void
test_a_stored_leg_that_cannot_be_read_is_not_overwritten(void **state)
{
	struct batch b;
	struct changes c;

	(void)state;
	begin(&b, 1);
	tell(&b, 0, 1, "{\"id\":\"10\",\"rank\":1,\"state\":\"ringing\",\"state_ts\":5}");
	assert_true(batch_name_aliases(&b));
	b.call = batch_array(&b, 1, sizeof(*b.call));
	b.call[0] = (struct known_call){ .app = app_no(1), .id = call_no(3), .legs = 1 };
	b.ncalls = 1;
	assert_true(batch_alias_found(&b, 0, call_no(3)));
	b.sibling = batch_array(&b, 1, sizeof(*b.sibling));
	assert_true(batch_leg_loaded(&b, 0, STR("10"), STR("{\"id\":10,")));
	assert_true(batch_group(&b));
	changes_begin(&c);
	assert_false(changes_from_batch(&c, &b));
	changes_end(&c);
	batch_end(&b);
}

static void
test_consequences_of_failures(void **state)
{
	static const struct {
		enum db_outcome	 outcome;
		const char	*sqlstate;
		enum after	 after;
	} cases[] = {
		{ DB_FAILED, "40P01", AFTER_AGAIN },
		{ DB_FAILED, "40001", AFTER_AGAIN },
		{ DB_DISTURBED, "", AFTER_AGAIN },
		{ DB_FAILED, "22P02", AFTER_SPLIT },
		{ DB_FAILED, "23505", AFTER_SPLIT },
		{ DB_FAILED, "54000", AFTER_SPLIT },
		{ DB_FAILED, "57014", AFTER_SPLIT },
		{ DB_FAILED, "XX000", AFTER_SPLIT },
		{ DB_LATE, "", AFTER_SPLIT },
		{ DB_FAILED, "53100", AFTER_WAIT },
		{ DB_FAILED, "57P01", AFTER_WAIT },
		{ DB_FAILED, "25006", AFTER_WAIT },
		{ DB_FAILED, "42501", AFTER_WAIT },
		{ DB_FAILED, "42P01", AFTER_WAIT },
		{ DB_FAILED, "55P03", AFTER_WAIT },
		{ DB_BUSY, "", AFTER_WAIT },
		{ DB_AWAY, "", AFTER_RECONNECT },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		assert_int_equal(retry_after(cases[i].outcome, cases[i].sqlstate), cases[i].after);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts_that_are_none_are_dead_and_last),
		cmocka_unit_test(test_what_is_named_together_gets_one_candidate),
		cmocka_unit_test(test_the_oldest_call_wins_and_takes_legs_and_count),
		cmocka_unit_test(test_what_is_known_already_writes_nothing),
		cmocka_unit_test(test_a_stored_leg_that_cannot_be_read_is_not_overwritten),
		cmocka_unit_test(test_consequences_of_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
