/*
 * The table of rates under many processes at once: newcomers that meet, slots that change hands, clocks that disagree,
 * processes killed wherever they happen to be. The code under test is compiled in here with a hook before each step on
 * shared memory: one process is interrupted by another, or ends, at every step there is; then many stumble along at
 * once, so that two processors are enough for orders of steps nobody thought of.
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static unsigned	stumbling;		/* of 256 steps, how many let somebody else go first */
static unsigned	steps_left;		/* until the interruption; 0 = none */
static void	(*interruption)(void);

static inline void
step(void)
{
	static uint64_t seed;

	if (steps_left > 0 && --steps_left == 0)
		interruption();
	if (stumbling == 0)
		return;
	seed = (seed ^ (uint64_t)getpid()) * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	if ((seed >> 56) < stumbling)
		sched_yield();
}

#undef atomic_load
#define atomic_load(p)	(step(), atomic_load_explicit((p), memory_order_seq_cst))
#undef atomic_compare_exchange_strong
#define atomic_compare_exchange_strong(p, e, d)	\
	(step(), atomic_compare_exchange_strong_explicit((p), (e), (d), memory_order_seq_cst, memory_order_seq_cst))
#undef atomic_compare_exchange_weak
#define atomic_compare_exchange_weak(p, e, d)	\
	(step(), atomic_compare_exchange_weak_explicit((p), (e), (d), memory_order_seq_cst, memory_order_seq_cst))

#include "base/rate.c"

#include "base/hash.h"

#define T0		INT64_C(1000000)	/* some monotonic time */
#define MINUTE		INT64_C(60000)
#define PROCESSES	8
#define LIFE_S		60			/* of a child whose test has failed */
#define STUMBLES	96u
#define IDS_MAX		24
#define NEWCOMER_ROUNDS	200
#define CROWD_ROUNDS	40
#define STEPS		250			/* more than a call takes */

static uint64_t
some_id(uint64_t n)
{
	unsigned char	digest[SHA256_SIZE];
	uint64_t	id;

	hash_sha256(digest, (struct str){ (const char *)&n, sizeof(n) });
	memcpy(&id, digest, sizeof(id));
	return id;
}

/* ---- one step at a time */

static const struct rate_rule one = { 1, MINUTE }, nine = { 9, MINUTE };
static struct rate *rate;
static enum rate_verdict other_verdict;
static bool interrupted;
static jmp_buf death;

/* A bucket in which only the first `room` slots are to be had. */
static void
fill(int room)
{
	struct rate_state st;

	rate = rate_new(BUCKET_SLOTS);
	assert_non_null(rate);
	interrupted = false;
	for (int i = 0; i < BUCKET_SLOTS; i++)
		assert_int_equal(rate_take(rate, 9, some_id(100 + (uint64_t)i), &nine, T0 + (i < room ? 0 : MINUTE - 1), &st),
		    RATE_PASS);
}

static enum rate_verdict
take(unsigned owner, uint64_t id, const struct rate_rule *rule, int64_t now)
{
	struct rate_state st;

	return rate_take(rate, owner, some_id(id), rule, now, &st);
}

static void
other_takes_the_same(void)
{
	interrupted = true;
	other_verdict = take(2, 7, &one, T0 + MINUTE);
}

static void
a_newcomer_is_interrupted_by_its_twin(void **state)
{
	enum rate_verdict v;
	unsigned hits = 0;

	(void)state;
	for (int room = 2; room <= 4; room++) {
		for (unsigned k = 1; k < STEPS; k++) {
			fill(room);
			interruption = other_takes_the_same;
			steps_left = k;
			v = take(1, 7, &one, T0 + MINUTE);
			steps_left = 0;
			if (interrupted) {
				assert_true(v != RATE_UNCOUNTED && other_verdict != RATE_UNCOUNTED);
				assert_true((v == RATE_PASS) != (other_verdict == RATE_PASS));
				hits++;
			} else
				assert_int_equal(v, RATE_PASS);
			assert_int_equal(take(3, 7, &one, T0 + MINUTE), RATE_REFUSE);
			rate_free(rate);
		}
	}
	assert_true(hits > 3 * BUCKET_SLOTS);
}

