/*
 * Levels by module and app: who wins, what ends by itself, and what many processes at once, some of them killed, leave
 * behind.
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"

#define APP	"0190aaaa-0000-7000-8000-000000000001"
#define APP_2	"0190aaaa-0000-7000-8000-000000000002"
#define WRITERS	6
#define ROUNDS	4000

static struct log_levels *
shared(void)
{
	void *p = mmap(NULL, sizeof(struct log_levels), PROT_READ | PROT_WRITE, MAP_ANON | MAP_SHARED, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static struct log_override
want(const char *module, const char *app, enum log_level level, int64_t until_ms)
{
	struct log_override o = { .level = (int)level, .until_ms = until_ms };

	snprintf(o.module, sizeof(o.module), "%s", module);
	snprintf(o.app, sizeof(o.app), "%s", app);
	return o;
}

static bool
set(struct log_levels *t, const char *module, const char *app, enum log_level level)
{
	struct log_override o = want(module, app, level, INT64_MAX);

	return log_levels_set(t, &o, clock_mono_ms());
}

static void
set_change_reset(void **state)
{
	struct log_levels *t = shared();
	struct log_override all[LOG_OVERRIDES], o;
	uint32_t v0, v;

	(void)state;
	assert_int_equal(log_levels_read(t, all, 0, &v0), 0);
	assert_true(set(t, "db", "", LEVEL_DEBUG));
	assert_true(set(t, "", APP, LEVEL_DEBUG));
	assert_true(set(t, "db", APP, LEVEL_ERROR));
	assert_true(set(t, "db", "", LEVEL_WARN));	/* the same again: changed, not added */
	assert_int_equal(log_levels_read(t, all, 0, &v), 3);
	assert_int_equal(v - v0, 4);
	assert_string_equal(all[0].module, "db");
	assert_string_equal(all[0].app, "");
	assert_int_equal(all[0].level, LEVEL_WARN);
	assert_true(all[0].until_ms == INT64_MAX);
	assert_string_equal(all[1].app, APP);
	assert_string_equal(all[2].module, "db");
	assert_string_equal(all[2].app, APP);
	assert_int_equal(log_levels_reset(t, "db", ""), 1);
	assert_int_equal(log_levels_reset(t, "db", ""), 0);
	assert_int_equal(log_levels_read(t, all, 0, &v), 2);
	o = want("http", "", LEVEL_DEBUG, 1000);
	assert_true(log_levels_set(t, &o, 0));
	assert_int_equal(log_levels_read(t, all, 999, &v), 3);
	assert_int_equal(log_levels_read(t, all, 1000, &v), 2);		/* over by itself */
	assert_int_equal(log_levels_reset(t, NULL, NULL), 3);
	assert_int_equal(log_levels_read(t, all, 0, &v), 0);
}

static void
full_is_said_and_room_comes_back(void **state)
{
	struct log_levels *t = shared();
	char module[LOG_MODULE_SIZE];
	struct log_override o = want("gone", "", LEVEL_DEBUG, 50);

	(void)state;
	assert_true(log_levels_set(t, &o, 10));
	for (int i = 1; i < LOG_OVERRIDES; i++) {
		snprintf(module, sizeof(module), "m%c%c", 'a' + i / 26, 'a' + i % 26);
		o = want(module, "", LEVEL_DEBUG, INT64_MAX);
		assert_true(log_levels_set(t, &o, 20));
	}
	o = want("more", "", LEVEL_DEBUG, INT64_MAX);
	assert_false(log_levels_set(t, &o, 49));
	assert_true(log_levels_set(t, &o, 50));		/* in the place of the one that is over */
	o.level = LEVEL_WARN;
	assert_true(log_levels_set(t, &o, 50));		/* a change needs no room */
	o = want("evenmore", "", LEVEL_DEBUG, INT64_MAX);
	assert_false(log_levels_set(t, &o, 50));
	assert_int_equal(log_levels_reset(t, "more", ""), 1);
	assert_true(log_levels_set(t, &o, 50));
}

/* ---- through the log, in a file */

struct log {
	char			 path[64];
	struct log_levels	*levels;
};

