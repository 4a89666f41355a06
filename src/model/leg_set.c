/*
 * leg_set: union-find whose elements are the legs and the known aliases; equal ids and equal calls are found by
 * sorting, so there is no hash table that chosen ids could slow down.
 */
#include <sys/types.h>

#include <stdint.h>
#include <stdlib.h>

#include "model/leg_set.h"

#define NO_GROUP	SIZE_MAX

struct mention {		/* an element names an id */
	struct str	id;
	size_t		element;
};

struct membership {		/* an alias belongs to a call */
	struct uuid	call;
	size_t		element;
	size_t		group;
};

struct work {
	size_t		 nlegs, nknown;
	size_t		*parent;	/* [nlegs + nknown]: legs first, then aliases */
	struct mention	*mentions;
	size_t		 nmentions;
	struct membership *members;	/* [nknown] */
	size_t		*group;		/* [nlegs] */
	size_t		*group_of_root;	/* [nlegs + nknown] */
	size_t		*first;		/* [nlegs + 1] */
	struct uuid	*calls;		/* [nknown] */
};

static void *
take(struct arena *a, size_t n, size_t size)
{
	return n < SIZE_MAX / size ? arena_alloc(a, (n + 1) * size) : NULL;
}

static bool
reserve(struct work *w, struct arena *a)
{
	size_t	n;

	if (w->nlegs > SIZE_MAX / 8 || w->nknown > SIZE_MAX / 8)
		return false;
	n = w->nlegs + w->nknown;
	w->parent = take(a, n, sizeof(*w->parent));
	w->mentions = take(a, 4 * w->nlegs + w->nknown, sizeof(*w->mentions));
	w->members = take(a, w->nknown, sizeof(*w->members));
	w->group = take(a, w->nlegs, sizeof(*w->group));
	w->group_of_root = take(a, n, sizeof(*w->group_of_root));
	w->first = take(a, w->nlegs, sizeof(*w->first));
	w->calls = take(a, w->nknown, sizeof(*w->calls));
	return w->parent != NULL && w->mentions != NULL && w->members != NULL && w->group != NULL &&
	    w->group_of_root != NULL && w->first != NULL && w->calls != NULL;
}

static size_t
root_of(struct work *w, size_t element)
{
	while (w->parent[element] != element) {
		w->parent[element] = w->parent[w->parent[element]];
		element = w->parent[element];
	}
	return element;
}

/* With halved paths the plain link keeps to O(log n) a step on average over the whole run. */
static void
unite(struct work *w, size_t a, size_t b)
{
	size_t	ra = root_of(w, a), rb = root_of(w, b);

	if (ra < rb)
		w->parent[rb] = ra;
	else
		w->parent[ra] = rb;
}

static int
mention_cmp(const void *a, const void *b)
{
	return str_cmp(((const struct mention *)a)->id, ((const struct mention *)b)->id);
}

static int
membership_cmp(const void *a, const void *b)
{
	return uuid_cmp(((const struct membership *)a)->call, ((const struct membership *)b)->call);
}

static int
membership_group_cmp(const void *a, const void *b)
{
	const struct membership	*ma = a, *mb = b;

	if (ma->group != mb->group)
		return ma->group < mb->group ? -1 : 1;
	return membership_cmp(a, b);
}

static void
collect(struct work *w, const struct leg_set_leg *legs, const struct leg_set_known *known)
{
	size_t	i, k;

	for (i = 0; i < w->nlegs + w->nknown; i++) {
		w->parent[i] = i;
		w->group_of_root[i] = NO_GROUP;
	}
	for (i = 0; i < w->nlegs; i++) {
		for (k = 0; k < legs[i].nids && k < 4; k++)
			w->mentions[w->nmentions++] = (struct mention){ legs[i].ids[k], i };
	}
	for (i = 0; i < w->nknown; i++) {
		w->mentions[w->nmentions++] = (struct mention){ known[i].id, w->nlegs + i };
		w->members[i] = (struct membership){ known[i].call, w->nlegs + i, NO_GROUP };
	}
}

static void
unite_equals(struct work *w)
{
	size_t	i;

	qsort(w->mentions, w->nmentions, sizeof(*w->mentions), mention_cmp);
	for (i = 1; i < w->nmentions; i++) {
		if (mention_cmp(&w->mentions[i - 1], &w->mentions[i]) == 0)
			unite(w, w->mentions[i - 1].element, w->mentions[i].element);
	}
	qsort(w->members, w->nknown, sizeof(*w->members), membership_cmp);
	for (i = 1; i < w->nknown; i++) {
		if (membership_cmp(&w->members[i - 1], &w->members[i]) == 0)
			unite(w, w->members[i - 1].element, w->members[i].element);
	}
}

static size_t
number_groups(struct work *w)
{
	size_t	i, root, n = 0;

	for (i = 0; i < w->nlegs; i++) {
		root = root_of(w, i);
		if (w->group_of_root[root] == NO_GROUP)
			w->group_of_root[root] = n++;
		w->group[i] = w->group_of_root[root];
	}
	for (i = 0; i < w->nknown; i++)
		w->members[i].group = w->group_of_root[root_of(w, w->members[i].element)];
	return n;
}

/* Sorted by (group, call), those without a group last: each group's calls are one run, ascending. */
static void
list_calls(struct work *w, size_t ngroups)
{
	size_t	g, i = 0, n = 0;

	qsort(w->members, w->nknown, sizeof(*w->members), membership_group_cmp);
	for (g = 0; g < ngroups; g++) {
		w->first[g] = n;
		for (; i < w->nknown && w->members[i].group == g; i++) {
			if (n == w->first[g] || uuid_cmp(w->calls[n - 1], w->members[i].call) != 0)
				w->calls[n++] = w->members[i].call;
		}
	}
	w->first[ngroups] = n;
}

bool
leg_set_build(struct leg_set *s, struct arena *a, const struct leg_set_leg *legs, size_t nlegs,
    const struct leg_set_known *known, size_t nknown)
{
	struct work	w = { .nlegs = nlegs, .nknown = nknown };

	if (!reserve(&w, a))
		return false;
	collect(&w, legs, known);
	unite_equals(&w);
	s->ngroups = number_groups(&w);
	list_calls(&w, s->ngroups);
	s->group = w.group;
	s->first = w.first;
	s->calls = w.calls;
	return true;
}

bool
leg_set_winner(const struct leg_set *s, size_t group, struct uuid *winner, const struct uuid **losers, size_t *nlosers)
{
	size_t	n = s->first[group + 1] - s->first[group];

	*losers = NULL;
	*nlosers = 0;
	if (n == 0)
		return false;
	*winner = s->calls[s->first[group]];
	if (n > 1) {
		*losers = &s->calls[s->first[group] + 1];
		*nlosers = n - 1;
	}
	return true;
}
