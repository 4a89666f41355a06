/*
 * leg_json: a leg as the JSON that stands in webhook_events.facts and call_legs.state. Absent fields are left out, so
 * records stay small and a field added later reads as absent from older records. Reading believes nothing: what has
 * the wrong shape is "not a record of ours", never half a leg. Text must be UTF-8 without NUL to come back unchanged,
 * which is all that a mapping may put into a leg.
 */
#include <sys/types.h>

#include "base/json_read.h"
#include "base/json_write.h"
#include "model/leg_fields.h"

#define RECORD_DEPTH	4
#define RECORD_TOKENS	2048		/* LEG_RECORDINGS_MAX recordings need about 400 */

static void
put_str(struct json_out *j, const char *name, struct str s)
{
	if (s.p != NULL)
		json_kstr(j, name, s);
}

static void
put_int(struct json_out *j, const char *name, int64_t v)
{
	if (v != LEG_NONE)
		json_kint(j, name, v);
}

/* ["value", event time], the time left out when not known. */
static void
put_text(struct json_out *j, const char *name, const struct leg_text *t)
{
	if (t->v.p == NULL)
		return;
	json_key(j, name);
	json_arr(j);
	json_str(j, t->v);
	if (t->ts != LEG_NONE)
		json_int(j, t->ts);
	json_arr_end(j);
}

static void
put_target(struct json_out *j, const struct leg_party *p)
{
	if (p->type.p == NULL && p->id.p == NULL && p->name.p == NULL && p->email.p == NULL && p->phone.p == NULL)
		return;
	json_key(j, "target");
	json_obj(j);
	put_str(j, "type", p->type);
	put_str(j, "id", p->id);
	put_str(j, "name", p->name);
	put_str(j, "email", p->email);
	put_str(j, "phone", p->phone);
	put_int(j, "ts", p->ts);
	json_obj_end(j);
}

static void
put_recordings(struct json_out *j, const struct leg *l)
{
	size_t	i;

	if (l->nrec == 0)
		return;
	json_key(j, "rec");
	json_arr(j);
	for (i = 0; i < l->nrec; i++) {
		json_obj(j);
		put_str(j, "id", l->rec[i].id);
		put_str(j, "type", l->rec[i].type);
		put_str(j, "url", l->rec[i].url);
		put_int(j, "start_ms", l->rec[i].start_ms);
		put_int(j, "duration_ms", l->rec[i].duration_ms);
		json_obj_end(j);
	}
	json_arr_end(j);
}

void
leg_write(const struct leg *l, struct buf *out)
{
	struct json_out	j;
	size_t		i;

	json_out_init(&j, out);
	json_obj(&j);
	for (i = 0; i < LEG_FIELDS; i++) {
		const struct leg_field	*f = &leg_fields[i];
		const void		*at = leg_field_of(l, f);

		switch (f->rule) {
		case LEG_RULE_LARGEST_STR:
			put_str(&j, f->name, *(const struct str *)at);
			break;
		case LEG_RULE_LATEST_TEXT:
			put_text(&j, f->name, at);
			break;
		case LEG_RULE_EARLIEST:
		case LEG_RULE_LARGEST:
			put_int(&j, f->name, *(const int64_t *)at);
			break;
		}
	}
	json_kint(&j, "rank", (int64_t)l->rank);
	put_str(&j, "state", l->state);
	put_int(&j, "state_ts", l->state_ts);
	if (l->seen != 0)
		json_kint(&j, "seen", (int64_t)l->seen);
	put_target(&j, &l->target);
	put_recordings(&j, l);
	json_obj_end(&j);
}

/* An absent member leaves *out as it is, for these three. */
static bool
get_str(struct str *out, struct json v, struct arena *a)
{
	if (json_type(v) == JSON_ABSENT)
		return true;
	*out = json_text(v, a);
	return out->p != NULL;
}

static bool
get_int(int64_t *out, struct json v)
{
	if (json_type(v) == JSON_ABSENT)
		return true;
	return json_type(v) == JSON_NUMBER && json_i64(v, out);
}

