/*
 * exotel_leg: see exotel_leg.h. From and CallFrom are who calls, so whom they mean depends on the direction; of a call
 * placed by the API From is the agent, and our number another field.
 */
#include <sys/types.h>

#include "model/dial_tag.h"
#include "providers/exotel_leg.h"

static void
set_text(struct leg_text *t, struct str v, int64_t ts)
{
	if (v.p == NULL)
		return;
	t->v = v;
	t->ts = ts;
}

static struct str
number(struct exotel_reader *r, const char *a, const char *b)
{
	return exotel_number(r, exotel_get(r, a, b));
}

/* A call that we placed ourselves says so in its custom data, whatever else is missing. */
static void
map_direction(struct leg *l, struct exotel_reader *r, int64_t ts)
{
	struct str	word = exotel_word(r, "", exotel_get(r, "Direction", NULL)), custom = l->custom_data.v;
	struct uuid	dial;

	if (str_eq(word, STR("inbound")) || str_eq(word, STR("incoming")))
		set_text(&l->direction, STR("inbound"), ts);
	else if (str_starts(word, STR("outbound")) || str_eq(word, STR("outgoing")))
		set_text(&l->direction, STR("outbound"), ts);
	else if (dial_tag_take(&custom, &dial))
		set_text(&l->direction, STR("outbound"), ts);
}

static bool
is_outbound(const struct leg *l)
{
	return str_eq(l->direction.v, STR("outbound"));
}

static struct str
first_of(struct str a, struct str b)
{
	return a.p != NULL ? a : b;
}

static bool
is_number(struct str s)
{
	return s.n > 0 && (s.p[0] == '+' || (s.p[0] >= '0' && s.p[0] <= '9'));
}

static void
map_numbers(struct leg *l, struct exotel_reader *r, enum exotel_kind kind, int64_t ts)
{
	struct str	from = number(r, "From", NULL), to = number(r, "To", NULL), ours = STR_NONE;
	bool		out = is_outbound(l);

	switch (kind) {
	case EXOTEL_STATUS:
		ours = first_of(number(r, "PhoneNumberSid", NULL), out ? from : to);
		set_text(&l->external, out ? to : from, ts);
		break;
	case EXOTEL_FLOW:
	case EXOTEL_RING:
		from = first_of(number(r, "CallFrom", NULL), from);
		to = first_of(number(r, "CallTo", NULL), to);
		ours = out ? from : to;
		set_text(&l->external, out ? to : from, ts);
		break;
	case EXOTEL_APP:
		ours = number(r, "VirtualNumber", NULL);
		set_text(&l->external, number(r, out ? "ToNumber" : "FromNumber", out ? "To" : "From"), ts);
		break;
	}
	if (is_number(ours))
		set_text(&l->internal, ours, ts);
}

/* Exotel knows agents by their telephone or SIP user, by email in popups, and by the CRM's id in IP calling. */
static void
map_agent(struct leg *l, struct exotel_reader *r, enum exotel_kind kind, int64_t ts)
{
	struct leg_party	*p = &l->target;
	struct str		 device = STR_NONE, id = STR_NONE;
	bool			 out = is_outbound(l);

	switch (kind) {
	case EXOTEL_STATUS:
		if (out)
			device = number(r, "From", NULL);
		break;
	case EXOTEL_FLOW:
	case EXOTEL_RING:
		device = number(r, "DialWhomNumber", NULL);
		p->email = exotel_text(r, exotel_get(r, "AgentEmail", NULL), EXOTEL_NAME_MAX);
		break;
	case EXOTEL_APP:
		id = exotel_token(r, exotel_get(r, "AppUserID", "AppUserId"), EXOTEL_ID_MAX);
		device = out ? number(r, "FromNumber", NULL) : number(r, "DialWhomNumber", "ToNumber");
		break;
	}
	p->id = first_of(id, device);
	if (p->id.p == NULL && p->email.p == NULL)
		return;
	if (is_number(device))
		p->phone = device;
	p->type = STR("user");
	p->ts = ts;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	if (a == LEG_NONE || b == LEG_NONE)
		return a == LEG_NONE ? b : a;
	return a < b ? a : b;
}

