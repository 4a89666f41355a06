/*
 * offload: blocking work beside a loop that goes on turning.
 */
#include <sys/types.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "loop/offload.h"

#define JOBS	20

struct work {
	struct loop	*loop;
	int		*left;		/* of all jobs */
	int		 number, square;
	pthread_t	 worked_in, done_in;
	bool		 blocked;	/* SIGTERM and SIGCHLD, as the thread saw it */
};

static void
square(void *arg)
{
	struct work	*w = arg;
	struct timespec	 ts = { 0, 100 * 1000000 };
	sigset_t	 mask;

	nanosleep(&ts, NULL);
	w->square = w->number * w->number;
	w->worked_in = pthread_self();
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	w->blocked = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGCHLD) == 1;
}

static void
done(void *arg)
{
	struct work *w = arg;

	w->done_in = pthread_self();
	if (--*w->left == 0)
		loop_stop(w->loop);
}

static void
count_turn(void *arg)
{
	++*(int *)arg;
}

static int
open_descriptors(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		if (dup2(fd, fd) == fd)
			n++;
	return n;
}

static void
work_in_a_thread_done_in_the_loop(void **state)
{
	struct loop	*l = loop_new();
	struct work	 works[JOBS];
	struct timer	*t;
	sigset_t	 before, after;
	int		 i, left = JOBS, turns = 0, open;

	(void)state;
	assert_non_null(l);
	t = timer_new(l, count_turn, &turns);
	timer_set(t, 20);
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	open = open_descriptors();
	for (i = 0; i < JOBS; i++) {
		works[i] = (struct work){ .loop = l, .left = &left, .number = i };
		assert_true(offload(l, square, done, &works[i]));
	}
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
	loop_run(l);
	assert_int_equal(turns, 1);		/* the timer ran while the threads slept */
	for (i = 0; i < JOBS; i++) {
		assert_int_equal(works[i].square, i * i);
		assert_false(pthread_equal(works[i].worked_in, pthread_self()));
		assert_true(pthread_equal(works[i].done_in, pthread_self()));
		assert_true(works[i].blocked);
	}
	for (i = 0; i < 50 && open_descriptors() != open; i++)
		nanosleep(&(struct timespec){ 0, 10 * 1000000 }, NULL);
	assert_int_equal(open_descriptors(), open);
	timer_free(t);
	loop_free(l);
}

static void
again(void *arg)
{
	struct work *w = arg;

	if (--*w->left == 0)
		loop_stop(w->loop);
	else
		assert_true(offload(w->loop, square, again, w));
}

static void
a_job_may_start_the_next(void **state)
{
	struct loop	*l = loop_new();
	int		 left = 3;
	struct work	 w = { .loop = l, .left = &left, .number = 7 };

	(void)state;
	assert_true(offload(l, square, again, &w));
	loop_run(l);
	assert_int_equal(left, 0);
	assert_int_equal(w.square, 49);
	loop_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(work_in_a_thread_done_in_the_loop),
		cmocka_unit_test(a_job_may_start_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
