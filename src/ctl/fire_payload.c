/*
 * fire_payload: one event of an invented call as JSON: Dialpad's flat object, or the seeds' {event_type, call}. A
 * date is told only once it has come, as in life; a number that is not known yet is null.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "base/count.h"
#include "base/json_write.h"
#include "ctl/fire_script.h"

#define OFFICE_ID		INT64_C(5511220033440011)
#define RECORDING_SIZE		40
#define RECORDING_URL_SIZE	96

static const char *const scenario_words[] = {
	[FIRE_INBOUND] = "inbound", [FIRE_MISSED] = "missed", [FIRE_VOICEMAIL] = "voicemail", [FIRE_QUEUE] = "queue",
	[FIRE_OUTBOUND] = "outbound",
};

static const struct {
	const char	*state;
	const char	*type;
} seed_types[] = {
	{ "calling", "call.ring" }, { "preanswer", "call.ring" }, { "queued", "call.ring" }, { "ringing", "call.ring" },
	{ "connected", "call.started" }, { "hangup", "call.ended" },
	{ "recording", "call.recording.completed" },
};

enum fire_scenario
fire_scenario_of(const char *word)
{
	int s;

	for (s = 0; s < FIRE_SCENARIOS; s++)
		if (strcmp(scenario_words[s], word) == 0)
			break;
	return (enum fire_scenario)s;
}

const char *
fire_seed_type(const char *state)
{
	for (size_t i = 0; i < COUNT(seed_types); i++)
		if (strcmp(seed_types[i].state, state) == 0)
			return seed_types[i].type;
	return NULL;
}

static void
put_date(struct json_out *j, const char *name, int64_t t, int64_t now)
{
	json_key(j, name);
	if (t == FIRE_NONE || t > now)
		json_null(j);
	else
		json_int(j, t);
}

static void
put_id(struct json_out *j, const char *name, int64_t id)
{
	json_key(j, name);
	if (id == 0)
		json_null(j);
	else
		json_int(j, id);
}

static void
put_party(struct json_out *j, const char *name, const struct fire_party *p, bool office)
{
	json_key(j, name);
	json_obj(j);
	if (p != NULL) {
		json_kint(j, "id", p->id);
		json_kstr(j, "type", str_c(p->type));
		json_kstr(j, "email", str_c(p->email));
		json_kstr(j, "phone", str_c(p->phone));
		json_kstr(j, "name", str_c(p->name));
		if (office)
			json_kint(j, "office_id", OFFICE_ID);
	}
	json_obj_end(j);
}

static bool
ended(const struct fire_leg *l, int64_t now)
{
	return l->ended != FIRE_NONE && l->ended <= now;
}

static int64_t
talk_ms(const struct fire_leg *l)
{
	return l->connected == FIRE_NONE ? 0 : l->ended - l->connected - l->hold_ms;
}

/* Durations are floats on the wire, null until the end. */
static void
put_durations(struct json_out *j, const struct fire_leg *l, int64_t now)
{
	char	total[32];
	int64_t	connected = l->connected == FIRE_NONE ? 0 : l->ended - l->connected;

	if (!ended(l, now)) {
		for (size_t i = 0; i < 4; i++) {
			json_key(j, (const char *const[]){ "talk_time", "hold_time", "duration", "total_duration" }[i]);
			json_null(j);
		}
		return;
	}
	json_kint(j, "talk_time", talk_ms(l));
	json_kint(j, "hold_time", l->hold_ms);
	json_key(j, "duration");
	snprintf(total, sizeof(total), "%lld.417", (long long)connected);
	json_raw_value(j, connected == 0 ? STR("0") : str_c(total));
	json_key(j, "total_duration");
	snprintf(total, sizeof(total), "%lld.902", (long long)(l->ended - l->started));
	json_raw_value(j, str_c(total));
}

static void
recording_names(const struct fire_leg *l, char id[RECORDING_SIZE], char url[RECORDING_URL_SIZE])
{
	snprintf(id, RECORDING_SIZE, "rec-%lld", (long long)l->id);
	snprintf(url, RECORDING_URL_SIZE, "https://dialpad.example/blob/%s/%s.mp3", l->recording, id);
}

/* Only the events that announce a recording, and those after them, carry it. */
static bool
carries_recording(const struct fire_leg *l, const char *state)
{
	return l->recording != NULL && (strcmp(state, "recording") == 0 || strcmp(state, "call_transcription") == 0 ||
	    strcmp(state, "voicemail_uploaded") == 0 || strcmp(state, "transcription") == 0);
}