/* When it ended is only believed of an ended call: Exotel fills the field before. */
static void
map_times(struct leg *l, struct exotel_reader *r, enum exotel_kind kind, int64_t ts, bool told)
{
	int64_t	start = exotel_time(r, exotel_get(r, "StartTime", NULL)), talk = exotel_talk(r, kind);

	l->started = earlier(start, exotel_time(r, exotel_get(r, "DateCreated", "Created")));
	if (kind == EXOTEL_RING) {
		if (l->rank == LEG_RINGING)
			l->rang = ts;
		if (l->rank == LEG_ACTIVE)
			l->connected = ts;
		/* Only dates of one clock can tell a second attempt from a first that is late. */
		if (told && (l->rank == LEG_RINGING || l->rank == LEG_ACTIVE))
			l->again = ts;
		return;
	}
	if (l->rank == LEG_ACTIVE && (l->seen & LEG_SEEN_CONNECTED) != 0)
		l->connected = ts;
	if (l->rank != LEG_ENDED)
		return;
	l->ended = exotel_time(r, exotel_get(r, "EndTime", NULL));
	if (l->ended != LEG_NONE && l->started != LEG_NONE && l->ended < l->started)
		l->ended = LEG_NONE;
	if (l->ended != LEG_NONE && talk > 0 && (l->seen & LEG_SEEN_CONNECTED) != 0)
		l->connected = l->ended - talk;
	l->talk_ms = talk;
	l->duration_ms = exotel_length(exotel_get(r, "Duration", "TotalDuration"));
	if (l->duration_ms == LEG_NONE)
		l->duration_ms = exotel_length(exotel_get(r, "DialCallDuration", "CallDuration"));
}

static void
map_recording(struct leg *l, struct exotel_reader *r)
{
	struct leg_recording	rec = { .start_ms = LEG_NONE, .duration_ms = LEG_NONE };

	rec.url = exotel_token(r, exotel_get(r, "RecordingUrl", "CallRecordings"), EXOTEL_URL_MAX);
	rec.type = (l->seen & LEG_SEEN_VOICEMAIL) != 0 ? STR("voicemail") : STR("callrecording");
	leg_add_recording(l, &rec);
}

int64_t
exotel_talk(struct exotel_reader *r, enum exotel_kind kind)
{
	int64_t	said = exotel_length(exotel_get(r, "ConversationDuration", NULL)), best = LEG_NONE, one;
	size_t	i;

	if (said != LEG_NONE || kind == EXOTEL_APP || kind == EXOTEL_RING)
		return said;
	if (kind == EXOTEL_STATUS)		/* the second end is the one that was called */
		return exotel_length(exotel_leg(r, 1, "OnCallDuration"));
	for (i = 0; i < EXOTEL_LEGS_MAX; i++) {
		one = exotel_length(exotel_leg(r, i, "OnCallDuration"));
		if (one > best)
			best = one;
	}
	return best;
}

struct str
exotel_rung(struct exotel_reader *r)
{
	struct str	device = number(r, "DialWhomNumber", NULL);

	return device.p != NULL ? device : exotel_token(r, exotel_get(r, "AgentEmail", NULL), EXOTEL_ID_MAX);
}

void
exotel_map_leg(struct leg *l, struct exotel_reader *r, enum exotel_kind kind, int64_t ts, bool told)
{
	set_text(&l->custom_data, exotel_text(r, exotel_get(r, "CustomField", NULL), EXOTEL_CUSTOM_MAX), ts);
	map_direction(l, r, ts);
	map_numbers(l, r, kind, ts);
	map_agent(l, r, kind, ts);
	map_times(l, r, kind, ts, told);
	map_recording(l, r);
}
