/* What has to be done at Dialpad: played to its end against lists as they may be found, each step's effect checked. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/count.h"
#include "providers/dialpad_plan.h"

#define URL	"https://cti.example/webhooks/dialpad/hk_x"
#define OURS(id)	"{\"id\":\"" id "\",\"hook_url\":\"" URL "\",\"signature\":{\"secret\":\"s\"}}"
#define STALE(id)	"{\"id\":\"" id "\",\"hook_url\":\"" URL "\",\"signature\":{\"secret\":\"old\"}}"
#define MOVED(id)	"{\"id\":\"" id "\",\"hook_url\":\"http://old.example/webhooks/dialpad/hk_x\",\"signature\":{\"secret\":\"s\"}}"
#define THEIRS(id)	"{\"id\":\"" id "\",\"hook_url\":\"https://other.example/x\",\"signature\":{\"secret\":\"s\"}}"
#define SUB(id, hook)	"{\"id\":\"" id "\",\"enabled\":true,\"call_states\":[\"all\"],\"webhook\":{\"id\":\"" hook "\"}}"
#define OFF(id, hook)	"{\"id\":\"" id "\",\"enabled\":false,\"call_states\":[\"all\"],\"webhook\":{\"id\":\"" hook "\"}}"
#define ASTRAY(id)	"{\"id\":\"" id "\",\"enabled\":true,\"call_states\":[\"all\"],\"webhook\":null}"
#define SOCKET(id)	"{\"id\":\"" id "\",\"enabled\":true,\"call_states\":[\"all\"],\"websocket\":{\"id\":\"3\"}}"
#define AIMED(id, hook)	"{\"id\":\"" id "\",\"target_id\":\"5\",\"call_states\":[\"all\"],\"webhook\":{\"id\":\"" hook "\"}}"

struct found {
	const char	*hooks, *subscriptions;		/* items, with commas */
	const char	*known_hook, *known_subscription;
	bool		 none;
	const char	*steps;				/* "webhook_create webhook_delete:9 ..." */
};

static const struct json_limits	limits = { .depth = 32, .tokens = 20000 };
static struct arena		arena;
static struct json_doc		docs[2];

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, 8 << 20);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static struct json
items(int which, const char *text)
{
	struct json_error	err;
	char			*whole = arena_alloc(&arena, strlen(text) + 3);

	snprintf(whole, strlen(text) + 3, "[%s]", text);
	if (!json_parse(&docs[which], &arena, str_c(whole), &limits, &err))
		fail_msg("%s: no JSON at %zu", whole, err.offset);
	return json_root(&docs[which]);
}

static void
show(struct dialpad_plan *p, const struct found *f)
{
	struct json	hooks = items(0, f->hooks), subs = items(1, f->subscriptions);

	dialpad_plan_init(p, STR(URL), STR("s"), str_c(f->known_hook), str_c(f->known_subscription));
	for (struct json e = json_first(hooks); json_type(e) != JSON_ABSENT; e = json_next(e))
		dialpad_plan_hook(p, e, &arena);
	for (struct json e = json_first(subs); json_type(e) != JSON_ABSENT; e = json_next(e))
		dialpad_plan_subscription(p, e);
}

static void
play(const struct found *f)
{
	struct dialpad_plan	*p = arena_alloc(&arena, sizeof(*p));
	struct dialpad_step	 s;
	char			 done[512] = "";
	size_t			 n = 0;

	show(p, f);
	for (int i = 0; dialpad_plan_next(p, f->none, &s); i++) {
		if (i == 12)
			fail_msg("no end: %s", done);
		n += (size_t)snprintf(done + n, sizeof(done) - n, "%s%s%s%s", n > 0 ? " " : "", dialpad_api(s.endpoint)->name,
		    s.id[0] != '\0' ? ":" : "", s.id);
		dialpad_plan_done(p, &s, s.id[0] == '\0' ? STR("77") : STR_NONE);
	}
	if (strcmp(done, f->steps) != 0)
		fail_msg("[%s] [%s]: \"%s\", expected \"%s\"", f->hooks, f->subscriptions, done, f->steps);
	assert_int_equal(p->hook.fitness, f->none ? DIALPAD_MISSING : DIALPAD_FIT);
	assert_int_equal(p->subscription.fitness, f->none ? DIALPAD_MISSING : DIALPAD_FIT);
}

