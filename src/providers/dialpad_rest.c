/*
 * dialpad_rest: see dialpad_rest.h. Never touches what is not certainly ours: a webhook is ours by the app's own token
 * in its address; a subscription by the id of that webhook.
 */
#include <sys/types.h>

#include "base/count.h"
#include "base/hash.h"
#include "base/json_write.h"
#include "base/token.h"
#include "base/percent.h"
#include "providers/dialpad_fields.h"
#include "providers/dialpad_rest.h"
#include "providers/dialpad_states.h"

#define COMPLAINT_MAX	120	/* bytes of it that are shown */

static const struct json_limits limits = { .depth = 32, .tokens = 65536 };

/* The states we use (Dialpad knows some ten more, of surveys and AI): asked for by name, so that others cost nobody anything. */
static const char *const states[] = {
	"calling", "preanswer", "ringing", "queued", "connected", "hold", "parked", "merged", "hangup", "missed",
	"voicemail", "voicemail_uploaded", "blocked", "recording", "admin_recording", "transcription",
};

bool
dialpad_page(struct dialpad_page *p, struct arena *a, struct str body)
{
	struct json_error	err;
	struct json		root;

	*p = (struct dialpad_page){ .cursor = STR_NONE };
	if (!json_parse(&p->doc, a, body, &limits, &err))
		return false;
	root = json_root(&p->doc);
	/* Not an empty list, whatever the status says. */
	if (json_type(root) != JSON_OBJECT || (json_type(json_get(root, "error")) != JSON_ABSENT &&
	    json_type(json_get(root, "error")) != JSON_NULL))
		return false;
	p->items = json_get(root, "items");
	if (json_type(json_get(root, "cursor")) == JSON_STRING)
		p->cursor = json_text(json_get(root, "cursor"), a);
	if (p->cursor.n == 0 || p->cursor.n > DIALPAD_CURSOR_MAX)
		p->cursor = STR_NONE;
	return json_type(p->items) == JSON_ARRAY || json_type(p->items) == JSON_ABSENT || json_type(p->items) == JSON_NULL;
}

struct str
dialpad_item_id(struct json item)
{
	return dialpad_call_id(json_get(item, "id"));
}

static bool
same(struct str a, struct str b)
{
	return a.n == b.n && a.n > 0 && hash_equal(a.p, b.p, a.n);
}

/* What follows scheme, host and port; empty when there is nothing. */
static struct str
path_of(struct str url)
{
	struct str	head;

	for (int i = 0; i < 3; i++)
		if (!str_cut(&url, '/', &head))
			return STR_NONE;
	return url;
}

enum dialpad_hook_verdict
dialpad_judge_hook(struct json item, struct arena *a, struct str hook_url, struct str secret)
{
	struct json	url = json_get(item, "hook_url"), theirs = json_get(json_get(item, "signature"), "secret");
	struct str	text = json_text(url, a);

	if (!same(path_of(text), path_of(hook_url)) || dialpad_item_id(item).p == NULL)
		return DIALPAD_HOOK_FOREIGN;
	return same(text, hook_url) && json_type(theirs) == JSON_STRING && same(json_text(theirs, a), secret) ?
	    DIALPAD_HOOK_OURS : DIALPAD_HOOK_MEND;
}

static bool
lists(struct json array, const char *state)
{
	for (struct json e = json_first(array); json_type(e) != JSON_ABSENT; e = json_next(e))
		if (json_type(e) == JSON_STRING && str_eq(json_raw(e), str_c(state)))
			return true;
	return false;
}

/* No states given means all of them. */
static bool
has_states(struct json array)
{
	if (json_type(array) != JSON_ARRAY || json_count(array) == 0 || lists(array, "all"))
		return true;
	for (size_t i = 0; i < COUNT(states); i++)
		if (!lists(array, states[i]))
			return false;
	return true;
}

struct str
dialpad_subscription_hook(struct json item)
{
	struct str	hook = dialpad_item_id(json_get(item, "webhook"));

	if (hook.p == NULL)
		hook = dialpad_call_id(json_get(item, "endpoint_id"));
	return hook.p != NULL ? hook : dialpad_call_id(json_get(item, "webhook_id"));
}

