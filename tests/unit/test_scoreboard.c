/*
 * The scoreboard: shared with children, and nothing that a child counted is forgotten when it goes.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <string.h>
#include <unistd.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proc/scoreboard.h"

static void
child_writes_master_reads(void **state)
{
	struct scoreboard *b = scoreboard_new();
	int status;
	pid_t pid;

	(void)state;
	assert_non_null(b);
	assert_int_equal(SCORE_GET(b->slot[SCORE_SLOTS - 1].requests), 0);
	pid = fork();
	if (pid == 0) {
		SCORE_ADD(b->slot[SCORE_SLOTS - 1].requests, 7);
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(SCORE_GET(b->slot[SCORE_SLOTS - 1].requests), 7);
}

static void
counters_of_the_gone_are_kept(void **state)
{
	struct scoreboard *b = scoreboard_new();
	struct score *s;

	(void)state;
	assert_non_null(b);
	s = &b->slot[3];
	for (uint64_t round = 1; round <= 2; round++) {
		SCORE_SET(s->state, SCORE_READY);
		SCORE_SET(s->pid, 99);
		SCORE_SET(s->db, SCORE_DB_UP);
		SCORE_SET(s->connections, 5);
		SCORE_SET(s->accepted, 1);
		SCORE_SET(s->requests, 2);
		SCORE_SET(s->requests_limited, 9);
		SCORE_SET(s->failures_limited, 10);
		SCORE_SET(s->connections_limited, 11);
		SCORE_SET(s->events_stored, 3);
		SCORE_SET(s->events_duplicate, 4);
		SCORE_SET(s->events_refused, 5);
		SCORE_SET(s->events_applied, 6);
		SCORE_SET(s->events_failed, 7);
		SCORE_SET(s->events_dead, 8);
		memcpy(s->role, "worker", 7);
		scoreboard_retire(b, s);
		assert_int_equal(SCORE_GET(b->past.accepted), round * 1);
		assert_int_equal(SCORE_GET(b->past.requests), round * 2);
		assert_int_equal(SCORE_GET(b->past.requests_limited), round * 9);
		assert_int_equal(SCORE_GET(b->past.failures_limited), round * 10);
		assert_int_equal(SCORE_GET(b->past.connections_limited), round * 11);
		assert_int_equal(SCORE_GET(b->past.events_stored), round * 3);
		assert_int_equal(SCORE_GET(b->past.events_duplicate), round * 4);
		assert_int_equal(SCORE_GET(b->past.events_refused), round * 5);
		assert_int_equal(SCORE_GET(b->past.events_applied), round * 6);
		assert_int_equal(SCORE_GET(b->past.events_failed), round * 7);
		assert_int_equal(SCORE_GET(b->past.events_dead), round * 8);
		assert_int_equal(SCORE_GET(b->past.connections), 0);
		assert_int_equal(SCORE_GET(s->state), SCORE_FREE);
		assert_int_equal(SCORE_GET(s->pid), 0);
		assert_int_equal(SCORE_GET(s->db), SCORE_DB_DOWN);
		assert_int_equal(SCORE_GET(s->connections), 0);
		assert_int_equal(SCORE_GET(s->requests), 0);
		assert_string_equal(s->role, "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(child_writes_master_reads),
		cmocka_unit_test(counters_of_the_gone_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