static bool
get_text(struct leg_text *out, struct json v, struct arena *a)
{
	struct json	value, ts;

	if (json_type(v) == JSON_ABSENT)
		return true;
	if (json_type(v) != JSON_ARRAY)
		return false;
	value = json_first(v);
	if (json_type(value) != JSON_STRING || !get_str(&out->v, value, a))
		return false;
	ts = json_next(value);
	return get_int(&out->ts, ts) && json_count(v) <= 2;
}

static bool
get_target(struct leg_party *p, struct json v, struct arena *a)
{
	if (json_type(v) == JSON_ABSENT)
		return true;
	return json_type(v) == JSON_OBJECT && get_str(&p->type, json_get(v, "type"), a) &&
	    get_str(&p->id, json_get(v, "id"), a) && get_str(&p->name, json_get(v, "name"), a) &&
	    get_str(&p->email, json_get(v, "email"), a) && get_str(&p->phone, json_get(v, "phone"), a) &&
	    get_int(&p->ts, json_get(v, "ts"));
}

static bool
get_recordings(struct leg *l, struct json list, struct arena *a)
{
	struct json	v;

	if (json_type(list) == JSON_ABSENT)
		return true;
	if (json_type(list) != JSON_ARRAY)
		return false;
	for (v = json_first(list); json_type(v) != JSON_ABSENT; v = json_next(v)) {
		struct leg_recording r = { .start_ms = LEG_NONE, .duration_ms = LEG_NONE };

		if (json_type(v) != JSON_OBJECT || !get_str(&r.id, json_get(v, "id"), a) ||
		    !get_str(&r.type, json_get(v, "type"), a) || !get_str(&r.url, json_get(v, "url"), a) ||
		    !get_int(&r.start_ms, json_get(v, "start_ms")) ||
		    !get_int(&r.duration_ms, json_get(v, "duration_ms")))
			return false;
		leg_add_recording(l, &r);
	}
	return true;
}

static bool
get_state(struct leg *l, struct json root, struct arena *a)
{
	int64_t	rank = -1, seen = 0;

	if (!get_int(&rank, json_get(root, "rank")) || rank < LEG_POST || rank > LEG_ENDED)
		return false;
	if (!get_int(&seen, json_get(root, "seen")) || seen < 0 || seen > (int64_t)UINT32_MAX)
		return false;
	l->rank = (enum leg_rank)rank;
	l->seen = (unsigned)seen;
	return get_str(&l->state, json_get(root, "state"), a) && get_int(&l->state_ts, json_get(root, "state_ts"));
}

static bool
get_field(struct leg *l, const struct leg_field *f, struct json v, struct arena *a)
{
	switch (f->rule) {
	case LEG_RULE_LARGEST_STR:
		return get_str(leg_field_at(l, f), v, a);
	case LEG_RULE_LATEST_TEXT:
		return get_text(leg_field_at(l, f), v, a);
	case LEG_RULE_EARLIEST:
	case LEG_RULE_LARGEST:
		return get_int(leg_field_at(l, f), v);
	}
	return false;
}

bool
leg_read(struct leg *l, struct arena *a, struct str json)
{
	const struct json_limits	limits = { .depth = RECORD_DEPTH, .tokens = RECORD_TOKENS };
	struct json_error		err;
	struct json_doc			doc;
	struct json			root;
	size_t				i;

	leg_init(l);
	if (!json_parse(&doc, a, json, &limits, &err))
		return false;
	root = json_root(&doc);
	if (json_type(root) != JSON_OBJECT)
		return false;
	for (i = 0; i < LEG_FIELDS; i++) {
		if (!get_field(l, &leg_fields[i], json_get(root, leg_fields[i].name), a))
			return false;
	}
	return get_state(l, root, a) && get_target(&l->target, json_get(root, "target"), a) &&
	    get_recordings(l, json_get(root, "rec"), a);
}
