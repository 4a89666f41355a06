/*
 * leg: the lattice of what is known of one provider leg. Every field joins by the maximum or minimum of a total order
 * (recordings: by a union of such), and that alone is why joining is commutative, associative and idempotent: nothing
 * here may ever depend on which side came first. Pure; allocates nothing.
 */
#include <sys/types.h>

#include "model/leg_fields.h"

#define FIELD(name, rule, member) { name, rule, offsetof(struct leg, member) }

const struct leg_field leg_fields[LEG_FIELDS] = {
	FIELD("id", LEG_RULE_LARGEST_STR, id),
	FIELD("master", LEG_RULE_LARGEST_STR, master),
	FIELD("entry", LEG_RULE_LARGEST_STR, entry),
	FIELD("operator", LEG_RULE_LARGEST_STR, operator_id),
	FIELD("direction", LEG_RULE_LATEST_TEXT, direction),
	FIELD("external", LEG_RULE_LATEST_TEXT, external),
	FIELD("internal", LEG_RULE_LATEST_TEXT, internal),
	FIELD("contact_name", LEG_RULE_LATEST_TEXT, contact_name),
	FIELD("contact_id", LEG_RULE_LATEST_TEXT, contact_id),
	FIELD("custom_data", LEG_RULE_LATEST_TEXT, custom_data),
	FIELD("transcription", LEG_RULE_LATEST_TEXT, transcription),
	FIELD("voicemail_url", LEG_RULE_LATEST_TEXT, voicemail_url),
	FIELD("started", LEG_RULE_EARLIEST, started),
	FIELD("rang", LEG_RULE_EARLIEST, rang),
	FIELD("queued", LEG_RULE_EARLIEST, queued),
	FIELD("connected", LEG_RULE_EARLIEST, connected),
	FIELD("ended", LEG_RULE_LARGEST, ended),
	FIELD("again", LEG_RULE_LARGEST, again),
	FIELD("presumed", LEG_RULE_LARGEST, presumed),
	FIELD("talk_ms", LEG_RULE_LARGEST, talk_ms),
	FIELD("hold_ms", LEG_RULE_LARGEST, hold_ms),
	FIELD("duration_ms", LEG_RULE_LARGEST, duration_ms),
};

