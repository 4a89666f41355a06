/*
 * gap: one span of lost events that this courier has claimed. Private to repair.c, which claims them and hands them over,
 * and gap.c, which does the work.
 */
#ifndef RINGD_COURIER_GAP_H
#define RINGD_COURIER_GAP_H

#include "courier/found.h"
#include "courier/repair.h"
#include "providers/dialpad_rest.h"

#define GAP_LEASE_MS	30000	/* of a claim, renewed with each page: over the longest wait for one, and time to store it */
#define GAP_WHY_SIZE	320

struct gap {
	LIST_ENTRY(gap)	 link;
	struct courier	*courier;
	struct uuid	 app, id, owner;
	int64_t		 from_ms, to_ms, attempts;
	char		 reason[16];
	char		 cursor[DIALPAD_CURSOR_MAX + 1];	/* of the page under way; "": the first */
	char		 next[DIALPAD_CURSOR_MAX + 1];		/* of the one after it; "": none */
	int64_t		 seen, found;		/* all told */
	int64_t		 unheard;		/* since the claim: calls nothing was known of */
	int64_t		 page_seen, page_oldest_ms;
	struct found	*events;		/* of the page under way */
	bool		 pausing;		/* between two pages: nothing is under way */
	bool		 over;			/* why is a fault that no new try mends */
	char		 why[GAP_WHY_SIZE];
	struct timer	*timer;
};

struct repair {
	struct courier	*courier;
	struct timer	*timer;		/* NULL: we are leaving */
	LIST_HEAD(, gap) gaps;
	size_t		 n;
};

/* Begins at the cursor. Everything that follows, until gap_free(), comes of this. */
void	gap_ask(void *gap);
/* Nothing of it may be under way. */
void	gap_free(struct gap *g);
void	gap_put_mine(struct db_params *p, const struct gap *g);		/* app, id and owner: the first parameters */
bool	gap_leaving(const struct gap *g);				/* nothing more may be begun */

#endif
