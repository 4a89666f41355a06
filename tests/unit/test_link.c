/*
 * link: a worker's side and the courier's in one loop, over a real switchboard: questions and answers, a courier that dies
 * or does not come, deadlines, limits, peers that talk nonsense.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "link/client.h"
#include "link/server.h"
#include "os/passfd.h"

#define TIMEOUT_MS	5000

struct rig {
	struct loop		*loop;
	int			 ends[2];
	struct link_client	*worker;
	struct link_server	*courier;
	struct timer		*guard, *tick;
	bool			(*until)(struct rig *r);
	bool			 late;			/* the guard's time came */
	struct link_request	*kept[LINK_REQUESTS_MAX];
	size_t			 nkept;
	bool			 keep;			/* do not answer yet */
	int			 outcome[LINK_ANSWERED + 4], answers, drained;
	int			 code[FRAME_CODES];
	char			 text[64];
};

static void
serve(void *arg, struct link_request *rq)
{
	struct rig *r = arg;

	if (r->keep)
		r->kept[r->nkept++] = rq;
	else
		link_answer(rq, FRAME_OK, rq->nfields > 0 ? rq->field[0] : STR("nothing asked"));
}

static void
answered(void *arg, enum link_outcome outcome, const struct frame *f)
{
	struct rig *r = arg;

	r->answers++;
	r->outcome[outcome]++;
	if (f == NULL)
		return;
	r->code[f->code]++;
	if (f->nfields > 0)
		snprintf(r->text, sizeof(r->text), "%.*s", STR_ARG(f->field[0]));
}

static void
on_guard(void *arg)
{
	struct rig *r = arg;

	r->late = true;
	loop_stop(r->loop);
}

static void
on_tick(void *arg)
{
	struct rig *r = arg;

	if (r->until(r))
		loop_stop(r->loop);
	else
		timer_set(r->tick, 1);
}

static void
run_until(struct rig *r, bool (*until)(struct rig *r))
{
	r->until = until;
	r->late = false;
	timer_set(r->guard, TIMEOUT_MS);
	timer_set(r->tick, 0);
	loop_run(r->loop);
	timer_stop(r->guard);
	timer_stop(r->tick);
	assert_false(r->late);
}

static bool up(struct rig *r) { return link_client_up(r->worker); }
static bool down(struct rig *r) { return !link_client_up(r->worker); }
static bool one_answer(struct rig *r) { return r->answers >= 1; }
static bool one_kept(struct rig *r) { return r->nkept >= 1; }
static bool is_drained(struct rig *r) { return r->drained > 0; }

static void
start_courier(struct rig *r)
{
	assert_non_null(r->courier = link_server_new(r->loop, r->ends[0], serve, r));
}

static struct rig *
begin(void)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	assert_non_null(r->loop = loop_new());
	assert_true(passfd_pair(r->ends));
	assert_non_null(r->guard = timer_new(r->loop, on_guard, r));
	assert_non_null(r->tick = timer_new(r->loop, on_tick, r));
	assert_non_null(r->worker = link_client_new(r->loop, r->ends[1]));
	return r;
}

static void
end(struct rig *r)
{
	link_client_free(r->worker);
	link_server_free(r->courier);
	timer_free(r->guard);
	timer_free(r->tick);
	loop_free(r->loop);
	close(r->ends[0]);
	close(r->ends[1]);
	free(r);
}

static void
ask(struct rig *r, const char *text, int64_t timeout_ms)
{
	struct str field = str_c(text);

	link_call(r->worker, FRAME_PROBE, &field, 1, timeout_ms, answered, r);
}

static void
a_question_is_answered(void **state)
{
	struct rig *r = begin();

	(void)state;
	start_courier(r);
	run_until(r, up);
	ask(r, "well?", TIMEOUT_MS);
	assert_int_equal(r->answers, 0);	/* never from inside */
	run_until(r, one_answer);
	assert_int_equal(r->outcome[LINK_ANSWERED], 1);
	assert_string_equal(r->text, "well?");
	assert_int_equal(link_server_peers(r->courier), 1);
	assert_int_equal(link_server_requests(r->courier), 1);
	end(r);
}