static void
put_recording(struct json_out *j, const struct fire_leg *l, const char *state, int64_t now)
{
	char	id[RECORDING_SIZE], url[RECORDING_URL_SIZE];
	bool	there = carries_recording(l, state), voicemail;

	voicemail = there && strcmp(l->recording, "voicemail") == 0;
	if (there)
		recording_names(l, id, url);
	json_kbool(j, "was_recorded", l->recording != NULL && l->connected != FIRE_NONE && l->connected <= now);
	json_kstr(j, "voicemail_link", voicemail ? str_c(url) : STR_NONE);
	json_kstr(j, "voicemail_recording_id", voicemail ? str_c(id) : STR_NONE);
	json_kstr(j, "transcription_text", strcmp(state, "transcription") == 0 ?
	    STR("Hello, please call me back about my order. Thanks.") : STR_NONE);
	json_key(j, "recording_details");
	json_arr(j);
	if (there) {
		json_obj(j);
		json_kstr(j, "id", str_c(id));
		json_kstr(j, "url", str_c(url));
		json_kstr(j, "recording_type", str_c(l->recording));
		json_kint(j, "start_time", l->connected != FIRE_NONE ? l->connected + 100 : l->ended - 5000);
		json_kint(j, "duration", l->connected != FIRE_NONE ? l->ended - l->connected - 200 : 4800);
		json_obj_end(j);
	}
	json_arr_end(j);
	if (there && !voicemail) {
		json_key(j, "recording_url");
		json_arr(j);
		json_str(j, str_c(url));
		json_arr_end(j);
	}
}

static void
put_dialpad(const struct fire_call *c, const struct fire_step *s, struct json_out *j)
{
	const struct fire_leg	*l = &c->leg[s->leg];
	bool			 group = strcmp(l->target->type, "user") != 0;
	char			 group_id[64];

	json_kint(j, "date_started", l->started);
	json_kint(j, "call_id", l->id);
	json_kstr(j, "state", str_c(s->state));
	json_kstr(j, "direction", c->outbound ? STR("outbound") : STR("inbound"));
	json_kstr(j, "external_number", str_c(c->customer->phone));
	json_kstr(j, "internal_number", str_c(l->target->phone));
	json_kstr(j, "selected_caller_id", STR_NONE);
	put_date(j, "date_rang", l->rang, s->at);
	put_date(j, "date_first_rang", l->rang, s->at);
	put_date(j, "date_queued", l->queued, s->at);
	put_date(j, "date_connected", l->connected, s->at);
	put_date(j, "date_ended", l->ended, s->at);
	put_durations(j, l, s->at);
	put_party(j, "contact", c->customer, false);
	put_party(j, "target", l->target, true);
	put_id(j, "master_call_id", l->master);
	put_id(j, "entry_point_call_id", l->entry);
	put_party(j, "entry_point_target", l->entry != 0 ? c->leg[1].target : NULL, true);
	put_id(j, "operator_call_id", l->connected != FIRE_NONE && l->connected <= s->at ? l->operator_id : 0);
	put_party(j, "proxy_target", NULL, false);
	snprintf(group_id, sizeof(group_id), "%s:%lld", l->target == c->leg[0].target ? "Department" : "CallCenter",
	    (long long)l->target->id);
	json_kstr(j, "group_id", group ? str_c(group_id) : STR_NONE);
	json_kbool(j, "is_internal", false);
	json_kbool(j, "is_transferred", l->transferred);
	put_party(j, "transferred_from", l->master != 0 ? c->leg[0].target : NULL, true);
	put_recording(j, l, s->state, s->at);
	json_kint(j, "event_timestamp", s->at);
}

/* One record a call, whatever legs it has: its id and its start are the first leg's, the rest the event's own leg's. */
static void
put_seed(const struct fire_call *c, const struct fire_step *s, struct json_out *j)
{
	const struct fire_leg	*l = &c->leg[s->leg];
	char			 id[RECORDING_SIZE], url[RECORDING_URL_SIZE];

	json_kstr(j, "event_type", str_c(fire_seed_type(s->state)));
	json_ktime(j, "timestamp", s->at);
	json_key(j, "call");
	json_obj(j);
	json_kint(j, "id", c->leg[0].id);
	json_kstr(j, "direction", c->outbound ? STR("outbound") : STR("inbound"));
	json_kstr(j, "from", str_c(c->outbound ? l->target->phone : c->customer->phone));
	json_kstr(j, "to", str_c(c->outbound ? c->customer->phone : l->target->phone));
	json_ktime(j, "started_at", c->leg[0].started);
	if (l->connected != FIRE_NONE && l->connected <= s->at)
		json_ktime(j, "connected_at", l->connected);
	if (ended(l, s->at)) {
		json_ktime(j, "ended_at", l->ended);
		json_kint(j, "talk_time", talk_ms(l));
	}
	put_party(j, "contact", c->customer, false);
	put_party(j, "target", l->target, true);
	if (carries_recording(l, s->state)) {
		recording_names(l, id, url);
		json_kstr(j, "recording_url", str_c(url));
	}
	json_obj_end(j);
}

void
fire_payload(const struct fire_call *c, size_t step, enum fire_dialect dialect, struct buf *out)
{
	struct json_out j;

	json_out_init(&j, out);
	json_obj(&j);
	if (dialect == FIRE_JWT)
		put_dialpad(c, &c->step[step], &j);
	else
		put_seed(c, &c->step[step], &j);
	json_obj_end(&j);
}
