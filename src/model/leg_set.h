/*
 * leg_set: which legs belong to one call. Legs that name a common id, or ids already known to belong to one call,
 * make up a group (union-find over ids). One set is one provider of one app: the caller never mixes them. Pure; results
 * live in the arena. O(n log n) in the number of ids.
 */
#ifndef RINGD_LEG_SET_H
#define RINGD_LEG_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/uuid.h"

struct leg_set_leg {		/* filled with leg_ids(): no junk ids, which would glue strangers together */
	struct str	ids[4];
	size_t		nids;	/* 0: a group of its own */
};

struct leg_set_known {		/* the database knows this id as a leg (or alias) of this call */
	struct str	id;
	struct uuid	call;
};

struct leg_set {
	size_t			 ngroups;
	const size_t		*group;	/* [nlegs]: group of legs[i]; numbered in the order of their first legs */
	const size_t		*first;	/* [ngroups + 1]: where each group's calls begin in calls */
	const struct uuid	*calls;	/* per group ascending, each once */
};

/* Known ids that no leg leads to are left out. false only without memory. */
bool	leg_set_build(struct leg_set *s, struct arena *a, const struct leg_set_leg *legs, size_t nlegs,
	    const struct leg_set_known *known, size_t nknown);
/* The call that a group's legs join: the oldest (smallest uuid: they are ordered by time) of those it touches; the
 * others are merged into it. false when it touches none: a new call. */
bool	leg_set_winner(const struct leg_set *s, size_t group, struct uuid *winner, const struct uuid **losers,
	    size_t *nlosers);

#endif
