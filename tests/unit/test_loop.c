/*
 * loop: readiness, timers, signals and the end of the turn; above all what may be freed from where.
 */
#include <sys/types.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/utsname.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "loop/loop.h"

struct ctx {
	struct loop	*loop;
	struct watch	*watch[2];
	struct timer	*timer;
	int		 fds[2][2];
	int		 calls[2];
	unsigned	 seen;
	int64_t		 now[2];
	char		 trace[64];
	struct loop_hook hook[3];
};

static void
on_any(void *arg, unsigned what)
{
	struct ctx *c = arg;

	c->calls[0]++;
	c->seen |= what;
	loop_stop(c->loop);
}

static void
stop(void *arg)
{
	loop_stop(arg);
}

static void
set_up(struct ctx *c)
{
	int i;

	memset(c, 0, sizeof(*c));
	assert_non_null(c->loop = loop_new());
	for (i = 0; i < 2; i++)
		assert_int_equal(pipe2(c->fds[i], O_NONBLOCK | O_CLOEXEC), 0);
	c->timer = timer_new(c->loop, stop, c->loop);
	timer_set(c->timer, 1000);		/* ends a test that waits for nothing */
}

static void
tear_down(struct ctx *c)
{
	int i;

	timer_free(c->timer);
	for (i = 0; i < 2; i++) {
		watch_free(c->watch[i]);
		close(c->fds[i][0]);
		close(c->fds[i][1]);
	}
	loop_free(c->loop);
}

static void
readiness(void **state)
{
	struct ctx	 c;
	struct watch	*w;
	int		 i;

	(void)state;
	set_up(&c);
	c.watch[0] = w = watch_new(c.loop, c.fds[0][0], on_any, &c);
	assert_int_equal(write(c.fds[0][1], "x", 1), 1);
	timer_set(c.timer, 30);
	loop_run(c.loop);			/* watches nothing yet */
	assert_int_equal(c.calls[0], 0);
	timer_set(c.timer, 1000);
	assert_true(watch_set(w, LOOP_READ));
	for (i = 1; i <= 3; i++) {		/* persistent, and level-triggered */
		loop_run(c.loop);
		assert_int_equal(c.calls[0], i);
		assert_int_equal(c.seen, LOOP_READ);
	}
	assert_true(watch_set(w, 0));
	timer_set(c.timer, 30);
	loop_run(c.loop);
	assert_int_equal(c.calls[0], 3);
	c.watch[1] = watch_new(c.loop, c.fds[1][1], on_any, &c);
	assert_true(watch_set(c.watch[1], LOOP_READ | LOOP_WRITE));
	c.seen = 0;
	timer_set(c.timer, 1000);
	loop_run(c.loop);
	assert_int_equal(c.seen, LOOP_WRITE);
	tear_down(&c);
}

/* Only epoll looks at a descriptor when it is added; the others find out later. */
static void
a_refused_watch_says_so(void **state)
{
	struct utsname	os;
	struct ctx	c;

	(void)state;
	if (getenv("EVENT_NOEPOLL") != NULL || uname(&os) == -1 || strcmp(os.sysname, "Linux") != 0)
		skip();
	set_up(&c);
	c.watch[0] = watch_new(c.loop, 1000000, on_any, &c);
	assert_false(watch_set(c.watch[0], LOOP_READ));
	assert_false(watch_set(c.watch[0], LOOP_READ));		/* not remembered as granted */
	tear_down(&c);
}

/* Seen by closing the descriptor in between: a second call into the kernel would be refused. */
static void
what_is_granted_is_not_asked_again(void **state)
{
	struct ctx	c;
	int		fd;

	(void)state;
	if (getenv("EVENT_NOEPOLL") != NULL)
		skip();
	set_up(&c);
	assert_true((fd = dup(c.fds[0][0])) >= 0);
	c.watch[0] = watch_new(c.loop, fd, on_any, &c);
	assert_true(watch_set(c.watch[0], LOOP_READ));
	close(fd);
	assert_true(watch_set(c.watch[0], LOOP_READ));
	tear_down(&c);
}

/* Both are ready in the same turn; whichever comes first frees both. */
static void
free_both(void *arg, unsigned what)
{
	struct ctx	*c = arg;
	int		 i;

	(void)what;
	c->calls[0]++;
	for (i = 0; i < 2; i++) {
		watch_free(c->watch[i]);
		c->watch[i] = NULL;
	}
	timer_set(c->timer, 30);
}