static void
without_a_courier_the_answer_is_immediate(void **state)
{
	struct rig *r = begin();

	(void)state;
	ask(r, "x", 3600000);
	assert_int_equal(r->answers, 0);
	run_until(r, one_answer);
	assert_int_equal(r->outcome[LINK_AWAY], 1);
	/* It comes later: the stream has waited for it. */
	start_courier(r);
	run_until(r, up);
	end(r);
}

static void
a_courier_that_dies_is_away_at_once_and_its_successor_serves(void **state)
{
	struct rig *r = begin();

	(void)state;
	start_courier(r);
	r->keep = true;
	run_until(r, up);
	ask(r, "x", 3600000);
	run_until(r, one_kept);
	link_server_free(r->courier);
	free(r->kept[0]);			/* what a death does */
	r->courier = NULL;
	run_until(r, one_answer);
	assert_int_equal(r->outcome[LINK_AWAY], 1);
	assert_true(down(r));
	start_courier(r);
	r->keep = false;
	run_until(r, up);
	r->answers = 0;
	ask(r, "again", TIMEOUT_MS);
	run_until(r, one_answer);
	assert_string_equal(r->text, "again");
	end(r);
}

static void
a_deadline_ends_the_wait_and_the_late_answer_is_nobodys(void **state)
{
	struct rig *r = begin();

	(void)state;
	start_courier(r);
	r->keep = true;
	run_until(r, up);
	ask(r, "slow", 100);
	run_until(r, one_answer);
	assert_int_equal(r->outcome[LINK_LATE], 1);
	assert_int_equal(r->nkept, 1);
	link_answer(r->kept[0], FRAME_OK, STR("late"));
	r->keep = false;
	r->answers = 0;
	ask(r, "next", TIMEOUT_MS);
	run_until(r, one_answer);
	assert_string_equal(r->text, "next");	/* not "late" */
	assert_int_equal(r->answers, 1);
	end(r);
}

static bool all_answered(struct rig *r) { return r->answers >= LINK_CALLS_MAX + 50; }

static void
too_many_are_refused_and_the_rest_served(void **state)
{
	struct rig *r = begin();

	(void)state;
	start_courier(r);
	run_until(r, up);
	for (int i = 0; i < LINK_CALLS_MAX + 50; i++)
		ask(r, "x", TIMEOUT_MS);
	run_until(r, all_answered);
	assert_int_equal(r->outcome[LINK_BUSY], 50);
	assert_int_equal(r->outcome[LINK_ANSWERED], LINK_CALLS_MAX);
	end(r);
}

static void
a_field_too_large_is_refused_alone(void **state)
{
	struct rig *r = begin();
	struct str field = { calloc(1, FRAME_MAX), FRAME_MAX };

	(void)state;
	start_courier(r);
	run_until(r, up);
	link_call(r->worker, FRAME_PROBE, &field, 1, TIMEOUT_MS, answered, r);
	run_until(r, one_answer);
	assert_int_equal(r->outcome[LINK_BUSY], 1);
	r->answers = 0;
	ask(r, "small", TIMEOUT_MS);
	run_until(r, one_answer);
	assert_string_equal(r->text, "small");
	free((void *)(uintptr_t)field.p);
	end(r);
}

static void
drained(void *arg)
{
	struct rig *r = arg;

	r->drained++;
}

static void
draining_waits_for_the_last_worker(void **state)
{
	struct rig *r = begin();

	(void)state;
	start_courier(r);
	r->keep = true;
	run_until(r, up);
	ask(r, "x", TIMEOUT_MS);
	run_until(r, one_kept);
	link_server_drain(r->courier, drained, r);
	link_answer(r->kept[0], FRAME_OK, STR("answered while draining"));
	run_until(r, one_answer);
	assert_string_equal(r->text, "answered while draining");
	assert_int_equal(r->drained, 0);
	link_client_free(r->worker);
	r->worker = NULL;
	run_until(r, is_drained);
	end(r);
}

