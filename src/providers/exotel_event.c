/*
 * exotel_event: from a payload to an event: which kind of delivery it is, which state it tells of, and what tells it
 * from a duplicate. Never refuses: what is not understood is stored as it came, and moves nothing.
 */
#include <sys/types.h>

#include "base/buf.h"
#include "providers/exotel_leg.h"
#include "providers/exotel_states.h"

#define RECORD_MAX	(2u << 20)

struct said {			/* what a delivery says of how the call is going */
	struct exotel_reader	*r;
	enum exotel_kind	 kind;
	struct str		 event;		/* EventType, lower case */
	struct str		 status;	/* Status or CallStatus, lower case */
	struct str		 dialled, type;	/* DialCallStatus and CallType of a flow */
	int64_t			 told;		/* the time it gives itself; LEG_NONE: none */
	struct exotel_state	 state;
	struct str		 word;		/* behind the state */
};

static bool
has_any(const struct exotel_reader *r, const char *const *names)
{
	for (; *names != NULL; names++) {
		if (exotel_has(r, *names))
			return true;
	}
	return false;
}

static enum exotel_kind
kind_of(const struct said *s)
{
	static const char *const	flow[] = { "CallFrom", "CallTo", "CallType", "DialCallStatus", "DialWhomNumber",
					    "AgentEmail", "flow_id", NULL };
	bool				ring = s->event.p != NULL || str_eq(s->status, STR("busy")) ||
					    str_eq(s->status, STR("free"));

	if (exotel_has(s->r, "CallState"))
		return EXOTEL_APP;
	if (!has_any(s->r, flow))
		return EXOTEL_STATUS;
	return ring && s->dialled.p == NULL && s->type.p == NULL ? EXOTEL_RING : EXOTEL_FLOW;
}

/* The second of a call's two ends: is it up, was it never, or does nobody say? */
static struct exotel_state
far_end(struct said *s)
{
	return exotel_status(exotel_word(s->r, "", exotel_leg(s->r, 1, "Status")));
}

static bool
ends_are_listed(struct said *s)
{
	return json_type(exotel_leg(s->r, 0, "Status")) != JSON_ABSENT;
}

/* A live call that is said to be up: while only the agent's end is, the customer's telephone rings. */
static void
weigh_up(struct said *s, bool answered)
{
	struct exotel_state	far = far_end(s);
	bool			far_up = (far.seen & LEG_SEEN_UP) != 0;
	bool			inbound = str_starts(exotel_word(s->r, "", exotel_get(s->r, "Direction", NULL)), STR("in"));

	s->state = (struct exotel_state){ "in-progress", LEG_ACTIVE, LEG_SEEN_UP };
	if (ends_are_listed(s) && !far_up && !inbound)
		s->state = (struct exotel_state){ "in-progress", LEG_RINGING, 0 };
	else if (answered || (ends_are_listed(s) && far_up))
		s->state.seen |= LEG_SEEN_CONNECTED;
}

/* A call that is said to have been completed: did people speak? */
static void
weigh_completed(struct said *s)
{
	struct exotel_state	far = s->kind == EXOTEL_STATUS ? far_end(s) : (struct exotel_state){ NULL, LEG_POST, 0 };
	int64_t			talk = exotel_talk(s->r, s->kind);

	if (s->state.rank != LEG_ENDED || (s->state.seen & LEG_SEEN_UP) == 0)
		return;
	if (talk > 0)
		s->state.seen |= LEG_SEEN_CONNECTED;
	else if (talk == 0 || (far.seen & LEG_SEEN_MISSED) != 0)
		s->state.seen |= LEG_SEEN_MISSED;
}

static void
set(struct said *s, enum leg_rank rank, unsigned seen, struct str word)
{
	s->state = (struct exotel_state){ "", rank, seen };
	s->word = word;
}

/* Without events asked for, a call's only callback is that of its end; then a status that says nothing ends it too. */
static void
weigh_status(struct said *s)
{
	s->state = exotel_status(s->status);
	s->word = s->status;
	if (s->state.rank != LEG_ENDED && str_eq(s->event, STR("terminal")))
		set(s, LEG_ENDED, LEG_SEEN_HANGUP, s->status.p != NULL ? s->status : s->event);
	else if (str_eq(s->event, STR("answered")) && s->state.rank != LEG_ENDED)
		weigh_up(s, true);
	else if (s->state.rank == LEG_ACTIVE)
		weigh_up(s, false);
	else if (s->event.p == NULL && s->status.p == NULL)
		set(s, LEG_ENDED, LEG_SEEN_HANGUP, STR("terminal"));
	if (s->word.p == NULL)
		s->word = s->event;
}

/* Passthru stands at any place of a flow: before an agent is dialled it says that somebody calls. */
static void
weigh_flow(struct said *s)
{
	struct exotel_state	dialled = exotel_status(s->dialled), type = exotel_call_type(s->type);

	s->state = dialled.rank >= type.rank ? dialled : type;
	s->state.seen = dialled.seen | type.seen;
	s->word = dialled.rank >= type.rank && s->dialled.p != NULL ? s->dialled : s->type;
	if (s->state.rank == LEG_ENDED)
		return;
	if (str_eq(s->event, STR("terminal")))
		set(s, LEG_ENDED, LEG_SEEN_HANGUP | s->state.seen, s->event);
	else if (exotel_has(s->r, "RecordingUrl") || exotel_length(exotel_get(s->r, "DialCallDuration", NULL)) > 0)
		set(s, LEG_ENDED, LEG_SEEN_HANGUP | LEG_SEEN_UP, s->word.p != NULL ? s->word : STR("completed"));
	else if (s->state.rank == LEG_POST)
		set(s, LEG_RINGING, 0, s->word.p != NULL ? s->word : STR("incoming"));
}