static void
free_in_callback(void **state)
{
	struct ctx	c;
	int		i;

	(void)state;
	set_up(&c);
	for (i = 0; i < 2; i++) {
		assert_int_equal(write(c.fds[i][1], "x", 1), 1);
		c.watch[i] = watch_new(c.loop, c.fds[i][0], free_both, &c);
		assert_true(watch_set(c.watch[i], LOOP_READ));
	}
	loop_run(c.loop);
	assert_int_equal(c.calls[0], 1);
	tear_down(&c);
}

static void
free_own_timer(void *arg)
{
	struct ctx *c = arg;

	timer_free(c->timer);
	c->timer = NULL;
	loop_stop(c->loop);
}

static void
timers(void **state)
{
	struct ctx	c;
	int64_t		before = clock_mono_ms();

	(void)state;
	set_up(&c);
	timer_set(c.timer, 100);
	timer_set(c.timer, 50);			/* the last word counts */
	loop_run(c.loop);
	assert_in_range(clock_mono_ms() - before, 40, 95);
	timer_free(c.timer);
	c.timer = timer_new(c.loop, free_own_timer, &c);
	before = clock_mono_ms();
	timer_set(c.timer, -5);			/* at once */
	loop_run(c.loop);
	assert_in_range(clock_mono_ms() - before, 0, 200);
	assert_null(c.timer);
	c.timer = timer_new(c.loop, stop, c.loop);
	timer_set(c.timer, 10);
	timer_stop(c.timer);
	before = clock_mono_ms();
	loop_run(c.loop);			/* nothing left to wait for: it must come back */
	assert_in_range(clock_mono_ms() - before, 0, 200);
	tear_down(&c);
}

static void
look_twice(void *arg)
{
	struct ctx	*c = arg;
	struct timespec	 ts = { 0, 20 * 1000000 };

	c->now[0] = loop_now_ms(c->loop);
	nanosleep(&ts, NULL);
	c->now[1] = loop_now_ms(c->loop);
	loop_stop(c->loop);
}

static void
now_stands_still_in_a_turn(void **state)
{
	struct ctx	 c;
	struct timer	*t;
	int64_t		 first;

	(void)state;
	set_up(&c);
	t = timer_new(c.loop, look_twice, &c);
	timer_set(t, 1);
	loop_run(c.loop);
	assert_int_equal(c.now[0], c.now[1]);
	first = c.now[0];
	timer_set(t, 30);
	loop_run(c.loop);
	assert_in_range(c.now[0] - first, 40, 500);	/* and is read again in the next, after waiting */
	timer_free(t);
	tear_down(&c);
}

static void
on_signal(void *arg)
{
	struct ctx *c = arg;

	if (++c->calls[1] == 2)
		loop_stop(c->loop);
	else
		raise(SIGUSR1);
}

static void
signals(void **state)
{
	struct ctx c;

	(void)state;
	set_up(&c);
	assert_true(loop_on_signal(c.loop, SIGUSR1, on_signal, &c));
	raise(SIGUSR1);
	loop_run(c.loop);
	assert_int_equal(c.calls[1], 2);
	tear_down(&c);
}

static void
trace(struct ctx *c, char letter)
{
	size_t n = strlen(c->trace);

	assert_true(n + 1 < sizeof(c->trace));
	c->trace[n] = letter;
}

static void
hook_a(void *arg)
{
	struct ctx *c = arg;

	trace(c, 'a');
	loop_at_turn_end(c->loop, &c->hook[2]);		/* a hook queues one */
	loop_hook_cancel(&c->hook[1]);			/* and takes one out that is due in the same round */
}

static void
hook_b(void *arg)
{
	trace(arg, 'b');
}

static void
hook_c(void *arg)
{
	struct ctx *c = arg;

	trace(c, 'c');
	loop_stop(c->loop);
}

static void
queue_hooks(void *arg)
{
	struct ctx	*c = arg;

	trace(c, '(');
	loop_at_turn_end(c->loop, &c->hook[0]);
	loop_at_turn_end(c->loop, &c->hook[1]);
	loop_at_turn_end(c->loop, &c->hook[0]);		/* queued already */
	trace(c, ')');
}

