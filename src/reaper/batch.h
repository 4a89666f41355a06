/*
 * batch: the events of one transaction and what they are about, as values in memory: which provider legs they name,
 * which of them belong together, which calls they touch. Pure: no SQL, no clock. Lives in its arena from the claim to
 * the commit.
 */
#ifndef RINGD_BATCH_H
#define RINGD_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/uuid.h"
#include "model/leg.h"
#include "model/leg_set.h"

#define BATCH_MEMORY_MAX	((size_t)256 << 20)	/* of one batch; what does not fit is split */
#define BATCH_NONE		SIZE_MAX		/* no index */

struct event_at_work {			/* a claimed row of the queue and what its event says */
	struct uuid	 app, id;
	struct str	 received_at;	/* as the database printed it */
	int64_t		 attempts;
	struct str	 provider;
	struct leg	*leg;		/* NULL: dead says why it will never be applied */
	const char	*dead;
};

struct alias {				/* a leg id that the batch names */
	struct uuid	 app;
	struct str	 provider, id;
	size_t		 event;		/* one that names it */
	struct leg	*said;		/* all the batch says of it; NULL when it is only named */
	struct uuid	 candidate;	/* id of a new call for it and all that is named with it */
	struct uuid	 call_id;	/* the call it belongs to by now */
	bool		 fresh;		/* unknown until this batch */
	bool		 loaded;	/* state is known */
	struct str	 state;		/* as stored before this batch; absent when it was only named */
	size_t		 next;		/* in its group */
};

struct known_call {			/* locked */
	struct uuid	 app, id;
	int64_t		 legs;
	struct str	 provider;	/* absent: none of our aliases leads here any more */
	size_t		 group;
};

struct sibling {			/* a stored leg of a known call that the batch does not name */
	size_t		 call;
	struct str	 id, state;
	size_t		 next;		/* in its group */
};

struct group {				/* one human call */
	struct uuid		 id;
	const struct uuid	*losers;	/* calls that turned out to be this one */
	size_t			 nlosers;
	size_t			 aliases, siblings;	/* heads of lists; BATCH_NONE ends them */
	int64_t			 legs;		/* stored ones, seen or only named */
};

struct batch {
	struct arena		 arena;
	int64_t			 now_ms;
	struct event_at_work	*event;		/* ordered by app, provider once aliases are named; the dead last */
	size_t			 nevents, nlive;
	struct leg_set_leg	*named;		/* [nlive]: the ids each live event names */
	size_t			*group_of;	/* [nlive] */
	struct alias		*alias;		/* ordered by app, provider, id: the order in which locks are taken */
	size_t			 naliases;
	struct known_call	*call;		/* ordered by app, id */
	size_t			 ncalls;
	struct sibling		*sibling;
	size_t			 nsiblings;
	struct group		*group;
	size_t			 ngroups;
};

void	batch_begin(struct batch *b, int64_t now_ms);
void	batch_end(struct batch *b);
/* Room for n elements in the batch's memory, all zero, never NULL for n == 0; NULL: no memory left. */
void	*batch_array(struct batch *b, size_t n, size_t size);

/* All these: false when there is no memory left. */
/* Reads an event's facts; marks it dead when they are none. */
bool	batch_read_event(struct batch *b, size_t event, struct str provider, struct str facts);
/* From events to aliases and their candidates. */
bool	batch_name_aliases(struct batch *b);
/* A stored leg of call c: kept with its alias or as the next sibling. */
bool	batch_leg_loaded(struct batch *b, size_t call, struct str id, struct str state);
/* From aliases with their calls to groups. */
bool	batch_group(struct batch *b);

/* The alias' call is this one. false: it is neither new nor among the calls locked, so somebody moved it meanwhile. */
bool	batch_alias_found(struct batch *b, size_t alias, struct uuid call_id);

#endif