static int
setup(void **state)
{
	struct log *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return -1;
	snprintf(l->path, sizeof(l->path), "/tmp/ringd-test-levels.XXXXXX");
	close(mkstemp(l->path));
	l->levels = shared();
	log_share_levels(l->levels);
	*state = l;
	return log_open(LOG_TO_FILE, l->path, LEVEL_INFO);
}

static int
teardown(void **state)
{
	struct log *l = *state;

	log_share_levels(NULL);
	log_context_set(NULL);
	log_open(LOG_TO_STDERR, NULL, LEVEL_INFO);
	unlink(l->path);
	free(l);
	return 0;
}

/* Is a line of this module, app and level written? */
static bool
written(struct log *l, const char *module, const char *app, enum log_level level)
{
	struct log_context	c = { "", "" };
	char			file[64], text[512] = "";
	FILE			*f;

	snprintf(file, sizeof(file), "src/%s/x.c", module);
	snprintf(c.app, sizeof(c.app), "%s", app);
	log_context_set(&c);
	if (truncate(l->path, 0) != 0)
		return false;
	if (log_may(level))
		log_fields(file, level, "here", NULL, 0);
	f = fopen(l->path, "r");
	assert_non_null(f);
	if (fgets(text, sizeof(text), f) == NULL)
		text[0] = '\0';
	fclose(f);
	return strstr(text, "here") != NULL;
}

static void
who_wins(void **state)
{
	struct log *l = *state;

	assert_false(written(l, "db", "", LEVEL_DEBUG));
	assert_true(set(l->levels, "db", "", LEVEL_DEBUG));
	assert_true(written(l, "db", "", LEVEL_DEBUG));
	assert_true(written(l, "db", APP, LEVEL_DEBUG));
	assert_false(written(l, "http", "", LEVEL_DEBUG));

	assert_true(set(l->levels, "", APP, LEVEL_WARN));	/* the app counts more than the module */
	assert_false(written(l, "db", APP, LEVEL_DEBUG));
	assert_false(written(l, "http", APP, LEVEL_INFO));
	assert_true(written(l, "http", APP, LEVEL_WARN));
	assert_true(written(l, "db", APP_2, LEVEL_DEBUG));
	assert_true(written(l, "http", APP_2, LEVEL_INFO));

	assert_true(set(l->levels, "http", APP, LEVEL_DEBUG));	/* both together most */
	assert_true(written(l, "http", APP, LEVEL_DEBUG));
	assert_false(written(l, "db", APP, LEVEL_INFO));

	assert_true(set(l->levels, "", "", LEVEL_ERROR));		/* everything else */
	assert_false(written(l, "api", "", LEVEL_WARN));
	assert_true(written(l, "api", "", LEVEL_ERROR));
	assert_true(written(l, "db", "", LEVEL_DEBUG));

	log_levels_reset(l->levels, NULL, NULL);
	assert_false(written(l, "db", "", LEVEL_DEBUG));
	assert_true(written(l, "api", "", LEVEL_INFO));
	assert_false(log_may(LEVEL_DEBUG));			/* and it costs nothing again */
}

static void
ends_by_itself(void **state)
{
	struct log *l = *state;
	struct log_override o = want("db", "", LEVEL_DEBUG, clock_mono_ms() + 60);
	struct timespec nap = { 0, 10000000 };

	assert_true(log_levels_set(l->levels, &o, clock_mono_ms()));
	assert_true(written(l, "db", "", LEVEL_DEBUG));
	while (clock_mono_ms() < o.until_ms)
		nanosleep(&nap, NULL);
	assert_false(written(l, "db", "", LEVEL_DEBUG));
	assert_false(log_may(LEVEL_DEBUG));
	assert_true(written(l, "db", "", LEVEL_INFO));
}

