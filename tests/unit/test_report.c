/*
 * The report of a reload: written once, read by whoever likes, and never believed more than it deserves.
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/count.h"
#include "base/report.h"

static struct report
sample(void)
{
	struct report r;

	memset(&r, 0, sizeof(r));
	r.pid = 4711;
	report_begin(&r, REPORT_RELOAD, 1000);
	report_change(&r, "workers: 2 -> 4");
	report_change(&r, "webhooks.dialpad.secret: changed");
	report_end(&r, REPORT_DONE, "generation 2, 4 workers", 2000);
	return r;
}

static void
there_and_back(void **state)
{
	struct report r = sample(), again;
	struct buf b;

	(void)state;
	buf_init(&b, REPORT_FILE_MAX);
	report_print(&r, &b);
	assert_true(report_parse(&again, buf_as_str(&b)));
	assert_memory_equal(&again.pid, &r.pid, sizeof(r.pid));
	assert_int_equal(again.number, 1);
	assert_int_equal(again.at_ms, 2000);
	assert_int_equal(again.what, REPORT_RELOAD);
	assert_int_equal(again.state, REPORT_DONE);
	assert_string_equal(again.text, "generation 2, 4 workers");
	assert_string_equal(again.changes, "workers: 2 -> 4\nwebhooks.dialpad.secret: changed\n");
	buf_free(&b);
	report_begin(&r, REPORT_UPGRADE, 3000);
	assert_int_equal(r.number, 2);
	assert_string_equal(r.text, "");
	assert_string_equal(r.changes, "");
	assert_int_equal(r.state, REPORT_RUNNING);
}

/* A line is a line whatever is put into it, and too much of it ends with a word that says so. */
static void
no_line_too_many_and_none_too_long(void **state)
{
	static char long_line[3000], long_text[2 * REPORT_TEXT_SIZE];
	struct report r = sample();
	struct buf b;

	(void)state;
	report_change(&r, "listen: a\nstate failed -> b");
	report_end(&r, REPORT_FAILED, "x\ntext y\x7f", 1);
	assert_string_equal(r.text, "x text y ");
	assert_non_null(strstr(r.changes, "listen: a state failed -> b\n"));
	memset(long_line, 'l', sizeof(long_line) - 1);
	for (int i = 0; i < 10; i++)
		report_change(&r, long_line);
	assert_true(strlen(r.changes) < sizeof(r.changes));
	assert_non_null(strstr(r.changes, "l\nand more than fit here"));
	assert_string_equal(strrchr(r.changes, 'a'), "all\n");
	assert_null(strstr(strstr(r.changes, "and more") + 1, "and more"));
	memset(long_text, 't', sizeof(long_text) - 1);
	report_end(&r, REPORT_FAILED, long_text, 1);
	assert_int_equal(strlen(r.text), REPORT_TEXT_SIZE - 1);
	buf_init(&b, REPORT_FILE_MAX);
	report_print(&r, &b);
	assert_false(b.failed);		/* the fullest one fits its file */
	assert_true(report_parse(&r, buf_as_str(&b)));
	buf_free(&b);
}

#define GOOD	"pid 1\nnumber 2\nat_ms 3\nwhat reload\nstate done\n"

static void
files_of_strangers(void **state)
{
	static const char *const bad[] = {
		"", "\n", "pid 1\n", "\0\0\0", GOOD "pid x\n", GOOD "pid 0\n", GOOD "pid -1\n", GOOD "number -1\n",
		GOOD "state \n", GOOD "state finished\n", GOOD "what sleep\n", GOOD "at_ms 99999999999999999999\n",
		"number 2\nat_ms 3\nwhat reload\nstate done\n", "pid 1\nnumber 2\nat_ms 3\nwhat reload\n",
		"pid 1\nnumber 2\nat_ms 3\nwhat reload\nstate done", "PID 1\nnumber 2\nat_ms 3\nwhat reload\nstate done\n",
	};
	static char big[REPORT_FILE_MAX + 2];
	struct report r;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(report_parse(&r, str_c(bad[i])));
	assert_true(report_parse(&r, str_c(GOOD)));
	assert_string_equal(r.text, "");
	assert_true(report_parse(&r, str_c(GOOD "colour blue\nword\n\ntext a  b\nchange c\n")));	/* of a later version */
	assert_string_equal(r.text, "a  b");
	assert_string_equal(r.changes, "c\n");
	memset(big, 'x', sizeof(big));
	memcpy(big, GOOD, sizeof(GOOD) - 1);
	big[sizeof(big) - 2] = '\n';
	assert_false(report_parse(&r, (struct str){ big, sizeof(big) - 1 }));
	assert_true(report_parse(&r, (struct str){ big + 1, 0 }) == false);
}

/* A writer that never stops: whatever a reader gets is one report, whole. */
static void
readers_get_it_whole(void **state)
{
	struct report_board *b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_ANON | MAP_SHARED, -1, 0);
	struct report r, first;
	unsigned whole = 0;
	int status;
	pid_t pid;

	(void)state;
	assert_true(b != MAP_FAILED);
	assert_true(report_fetch(b, &r));	/* zeroed: a start that is running */
	assert_int_equal(r.number, 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		memset(&r, 0, sizeof(r));
		for (int i = 0; i < 30000; i++) {
			memset(r.changes, 'a' + i % 26, sizeof(r.changes) - 1);
			memset(r.text, 'a' + i % 26, sizeof(r.text) - 1);
			report_publish(b, &r);
		}
		_exit(0);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (!report_fetch(b, &first) || first.text[0] == '\0')
			continue;
		whole++;
		assert_int_equal(strlen(first.text), sizeof(first.text) - 1);
		assert_int_equal(strspn(first.text, first.changes), sizeof(first.text) - 1);
		for (size_t i = 1; i < sizeof(first.changes) - 1; i++)
			assert_int_equal(first.changes[i], first.text[0]);
	}
	assert_true(whole > 0);
	munmap(b, sizeof(*b));
}

static void
nonsense_in_memory(void **state)
{
	static struct report_board b;
	struct report r = sample(), got;

	(void)state;
	report_publish(&b, &r);
	assert_true(report_fetch(&b, &got));
	assert_string_equal(got.changes, r.changes);
	memset((void *)&b.word, 0x41, sizeof(b.word));		/* a child gone mad */
	assert_false(report_fetch(&b, &got));
	report_publish(&b, &r);
	assert_true(report_fetch(&b, &got));
	atomic_fetch_or(&b.turn, 1);				/* a master killed in the middle of it */
	assert_false(report_fetch(&b, &got));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(no_line_too_many_and_none_too_long),
		cmocka_unit_test(files_of_strangers),
		cmocka_unit_test(readers_get_it_whole),
		cmocka_unit_test(nonsense_in_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
