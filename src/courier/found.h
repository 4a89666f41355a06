/*
 * found: events that no delivery brought: what Dialpad's REST API knows of calls, and what we conclude ourselves. They
 * enter as a worker's do (digest, event, queue row: one transaction) with source 'repair', and the caller's own statements
 * with them, so that what was found and how far the search has come are one. What tells nothing new of a leg is left out.
 * Private to courier/.
 */
#ifndef RINGD_COURIER_FOUND_H
#define RINGD_COURIER_FOUND_H

#include "base/json_read.h"
#include "courier/internal.h"

struct found;			/* a set of them, of one app */

enum found_outcome {
	FOUND_STORED,		/* and the caller's statements are done */
	FOUND_AWAY,		/* they are not; some of the events may be, which does no harm when they are stored again */
};

/* Adds the caller's statements; called again when a transaction is tried again. fresh: how many new
 * events the whole set had. */
typedef void	(*found_also)(void *arg, struct db_job *j, size_t fresh);
/* touched: the rows of the caller's first statement. why: for people; "" when stored. */
typedef void	(*found_fn)(void *arg, enum found_outcome outcome, size_t fresh, int64_t touched, const char *why);

/* For at most max events. NULL without memory. */
struct found	*found_new(struct courier *c, struct uuid app, size_t max);
/* Not while it is being stored. */
void		 found_free(struct found *f);
/* A record of a call; one that goes on is no event and left out. false: no memory. */
bool		 found_record(struct found *f, struct json record);
/* This leg is over because nobody could say that it goes on. false: no memory. */
bool		 found_presumed(struct found *f, struct str leg_id, const char *why);
size_t		 found_count(const struct found *f);
size_t		 found_unheard(const struct found *f);	/* of those stored: of legs nothing was known of before */
/* Once. fn is called exactly once: later, or without memory at once. */
void		 found_store(struct found *f, found_also also, found_fn fn, void *arg);

#endif
