/*
 * batch: see batch.h. Legs are joined twice by model/leg_set: by what the events name, to give each new call one id,
 * and again with what the database knows of them. Everything is sorted first, so nothing depends on the order in which
 * events came.
 */
#include <sys/types.h>
#include <stdlib.h>

#include "reaper/batch.h"

#define LEG_IDS_MAX	4	/* named by one event: itself, master, entry, operator */

struct mention {		/* an event names a leg */
	struct uuid	app;
	struct str	provider, id;
	size_t		event;
	bool		own;	/* it is the leg the event speaks of */
};

struct section {		/* the part of a batch that is of one app and provider */
	size_t	event, nevents;
	size_t	alias, naliases;
};

void
batch_begin(struct batch *b, int64_t now_ms)
{
	*b = (struct batch){ .now_ms = now_ms };
	arena_init(&b->arena, BATCH_MEMORY_MAX);
}

void
batch_end(struct batch *b)
{
	arena_free(&b->arena);
	*b = (struct batch){ 0 };
}

void *
batch_array(struct batch *b, size_t n, size_t size)
{
	return n <= BATCH_MEMORY_MAX / size ? arena_alloc(&b->arena, n * size) : NULL;
}

bool
batch_read_event(struct batch *b, size_t event, struct str provider, struct str facts)
{
	struct event_at_work *e = &b->event[event];
	struct str ids[LEG_IDS_MAX], text = arena_str(&b->arena, facts);
	struct leg *leg = arena_alloc(&b->arena, sizeof(*leg));

	e->provider = arena_str(&b->arena, provider);
	if (leg == NULL || e->provider.p == NULL || (text.p == NULL && facts.p != NULL))
		return false;
	e->dead = NULL;
	if (facts.p == NULL)
		e->dead = "the event holds no facts about a call";
	else if (!leg_read(leg, &b->arena, text))
		e->dead = "the event's facts cannot be read";
	else if (leg_ids(leg, ids) == 0 || !str_eq(ids[0], leg->id))
		e->dead = "the event's facts name no call id";
	else
		e->leg = leg;
	return true;
}

static int
compare_section(struct uuid app_a, struct str provider_a, struct uuid app_b, struct str provider_b)
{
	int c = uuid_cmp(app_a, app_b);

	return c != 0 ? c : str_cmp(provider_a, provider_b);
}

static int
compare_events(const void *a, const void *b)
{
	const struct event_at_work *x = a, *y = b;

	if ((x->leg == NULL) != (y->leg == NULL))
		return x->leg == NULL ? 1 : -1;
	return compare_section(x->app, x->provider, y->app, y->provider);
}

static int
compare_mentions(const void *a, const void *b)
{
	const struct mention *x = a, *y = b;
	int c = compare_section(x->app, x->provider, y->app, y->provider);

	return c != 0 ? c : str_cmp(x->id, y->id);
}

static int
compare_to_alias(const void *key, const void *alias)
{
	const struct mention *x = key;
	const struct alias *y = alias;
	int c = compare_section(x->app, x->provider, y->app, y->provider);

	return c != 0 ? c : str_cmp(x->id, y->id);
}

static size_t
list_mentions(struct batch *b, struct mention *m)
{
	const struct event_at_work *e;
	size_t i, k, n = 0;

	for (i = 0; i < b->nlive; i++) {
		e = &b->event[i];
		for (k = 0; k < b->named[i].nids; k++)
			m[n++] = (struct mention){ e->app, e->provider, b->named[i].ids[k], i, k == 0 };
	}
	qsort(m, n, sizeof(*m), compare_mentions);
	return n;
}

static void
add_mention(struct batch *b, const struct mention *m)
{
	struct alias *a = b->naliases > 0 ? &b->alias[b->naliases - 1] : NULL;

	if (a == NULL || compare_to_alias(m, a) != 0) {
		a = &b->alias[b->naliases++];
		*a = (struct alias){ .app = m->app, .provider = m->provider, .id = m->id, .event = m->event };
	}
	if (m->own && a->said == NULL)
		a->said = b->event[m->event].leg;
	else if (m->own)
		leg_join(a->said, b->event[m->event].leg);
}

/* The next section after s, which begins as all zero. false: there is none. */
static bool
next_section(const struct batch *b, struct section *s)
{
	const struct event_at_work *e;
	size_t i;

	s->event += s->nevents;
	s->alias += s->naliases;
	if (s->event >= b->nlive)
		return false;
	e = &b->event[s->event];
	for (i = s->event; i < b->nlive && compare_events(e, &b->event[i]) == 0; i++)
		;
	s->nevents = i - s->event;
	for (i = s->alias; i < b->naliases &&
	    compare_section(e->app, e->provider, b->alias[i].app, b->alias[i].provider) == 0; i++)
		;
	s->naliases = i - s->alias;
	return true;
}

/* A new call's id for every group of events that name each other's legs. */
static bool
make_candidates(struct batch *b)
{
	struct uuid *candidate = batch_array(b, b->nlive, sizeof(*candidate));
	struct section s = { 0 };
	struct leg_set set;
	size_t i;

	if (candidate == NULL)
		return false;
	while (next_section(b, &s)) {
		if (!leg_set_build(&set, &b->arena, b->named + s.event, s.nevents, NULL, 0))
			return false;
		for (i = 0; i < set.ngroups; i++)
			candidate[i] = uuid_v7(b->now_ms);
		for (i = s.alias; i < s.alias + s.naliases; i++)
			b->alias[i].candidate = candidate[set.group[b->alias[i].event - s.event]];
	}
	return true;
}

