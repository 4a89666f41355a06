/*
 * call_tree: picks the legs to look at, finds who is whose parent, which id is the root, and puts the legs in order.
 * Ids come from outside and may name themselves, each other in a ring, or legs never seen: none of that may loop,
 * overflow or make the result depend on the order of the input.
 */
#include <sys/types.h>

#include <stdlib.h>

#include "model/call_tree.h"

#define NODES_MAX	(CALL_LEGS_MAX * 4)
#define FAR		SIZE_MAX	/* distance of what no root leads to */
#define NOT_SEEN	SIZE_MAX	/* named by a leg, but no leg of its own */

struct node {
	struct str	id;
	size_t		leg;		/* index into picked legs, or NOT_SEEN */
	bool		has_parent;
	size_t		distance;
};

struct edge {
	size_t	parent, child;		/* nodes */
};

struct placed {
	const struct leg	*leg;
	size_t			 distance;
};

struct graph {
	const struct leg *legs[CALL_LEGS_MAX];
	size_t		 nlegs;
	struct node	 nodes[NODES_MAX];
	size_t		 nnodes;
	struct edge	 edges[CALL_TREE_EDGES];
	size_t		 nedges;
};

static int
started_cmp(int64_t a, int64_t b)
{
	if (a == b)
		return 0;
	if (a == LEG_NONE || b == LEG_NONE)
		return a == LEG_NONE ? 1 : -1;
	return a < b ? -1 : 1;
}

bool
call_leg_answered(const struct leg *l)
{
	bool	doubtful = (l->seen & (LEG_SEEN_MISSED | LEG_SEEN_VOICEMAIL | LEG_SEEN_BLOCKED)) != 0;
	bool	up = l->connected != LEG_NONE || (l->seen & (LEG_SEEN_CONNECTED | LEG_SEEN_PERSON)) != 0 ||
	    ((l->seen & LEG_SEEN_UP) != 0 && !doubtful);
	bool	person = (l->seen & LEG_SEEN_PERSON) != 0 || l->operator_id.p != NULL || l->target.type.p == NULL ||
	    str_eq(l->target.type, STR("user"));

	return up && person;
}

/* Answered legs first, so that a queue that rang more people than there is room for still knows who talked. */
static int
pick_cmp(const struct leg *a, const struct leg *b)
{
	int	c;

	if ((c = call_leg_answered(b) - call_leg_answered(a)) != 0)
		return c;
	if ((c = started_cmp(a->started, b->started)) != 0)
		return c;
	return leg_id_cmp(a->id, b->id);
}

/* The CALL_LEGS_MAX first of all legs in the order of pick_cmp, whatever the order they were given in. */
static void
pick_legs(struct graph *g, const struct leg *const *legs, size_t n)
{
	size_t	i, at, low, high;

	for (i = 0; i < n; i++) {
		low = 0;
		high = g->nlegs;
		while (low < high) {
			at = low + (high - low) / 2;
			if (pick_cmp(g->legs[at], legs[i]) <= 0)
				low = at + 1;
			else
				high = at;
		}
		if (low == CALL_LEGS_MAX)
			continue;
		if (g->nlegs < CALL_LEGS_MAX)
			g->nlegs++;
		memmove(&g->legs[low + 1], &g->legs[low], (g->nlegs - 1 - low) * sizeof(g->legs[0]));
		g->legs[low] = legs[i];
	}
}

static int
node_cmp(const void *a, const void *b)
{
	const struct node	*na = a, *nb = b;
	int			 c = leg_id_cmp(na->id, nb->id);

	return c != 0 ? c : (na->leg > nb->leg) - (na->leg < nb->leg);
}

static struct node *
node_find(struct graph *g, struct str id)
{
	size_t	low = 0, high = g->nnodes, at;
	int	c;

	while (low < high) {
		at = low + (high - low) / 2;
		if ((c = leg_id_cmp(g->nodes[at].id, id)) == 0)
			return &g->nodes[at];
		if (c < 0)
			low = at + 1;
		else
			high = at;
	}
	return NULL;
}

static void
collect_nodes(struct graph *g)
{
	size_t	i, k, n, kept = 0;

	for (i = 0; i < g->nlegs; i++) {
		struct str	ids[4];

		n = leg_ids(g->legs[i], ids);
		for (k = 0; k < n; k++)
			g->nodes[g->nnodes++] = (struct node){ .id = ids[k], .distance = FAR,
			    .leg = str_eq(ids[k], g->legs[i]->id) ? i : NOT_SEEN };
	}
	if (g->nnodes == 0)
		return;
	/* A seen node sorts before a merely named one of the same id, so the first of each run knows most. */
	qsort(g->nodes, g->nnodes, sizeof(g->nodes[0]), node_cmp);
	for (i = 1; i < g->nnodes; i++) {
		if (!str_eq(g->nodes[i].id, g->nodes[kept].id))
			g->nodes[++kept] = g->nodes[i];
	}
	g->nnodes = kept + 1;
}

