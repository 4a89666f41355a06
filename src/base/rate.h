/*
 * rate: how many of something each of many has had in its window, counted exactly by all processes together. A table in
 * shared memory, made before the first fork; atomics only, so a process killed at any instruction holds nobody up and
 * leaves at most one slot unused until a window has passed.
 *
 * Fixed windows, each beginning with the first thing counted in it: `limit` things pass, then none until the window
 * ends. That can be exact with one compare-and-swap on one word, and a client can be told precisely when to come back; a
 * sliding window can be one or the other.
 */
#ifndef RINGD_RATE_H
#define RINGD_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RATE_LIMIT_MAX	10000000u	/* of a rule; fits the counter with room to spare */
#define RATE_OWNERS	0xffffu		/* of them, 1.. is a process's */

struct rate;				/* the table */

struct rate_rule {
	uint32_t	limit;		/* 1..RATE_LIMIT_MAX; 0 = none: everything passes, and is counted */
	int64_t		window_ms;
};

enum rate_verdict {
	RATE_PASS,
	RATE_REFUSE,
	RATE_UNCOUNTED,		/* no slot free: it passes. Nobody is refused because the table is full */
};

struct rate_state {
	uint32_t	left;		/* how many more would pass */
	int64_t		reset_ms;	/* until the window ends; the whole window while it has not begun */
};

/* In an anonymous shared mapping, pages taken as they are used; NULL with errno. slots is rounded up to a power of two. */
struct rate	*rate_new(size_t slots);
void		 rate_free(struct rate *r);

/*
 * Counts one for id, if it passes. id must be spread evenly over 64 bits and not be a stranger's to choose: a digest.
 * owner names the calling process among those alive. now_ms is monotonic. A rule with another window than the one
 * running applies at once when it is shorter, else from the next window on.
 */
enum rate_verdict rate_take(struct rate *r, unsigned owner, uint64_t id, const struct rate_rule *rule, int64_t now_ms,
		    struct rate_state *state);
/* Would one pass? Counts nothing, takes no slot. */
enum rate_verdict rate_look(const struct rate *r, uint64_t id, const struct rate_rule *rule, int64_t now_ms,
		    struct rate_state *state);
bool	rate_known(const struct rate *r, uint64_t id);	/* counted once and neither forgotten nor replaced since */
void	rate_forget(struct rate *r, uint64_t id);	/* as if it had never been counted */

#endif
