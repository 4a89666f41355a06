/*
 * dialpad_event: from a payload to an event. Which dialect it is, is told by the fields it has: a call id and a state
 * (Dialpad's own), or an event_type and a call id (the seeds'). Never refuses: what is not understood is stored as it
 * came, and moves nothing.
 */
#include <sys/types.h>

#include <inttypes.h>
#include <stdio.h>

#include "base/count.h"
#include "providers/dialpad.h"
#include "providers/dialpad_fields.h"
#include "providers/dialpad_states.h"

static const char *const org_names[] = { "dialpad_org_id", "organization_id", "org_id", "company_id" };

static void
set_state(struct leg *l, struct dialpad_state state, struct str word, int64_t ts)
{
	l->rank = state.rank;
	l->seen |= state.seen;
	l->state = state.word != NULL ? str_c(state.word) : word;
	l->state_ts = ts;
}

static void
map_real(struct event *e, struct dialpad_reader *r, int64_t ts)
{
	struct str	word = dialpad_word(r, "", dialpad_get(r, "state"), false);

	e->is_call = true;
	e->type = dialpad_word(r, "dialpad.", dialpad_get(r, "state"), false);
	set_state(&e->leg, dialpad_state_of(word), word, ts);
	dialpad_map_leg(&e->leg, r, ts);
}

/* How a seeds' call ended, when some field says so. */
static struct dialpad_state
seeds_ending(struct dialpad_reader *r, struct dialpad_state otherwise)
{
	static const char *const	names[] = { "outcome", "status", "state", "result" };
	size_t				i;

	for (i = 0; i < COUNT(names); i++) {
		struct dialpad_state	s = dialpad_ending_of(dialpad_word(r, "", dialpad_get(r, names[i]), false));

		if (s.word != NULL)
			return s;
	}
	return otherwise;
}

static void
map_seeds(struct event *e, struct dialpad_reader *r, int64_t ts)
{
	struct dialpad_state	state = dialpad_seeds_state_of(e->type);
	struct str		scope, word = e->type;

	e->is_call = true;
	str_cut(&word, '.', &scope);
	if (state.rank == LEG_ENDED)
		state = seeds_ending(r, state);
	set_state(&e->leg, state, word, ts);
	dialpad_map_leg(&e->leg, r, ts);
	dialpad_map_ends(&e->leg, r, ts);
	/* "started" is the moment a person answered; where nobody dates it, the event's own time does. */
	if (str_eq(e->type, STR("call.started")) && e->leg.connected == LEG_NONE)
		e->leg.connected = ts;
}

/* No call: told apart only for whoever reads the table. */
static struct str
other_type(const struct dialpad_reader *r)
{
	static const char *const sms_names[] = {
		"text", "text_content", "message_status", "from_number", "to_number",
	};
	size_t	i;

	if (json_type(dialpad_get(r, "state")) != JSON_ABSENT)
		return STR("dialpad.other");
	for (i = 0; i < COUNT(sms_names); i++) {
		if (json_type(dialpad_get(r, sms_names[i])) != JSON_ABSENT)
			return STR("dialpad.sms");
	}
	return STR("dialpad.other");
}

static struct str
org_of(struct dialpad_reader *r)
{
	struct str	s = STR_NONE;
	size_t		i;

	for (i = 0; i < COUNT(org_names) && s.p == NULL; i++)
		s = dialpad_token(r, dialpad_get(r, org_names[i]), DIALPAD_ID_MAX);
	return s.p != NULL ? s : dialpad_token(r, json_get(dialpad_get(r, "company"), "id"), DIALPAD_ID_MAX);
}

static int64_t
event_time(const struct dialpad_reader *r)
{
	int64_t	ts = dialpad_time(dialpad_get(r, "event_timestamp"));

	return ts != LEG_NONE ? ts : dialpad_time(dialpad_get(r, "timestamp"));
}

/*
 * Dialpad gives its events no id. One state of one leg at one moment is one event; news of recordings at one moment are
 * told apart by the recordings. Anything less well described is only a duplicate of the very same bytes.
 */
static void
make_digest(struct event *e, struct str payload)
{
	struct str	parts[4 + LEG_RECORDINGS_MAX] = { STR("dialpad"), e->leg.id, e->type };
	char		ts[24];
	size_t		n = 4, i;

	if (!e->is_call || e->event_ts == LEG_NONE) {
		hash_sha256_parts(e->digest, (struct str[]){ STR("dialpad-payload"), payload }, 2);
		return;
	}
	snprintf(ts, sizeof(ts), "%" PRId64, e->event_ts);
	parts[3] = str_c(ts);
	for (i = 0; e->leg.rank == LEG_POST && i < e->leg.nrec; i++)
		parts[n++] = leg_recording_key(&e->leg.rec[i]);
	hash_sha256_parts(e->digest, parts, n);
}

static bool
starts_with_call(struct str type)
{
	return type.n > 5 && str_starts(type, STR("call."));
}

static void
map_event(struct event *e, struct dialpad_reader *r, struct json root, int64_t received_ms)
{
	struct str	id = dialpad_call_id(json_get(root, "call_id"));
	struct json	call = json_get(root, "call"), state = json_get(root, "state");

	r->inner = root;
	e->type = dialpad_word(r, "", json_get(root, "event_type"), true);
	if (id.p != NULL && json_type(state) == JSON_STRING && json_raw(state).n > 0) {
		e->event_ts = event_time(r);
		e->leg.id = id;
		map_real(e, r, e->event_ts != LEG_NONE ? e->event_ts : received_ms);
	} else {
		if (json_type(call) == JSON_OBJECT) {
			r->inner = call;
			r->outer = root;
		}
		e->event_ts = event_time(r);
		e->leg.id = dialpad_call_id(json_get(call, "id"));
		if (e->leg.id.p == NULL)
			e->leg.id = dialpad_call_id(dialpad_get(r, "call_id"));
		if (starts_with_call(e->type) && e->leg.id.p != NULL)
			map_seeds(e, r, e->event_ts != LEG_NONE ? e->event_ts : received_ms);
		else {
			e->leg.id = STR_NONE;
			if (e->type.p == NULL)
				e->type = other_type(r);
		}
	}
	e->org_id = org_of(r);
}

bool
dialpad_event(struct event *e, struct arena *a, struct str payload, const struct json_doc *doc, int64_t received_ms)
{
	struct dialpad_reader	r = { .arena = a };
	struct json		root = json_root(doc);

	memset(e, 0, sizeof(*e));
	leg_init(&e->leg);
	e->provider = "dialpad";
	e->event_ts = LEG_NONE;
	e->type = STR("dialpad.other");
	if (json_type(root) == JSON_OBJECT)
		map_event(e, &r, root, received_ms);
	make_digest(e, payload);
	return !r.failed;
}
