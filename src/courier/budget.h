/*
 * budget: how often a provider may be asked. Pure: given the time, never reads a clock. A limit is "at most n in any period
 * of so long", kept exactly: there are n places, and one is free again a period after its request was answered. When the
 * provider counted it is known only to lie between sending and answer, so the answer is what counts. A bucket that
 * refills would let through nearly twice n around the end of a pause, and providers count windows.
 */
#ifndef RINGD_BUDGET_H
#define RINGD_BUDGET_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define BUDGET_SCOPE_MAX	96	/* bytes of a scope's name */
#define BUDGET_REQUESTS_MAX	250	/* n of one limit */
#define BUDGET_MARGIN_MS	5	/* periods are taken to be longer by this: a loop's clock is read once a turn */
#define BUDGET_AGAIN_MS		50	/* when to ask again while all places wait for answers */
#define BUDGET_PAUSE_MAX_MS	(60 * 60 * 1000)	/* no provider can pause us for longer */

struct budget_limit {
	const char	*name;		/* what is limited: "company", "call_start"; static */
	struct str	 scope;		/* whose limit it is: a company's id, a user's */
	int64_t		 n, period_ms;	/* n 1..BUDGET_REQUESTS_MAX; 0: none, but a pause holds */
};

struct budget;

/* For at most `max` limits at a time; those longest out of use are forgotten. NULL without memory. */
struct budget	*budget_new(size_t max);
void		 budget_free(struct budget *b);
/*
 * May one more go now, by all of these limits? 0: yes, and it has a place in all of them until budget_done(). Else in how
 * many ms to ask again, and nothing is counted.
 */
int64_t		 budget_take(struct budget *b, const struct budget_limit *limit, size_t n, int64_t now_ms);
/* One that went was answered, or will not be: its places are free again a period from now. */
void		 budget_done(struct budget *b, const struct budget_limit *limit, size_t n, int64_t now_ms);
/* The provider said so: nothing of this limit before now_ms + pause_ms. Never shortens a pause. */
void		 budget_pause(struct budget *b, const struct budget_limit *limit, int64_t pause_ms, int64_t now_ms);

/* How long to wait before the attempt-th (from 1) new try: doubling from min to max, between half of that and all of it. */
int64_t		 budget_backoff_ms(unsigned attempt, int64_t min_ms, int64_t max_ms, uint32_t random);

#endif