static void
hooks_run_when_the_turn_ends(void **state)
{
	struct ctx	 c;
	struct timer	*t;

	(void)state;
	set_up(&c);
	c.hook[0] = (struct loop_hook){ .fn = hook_a, .arg = &c };
	c.hook[1] = (struct loop_hook){ .fn = hook_b, .arg = &c };
	c.hook[2] = (struct loop_hook){ .fn = hook_c, .arg = &c };
	t = timer_new(c.loop, queue_hooks, &c);
	timer_set(t, 1);
	loop_run(c.loop);
	assert_string_equal(c.trace, "()ac");
	c.hook[0].fn = hook_b;				/* oldest first */
	c.hook[1].fn = hook_c;
	memset(c.trace, 0, sizeof(c.trace));
	timer_set(t, 1);
	loop_run(c.loop);
	assert_string_equal(c.trace, "()bc");
	timer_free(t);
	tear_down(&c);
}

static void
endless(void *arg)
{
	struct ctx *c = arg;

	c->calls[1]++;
	loop_at_turn_end(c->loop, &c->hook[0]);
}

/* A hook that queues itself for ever starves nobody, and the loop does not sleep over it. */
static void
an_endless_hook_lets_others_run(void **state)
{
	struct ctx	c;
	int64_t		before = clock_mono_ms();

	(void)state;
	set_up(&c);
	c.hook[0] = (struct loop_hook){ .fn = endless, .arg = &c };
	loop_at_turn_end(c.loop, &c.hook[0]);
	c.watch[0] = watch_new(c.loop, c.fds[0][0], on_any, &c);
	assert_true(watch_set(c.watch[0], LOOP_READ));
	assert_int_equal(write(c.fds[0][1], "x", 1), 1);
	loop_run(c.loop);
	assert_int_equal(c.calls[0], 1);
	assert_true(c.calls[1] > 1);
	assert_in_range(clock_mono_ms() - before, 0, 200);
	assert_true(watch_set(c.watch[0], 0));
	c.calls[1] = 0;
	timer_set(c.timer, 50);
	loop_run(c.loop);
	assert_true(c.calls[1] > 100);			/* turned all the while */
	tear_down(&c);
}

/* Whoever a callback said it was working for, the next one begins as nobody's. */
static const struct log_context somebody = { "app", "request" };

static void
claims(struct ctx *c)
{
	if (log_context()->app[0] != '\0' || log_context()->request_id[0] != '\0')
		c->seen++;
	c->calls[0]++;
	log_context_set(&somebody);
}

static void
claiming_watch(void *arg, unsigned what)
{
	(void)what;
	claims(arg);
}

static void
claiming_hook(void *arg)
{
	claims(arg);
}

static void
claiming_timer(void *arg)
{
	struct ctx *c = arg;

	claims(c);
	raise(SIGUSR1);
	loop_at_turn_end(c->loop, &c->hook[0]);
	loop_at_turn_end(c->loop, &c->hook[1]);
	timer_set(c->timer, 20);
}

static void
each_callback_is_nobodys_work(void **state)
{
	struct timer	*t;
	struct ctx	 c;

	(void)state;
	set_up(&c);
	c.hook[0] = c.hook[1] = (struct loop_hook){ .fn = claiming_hook, .arg = &c };
	c.watch[0] = watch_new(c.loop, c.fds[0][0], claiming_watch, &c);
	assert_true(watch_set(c.watch[0], LOOP_READ));
	assert_int_equal(write(c.fds[0][1], "x", 1), 1);
	assert_true(loop_on_signal(c.loop, SIGUSR1, claiming_hook, &c));
	t = timer_new(c.loop, claiming_timer, &c);
	timer_set(t, 0);
	loop_run(c.loop);
	assert_true(c.calls[0] >= 5);
	assert_int_equal(c.seen, 0);
	log_context_set(NULL);
	timer_free(t);
	tear_down(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readiness),
		cmocka_unit_test(a_refused_watch_says_so),
		cmocka_unit_test(what_is_granted_is_not_asked_again),
		cmocka_unit_test(free_in_callback),
		cmocka_unit_test(timers),
		cmocka_unit_test(now_stands_still_in_a_turn),
		cmocka_unit_test(signals),
		cmocka_unit_test(hooks_run_when_the_turn_ends),
		cmocka_unit_test(an_endless_hook_lets_others_run),
		cmocka_unit_test(each_callback_is_nobodys_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