bool
batch_name_aliases(struct batch *b)
{
	struct mention *m = batch_array(b, b->nevents * LEG_IDS_MAX, sizeof(*m));
	size_t i, n;

	b->alias = batch_array(b, b->nevents * LEG_IDS_MAX, sizeof(*b->alias));
	b->named = batch_array(b, b->nevents, sizeof(*b->named));
	b->group_of = batch_array(b, b->nevents, sizeof(*b->group_of));
	if (m == NULL || b->alias == NULL || b->named == NULL || b->group_of == NULL)
		return false;
	qsort(b->event, b->nevents, sizeof(*b->event), compare_events);
	for (i = 0; i < b->nevents && b->event[i].leg != NULL; i++)
		b->named[i].nids = leg_ids(b->event[i].leg, b->named[i].ids);
	b->nlive = i;
	n = list_mentions(b, m);
	for (i = 0; i < n; i++)
		add_mention(b, &m[i]);
	return make_candidates(b);
}

static int
compare_to_call(const void *key, const void *call)
{
	const struct known_call *x = key, *y = call;
	int c = uuid_cmp(x->app, y->app);

	return c != 0 ? c : uuid_cmp(x->id, y->id);
}

static struct known_call *
find_call(struct batch *b, struct uuid app, struct uuid id)
{
	struct known_call key = { .app = app, .id = id };

	return b->ncalls > 0 ? bsearch(&key, b->call, b->ncalls, sizeof(*b->call), compare_to_call) : NULL;
}

bool
batch_alias_found(struct batch *b, size_t alias, struct uuid call_id)
{
	struct alias *a = &b->alias[alias];
	struct known_call *c;

	a->call_id = call_id;
	a->fresh = a->loaded = uuid_cmp(call_id, a->candidate) == 0;
	if (a->fresh)
		return true;
	c = find_call(b, a->app, call_id);
	if (c == NULL)
		return false;
	c->provider = a->provider;
	return true;
}

bool
batch_leg_loaded(struct batch *b, size_t call, struct str id, struct str state)
{
	struct mention key = { .app = b->call[call].app, .provider = b->call[call].provider, .id = id };
	struct str copy = arena_str(&b->arena, state);
	struct alias *a = bsearch(&key, b->alias, b->naliases, sizeof(*b->alias), compare_to_alias);

	if (state.p != NULL && copy.p == NULL)
		return false;
	if (a != NULL) {
		a->loaded = true;
		a->state = copy;
		return true;
	}
	id = arena_str(&b->arena, id);
	b->sibling[b->nsiblings++] = (struct sibling){ .call = call, .id = id, .state = copy };
	return id.p != NULL;
}

/* Puts a section's groups behind those that are there. */
static void
add_groups(struct batch *b, const struct section *s, const struct leg_set *set)
{
	struct group *g;
	struct known_call *c;
	struct uuid app = b->event[s->event].app;
	size_t i, k, before = b->ngroups;

	for (i = 0; i < set->ngroups; i++) {
		g = &b->group[b->ngroups++];
		*g = (struct group){ .aliases = BATCH_NONE, .siblings = BATCH_NONE };
		if (!leg_set_winner(set, i, &g->id, &g->losers, &g->nlosers))
			g->losers = NULL, g->nlosers = 0;	/* a new call: its id comes with its aliases */
		for (k = set->first[i]; k < set->first[i + 1]; k++) {
			c = find_call(b, app, set->calls[k]);
			c->group = before + i;
			g->legs += c->legs;
		}
	}
	for (i = 0; i < s->nevents; i++)
		b->group_of[s->event + i] = before + set->group[i];
}

static void
hang_in(struct batch *b)
{
	struct group *g;
	size_t i;

	for (i = b->naliases; i-- > 0; ) {
		struct alias *a = &b->alias[i];
		g = &b->group[b->group_of[a->event]];
		a->next = g->aliases;
		g->aliases = i;
		if (uuid_is_nil(g->id))
			g->id = a->candidate;
		if (a->fresh)
			g->legs++;
	}
	for (i = b->nsiblings; i-- > 0; ) {
		struct sibling *s = &b->sibling[i];
		g = &b->group[b->call[s->call].group];
		s->next = g->siblings;
		g->siblings = i;
	}
}

bool
batch_group(struct batch *b)
{
	struct leg_set_known *known = batch_array(b, b->naliases, sizeof(*known));
	struct section s = { 0 };
	struct leg_set set;
	size_t i, n;

	b->group = batch_array(b, b->nlive, sizeof(*b->group));
	if (known == NULL || b->group == NULL)
		return false;
	while (next_section(b, &s)) {
		for (i = s.alias, n = 0; i < s.alias + s.naliases; i++)
			if (!b->alias[i].fresh)
				known[n++] = (struct leg_set_known){ b->alias[i].id, b->alias[i].call_id };
		if (!leg_set_build(&set, &b->arena, b->named + s.event, s.nevents, known, n))
			return false;
		add_groups(b, &s, &set);
	}
	hang_in(b);
	return true;
}
