/*
 * dialpad_leg: the fields of a call event as a leg value, the same for both dialects: each name means the same wherever
 * it occurs. What the state says is not decided here.
 */
#include <sys/types.h>

#include "base/count.h"
#include "providers/dialpad_fields.h"

#define NAMES_MAX	4

struct text_field {
	size_t		 at;		/* struct leg_text in struct leg */
	size_t		 max;
	bool		 whole;		/* half of it would be worth nothing */
	const char	*names[NAMES_MAX];
};

struct number_field {
	size_t		 at;		/* int64_t in struct leg */
	const char	*names[NAMES_MAX];
};

/* The first name that holds a value counts. */
static const struct text_field text_fields[] = {
	{ offsetof(struct leg, external), DIALPAD_NUMBER_MAX, false, { "external_number" } },
	{ offsetof(struct leg, internal), DIALPAD_NUMBER_MAX, false, { "internal_number" } },
	{ offsetof(struct leg, custom_data), DIALPAD_CUSTOM_MAX, false, { "custom_data" } },
	{ offsetof(struct leg, transcription), DIALPAD_TRANSCRIPT_MAX, false, { "transcription_text" } },
	{ offsetof(struct leg, voicemail_url), DIALPAD_URL_MAX, true, { "voicemail_link" } },
};

static const struct number_field time_fields[] = {
	{ offsetof(struct leg, started), { "date_started", "started_at" } },
	{ offsetof(struct leg, rang), { "date_first_rang", "date_rang" } },
	{ offsetof(struct leg, queued), { "date_queued" } },
	{ offsetof(struct leg, connected), { "date_connected", "connected_at", "answered_at" } },
	{ offsetof(struct leg, ended), { "date_ended", "ended_at" } },
};

static const struct number_field length_fields[] = {
	{ offsetof(struct leg, talk_ms), { "talk_time" } },
	{ offsetof(struct leg, hold_ms), { "hold_time" } },
	{ offsetof(struct leg, duration_ms), { "duration" } },
};

static void
set_text(struct leg_text *t, struct str v, int64_t ts)
{
	if (v.p == NULL)
		return;
	t->v = v;
	t->ts = ts;
}

static void
map_texts(struct leg *l, struct dialpad_reader *r, int64_t ts)
{
	size_t	i, k;

	for (i = 0; i < COUNT(text_fields); i++) {
		const struct text_field	*f = &text_fields[i];
		struct str		 s = STR_NONE;

		for (k = 0; k < NAMES_MAX && f->names[k] != NULL && s.p == NULL; k++) {
			struct json	v = dialpad_get(r, f->names[k]);

			s = f->whole ? dialpad_token(r, v, f->max) : dialpad_text(r, v, f->max);
		}
		set_text((struct leg_text *)(void *)((char *)l + f->at), s, ts);
	}
}

static void
map_numbers(struct leg *l, const struct dialpad_reader *r, const struct number_field *fields, size_t n,
    int64_t (*read)(struct json))
{
	size_t	i, k;

	for (i = 0; i < n; i++) {
		int64_t	v = LEG_NONE;

		for (k = 0; k < NAMES_MAX && fields[i].names[k] != NULL && v == LEG_NONE; k++)
			v = read(dialpad_get(r, fields[i].names[k]));
		*(int64_t *)(void *)((char *)l + fields[i].at) = v;
	}
}

static void
map_direction(struct leg *l, const struct dialpad_reader *r, int64_t ts)
{
	struct json	v = dialpad_get(r, "direction");

	if (json_type(v) != JSON_STRING)
		return;
	if (str_ieq(json_raw(v), STR("inbound")))
		set_text(&l->direction, STR("inbound"), ts);
	else if (str_ieq(json_raw(v), STR("outbound")))
		set_text(&l->direction, STR("outbound"), ts);
}

/* contact: the other party. target: our side, and only when it says who; {} is what Dialpad writes for nobody. */
static void
map_people(struct leg *l, struct dialpad_reader *r, int64_t ts)
{
	struct json		 contact = dialpad_get(r, "contact"), target = dialpad_get(r, "target");
	struct leg_party	*p = &l->target;

	set_text(&l->contact_name, dialpad_text(r, json_get(contact, "name"), DIALPAD_NAME_MAX), ts);
	set_text(&l->contact_id, dialpad_token(r, json_get(contact, "id"), DIALPAD_ID_MAX), ts);
	p->id = dialpad_token(r, json_get(target, "id"), DIALPAD_ID_MAX);
	p->name = dialpad_text(r, json_get(target, "name"), DIALPAD_NAME_MAX);
	if (p->id.p == NULL && p->name.p == NULL)
		return;
	p->type = dialpad_word(r, "", json_get(target, "type"), false);
	p->email = dialpad_text(r, json_get(target, "email"), DIALPAD_NAME_MAX);
	p->phone = dialpad_text(r, json_get(target, "phone"), DIALPAD_NUMBER_MAX);
	p->ts = ts;
}

