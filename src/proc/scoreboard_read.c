/*
 * scoreboard_read: what anybody may read out of the shared memory. Adds up over all places that were ever taken, asks
 * no writer to wait, and never shows a sum smaller than one it showed before.
 */
#include <sys/types.h>

#include <string.h>

#include "proc/scoreboard.h"

#define HEAR_TRIES	16

enum score_state
scoreboard_state(const struct score *s)
{
	return (enum score_state)atomic_load_explicit(&s->state, memory_order_acquire);
}

bool
scoreboard_database_up(const struct scoreboard *b, unsigned role)
{
	const struct score *s;
	bool up = false;

	for (s = b->slot; s < b->slot + SCORE_GET(b->used); s++) {
		if (scoreboard_state(s) != SCORE_READY || SCORE_GET(s->role) != role ||
		    SCORE_GET(s->generation) != SCORE_GET(b->generation))
			continue;
		if (SCORE_GET(s->db) != SCORE_DB_UP)
			return false;
		up = true;
	}
	return up;
}

const char *
scoreboard_role(const struct scoreboard *b, const struct score *s)
{
	unsigned role = SCORE_GET(s->role);

	return role < b->nroles ? b->role[role] : "";
}

bool
score_hear(const struct score_text *t, char out[SCORE_TEXT])
{
	uint64_t word;
	uint32_t turn;

	for (int tries = 0; tries < HEAR_TRIES; tries++) {
		turn = atomic_load_explicit(&t->turn, memory_order_acquire);
		for (size_t i = 0; i < SCORE_TEXT / sizeof(uint64_t); i++) {
			word = SCORE_GET(t->word[i]);
			memcpy(out + i * sizeof(word), &word, sizeof(word));
		}
		atomic_thread_fence(memory_order_acquire);
		if (turn % 2 == 0 && SCORE_GET(t->turn) == turn)
			return out[0] != '\0';
	}
	out[0] = '\0';
	return false;
}

/* ---- counters */

uint64_t
scoreboard_sum(const struct scoreboard *b, enum score_counter c)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < SCORE_GET(b->used); i++)
		n += SCORE_GET(b->slot[i].counter[c]);
	return n;
}

/* The two are not read in one moment: the place may just have changed hands. */
static uint64_t
since(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

uint64_t
score_own(const struct score *s, enum score_counter c)
{
	return since(SCORE_GET(s->counter[c]), SCORE_GET(s->before[c]));
}

uint64_t
scoreboard_restarts(const struct scoreboard *b)
{
	uint64_t n = 0;

	for (unsigned r = 0; r < b->nroles; r++)
		for (size_t c = 0; c < SCORE_CAUSES; c++)
			n += SCORE_GET(b->restarts[r][c]);
	return n;
}

/* ---- histograms */

static void
add_histogram(struct score_totals *t, const struct score_histogram *h)
{
	uint64_t n;

	for (size_t i = 0; i < SCORE_BUCKETS; i++) {
		n = SCORE_GET(h->bucket[i]);
		t->bucket[i] += n;
		t->count += n;
	}
	t->sum += SCORE_GET(h->sum);
}

void
scoreboard_add(const struct scoreboard *b, size_t offset, struct score_totals *t)
{
	for (unsigned i = 0; i < SCORE_GET(b->used); i++)
		add_histogram(t, (const void *)((const char *)&b->slot[i] + offset));
}

uint64_t
score_requests(const struct score *s)
{
	struct score_totals t = { 0 };

	for (size_t r = 0; r < SCORE_ROUTES; r++)
		for (size_t c = 0; c < SCORE_CLASSES; c++)
			add_histogram(&t, &s->http_us[r][c]);
	return t.count;
}

uint64_t
score_own_requests(const struct score *s)
{
	return since(score_requests(s), SCORE_GET(s->requests_before));
}

uint64_t
scoreboard_requests(const struct scoreboard *b)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < SCORE_GET(b->used); i++)
		n += score_requests(&b->slot[i]);
	return n;
}

int64_t
score_quantile(const struct score_totals *t, const struct score_bounds *bounds, unsigned percent)
{
	uint64_t rank = (t->count * percent + 99) / 100, below = 0;
	int64_t low = 0;

	if (t->count == 0)
		return -1;
	for (size_t i = 0; i < bounds->n; i++) {
		if (below + t->bucket[i] >= rank)
			return low + (int64_t)((uint64_t)(bounds->at[i] - low) * (rank - below) / t->bucket[i]);
		below += t->bucket[i];
		low = bounds->at[i];
	}
	return low;
}

/* ---- the queue */

/* By how much the queue has grown since the beginning, as far as this ringd knows. */
static int64_t
growth(const struct scoreboard *b)
{
	return (int64_t)(scoreboard_sum(b, SCORE_EVENTS_QUEUED) - scoreboard_sum(b, SCORE_EVENTS_APPLIED) -
	    scoreboard_sum(b, SCORE_EVENTS_DEAD));
}

void
scoreboard_queue_seen(struct scoreboard *b, int64_t depth, int64_t oldest_ms, int64_t now_ms)
{
	SCORE_SET(b->queue.oldest_ms, depth > 0 ? oldest_ms : now_ms);
	SCORE_SET(b->queue.base, depth >= 0 ? depth - growth(b) : SCORE_UNKNOWN);
}

static int64_t
age(int64_t now_ms, int64_t then_ms)
{
	return now_ms > then_ms ? now_ms - then_ms : 0;
}

struct score_waiting
scoreboard_queue(const struct scoreboard *b, int64_t now_ms)
{
	struct score_waiting w = { -1, -1, -1 };
	int64_t base = SCORE_GET(b->queue.base), caught_up = SCORE_GET(b->queue.caught_up_ms);

	if (base != SCORE_UNKNOWN) {
		w.depth = base + growth(b);
		if (w.depth < 0)
			w.depth = 0;
		w.oldest_ms = w.depth > 0 ? age(now_ms, SCORE_GET(b->queue.oldest_ms)) : 0;
	}
	if (caught_up != 0)
		w.lag_ms = age(now_ms, caught_up);
	return w;
}