static void
add_edge(struct graph *g, struct str parent, struct str child)
{
	struct node	*p = node_find(g, parent), *c = node_find(g, child);

	if (p == NULL || c == NULL || p == c)
		return;
	c->has_parent = true;
	g->edges[g->nedges++] = (struct edge){ (size_t)(p - g->nodes), (size_t)(c - g->nodes) };
}

static void
collect_edges(struct graph *g)
{
	size_t	i;

	for (i = 0; i < g->nlegs; i++) {
		const struct leg	*l = g->legs[i];

		add_edge(g, l->master, l->id);
		add_edge(g, l->entry, l->id);
		add_edge(g, l->id, l->operator_id);
	}
}

static int64_t
node_started(const struct graph *g, const struct node *node)
{
	return node->leg == NOT_SEEN ? LEG_NONE : g->legs[node->leg]->started;
}

/* Nodes stand in order of id, so of several equally early the first one met has the smallest id. In a ring nobody is
 * without a parent; then everybody is a candidate. */
static const struct node *
find_root(const struct graph *g)
{
	const struct node	*best = NULL;
	bool			 ring = true;
	size_t			 i;

	for (i = 0; i < g->nnodes && ring; i++)
		ring = g->nodes[i].has_parent;
	for (i = 0; i < g->nnodes; i++) {
		if (!ring && g->nodes[i].has_parent)
			continue;
		if (best == NULL || started_cmp(node_started(g, &g->nodes[i]), node_started(g, best)) < 0)
			best = &g->nodes[i];
	}
	return best;
}

/* Distances only shrink and every round settles at least the next one, so there are at most nnodes rounds. */
static void
measure(struct graph *g)
{
	bool	changed = true;
	size_t	i;

	for (i = 0; i < g->nnodes; i++) {
		if (!g->nodes[i].has_parent)
			g->nodes[i].distance = 0;
	}
	while (changed) {
		changed = false;
		for (i = 0; i < g->nedges; i++) {
			const struct node	*p = &g->nodes[g->edges[i].parent];
			struct node		*c = &g->nodes[g->edges[i].child];

			if (p->distance != FAR && p->distance + 1 < c->distance) {
				c->distance = p->distance + 1;
				changed = true;
			}
		}
	}
}

static int
placed_cmp(const void *a, const void *b)
{
	const struct placed	*pa = a, *pb = b;
	int			 c;

	if (pa->distance != pb->distance)
		return pa->distance < pb->distance ? -1 : 1;
	if ((c = started_cmp(pa->leg->started, pb->leg->started)) != 0)
		return c;
	return leg_id_cmp(pa->leg->id, pb->leg->id);
}

static void
place(struct call_tree *t, struct graph *g)
{
	struct placed	placed[CALL_LEGS_MAX];
	size_t		i;

	for (i = 0; i < g->nlegs; i++) {
		const struct node	*node = node_find(g, g->legs[i]->id);

		placed[i] = (struct placed){ g->legs[i], node == NULL ? FAR : node->distance };
	}
	qsort(placed, g->nlegs, sizeof(placed[0]), placed_cmp);
	t->n = g->nlegs;
	for (i = 0; i < t->n; i++) {
		struct node	*node = node_find(g, placed[i].leg->id);

		t->legs[i] = placed[i].leg;
		if (node != NULL)
			node->leg = i;
	}
	t->nedges = 0;
	for (i = 0; i < g->nedges; i++) {
		size_t	p = g->nodes[g->edges[i].parent].leg, c = g->nodes[g->edges[i].child].leg;

		if (p == NOT_SEEN || c == NOT_SEEN)
			continue;
		t->edges[t->nedges].parent = p;
		t->edges[t->nedges++].child = c;
	}
}

void
call_tree_build(struct call_tree *t, const struct leg *const *legs, size_t n)
{
	struct graph		 g;
	const struct node	*root;

	g.nlegs = g.nnodes = g.nedges = 0;
	pick_legs(&g, legs, n);
	collect_nodes(&g);
	collect_edges(&g);
	root = find_root(&g);
	t->root = root != NULL ? root->id : STR_NONE;
	measure(&g);
	place(t, &g);
}