static void
other_takes_the_slot(void)
{
	interrupted = true;
	other_verdict = take(2, 8, &nine, T0 + MINUTE);
}

/* Somebody comes back to a slot whose window is over, and just then it changes hands. Neither counts for the other. */
static void
a_returner_is_interrupted_by_a_newcomer(void **state)
{
	struct rate_state st;
	enum rate_verdict v;

	(void)state;
	for (unsigned k = 1; k < STEPS; k++) {
		fill(1);
		interruption = other_takes_the_slot;
		steps_left = k;
		v = take(1, 100, &nine, T0 + MINUTE);
		steps_left = 0;
		assert_true(v == RATE_PASS || (interrupted && v == RATE_UNCOUNTED));
		if (interrupted) {
			assert_true((v == RATE_PASS) != (other_verdict == RATE_PASS));	/* there is one slot */
			assert_int_equal(rate_look(rate, some_id(v == RATE_PASS ? 100 : 8), &nine, T0 + MINUTE, &st), RATE_PASS);
			assert_int_equal(st.left, 8);
		}
		rate_free(rate);
	}
}

static void
die(void)
{
	interrupted = true;
	longjmp(death, 1);
}

/* Killed at whichever step: who comes next is counted exactly, at once if there is a slot; later there are all slots. */
static void
the_killed_hold_nobody_up(void **state)
{
	volatile unsigned k;
	volatile int room;

	(void)state;
	for (room = 1; room <= 2; room++) {
		for (k = 1; k < STEPS; k++) {
			fill(room);
			interruption = die;
			steps_left = k;
			if (setjmp(death) == 0)
				take(1, 7, &nine, T0 + MINUTE);
			steps_left = 0;
			if (room > 1) {
				enum rate_verdict v = take(2, 7, &nine, T0 + MINUTE);

				assert_int_equal(v, RATE_PASS);
				for (int n = 0; n < 7; n++)
					assert_int_equal(take(2, 7, &nine, T0 + MINUTE), RATE_PASS);
				take(2, 7, &nine, T0 + MINUTE);		/* the ninth, if the dead one's did not count */
				assert_int_equal(take(2, 7, &nine, T0 + MINUTE), RATE_REFUSE);
			}
			for (uint64_t i = 0; i < BUCKET_SLOTS; i++) {
				assert_int_equal(take(3, 200 + i, &one, T0 + 2 * MINUTE), RATE_PASS);
				assert_int_equal(take(3, 200 + i, &one, T0 + 2 * MINUTE), RATE_REFUSE);
			}
			rate_free(rate);
		}
	}
}

/* ---- many processes */

/* What the processes of one test share. A round is played by all at once; the parent sets it up and judges it. */
struct game {
	_Atomic int		go;			/* the round that may run */
	_Atomic int		done;			/* processes that are through with it */
	_Atomic unsigned	passed[IDS_MAX], uncounted[IDS_MAX];
	struct rate		*rate;
	struct rate_rule	 rule;
	int			 ids;
	int			 takes;			/* of each id, by each process */
	int64_t			 step_ms;		/* from round to round */
	pid_t			 pid[PROCESSES];
};

static int64_t
round_ms(const struct game *g, int round)
{
	return T0 + round * g->step_ms;
}

static uint64_t
round_id(const struct game *g, int round, int k)
{
	return some_id((uint64_t)(round * g->ids + k));
}

/* Clocks differ by a ms from one process to the next, and each begins with another id. */
static void
play_round(struct game *g, int p, int round)
{
	enum rate_verdict v;
	struct rate_state st;
	int i, k;

	for (i = 0; i < g->takes * g->ids; i++) {
		k = (p + i) % g->ids;
		v = rate_take(g->rate, (unsigned)p + 1, round_id(g, round, k), &g->rule, round_ms(g, round) + p, &st);
		if (v != RATE_REFUSE)
			atomic_fetch_add(v == RATE_PASS ? &g->passed[k] : &g->uncounted[k], 1);
	}
}