static void
weigh_ring(struct said *s)
{
	s->word = s->event.p != NULL ? s->event : s->status;
	s->state = exotel_ring(s->word);
	if (s->state.word != NULL)
		return;
	s->state = exotel_ring(s->status);
}

static void
weigh_app(struct said *s)
{
	struct str	state = exotel_word(s->r, "", exotel_get(s->r, "CallState", NULL));

	s->state = exotel_status(s->status);
	s->word = s->status.p != NULL ? s->status : state;
	if (str_eq(state, STR("terminal")) && s->state.rank != LEG_ENDED)
		set(s, LEG_ENDED, LEG_SEEN_HANGUP, s->word);
	else if (str_eq(state, STR("active")) && s->status.p == NULL)
		set(s, LEG_RINGING, 0, s->word);
}

static void
weigh(struct said *s)
{
	switch (s->kind) {
	case EXOTEL_STATUS:
		weigh_status(s);
		break;
	case EXOTEL_FLOW:
		weigh_flow(s);
		break;
	case EXOTEL_RING:
		weigh_ring(s);
		break;
	case EXOTEL_APP:
		weigh_app(s);
		break;
	}
	weigh_completed(s);
}

static void
map_leg(struct leg *l, struct said *s, struct str id, struct str master, int64_t ts)
{
	leg_init(l);
	l->id = id;
	l->master = master;
	l->rank = s->state.rank;
	l->seen = s->state.seen;
	l->state = s->word;
	l->state_ts = ts;
	exotel_map_leg(l, s->r, s->kind, ts, s->told != LEG_NONE);
}

static struct str
type_of(struct said *s)
{
	static const char *const	names[] = { [EXOTEL_STATUS] = "exotel.status", [EXOTEL_FLOW] = "exotel.passthru",
					    [EXOTEL_RING] = "exotel.agent", [EXOTEL_APP] = "exotel.app" };
	struct json			event = exotel_get(s->r, "EventType", NULL);

	if (s->event.p == NULL)
		return str_c(names[s->kind]);
	return exotel_word(s->r, s->kind == EXOTEL_RING ? "exotel.agent_" : "exotel.", event);
}

/* Each attempt to reach an agent is a leg of its own below the call: its end is not the call's. */
static void
name_leg(struct said *s, struct str sid, struct str *id, struct str *master)
{
	struct str	rung = s->kind == EXOTEL_RING ? exotel_rung(s->r) : STR_NONE;
	char		*text;

	*id = sid;
	*master = STR_NONE;
	if (rung.p == NULL)
		return;
	text = arena_alloc(s->r->arena, sid.n + 1 + rung.n);
	if (text == NULL) {
		s->r->failed = true;
		return;
	}
	memcpy(text, sid.p, sid.n);
	text[sid.n] = '/';
	memcpy(text + sid.n + 1, rung.p, rung.n);
	*id = (struct str){ text, sid.n + 1 + rung.n };
	*master = sid;
}

/*
 * Exotel gives its deliveries no id but says that CallSid and EventType make one. It is taken at its word only while
 * what they say is the same too, apart from when: a status or a recording that is new is not lost. Where there is no
 * EventType only the same content is a duplicate.
 */
static void
make_digest(struct event *e, struct said *s, struct str payload)
{
	struct leg	timeless;
	struct buf	b;

	if (!e->is_call || s->event.p == NULL || s->kind != EXOTEL_STATUS) {
		hash_sha256_parts(e->digest, (struct str[]){ STR("exotel-payload"), payload }, 2);
		return;
	}
	map_leg(&timeless, s, e->leg.id, e->leg.master, 0);
	buf_init(&b, RECORD_MAX);
	leg_write(&timeless, &b);
	if (b.failed)
		s->r->failed = true;
	hash_sha256_parts(e->digest, (struct str[]){ STR("exotel"), e->leg.id, e->type, buf_as_str(&b) }, 4);
	buf_free(&b);
}

static void
map_event(struct event *e, struct said *s, struct str sid)
{
	struct exotel_reader	*r = s->r;
	struct str		 id, master;

	s->event = exotel_word(r, "", exotel_get(r, "EventType", NULL));
	s->status = exotel_word(r, "", exotel_get(r, "Status", "CallStatus"));
	s->dialled = exotel_word(r, "", exotel_get(r, "DialCallStatus", NULL));
	s->type = exotel_word(r, "", exotel_get(r, "CallType", NULL));
	s->told = exotel_time(r, exotel_get(r, "DateUpdated", "CurrentTime"));
	s->kind = kind_of(s);
	weigh(s);
	name_leg(s, sid, &id, &master);
	e->is_call = true;
	e->type = type_of(s);
	e->event_ts = s->told;
	map_leg(&e->leg, s, id, master, s->told != LEG_NONE ? s->told : r->received_ms);
}

bool
exotel_event(struct event *e, struct arena *a, struct str payload, const struct json_doc *doc,
    const struct exotel_place *place, int64_t received_ms)
{
	struct exotel_reader	r;
	struct said		s = { .r = &r };
	struct str		sid;

	memset(e, 0, sizeof(*e));
	leg_init(&e->leg);
	e->provider = "exotel";
	e->event_ts = LEG_NONE;
	e->type = STR("exotel.other");
	exotel_reader_begin(&r, a, json_root(doc), place, received_ms);
	sid = exotel_token(&r, exotel_get(&r, "CallSid", NULL), EXOTEL_ID_MAX);
	if (sid.p != NULL && !str_eq(sid, STR("0")))
		map_event(e, &s, sid);
	make_digest(e, &s, payload);
	return !r.failed;
}