enum dialpad_subscription_verdict
dialpad_judge_subscription(struct json item, struct str webhook_id)
{
	struct str	hook = dialpad_subscription_hook(item);
	bool		wide = dialpad_call_id(json_get(item, "target_id")).p == NULL;

	if (!same(hook, webhook_id) || dialpad_item_id(item).p == NULL || !wide)
		return DIALPAD_SUBSCRIPTION_FOREIGN;
	return json_bool(json_get(item, "enabled")) != 0 && json_bool(json_get(item, "group_calls_only")) != 1 &&
	    has_states(json_get(item, "call_states")) ? DIALPAD_SUBSCRIPTION_GOOD : DIALPAD_SUBSCRIPTION_MEND;
}

void
dialpad_hook_body(struct buf *b, struct str hook_url, struct str secret)
{
	struct json_out	j;

	json_out_init(&j, b);
	json_obj(&j);
	json_kstr(&j, "hook_url", hook_url);
	json_kstr(&j, "secret", secret);
	json_obj_end(&j);
}

void
dialpad_subscription_body(struct buf *b, struct str webhook_id)
{
	struct json_out	j;

	json_out_init(&j, b);
	json_obj(&j);
	json_key(&j, "endpoint_id");
	json_raw_value(&j, webhook_id);		/* a number, as Dialpad's schema has it */
	json_kbool(&j, "enabled", true);
	json_kbool(&j, "group_calls_only", false);
	json_key(&j, "call_states");
	json_arr(&j);
	for (size_t i = 0; i < COUNT(states); i++)
		json_str(&j, str_c(states[i]));
	json_arr_end(&j);
	json_obj_end(&j);
}

static bool
holds(struct str text, struct str word)
{
	for (size_t i = 0; i + word.n <= text.n; i++)
		if (memcmp(text.p + i, word.p, word.n) == 0)
			return true;
	return false;
}

/* Half of Dialpad's answers have {"error":{"message":...}}, others {"error":"..."}. */
struct str
dialpad_complaint(struct arena *a, struct str body)
{
	struct dialpad_reader	r = { .arena = a };
	struct json_error	err;
	struct json_doc		doc;
	struct json		v;
	struct str		text;

	if (!json_parse(&doc, a, body, &limits, &err))
		return STR_NONE;
	v = json_get(json_root(&doc), "error");
	if (json_type(v) == JSON_OBJECT)
		v = json_get(v, "message");
	text = dialpad_text(&r, v, COMPLAINT_MAX);
	return holds(text, STR(TOKEN_HOOK)) || holds(text, STR(TOKEN_HOOK_SECRET)) ? STR_NONE : text;
}

void
dialpad_calls_query(struct buf *b, int64_t from_ms, int64_t to_ms, struct str cursor)
{
	buf_puts(b, "?started_after=");
	buf_i64(b, from_ms);
	buf_puts(b, "&started_before=");
	buf_i64(b, to_ms);
	percent_pair(b, "cursor", cursor);
}

int64_t
dialpad_call_started(struct json record)
{
	return dialpad_time(json_get(record, "date_started"));
}

/* A record may name its state; only one that ends a leg is worth more than "it is over". */
static struct str
ending(struct json record)
{
	struct json	v = json_get(record, "state");
	struct str	word = json_type(v) == JSON_STRING ? json_raw(v) : STR_NONE;

	return word.p != NULL && dialpad_state_of(word).rank == LEG_ENDED ? word : STR("hangup");
}

/* A value as it stands in its text, a string with its quotes. */
static struct str
as_written(struct json v)
{
	struct str	s = json_raw(v);

	return json_type(v) == JSON_STRING ? (struct str){ s.p - 1, s.n + 2 } : s;
}

bool
dialpad_call_event(struct buf *b, struct json record)
{
	int64_t		ended = dialpad_time(json_get(record, "date_ended"));
	struct json_out	j;

	if (json_type(record) != JSON_OBJECT || ended == LEG_NONE || dialpad_call_id(json_get(record, "call_id")).p == NULL)
		return false;
	json_out_init(&j, b);
	json_obj(&j);
	for (struct json e = json_first(record); json_type(e) != JSON_ABSENT; e = json_next(e)) {
		if (str_eq(json_raw(e), STR("state")) || str_eq(json_raw(e), STR("event_timestamp")))
			continue;
		if (j.comma)
			buf_putc(b, ',');
		j.comma = false;
		buf_str(b, as_written(e));
		buf_putc(b, ':');
		json_raw_value(&j, as_written(json_member_value(e)));
	}
	json_kstr(&j, "state", ending(record));
	json_kint(&j, "event_timestamp", ended);
	json_obj_end(&j);
	return true;
}