static struct game *
game_new(int ids, int takes, uint32_t limit, int64_t window_ms, int64_t step_ms)
{
	struct game *g = mmap(NULL, sizeof(*g), PROT_READ | PROT_WRITE, MAP_ANON | MAP_SHARED, -1, 0);

	assert_true(g != MAP_FAILED);
	g->rate = rate_new(BUCKET_SLOTS);
	assert_non_null(g->rate);
	g->rule = (struct rate_rule){ limit, window_ms };
	g->ids = ids;
	g->takes = takes;
	g->step_ms = step_ms;
	return g;
}

static void
game_start(struct game *g, int rounds)
{
	for (int p = 0; p < PROCESSES; p++) {
		pid_t pid = fork();

		if (pid != 0) {
			g->pid[p] = pid;
			continue;
		}
		alarm(LIFE_S);
		stumbling = STUMBLES;
		for (int round = 1; round <= rounds; round++) {
			while (g->go < round)
				sched_yield();
			play_round(g, p, round);
			g->done++;
		}
		_exit(0);
	}
}

static void
game_round(struct game *g, int round)
{
	for (int k = 0; k < g->ids; k++)
		g->passed[k] = g->uncounted[k] = 0;
	g->done = 0;
	g->go = round;
	while (g->done < PROCESSES)
		sched_yield();
}

static void
game_end(struct game *g)
{
	int status;

	for (int p = 0; p < PROCESSES; p++) {
		assert_int_equal(waitpid(g->pid[p], &status, 0), g->pid[p]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	rate_free(g->rate);
	munmap(g, sizeof(*g));
}

static void
exactly_the_limit_passes(void **state)
{
	struct game *g = game_new(1, 400, 1000, MINUTE, MINUTE);

	(void)state;
	game_start(g, 2);
	for (int round = 1; round <= 2; round++) {
		game_round(g, round);
		assert_int_equal(g->passed[0], 1000);
	}
	game_end(g);
}

/*
 * The one hard moment: nobody has a slot for an id, all ask at once, and since their clocks differ they do not agree
 * which slots are free. Each round has an id of its own, in a bucket full of windows that end just about now.
 */
static void
newcomers_get_one_slot(void **state)
{
	const struct rate_rule filler = { 1, 1000 };
	struct game *g = game_new(1, 3, 5, 1000, 100000);
	struct rate_state st;

	(void)state;
	game_start(g, NEWCOMER_ROUNDS);
	for (int round = 1; round <= NEWCOMER_ROUNDS; round++) {
		/* Later slots end earlier: who has the later clock finds a free one further to the front. */
		for (int i = 0; i < BUCKET_SLOTS; i++)
			assert_int_equal(rate_take(g->rate, PROCESSES + 1, some_id(1000000 + (uint64_t)(round * BUCKET_SLOTS + i)), &filler,
			    round_ms(g, round) - 1000 + (BUCKET_SLOTS - i) / 2, &st), RATE_PASS);
		game_round(g, round);
		assert_int_equal(g->passed[0], 5);
	}
	game_end(g);
}

/* More ids than slots: they are taken from each other as fast as their windows end, which is for some sooner than for others. */
static void
slots_change_hands(void **state)
{
	struct game *g = game_new(IDS_MAX, 2, 3, 1000, 1004);
	unsigned counted = 0, crowded = 0;

	(void)state;
	game_start(g, CROWD_ROUNDS);
	for (int round = 1; round <= CROWD_ROUNDS; round++) {
		game_round(g, round);
		for (int k = 0; k < g->ids; k++) {
			assert_true(g->passed[k] <= 3);
			assert_true(g->uncounted[k] > 0 || g->passed[k] == 3);
			counted += g->passed[k];
			crowded += g->uncounted[k] > 0;
		}
	}
	assert_true(counted > CROWD_ROUNDS * 3);
	assert_true(crowded > CROWD_ROUNDS);		/* it was as crowded as meant */
	game_end(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_newcomer_is_interrupted_by_its_twin),
		cmocka_unit_test(a_returner_is_interrupted_by_a_newcomer),
		cmocka_unit_test(the_killed_hold_nobody_up),
		cmocka_unit_test(exactly_the_limit_passes),
		cmocka_unit_test(newcomers_get_one_slot),
		cmocka_unit_test(slots_change_hands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