static int
i64_cmp(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* LEG_NONE counts as later than every known time. */
static int64_t
earliest(int64_t a, int64_t b)
{
	if (a == LEG_NONE)
		return b;
	if (b == LEG_NONE)
		return a;
	return a < b ? a : b;
}

static struct str
largest(struct str a, struct str b)
{
	return str_cmp(a, b) >= 0 ? a : b;
}

static int
text_cmp(const struct leg_text *a, const struct leg_text *b)
{
	int	c;

	if ((c = (a->v.p != NULL) - (b->v.p != NULL)) != 0)
		return c;
	if ((c = i64_cmp(a->ts, b->ts)) != 0)
		return c;
	return str_cmp(a->v, b->v);
}

static bool
text_equal(const struct leg_text *a, const struct leg_text *b)
{
	return str_eq(a->v, b->v) && (a->v.p == NULL || a->ts == b->ts);
}

static bool
party_absent(const struct leg_party *p)
{
	return p->type.p == NULL && p->id.p == NULL && p->name.p == NULL && p->email.p == NULL && p->phone.p == NULL;
}

static int
party_text_cmp(const struct leg_party *a, const struct leg_party *b)
{
	int	c;

	if ((c = str_cmp(a->type, b->type)) != 0)
		return c;
	if ((c = str_cmp(a->id, b->id)) != 0)
		return c;
	if ((c = str_cmp(a->name, b->name)) != 0)
		return c;
	if ((c = str_cmp(a->email, b->email)) != 0)
		return c;
	return str_cmp(a->phone, b->phone);
}

static int
party_cmp(const struct leg_party *a, const struct leg_party *b)
{
	int	c;

	if ((c = party_absent(b) - party_absent(a)) != 0)
		return c;
	if ((c = str_eq(a->type, STR("user")) - str_eq(b->type, STR("user"))) != 0)
		return c;
	if ((c = i64_cmp(a->ts, b->ts)) != 0)
		return c;
	return party_text_cmp(a, b);
}

static int
state_cmp(const struct leg *a, const struct leg *b)
{
	if (a->rank != b->rank)
		return a->rank > b->rank ? 1 : -1;
	if (a->state_ts != b->state_ts)
		return i64_cmp(a->state_ts, b->state_ts);
	return str_cmp(a->state, b->state);
}

struct str
leg_recording_key(const struct leg_recording *r)
{
	return r->id.p != NULL ? r->id : r->url;
}

/* Recordings with an id first: when room is short they are worth more than a bare address. */
static int
recording_cmp(const struct leg_recording *a, const struct leg_recording *b)
{
	int	c = (b->id.p != NULL) - (a->id.p != NULL);

	return c != 0 ? c : str_cmp(leg_recording_key(a), leg_recording_key(b));
}

static void
recording_join(struct leg_recording *a, const struct leg_recording *b)
{
	a->type = largest(a->type, b->type);
	a->url = largest(a->url, b->url);
	a->start_ms = earliest(a->start_ms, b->start_ms);
	a->duration_ms = a->duration_ms > b->duration_ms ? a->duration_ms : b->duration_ms;
}

/*
 * Keeping the smallest keys, rather than the earliest starts, is what makes the limit harmless to the laws: a key never
 * changes when two records of it meet, so one that was dropped would have been dropped in every other order too.
 */
size_t
leg_recording_put(struct leg_recording *set, size_t n, size_t max, const struct leg_recording *r)
{
	size_t	at = 0, tail;
	int	c = 1;

	if (leg_recording_key(r).p == NULL || max == 0)
		return n;
	while (at < n && (c = recording_cmp(&set[at], r)) < 0)
		at++;
	if (at < n && c == 0) {
		recording_join(&set[at], r);
		return n;
	}
	if (at == max)
		return n;
	tail = (n < max ? n : max - 1) - at;
	memmove(&set[at + 1], &set[at], tail * sizeof(set[0]));
	set[at] = *r;
	return n < max ? n + 1 : max;
}

void
leg_add_recording(struct leg *l, const struct leg_recording *r)
{
	l->nrec = leg_recording_put(l->rec, l->nrec, LEG_RECORDINGS_MAX, r);
}

void
leg_init(struct leg *l)
{
	size_t	i;

	memset(l, 0, sizeof(*l));
	l->rank = LEG_POST;
	l->state_ts = LEG_NONE;
	l->target.ts = LEG_NONE;
	for (i = 0; i < LEG_FIELDS; i++) {
		void	*at = leg_field_at(l, &leg_fields[i]);

		switch (leg_fields[i].rule) {
		case LEG_RULE_LARGEST_STR:
			break;
		case LEG_RULE_LATEST_TEXT:
			((struct leg_text *)at)->ts = LEG_NONE;
			break;
		case LEG_RULE_EARLIEST:
		case LEG_RULE_LARGEST:
			*(int64_t *)at = LEG_NONE;
			break;
		}
	}
}

static void
field_join(void *a, const void *b, enum leg_rule rule)
{
	int64_t		*na;
	const int64_t	*nb;

	switch (rule) {
	case LEG_RULE_LARGEST_STR:
		*(struct str *)a = largest(*(struct str *)a, *(const struct str *)b);
		break;
	case LEG_RULE_LATEST_TEXT:
		if (text_cmp(a, b) < 0)
			*(struct leg_text *)a = *(const struct leg_text *)b;
		break;
	case LEG_RULE_EARLIEST:
		na = a;
		nb = b;
		*na = earliest(*na, *nb);
		break;
	case LEG_RULE_LARGEST:
		na = a;
		nb = b;
		*na = *na > *nb ? *na : *nb;
		break;
	}
}

static bool
field_equal(const void *a, const void *b, enum leg_rule rule)
{
	switch (rule) {
	case LEG_RULE_LARGEST_STR:
		return str_eq(*(const struct str *)a, *(const struct str *)b);
	case LEG_RULE_LATEST_TEXT:
		return text_equal(a, b);
	case LEG_RULE_EARLIEST:
	case LEG_RULE_LARGEST:
		return *(const int64_t *)a == *(const int64_t *)b;
	}
	return false;
}

void
leg_join(struct leg *a, const struct leg *b)
{
	size_t	i;

	for (i = 0; i < LEG_FIELDS; i++) {
		const struct leg_field *f = &leg_fields[i];

		field_join(leg_field_at(a, f), leg_field_of(b, f), f->rule);
	}
	if (state_cmp(a, b) < 0) {
		a->rank = b->rank;
		a->state = b->state;
		a->state_ts = b->state_ts;
	}
	a->seen |= b->seen;
	if (party_cmp(&a->target, &b->target) < 0)
		a->target = b->target;
	for (i = 0; i < b->nrec; i++)
		leg_add_recording(a, &b->rec[i]);
}

static bool
recording_equal(const struct leg_recording *a, const struct leg_recording *b)
{
	return str_eq(a->id, b->id) && str_eq(a->type, b->type) && str_eq(a->url, b->url) &&
	    a->start_ms == b->start_ms && a->duration_ms == b->duration_ms;
}

bool
leg_equal(const struct leg *a, const struct leg *b)
{
	bool	no_party = party_absent(&a->target);
	size_t	i;

	for (i = 0; i < LEG_FIELDS; i++) {
		const struct leg_field *f = &leg_fields[i];

		if (!field_equal(leg_field_of(a, f), leg_field_of(b, f), f->rule))
			return false;
	}
	if (state_cmp(a, b) != 0 || a->seen != b->seen || a->nrec != b->nrec)
		return false;
	if (party_text_cmp(&a->target, &b->target) != 0 || (!no_party && a->target.ts != b->target.ts))
		return false;
	for (i = 0; i < a->nrec; i++) {
		if (!recording_equal(&a->rec[i], &b->rec[i]))
			return false;
	}
	return true;
}

bool
leg_adds(const struct leg *known, const struct leg *said)
{
	struct leg	both = *known;

	leg_join(&both, said);
	return !leg_equal(&both, known);
}

int
leg_id_cmp(struct str a, struct str b)
{
	if (a.n != b.n)
		return a.n < b.n ? -1 : 1;
	return str_cmp(a, b);
}

static bool
id_usable(struct str id)
{
	return id.p != NULL && id.n > 0 && !str_eq(id, STR("0")) && !str_eq(id, STR("null"));
}

size_t
leg_ids(const struct leg *l, struct str out[4])
{
	const struct str	named[4] = { l->id, l->master, l->entry, l->operator_id };
	size_t			n = 0, i, k;

	for (i = 0; i < 4; i++) {
		if (!id_usable(named[i]))
			continue;
		for (k = 0; k < n && !str_eq(out[k], named[i]); k++)
			continue;
		if (k == n)
			out[n++] = named[i];
	}
	return n;
}