static void
without_workers_draining_ends_at_once(void **state)
{
	struct rig *r = begin();

	(void)state;
	link_client_free(r->worker);
	r->worker = NULL;
	start_courier(r);
	link_server_drain(r->courier, drained, r);	/* fetches the stream of the worker that is gone, too */
	assert_int_equal(r->drained, 0);
	run_until(r, is_drained);
	end(r);
}

static int stranger;

static bool
hung_up(struct rig *r)
{
	char bytes[256];
	ssize_t n = read(stranger, bytes, sizeof(bytes));

	(void)r;
	return n == 0 || (n == -1 && errno != EAGAIN);
}

static bool two_peers(struct rig *r) { return link_server_peers(r->courier) == 2; }

static void
who_talks_nonsense_loses_its_stream_and_nobody_else(void **state)
{
	static const struct str nonsense[] = {
		STR("GET / HTTP/1.1\r\n\r\n"),
		STR("\0\0\0\x0c" "\0\0\0\1" "\0\0\0\0" "\0\0\0\0"),	/* a hello to the courier */
		STR("\0\0\0\x0c" "\0\0\0\1" "\1\1\0\0" "\0\0\0\0"),	/* an answer to it */
	};
	struct rig *r = begin();
	int ends[2];

	(void)state;
	start_courier(r);
	run_until(r, up);
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
		assert_true(passfd_send(r->ends[1], ends[1]));
		close(ends[1]);
		stranger = ends[0];
		run_until(r, two_peers);
		assert_int_equal(write(stranger, nonsense[i].p, nonsense[i].n), nonsense[i].n);
		run_until(r, hung_up);
		close(stranger);
		r->answers = 0;
		ask(r, "still there", TIMEOUT_MS);
		run_until(r, one_answer);
		assert_string_equal(r->text, "still there");
	}
	end(r);
}

static void
a_datagram_without_a_descriptor_is_passed_over(void **state)
{
	struct rig *r = begin();

	(void)state;
	assert_int_equal(write(r->ends[1], "x", 1), 1);
	start_courier(r);
	run_until(r, up);
	end(r);
}

static void
descriptors_are_handed_on(void **state)
{
	int ends[2], pipe_fd[2], fd;
	char byte = 0;

	(void)state;
	assert_true(passfd_pair(ends));
	assert_int_equal(passfd_receive(ends[0]), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(pipe(pipe_fd), 0);
	assert_true(passfd_send(ends[1], pipe_fd[1]));
	close(pipe_fd[1]);
	fd = passfd_receive(ends[0]);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(write(fd, "!", 1), 1);
	close(fd);
	assert_int_equal(read(pipe_fd[0], &byte, 1), 1);
	assert_int_equal(byte, '!');
	assert_int_equal(read(pipe_fd[0], &byte, 1), 0);	/* nobody kept a copy */
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(passfd_receive(ends[0]), -1);
	assert_int_equal(errno, EBADMSG);
	close(pipe_fd[0]);
	close(ends[0]);
	close(ends[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_is_answered),
		cmocka_unit_test(without_a_courier_the_answer_is_immediate),
		cmocka_unit_test(a_courier_that_dies_is_away_at_once_and_its_successor_serves),
		cmocka_unit_test(a_deadline_ends_the_wait_and_the_late_answer_is_nobodys),
		cmocka_unit_test(too_many_are_refused_and_the_rest_served),
		cmocka_unit_test(a_field_too_large_is_refused_alone),
		cmocka_unit_test(draining_waits_for_the_last_worker),
		cmocka_unit_test(without_workers_draining_ends_at_once),
		cmocka_unit_test(who_talks_nonsense_loses_its_stream_and_nobody_else),
		cmocka_unit_test(a_datagram_without_a_descriptor_is_passed_over),
		cmocka_unit_test(descriptors_are_handed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