void
dialpad_map_ends(struct leg *l, struct dialpad_reader *r, int64_t ts)
{
	bool		outbound = str_eq(l->direction.v, STR("outbound"));
	struct str	from = dialpad_text(r, dialpad_get(r, "from"), DIALPAD_NUMBER_MAX);
	struct str	to = dialpad_text(r, dialpad_get(r, "to"), DIALPAD_NUMBER_MAX);

	if (from.p == NULL)
		from = dialpad_text(r, dialpad_get(r, "from_number"), DIALPAD_NUMBER_MAX);
	if (to.p == NULL)
		to = dialpad_text(r, dialpad_get(r, "to_number"), DIALPAD_NUMBER_MAX);
	if (l->external.v.p == NULL)
		set_text(&l->external, outbound ? to : from, ts);
	if (l->internal.v.p == NULL)
		set_text(&l->internal, outbound ? from : to, ts);
}

static void
map_flags(struct leg *l, const struct dialpad_reader *r)
{
	if (json_bool(dialpad_get(r, "is_transferred")) == 1)
		l->seen |= LEG_SEEN_TRANSFERRED;
	if (json_bool(dialpad_get(r, "is_internal")) == 1)
		l->seen |= LEG_SEEN_INTERNAL;
	if (l->queued != LEG_NONE)
		l->seen |= LEG_SEEN_QUEUED;
}

static bool
url_known(const struct leg *l, struct str url)
{
	size_t	i;

	for (i = 0; i < l->nrec; i++) {
		if (str_eq(l->rec[i].url, url))
			return true;
	}
	return false;
}

/* One that has an address only, and an address already known, adds nothing. */
static void
add_recording(struct leg *l, struct str id, struct str url, const char *type)
{
	const struct leg_recording	r = { .id = id, .url = url, .type = str_c(type),
	    .start_ms = LEG_NONE, .duration_ms = LEG_NONE };

	if (id.p != NULL || (url.p != NULL && !url_known(l, url)))
		leg_add_recording(l, &r);
}

static void
map_details(struct leg *l, struct dialpad_reader *r, struct json list, const char *start, const char *type)
{
	struct json	v;

	for (v = json_first(list); json_type(v) != JSON_ABSENT; v = json_next(v)) {
		struct leg_recording	rec;

		rec.id = dialpad_token(r, json_get(v, "id"), DIALPAD_ID_MAX);
		rec.url = dialpad_token(r, json_get(v, "url"), DIALPAD_URL_MAX);
		rec.type = dialpad_word(r, "", json_get(v, type), false);
		rec.start_ms = dialpad_time(json_get(v, start));
		rec.duration_ms = dialpad_length(json_get(v, "duration"));
		leg_add_recording(l, &rec);
	}
}

/* An address or a list of them: both occur. */
static void
map_urls(struct leg *l, struct dialpad_reader *r, struct json v, const char *type)
{
	struct json	e;

	add_recording(l, STR_NONE, dialpad_token(r, v, DIALPAD_URL_MAX), type);
	if (json_type(v) != JSON_ARRAY)
		return;
	for (e = json_first(v); json_type(e) != JSON_ABSENT; e = json_next(e))
		add_recording(l, STR_NONE, dialpad_token(r, e, DIALPAD_URL_MAX), type);
}

/* Details first: they know more of the same recordings than the bare addresses behind them. */
static void
map_recordings(struct leg *l, struct dialpad_reader *r)
{
	struct json	details = dialpad_get(r, "recording_details"), one = dialpad_get(r, "recording");

	if (json_type(details) == JSON_ARRAY)
		map_details(l, r, details, "start_time", "recording_type");
	add_recording(l, dialpad_token(r, dialpad_get(r, "voicemail_recording_id"), DIALPAD_ID_MAX),
	    l->voicemail_url.v, "voicemail");
	add_recording(l, dialpad_token(r, json_get(one, "id"), DIALPAD_ID_MAX),
	    dialpad_token(r, json_get(one, "url"), DIALPAD_URL_MAX), "callrecording");
	map_urls(l, r, dialpad_get(r, "recording_url"), "callrecording");
	map_urls(l, r, dialpad_get(r, "admin_recording_urls"), "admincallrecording");
}

void
dialpad_map_leg(struct leg *l, struct dialpad_reader *r, int64_t ts)
{
	l->master = dialpad_call_id(dialpad_get(r, "master_call_id"));
	l->entry = dialpad_call_id(dialpad_get(r, "entry_point_call_id"));
	l->operator_id = dialpad_call_id(dialpad_get(r, "operator_call_id"));
	map_direction(l, r, ts);
	map_texts(l, r, ts);
	map_numbers(l, r, time_fields, COUNT(time_fields), dialpad_time);
	map_numbers(l, r, length_fields, COUNT(length_fields), dialpad_length);
	map_people(l, r, ts);
	map_flags(l, r);
	map_recordings(l, r);
}
