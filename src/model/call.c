/*
 * call: from the set of a call's legs to what people want to know about it. A pure function of the set: the legs are
 * put in an order of their own (call_tree.c) before anything looks at them, and every choice below ends in a total
 * order. Values come from outside: sums and differences of times never overflow.
 */
#include <sys/types.h>

#include "model/call_tree.h"

struct judged {				/* the legs of a call, and what is so of each */
	struct call_tree tree;
	bool		 answered[CALL_LEGS_MAX];
	bool		 person[CALL_LEGS_MAX];	/* its target is a user, by name */
	bool		 presumed[CALL_LEGS_MAX];	/* over, but only because nobody could say that it goes on */
	bool		 over[CALL_LEGS_MAX];	/* ended by its own word, or presumed so */
	bool		 open[CALL_LEGS_MAX];	/* neither over nor closed by a parent */
};

const char *
call_status_word(enum call_status s)
{
	switch (s) {
	case CALL_RINGING:
		return "ringing";
	case CALL_ACTIVE:
		return "active";
	case CALL_ENDED:
		return "ended";
	}
	return "ringing";
}

static int64_t
earliest(int64_t a, int64_t b)
{
	if (a == LEG_NONE)
		return b;
	if (b == LEG_NONE)
		return a;
	return a < b ? a : b;
}