static void
one_of_each_stands_in_the_end(void **state)
{
	static const struct found cases[] = {
		{ "", "", NULL, NULL, false, "webhook_create subscription_create" },
		{ OURS("9"), SUB("1", "9"), "9", "1", false, "" },
		{ OURS("9"), SUB("1", "9"), NULL, NULL, false, "" },
		{ OURS("9"), "", NULL, NULL, false, "subscription_create" },
		{ STALE("9"), SUB("1", "9"), "9", "1", false, "webhook_change:9" },
		{ MOVED("9"), SUB("1", "9"), NULL, NULL, false, "webhook_change:9" },
		/* Known by its id, whatever address somebody gave it. */
		{ THEIRS("9"), SUB("1", "9"), "9", "1", false, "webhook_change:9" },
		{ OURS("9"), OFF("1", "9"), "9", "1", false, "subscription_change:1" },
		/* Theirs are not touched, however alike. */
		{ THEIRS("8"), SUB("1", "8"), NULL, NULL, false, "webhook_create subscription_create" },
		{ OURS("9") "," THEIRS("8"), SUB("1", "8") "," SUB("2", "9") "," AIMED("3", "9") "," SOCKET("4"), "9", "2", false, "" },
		{ OURS("9"), SOCKET("4"), "9", "4", false, "subscription_create" },
		{ OURS("9"), ASTRAY("4"), "9", "5", false, "subscription_create" },
		/* Surplus: what is kept is put right first, then subscriptions go, then webhooks. */
		{ OURS("9") "," OURS("8"), SUB("1", "9") "," SUB("2", "8"), NULL, NULL, false, "subscription_delete:2 webhook_delete:8" },
		{ OURS("8") "," OURS("9"), SUB("2", "8") "," SUB("1", "9"), "9", "1", false, "subscription_delete:2 webhook_delete:8" },
		{ STALE("9") "," OURS("8") "," OURS("7"), OFF("1", "9") "," SUB("2", "9"), "9", NULL, false,
		    "webhook_change:9 subscription_delete:1 webhook_delete:7 webhook_delete:8" },
		{ OURS("9"), OFF("1", "9") "," OFF("2", "9"), NULL, NULL, false, "subscription_change:1 subscription_delete:2" },
		/* One that exists is used again rather than a new one asked for. */
		{ OURS("9") "," OURS("8"), SUB("2", "8"), NULL, NULL, false, "subscription_change:2 webhook_delete:8" },
		{ "", ASTRAY("4"), "9", "4", false, "webhook_create subscription_change:4" },
		{ "", SUB("4", "9"), "9", NULL, false, "webhook_create subscription_change:4" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		play(&cases[i]);
}

static void
nothing_stands_in_the_end(void **state)
{
	static const struct found cases[] = {
		{ "", "", "9", "1", true, "" },
		{ OURS("9"), SUB("1", "9"), "9", "1", true, "subscription_delete:1 webhook_delete:9" },
		{ OURS("9") "," STALE("8"), SUB("1", "9") "," SUB("2", "8"), NULL, NULL, true,
		    "subscription_delete:2 subscription_delete:1 webhook_delete:8 webhook_delete:9" },
		{ "", ASTRAY("1"), "9", "1", true, "subscription_delete:1" },
		{ THEIRS("8"), SUB("1", "8"), NULL, NULL, true, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		play(&cases[i]);
}

static void
a_new_webhook_is_what_the_subscription_is_of(void **state)
{
	static const struct found	f = { "", "", NULL, NULL, false, NULL };
	struct dialpad_plan		*p = arena_alloc(&arena, sizeof(*p));
	struct dialpad_step		 s;
	struct buf			 b;

	(void)state;
	show(p, &f);
	assert_true(dialpad_plan_next(p, false, &s));
	buf_init(&b, 4096);
	dialpad_plan_body(p, &s, &b);
	assert_true(str_eq(buf_as_str(&b), STR("{\"hook_url\":\"" URL "\",\"secret\":\"s\"}")));
	dialpad_plan_done(p, &s, STR("5200000000000001"));
	assert_true(dialpad_plan_next(p, false, &s));
	buf_free(&b);
	dialpad_plan_body(p, &s, &b);
	assert_true(str_starts(buf_as_str(&b), STR("{\"endpoint_id\":5200000000000001,\"enabled\":true,")));
	buf_free(&b);
}

static void
more_than_fit_are_left_for_the_next_time(void **state)
{
	struct dialpad_plan	*p = arena_alloc(&arena, sizeof(*p));
	char			 text[256];
	size_t			 steps = 0;
	struct dialpad_step	 s;

	(void)state;
	dialpad_plan_init(p, STR(URL), STR("s"), STR_NONE, STR_NONE);
	for (int i = 1; i <= DIALPAD_SPARE_MAX + 5; i++) {
		snprintf(text, sizeof(text), "{\"id\":%d,\"hook_url\":\"" URL "\"}", i);
		dialpad_plan_hook(p, json_first(items(0, text)), &arena);
	}
	assert_true(p->hooks.more);
	for (; dialpad_plan_next(p, true, &s) && steps < 1000; steps++)
		dialpad_plan_done(p, &s, STR_NONE);
	assert_int_equal(steps, DIALPAD_SPARE_MAX + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_of_each_stands_in_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_stands_in_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(a_new_webhook_is_what_the_subscription_is_of, setup, teardown),
		cmocka_unit_test_setup_teardown(more_than_fit_are_left_for_the_next_time, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
