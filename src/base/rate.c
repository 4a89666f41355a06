/*
 * rate: see rate.h. Buckets of 16 slots, one bucket for an id. A slot is two words: whose it is (`holder`), and what it
 * has counted (`window`: when it ends, how many). Counting is one compare-and-swap on `window`. The care goes into one
 * promise: an id never has two slots that count, though slots change hands when their window is over.
 *
 *   1. Who wants a slot freezes its `window` first. Whoever would still count there fails and looks again.
 *   2. It writes itself into `holder`, marked as moving in: nobody counts there yet.
 *   3. It looks through the bucket. An id that has a slot already keeps that one, and the new one is given up. Somebody
 *      else who is moving in with the same id is thrown out. Of two, each writes before it looks, so one at least sees
 *      the other.
 *   4. It opens a window with nothing in it, then takes the mark off. Thrown out meanwhile: from the start.
 *
 * The mark and the frost name their process, so that no step can be mistaken for another's. A process that dies leaves a
 * frozen slot, which may be had again after SLACK_MS, or one marked with an open window, which is free when that ends.
 */
#include <sys/types.h>
#include <sys/mman.h>

#include <stdatomic.h>

#include "base/rate.h"

#define BUCKET_SLOTS	16		/* two lines of a cache for the holders, two for the windows */
#define TRIES		1000		/* each is lost to somebody who got on; so many in a row does not happen */
#define SLACK_MS	10000		/* longest time between a caller's look at its clock and the end of its call */

/* holder: 0 = free, else 48 bits of the id and the process that is moving in, 0 once it has. */
#define HOLDER_BITS	16
/* window: the end in ms and the count; or FROZEN, until when at most, and by which process. */
#define COUNT_BITS	24
#define COUNT_MASK	((UINT64_C(1) << COUNT_BITS) - 1)
#define FROZEN		(UINT64_C(1) << 63)

_Static_assert(RATE_LIMIT_MAX < COUNT_MASK, "a limit must fit the counter");

struct bucket {
	_Atomic uint64_t	holder[BUCKET_SLOTS];
	_Atomic uint64_t	window[BUCKET_SLOTS];
};

struct rate {
	size_t		size;		/* of the mapping */
	size_t		nbuckets;	/* a power of two */
	struct bucket	bucket[];
};

struct rate *
rate_new(size_t slots)
{
	struct rate	*r;
	size_t		 n = 1, size;

	while (n * BUCKET_SLOTS < slots)
		n *= 2;
	size = sizeof(struct rate) + n * sizeof(struct bucket);
	r = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANON | MAP_SHARED, -1, 0);
	if (r == MAP_FAILED)
		return NULL;
	r->size = size;
	r->nbuckets = n;
	return r;
}

void
rate_free(struct rate *r)
{
	if (r != NULL)
		munmap(r, r->size);
}

static size_t
bucket_of(const struct rate *r, uint64_t id)
{
	return id & (r->nbuckets - 1);
}

/* Bits the bucket was not chosen by come first; never 0. */
static uint64_t
holder_of(uint64_t id)
{
	uint64_t tag = id >> HOLDER_BITS;

	return (tag != 0 ? tag : 1) << HOLDER_BITS;
}

static int64_t
end_of(uint64_t window)
{
	return (int64_t)((window & ~FROZEN) >> COUNT_BITS);
}

static uint64_t
window_made(int64_t end_ms, uint64_t count)
{
	return ((uint64_t)end_ms << COUNT_BITS | count) & ~FROZEN;
}

/* Whether it still runs under this rule. One that has more than a whole window to go was begun under a longer rule; not
 * so if only by a little, when somebody with a later clock began it. */
static bool
runs(uint64_t window, const struct rate_rule *rule, int64_t now_ms)
{
	int64_t left = end_of(window) - now_ms;

	return left > 0 && left <= rule->window_ms + SLACK_MS;
}

static bool
swap(_Atomic uint64_t *word, uint64_t from, uint64_t to)
{
	return atomic_compare_exchange_strong(word, &from, to);
}

/* The slot that counts for this holder, or -1. */
static int
find(const struct bucket *b, uint64_t holder)
{
	int i;

	for (i = 0; i < BUCKET_SLOTS; i++)
		if (atomic_load(&b->holder[i]) == holder && (atomic_load(&b->window[i]) & FROZEN) == 0)
			return i;
	return -1;
}

/* A slot to have, with its window as it was seen; -1: none. */
static int
choose(const struct bucket *b, int64_t now_ms, uint64_t *seen)
{
	int i;

	for (i = 0; i < BUCKET_SLOTS; i++) {
		*seen = atomic_load(&b->window[i]);
		if (end_of(*seen) <= now_ms || ((*seen & FROZEN) == 0 && atomic_load(&b->holder[i]) == 0))
			return i;
	}
	return -1;
}