static int64_t
largest(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Both may be LEG_NONE: unknown plus known is known. Stops at the largest number instead of overflowing. */
static int64_t
add(int64_t sum, int64_t v)
{
	if (sum == LEG_NONE || v == LEG_NONE)
		return sum == LEG_NONE ? v : sum;
	if (v > 0 && sum > INT64_MAX - v)
		return INT64_MAX;
	return v < 0 ? sum : sum + v;
}

static int64_t
span(int64_t from, int64_t to)
{
	uint64_t	n;

	if (from == LEG_NONE || to == LEG_NONE || to < from)
		return LEG_NONE;
	n = (uint64_t)to - (uint64_t)from;
	return n > (uint64_t)INT64_MAX ? INT64_MAX : (int64_t)n;
}

/* Its last word, whatever the word was. */
static int64_t
spoke_at(const struct leg *l)
{
	return largest(l->state_ts, l->again);
}

/*
 * Only after-call news of a leg and nothing live: the live events were lost or are late, but the leg is over. One that
 * was said to live after its end (an agent who is rung a second time) is not.
 */
static bool
leg_over(const struct leg *l)
{
	if (l->rank == LEG_ENDED && l->again > largest(l->state_ts, l->ended))
		return false;
	return l->rank == LEG_ENDED || l->ended != LEG_NONE || (l->rank == LEG_POST && (l->seen & LEG_SEEN_AFTER) != 0);
}

/* A leg that spoke after it was given up lives. */
static bool
leg_presumed(const struct leg *l)
{
	return l->presumed != LEG_NONE && l->presumed >= spoke_at(l) && !leg_over(l);
}

/* When an over leg was so at the latest. */
static int64_t
over_at(const struct judged *j, size_t i)
{
	const struct leg	*l = j->tree.legs[i];

	return j->presumed[i] ? l->presumed : largest(l->state_ts, l->ended);
}

/*
 * A leg whose own end was lost is closed by a parent that ended without handing the call on, unless the leg has spoken
 * since. The end travels down: what closed a queue leg closes the agents it rang. gone[i] is the latest such end;
 * it only grows and takes its values from the legs, so there are at most n rounds.
 */
static void
close_children(struct judged *j)
{
	const struct call_tree	*t = &j->tree;
	int64_t			 gone[CALL_LEGS_MAX], when;
	bool			 changed = true;
	size_t			 i;

	for (i = 0; i < t->n; i++)
		gone[i] = j->over[i] && (t->legs[i]->seen & LEG_SEEN_TRANSFERRED) == 0 ? over_at(j, i) : LEG_NONE;
	while (changed) {
		changed = false;
		for (i = 0; i < t->nedges; i++) {
			size_t	child = t->edges[i].child;

			when = gone[t->edges[i].parent];
			if (when == LEG_NONE || j->over[child] || when < spoke_at(t->legs[child]) ||
			    when <= gone[child])
				continue;
			gone[child] = when;
			changed = true;
		}
	}
	for (i = 0; i < t->n; i++)
		j->open[i] = !j->over[i] && gone[i] == LEG_NONE;
}

static void
judge(struct judged *j, const struct leg *const *legs, size_t n)
{
	size_t	i;

	call_tree_build(&j->tree, legs, n);
	for (i = 0; i < j->tree.n; i++) {
		j->answered[i] = call_leg_answered(j->tree.legs[i]);
		j->person[i] = str_eq(j->tree.legs[i]->target.type, STR("user"));
		j->presumed[i] = leg_presumed(j->tree.legs[i]);
		j->over[i] = leg_over(j->tree.legs[i]) || j->presumed[i];
	}
	close_children(j);
}

static void
derive_status(struct call *c, const struct judged *j)
{
	bool	open = false, talking = false, presumed = false;
	size_t	i;

	for (i = 0; i < j->tree.n; i++) {
		presumed = presumed || j->presumed[i];
		open = open || j->open[i];
		talking = talking || (j->open[i] && j->answered[i]);
	}
	c->status = talking ? CALL_ACTIVE : open ? CALL_RINGING : CALL_ENDED;
	c->end_inferred = c->status == CALL_ENDED && presumed;
}

/* The word that stands behind the status: of an open leg while one is open; a post state when there is nothing else. */
static void
derive_state(struct call *c, const struct judged *j)
{
	const struct leg	*best = NULL;
	size_t			 i;

	for (i = 0; i < j->tree.n; i++) {
		const struct leg	*l = j->tree.legs[i];

		if (c->status != CALL_ENDED && !(j->open[i] && (c->status == CALL_RINGING || j->answered[i])))
			continue;
		if (best == NULL || l->rank > best->rank || (l->rank == best->rank && l->state_ts > best->state_ts))
			best = l;
	}
	if (best == NULL)
		return;
	c->state = best->state;
	c->state_ts = best->state_ts;
}

static bool
has_voicemail(const struct leg *l)
{
	size_t	i;

	if ((l->seen & LEG_SEEN_VOICEMAIL) != 0 || l->voicemail_url.v.p != NULL)
		return true;
	for (i = 0; i < l->nrec; i++) {
		if (str_eq(l->rec[i].type, STR("voicemail")))
			return true;
	}
	return false;
}

static const char *
outcome_of(const struct call *c, const struct judged *j)
{
	unsigned	any = 0, all = ~0u;
	bool		answered = false, voicemail = false;
	size_t		i;

	for (i = 0; i < j->tree.n; i++) {
		any |= j->tree.legs[i]->seen;
		all &= j->tree.legs[i]->seen;
		answered = answered || j->answered[i];
		voicemail = voicemail || has_voicemail(j->tree.legs[i]);
	}
	if (answered)
		return "answered";
	if ((any & LEG_SEEN_BLOCKED) != 0)
		return "blocked";
	if (voicemail)
		return "voicemail";
	if (str_eq(c->direction, STR("inbound")) && (any & LEG_SEEN_QUEUED) != 0 && (any & LEG_SEEN_MISSED) == 0)
		return "abandoned";
	return (all & LEG_SEEN_TRANSFERRED) != 0 ? "transferred" : "missed";
}

static void
derive_times(struct call *c, const struct judged *j)
{
	int64_t	last_end = LEG_NONE, last_word = LEG_NONE;
	size_t	i;

	for (i = 0; i < j->tree.n; i++) {
		const struct leg	*l = j->tree.legs[i];

		c->started = earliest(c->started, l->started);
		c->rang = earliest(c->rang, l->rang);
		if (j->answered[i])
			c->connected = earliest(c->connected, l->connected);
		c->hold_ms = largest(c->hold_ms, l->hold_ms);
		last_end = largest(last_end, l->ended);
		if (l->rank == LEG_ENDED || j->presumed[i])
			last_word = largest(last_word, l->state_ts);
	}
	/* An end that no event dated is dated by the event that told of it; a presumed one by the last sign of life. */
	if (c->status == CALL_ENDED)
		c->ended = last_end != LEG_NONE ? last_end : last_word;
}

/* How long an answered leg lasted by its two dates. */
static int64_t
leg_span(const struct call *c, const struct leg *l)
{
	return span(l->connected, l->ended != LEG_NONE ? l->ended : c->ended);
}

static void
derive_lengths(struct call *c, const struct judged *j)
{
	int64_t	talk_people = LEG_NONE, talk_any = LEG_NONE, span_people = LEG_NONE, span_any = LEG_NONE;
	int64_t	length_people = LEG_NONE, length_any = LEG_NONE;
	bool	answered = false;
	size_t	i;

	for (i = 0; i < j->tree.n; i++) {
		const struct leg	*l = j->tree.legs[i];

		length_any = largest(length_any, l->duration_ms);
		if (!j->answered[i])
			continue;
		answered = true;
		talk_any = largest(talk_any, l->talk_ms);
		span_any = largest(span_any, leg_span(c, l));
		if (!j->person[i])
			continue;
		talk_people = add(talk_people, l->talk_ms);
		span_people = add(span_people, leg_span(c, l));
		length_people = add(length_people, l->duration_ms);
	}
	c->talk_ms = talk_people != LEG_NONE ? talk_people : talk_any != LEG_NONE ? talk_any :
	    span_people != LEG_NONE ? span_people : span_any;
	if (!answered)
		c->talk_ms = 0;
	c->duration_ms = length_people != LEG_NONE ? length_people : length_any != LEG_NONE ? length_any :
	    span(c->started, c->ended);
}

/* Our number, from a leg that shows it. Some calls carry the word "blocked" instead; then the target's phone serves. */
static struct str
internal_of(const struct leg *l)
{
	if (l->internal.v.p == NULL || l->internal.v.n == 0 || str_ieq(l->internal.v, STR("blocked")))
		return l->target.phone;
	return l->internal.v;
}

static void
take_first(struct str *have, struct str s)
{
	if (have->p == NULL)
		*have = s;
}

static void
derive_parties(struct call *c, const struct judged *j)
{
	bool	outbound;
	size_t	i;

	for (i = 0; i < j->tree.n; i++) {
		const struct leg	*l = j->tree.legs[i];

		take_first(&c->direction, l->direction.v);
		take_first(&c->external, l->external.v);
		take_first(&c->internal, internal_of(l));
		take_first(&c->custom_data, l->custom_data.v);
		take_first(&c->transcription, l->transcription.v);
		if (c->contact_id.p == NULL && c->contact_name.p == NULL) {
			c->contact_id = l->contact_id.v;
			c->contact_name = l->contact_name.v;
		}
		if (c->group_type.p == NULL && l->target.type.p != NULL && !j->person[i]) {
			c->group_type = l->target.type;
			c->group_id = l->target.id;
			c->group_name = l->target.name;
		}
		c->transferred = c->transferred || (l->seen & LEG_SEEN_TRANSFERRED) != 0;
		c->internal_call = c->internal_call || (l->seen & LEG_SEEN_INTERNAL) != 0;
	}
	outbound = str_eq(c->direction, STR("outbound"));
	c->from = outbound ? c->internal : c->external;
	c->to = outbound ? c->external : c->internal;
}

/* Among people's legs: an answered one beats one that only rang; then who came last; then the larger id. */
static bool
agent_better(const struct leg *a, bool a_answered, const struct leg *b, bool b_answered)
{
	if (a_answered != b_answered)
		return a_answered;
	if (a_answered && a->connected != b->connected)
		return a->connected > b->connected;
	if (a->rang != b->rang)
		return a->rang > b->rang;
	if (a->started != b->started)
		return a->started > b->started;
	return leg_id_cmp(a->id, b->id) > 0;
}

static void
derive_agent(struct call *c, const struct judged *j)
{
	const struct leg	*best = NULL;
	bool			 best_answered = false;
	size_t			 i;

	for (i = 0; i < j->tree.n; i++) {
		if (!j->person[i])
			continue;
		if (best != NULL && !agent_better(j->tree.legs[i], j->answered[i], best, best_answered))
			continue;
		best = j->tree.legs[i];
		best_answered = j->answered[i];
	}
	if (best == NULL)
		return;
	c->agent_id = best->target.id;
	c->agent_name = best->target.name;
	c->agent_email = best->target.email;
}

void
call_derive(struct call *c, const struct leg *const *legs, size_t n)
{
	struct judged	j;

	memset(c, 0, sizeof(*c));
	c->state_ts = c->started = c->rang = c->connected = c->ended = LEG_NONE;
	c->talk_ms = c->hold_ms = c->duration_ms = LEG_NONE;
	judge(&j, legs, n);
	c->provider_id = j.tree.root;
	derive_status(c, &j);
	derive_state(c, &j);
	derive_parties(c, &j);
	derive_times(c, &j);
	derive_agent(c, &j);
	call_take_recordings(c, &j.tree);
	if (c->status != CALL_ENDED)
		return;
	derive_lengths(c, &j);
	c->outcome = outcome_of(c, &j);
}