static void
modules_are_folders(void **state)
{
	struct log *l = *state;

	assert_true(set(l->levels, "main", "", LEVEL_DEBUG));
	assert_true(truncate(l->path, 0) == 0);
	log_fields("src/main.c", LEVEL_DEBUG, "one", NULL, 0);
	log_fields("main.c", LEVEL_DEBUG, "two", NULL, 0);
	log_fields("/build/ringd/src/main.c", LEVEL_DEBUG, "three", NULL, 0);
	log_fields("src/main/x.c", LEVEL_DEBUG, "four", NULL, 0);
	log_fields("main/src/x.c", LEVEL_DEBUG, "five", NULL, 0);
	log_fields("src/averyveryverylongname/x.c", LEVEL_DEBUG, "six", NULL, 0);
	{
		char	text[2048] = "";
		FILE	*f = fopen(l->path, "r");

		assert_non_null(f);
		assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
		fclose(f);
		assert_non_null(strstr(text, ": one\n"));
		assert_non_null(strstr(text, ": two\n"));
		assert_non_null(strstr(text, ": three\n"));
		assert_non_null(strstr(text, ": four\n"));
		assert_null(strstr(text, "five"));
		assert_null(strstr(text, "six"));
	}
}

/* A child's change is seen by its parent and its siblings without a word to them. */
static void
other_processes_see_it(void **state)
{
	struct log *l = *state;
	int status;
	pid_t pid;

	assert_false(written(l, "db", "", LEVEL_DEBUG));
	pid = fork();
	if (pid == 0)
		_exit(set(l->levels, "db", "", LEVEL_DEBUG) ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(written(l, "db", "", LEVEL_DEBUG));
}

/* A pair whose two halves say the same number, so that a mix of two writers' names would show. */
static void
churn(struct log_levels *t, unsigned who)
{
	char module[LOG_MODULE_SIZE], app[UUID_TEXT_SIZE];
	struct log_override o;

	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned n = (who * 7 + i) % 16;

		snprintf(module, sizeof(module), "module_%c", 'a' + n);
		snprintf(app, sizeof(app), "0190aaaa-0000-7000-8000-0000000000%02x", n + 1);
		o = want(module, app, LEVEL_DEBUG, INT64_MAX);
		if (i % 3 == 2)
			log_levels_reset(t, module, app);
		else
			log_levels_set(t, &o, clock_mono_ms());
	}
}

static void
check_pairs(struct log_levels *t)
{
	struct log_override all[LOG_OVERRIDES];
	char app[UUID_TEXT_SIZE];
	uint32_t v;
	size_t n = log_levels_read(t, all, clock_mono_ms(), &v);

	for (size_t i = 0; i < n; i++) {
		assert_memory_equal(all[i].module, "module_", 7);
		assert_in_range(all[i].module[7], 'a', 'p');
		snprintf(app, sizeof(app), "0190aaaa-0000-7000-8000-0000000000%02x", all[i].module[7] - 'a' + 1);
		assert_string_equal(all[i].app, app);
	}
}

static void
many_writers_some_killed(void **state)
{
	struct log_levels *t = shared();
	struct timespec nap = { 0, 2000000 };
	pid_t pid[WRITERS];
	int status, left = WRITERS;

	(void)state;
	for (unsigned i = 0; i < WRITERS; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			alarm(30);
			churn(t, i);
			_exit(0);
		}
	}
	nanosleep(&nap, NULL);
	kill(pid[0], SIGKILL);
	kill(pid[1], SIGKILL);
	while (left > 0) {
		check_pairs(t);
		if (waitpid(-1, &status, WNOHANG) > 0)
			left--;
	}
	check_pairs(t);
	/* At most a slot for each that was killed is lost. */
	log_levels_reset(t, NULL, NULL);
	for (unsigned i = 0; i < LOG_OVERRIDES - 2; i++) {
		char module[LOG_MODULE_SIZE];

		snprintf(module, sizeof(module), "m%c%c", 'a' + i / 26, 'a' + i % 26);
		assert_true(set(t, module, "", LEVEL_DEBUG));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_change_reset),
		cmocka_unit_test(full_is_said_and_room_comes_back),
		cmocka_unit_test_setup_teardown(who_wins, setup, teardown),
		cmocka_unit_test_setup_teardown(ends_by_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(modules_are_folders, setup, teardown),
		cmocka_unit_test_setup_teardown(other_processes_see_it, setup, teardown),
		cmocka_unit_test(many_writers_some_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