/* Does another slot count for this holder? Throws out whoever else is moving in with it. */
static bool
has_another(struct bucket *b, int mine, uint64_t holder)
{
	uint64_t	other;
	int		i;

	for (i = 0; i < BUCKET_SLOTS; i++) {
		if (i == mine)
			continue;
		while ((other = atomic_load(&b->holder[i])) >> HOLDER_BITS == holder >> HOLDER_BITS && other != holder)
			swap(&b->holder[i], other, 0);
		if (other == holder && (atomic_load(&b->window[i]) & FROZEN) == 0)
			return true;
	}
	return false;
}

/* One try to get a slot for this holder; whether it worked is seen by looking. false: all are taken. */
static bool
move_in(struct bucket *b, unsigned owner, uint64_t holder, int64_t end_ms, int64_t now_ms)
{
	uint64_t	mine = holder | owner, frost = FROZEN | window_made(now_ms + SLACK_MS, owner), seen;
	int		i = choose(b, now_ms, &seen);

	if (i == -1)
		return false;
	if (!swap(&b->window[i], seen, frost))
		return true;
	if (swap(&b->holder[i], atomic_load(&b->holder[i]), mine) && !has_another(b, i, holder)) {
		if (swap(&b->window[i], frost, window_made(end_ms, 0)))
			swap(&b->holder[i], mine, holder);
	} else {
		swap(&b->holder[i], mine, 0);
		swap(&b->window[i], frost, window_made(0, owner));
	}
	return true;
}

static void
tell(struct rate_state *state, const struct rate_rule *rule, uint64_t window, int64_t now_ms)
{
	uint64_t count = window & COUNT_MASK;

	state->left = count < rule->limit ? rule->limit - (uint32_t)count : 0;
	state->reset_ms = end_of(window) - now_ms < rule->window_ms ? end_of(window) - now_ms : rule->window_ms;
}

/* Counts one in slot i. false: the slot is no longer this holder's. */
static bool
count(struct bucket *b, int i, uint64_t holder, const struct rate_rule *rule, int64_t now_ms,
    struct rate_state *state, enum rate_verdict *verdict)
{
	uint64_t window = atomic_load(&b->window[i]), next;

	do {
		/* The holder after the window: had the slot changed hands before, the window were another. */
		if ((window & FROZEN) != 0 || atomic_load(&b->holder[i]) != holder)
			return false;
		next = runs(window, rule, now_ms) ? window : window_made(now_ms + rule->window_ms, 0);
		*verdict = rule->limit != 0 && (next & COUNT_MASK) >= rule->limit ? RATE_REFUSE : RATE_PASS;
		if (*verdict == RATE_PASS && (next & COUNT_MASK) < COUNT_MASK)
			next++;
	} while (next != window && !atomic_compare_exchange_weak(&b->window[i], &window, next));
	tell(state, rule, next, now_ms);
	return true;
}

enum rate_verdict
rate_take(struct rate *r, unsigned owner, uint64_t id, const struct rate_rule *rule, int64_t now_ms,
    struct rate_state *state)
{
	struct bucket		*b = &r->bucket[bucket_of(r, id)];
	uint64_t		 holder = holder_of(id);
	enum rate_verdict	 verdict = RATE_UNCOUNTED;
	int			 tries, i;

	for (tries = 0; tries < TRIES; tries++) {
		i = find(b, holder);
		if (i != -1 && count(b, i, holder, rule, now_ms, state, &verdict))
			return verdict;
		if (i == -1 && !move_in(b, owner, holder, now_ms + rule->window_ms, now_ms))
			break;
	}
	*state = (struct rate_state){ rule->limit, rule->window_ms };
	return RATE_UNCOUNTED;
}

enum rate_verdict
rate_look(const struct rate *r, uint64_t id, const struct rate_rule *rule, int64_t now_ms, struct rate_state *state)
{
	const struct bucket	*b = &r->bucket[bucket_of(r, id)];
	int			 i = find(b, holder_of(id));
	uint64_t		 window = i != -1 ? atomic_load(&b->window[i]) : 0;

	if ((window & FROZEN) != 0 || !runs(window, rule, now_ms))
		window = window_made(now_ms + rule->window_ms, 0);
	tell(state, rule, window, now_ms);
	return rule->limit != 0 && state->left == 0 ? RATE_REFUSE : RATE_PASS;
}

bool
rate_known(const struct rate *r, uint64_t id)
{
	return find(&r->bucket[bucket_of(r, id)], holder_of(id)) != -1;
}

void
rate_forget(struct rate *r, uint64_t id)
{
	struct bucket	*b = &r->bucket[bucket_of(r, id)];
	uint64_t	 holder = holder_of(id);
	int		 i;

	while ((i = find(b, holder)) != -1)
		swap(&b->holder[i], holder, 0);
}
