/*
 * The scoreboard: nothing that a child counted is forgotten or counted twice when it goes, whoever reads meanwhile never
 * sees a number fall, and a writer killed at the worst moment leaves nothing broken.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/count.h"
#include "proc/scoreboard.h"

#define ROUNDS	200

enum { WORKER, REAPER };

static const char *const roles[] = { "worker", "reaper" };

static struct scoreboard *
new_board(void)
{
	struct scoreboard *b = scoreboard_new(roles, COUNT(roles));

	assert_non_null(b);
	return b;
}

/* A child that sits down there, does its work and ends by _exit(0), or by what its work does to it. */
static int
run_child(struct scoreboard *b, struct score *s, unsigned role, void (*work)(struct score *s))
{
	int status;
	pid_t pid;

	scoreboard_seat(b, s, role, 0, 1);
	pid = fork();
	if (pid == 0) {
		work(s);
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
count_a_little(struct score *s)
{
	for (size_t c = 0; c < SCORE_COUNTERS; c++)
		score_count(s, (enum score_counter)c, c + 1);
	score_http(s, 3, 200, 700);
	score_http(s, 3, 200, 700);
	score_http(s, 0, 404, 60);
	SCORE_SET(s->connections, 5);
	score_db(s, SCORE_DB_UP, "");
	scoreboard_set_state(s, SCORE_READY);
}

static uint64_t
answered(const struct scoreboard *b, size_t route, enum score_class class)
{
	struct score_totals t = { .count = 0 };

	scoreboard_add(b, SCORE_HTTP(route, class), &t);
	return t.count;
}

static void
counters_belong_to_the_place(void **state)
{
	struct scoreboard *b = new_board();
	struct score *s = &b->slot[SCORE_SLOTS - 1];

	(void)state;
	for (uint64_t round = 1; round <= 3; round++) {
		assert_int_equal(run_child(b, s, round == 2 ? REAPER : WORKER, count_a_little), 0);
		/* Of this one alone, and of all who sat here. */
		for (size_t c = 0; c < SCORE_COUNTERS; c++) {
			assert_int_equal(score_own(s, (enum score_counter)c), c + 1);
			assert_int_equal(scoreboard_sum(b, (enum score_counter)c), round * (c + 1));
		}
		assert_int_equal(score_own_requests(s), 3);
		assert_int_equal(scoreboard_requests(b), round * 3);
		assert_int_equal(answered(b, 3, SCORE_2XX), round * 2);
		assert_int_equal(answered(b, 0, SCORE_4XX), round);
		assert_string_equal(scoreboard_role(b, s), round == 2 ? "reaper" : "worker");
		assert_int_equal(SCORE_GET(s->connections), 5);
		scoreboard_vacate(s);
		assert_int_equal(scoreboard_state(s), SCORE_FREE);
		assert_int_equal(SCORE_GET(s->connections), 0);
		assert_int_equal(SCORE_GET(s->db), SCORE_DB_DOWN);
		assert_int_equal(scoreboard_sum(b, SCORE_EVENTS_DEAD), round * (SCORE_EVENTS_DEAD + 1));
	}
}

static void
count_until_killed(struct score *s)
{
	for (;;) {
		score_count(s, SCORE_ACCEPTED, 1);
		score_http(s, 1, 200, 100);
		score_say(&s->db_reason, "the server is starting up, or shutting down, or recovering");
	}
}

/* Looks as long as the parent lives; 1 when a sum fell or a sentence was torn. */
static void
watch_for_falls(const struct scoreboard *b, pid_t parent)
{
	uint64_t accepted = 0, requests = 0, now;
	char text[SCORE_TEXT];

	while (getppid() == parent) {
		now = scoreboard_sum(b, SCORE_ACCEPTED);
		if (now < accepted)
			_exit(1);
		accepted = now;
		now = answered(b, 1, SCORE_2XX);
		if (now < requests)
			_exit(1);
		requests = now;
		for (size_t i = 0; i < 2; i++)
			if (score_hear(&b->slot[i].db_reason, text) &&
			    strcmp(text, "the server is starting up, or shutting down, or recovering") != 0)
				_exit(1);
	}
	_exit(0);
}

static void
wait_until_counting(const struct score *s)
{
	while (score_own_requests(s) == 0)
		usleep(50);
}

/* Children are killed in the middle of it and others sit down in their places, while somebody reads. */
static void
nothing_falls_when_children_are_killed(void **state)
{
	struct scoreboard *b = new_board();
	pid_t parent = getpid(), reader = fork(), pid;
	uint64_t before, after, sum = 0;
	int status;

	(void)state;
	if (reader == 0)
		watch_for_falls(b, parent);
	assert_true(reader > 0);
	for (int i = 0; i < ROUNDS; i++) {
		struct score *s = &b->slot[i % 2];

		before = SCORE_GET(s->counter[SCORE_ACCEPTED]);
		scoreboard_seat(b, s, WORKER, 0, 1);
		pid = fork();
		if (pid == 0)
			count_until_killed(s);
		assert_true(pid > 0);
		wait_until_counting(s);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		after = SCORE_GET(s->counter[SCORE_ACCEPTED]);
		assert_true(after > before);
		/* What was counted together differs by the one addition that was interrupted. */
		assert_in_range(after - before, score_own_requests(s), score_own_requests(s) + 1);
		sum += after - before;
		scoreboard_vacate(s);
		assert_int_equal(scoreboard_sum(b, SCORE_ACCEPTED), sum);
		assert_int_equal(waitpid(reader, &status, WNOHANG), 0);
	}
	kill(reader, SIGKILL);
	assert_int_equal(waitpid(reader, &status, 0), reader);
	assert_true(WIFSIGNALED(status));
}

static void
buckets_end_at_their_bounds(void **state)
{
	static struct score_histogram h;
	static const struct { int64_t v; size_t bucket; } times[] = {
		{ -5, 0 }, { 0, 0 }, { 50, 0 }, { 51, 1 }, { 100, 1 }, { 101, 2 }, { 9999999, 16 }, { 10000000, 16 },
		{ 10000001, SCORE_BUCKETS - 1 }, { INT64_MAX, SCORE_BUCKETS - 1 },
	};
	uint64_t before;

	(void)state;
	for (size_t i = 0; i < COUNT(times); i++) {
		before = SCORE_GET(h.bucket[times[i].bucket]);
		score_observe(&h, &score_times, times[i].v);
		if (SCORE_GET(h.bucket[times[i].bucket]) != before + 1)
			fail_msg("%lld is not in bucket %zu", (long long)times[i].v, times[i].bucket);
	}
	memset(&h, 0, sizeof(h));
	score_observe(&h, &score_rows, 64);
	score_observe(&h, &score_rows, 65);
	assert_int_equal(SCORE_GET(h.bucket[6]), 1);
	assert_int_equal(SCORE_GET(h.bucket[SCORE_BUCKETS - 1]), 1);
	assert_int_equal(SCORE_GET(h.sum), 129);
}

static void
statuses_have_four_classes(void **state)
{
	static const struct { int status; enum score_class class; } all[] = {
		{ 100, SCORE_2XX }, { 200, SCORE_2XX }, { 204, SCORE_2XX }, { 304, SCORE_3XX }, { 400, SCORE_4XX },
		{ 499, SCORE_4XX }, { 500, SCORE_5XX }, { 599, SCORE_5XX }, { 700, SCORE_5XX }, { 0, SCORE_2XX },
	};
	struct scoreboard *b = new_board();
	uint64_t before;

	(void)state;
	scoreboard_seat(b, &b->slot[0], WORKER, 0, 1);
	for (size_t i = 0; i < COUNT(all); i++) {
		before = answered(b, 2, all[i].class);
		score_http(&b->slot[0], 2, all[i].status, 1);
		assert_int_equal(answered(b, 2, all[i].class), before + 1);
	}
	score_http(&b->slot[0], SCORE_ROUTES, 200, 1);	/* cannot be, and then harms nobody */
	assert_int_equal(answered(b, 0, SCORE_2XX), 1);
	assert_int_equal(scoreboard_requests(b), COUNT(all) + 1);
}

static void
quantiles_lie_between_the_bounds(void **state)
{
	struct score_totals t = { .count = 0 };

	(void)state;
	assert_int_equal(score_quantile(&t, &score_times, 50), -1);
	t.bucket[0] = 50;		/* up to 50 us */
	t.bucket[4] = 50;		/* 500 us to 1 ms */
	t.count = 100;
	assert_int_equal(score_quantile(&t, &score_times, 50), 50);
	assert_int_equal(score_quantile(&t, &score_times, 25), 25);
	assert_int_equal(score_quantile(&t, &score_times, 75), 750);
	assert_int_equal(score_quantile(&t, &score_times, 100), 1000);
	t.bucket[SCORE_BUCKETS - 1] = 900;
	t.count = 1000;
	assert_int_equal(score_quantile(&t, &score_times, 99), 10000000);
}

static void
sentences_are_whole_or_absent(void **state)
{
	static struct score_text t;
	char text[SCORE_TEXT], longer[SCORE_TEXT + 50];

	(void)state;
	assert_false(score_hear(&t, text));
	score_say(&t, "connection refused");
	assert_true(score_hear(&t, text));
	assert_string_equal(text, "connection refused");
	score_say(&t, "");
	assert_false(score_hear(&t, text));
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	score_say(&t, longer);
	assert_true(score_hear(&t, text));
	assert_int_equal(strlen(text), SCORE_TEXT - 1);
	/* Its writer was killed over it: nobody waits, and the next one mends it. */
	SCORE_ADD(t.turn, 1);
	assert_false(score_hear(&t, text));
	score_say(&t, "again");
	assert_true(score_hear(&t, text));
	assert_string_equal(text, "again");
}

static void
queue_goes_on_between_looks(void **state)
{
	struct scoreboard *b = new_board();
	struct score *worker = &b->slot[0], *reaper = &b->slot[1];
	struct score_waiting w;

	(void)state;
	scoreboard_seat(b, worker, WORKER, 0, 1);
	scoreboard_seat(b, reaper, REAPER, 0, 1);
	w = scoreboard_queue(b, 1000);
	assert_int_equal(w.depth, -1);
	assert_int_equal(w.oldest_ms, -1);
	assert_int_equal(w.lag_ms, -1);
	/* Ten wait since before we were started. */
	scoreboard_queue_seen(b, 10, 400, 1000);
	score_count(worker, SCORE_EVENTS_QUEUED, 5);
	w = scoreboard_queue(b, 1500);
	assert_int_equal(w.depth, 15);
	assert_int_equal(w.oldest_ms, 1100);
	score_count(reaper, SCORE_EVENTS_APPLIED, 12);
	score_count(reaper, SCORE_EVENTS_DEAD, 3);
	w = scoreboard_queue(b, 1600);
	assert_int_equal(w.depth, 0);
	assert_int_equal(w.oldest_ms, 0);
	/* It was empty at 2000; what waits at 5000 came later. */
	scoreboard_queue_seen(b, 0, 0, 2000);
	score_count(worker, SCORE_EVENTS_QUEUED, 1);
	w = scoreboard_queue(b, 5000);
	assert_int_equal(w.depth, 1);
	assert_int_equal(w.oldest_ms, 3000);
	/* Somebody else's reaper took it: what we counted is wrong by one, never negative, and right after a look. */
	scoreboard_queue_seen(b, 0, 0, 6000);
	score_count(reaper, SCORE_EVENTS_APPLIED, 1);
	assert_int_equal(scoreboard_queue(b, 6000).depth, 0);
	scoreboard_queue_seen(b, 7, 5900, 7000);
	assert_int_equal(scoreboard_queue(b, 7000).depth, 7);
	SCORE_SET(b->queue.caught_up_ms, 6900);
	assert_int_equal(scoreboard_queue(b, 7000).lag_ms, 100);
	assert_int_equal(scoreboard_queue(b, 6800).lag_ms, 0);
	scoreboard_queue_seen(b, -1, 0, 8000);
	assert_int_equal(scoreboard_queue(b, 8000).depth, -1);
}

static void
database_is_up_when_all_who_serve_have_it(void **state)
{
	struct scoreboard *b = new_board();

	(void)state;
	SCORE_SET(b->generation, 2);
	assert_false(scoreboard_database_up(b, WORKER));
	for (unsigned i = 0; i < 3; i++) {
		scoreboard_seat(b, &b->slot[i], WORKER, i, i == 0 ? 1 : 2);
		score_db(&b->slot[i], i == 0 ? SCORE_DB_DOWN : SCORE_DB_UP, "");
		scoreboard_set_state(&b->slot[i], i == 2 ? SCORE_STARTING : SCORE_READY);
	}
	assert_true(scoreboard_database_up(b, WORKER));
	assert_false(scoreboard_database_up(b, REAPER));
	score_db(&b->slot[2], SCORE_DB_REFUSED, "schema version 3");
	assert_true(scoreboard_database_up(b, WORKER));		/* it has yet to try */
	scoreboard_set_state(&b->slot[2], SCORE_READY);
	assert_false(scoreboard_database_up(b, WORKER));
	scoreboard_vacate(&b->slot[2]);
	assert_true(scoreboard_database_up(b, WORKER));
}

static void
places_share_no_line(void **state)
{
	struct scoreboard *b = new_board();

	(void)state;
	for (size_t i = 0; i < SCORE_SLOTS; i++) {
		assert_int_equal((uintptr_t)&b->slot[i] % SCORE_LINE, 0);
		assert_int_equal((uintptr_t)&b->slot[i].db % SCORE_LINE, 0);
	}
}

/* What is being read stays as it is until the turn after the next. */
static void
certificates_take_turns(void **state)
{
	struct scoreboard *b = new_board();
	struct conf *c = calloc(1, sizeof(*c));
	const struct score_certificates *first;

	(void)state;
	assert_non_null(c);
	assert_int_equal(SCORE_GET(scoreboard_certificates(b)->n), 0);
	c->ncertificates = 1;
	snprintf(c->certificate[0].info.name, sizeof(c->certificate[0].info.name), "first");
	scoreboard_certify(b, c);
	first = scoreboard_certificates(b);
	assert_string_equal(first->one[0].name, "first");
	snprintf(c->certificate[0].info.name, sizeof(c->certificate[0].info.name), "second");
	scoreboard_certify(b, c);
	assert_string_equal(first->one[0].name, "first");
	assert_string_equal(scoreboard_certificates(b)->one[0].name, "second");
	free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_belong_to_the_place),
		cmocka_unit_test(nothing_falls_when_children_are_killed),
		cmocka_unit_test(buckets_end_at_their_bounds),
		cmocka_unit_test(statuses_have_four_classes),
		cmocka_unit_test(quantiles_lie_between_the_bounds),
		cmocka_unit_test(sentences_are_whole_or_absent),
		cmocka_unit_test(queue_goes_on_between_looks),
		cmocka_unit_test(database_is_up_when_all_who_serve_have_it),
		cmocka_unit_test(places_share_no_line),
		cmocka_unit_test(certificates_take_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
