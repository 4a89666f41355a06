/*
 * call_tree: how the legs of one call hang together, private to call.c. Parents of a leg: its master, its entry, and
 * the leg that names it as operator. Input order never shows: everything is put in an order of its own first.
 */
#ifndef RINGD_CALL_TREE_H
#define RINGD_CALL_TREE_H

#include "model/call.h"

#define CALL_TREE_EDGES	(CALL_LEGS_MAX * 3)

struct call_tree {
	const struct leg *legs[CALL_LEGS_MAX];	/* entry-most first: distance from a root, then started, then id */
	size_t		n;
	struct str	root;	/* id without a parent, seen or only named; absent when no leg has a usable id */
	struct {
		size_t	parent, child;		/* indexes of legs; only pairs of which both were seen */
	}		edges[CALL_TREE_EDGES];
	size_t		nedges;
};

/* A person took part on our side (not a menu or a queue) and the line was up. A leg that names no kind of target at all
 * counts as a person: the seeds' events name none, and unknown is not a menu. */
bool	call_leg_answered(const struct leg *l);
void	call_tree_build(struct call_tree *t, const struct leg *const *legs, size_t n);
/* call_recordings.c: fills rec, nrec, recording_url and recording_type. */
void	call_take_recordings(struct call *c, const struct call_tree *t);

#endif
