/*
 * wish: a call somebody wants placed, from the question to its end, and who waits to hear of it: what both providers' dials
 * have in common. One wish is under way here once, however many ask for it; they all get the same answer. Private to courier/.
 */
#ifndef RINGD_COURIER_WISH_H
#define RINGD_COURIER_WISH_H

#include "courier/internal.h"

#define WISH_WAITERS	16

/* The first member of what its provider keeps of it. */
struct wish {
	LIST_ENTRY(wish)	 link;
	struct courier		*courier;
	struct uuid		 app, id;
	struct link_request	*waiter[WISH_WAITERS];
	size_t			 nwaiters;
	int64_t			 deadline_ms;	/* before the question's own end, so that what came can still be stored and told */
};

enum wish_begun {
	WISH_NEW,		/* its row is to be taken */
	WISH_JOINED,		/* the question waits with those before it, or has been answered */
	WISH_CROWDED,		/* it is under way, and too many wait already: the question is still to be answered */
};

/* Reads app and id out of the question. WISH_NEW: *w, of size bytes, is zero behind the wish, and in the list until wish_free(). */
enum wish_begun	 wish_begin(struct wish **w, struct wishes *all, struct courier *c, struct link_request *rq, size_t size);
/* Takes the wish's row: $1 app, $2 id, $3 now. */
void		 wish_take(struct wish *w, enum courier_stmt take, db_fn taken);
void		 wish_db_failed(struct wish *w, const struct db_result *r);	/* tells all who wait, and frees */
void		 wish_free(struct wish *w);

#endif
