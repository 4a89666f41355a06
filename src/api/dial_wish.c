/*
 * dial_wish: see dial.h. Strict: one JSON object, no member that is not known, none twice, each of its own type. Whoever
 * misspells custom_data should learn it now and not when the call cannot be found; dial.c tells it to a good key only.
 */
#include <sys/types.h>

#include <stdio.h>

#include "api/api.h"
#include "api/dial.h"
#include "base/count.h"
#include "base/json_read.h"
#include "base/phone.h"
#include "providers/dialpad_dial.h"

static const struct json_limits limits = { .depth = 4, .tokens = 32 };

static bool
refuse(struct dial_wish *w, const char *code, const char *message)
{
	w->wrong = code;
	w->wrong_text = message;
	return false;
}

static bool
read_document(struct dial_wish *w, struct json_doc *doc, struct http_request *rq)
{
	struct json_error err;

	if (!json_parse(doc, &rq->arena, rq->body, &limits, &err)) {
		snprintf(w->said, sizeof(w->said), "The body is not the JSON expected: at byte %zu, expected %s", err.offset,
		    err.expected != NULL ? err.expected : "less");
		return refuse(w, "invalid_json", w->said);
	}
	return json_type(json_root(doc)) == JSON_OBJECT ||
	    refuse(w, "invalid_json", "The body must be a JSON object");
}

/* Each member lands in its place; the same one twice, or another, is refused. */
static bool
take_members(struct dial_wish *w, struct json member[], const char *const names[], size_t n, struct json root, struct arena *a)
{
	struct json e;
	size_t i;

	for (e = json_first(root); json_type(e) != JSON_ABSENT; e = json_next(e)) {
		struct str name = json_text(e, a);

		for (i = 0; i < n && !str_eq(name, str_c(names[i])); i++)
			;
		if (i == n)
			return refuse(w, "invalid_parameter",
			    "Unknown member; expected user_id, phone_number, custom_data and idempotency_key");
		if (json_type(member[i]) != JSON_ABSENT)
			return refuse(w, "invalid_parameter", "A member is there twice");
		member[i] = json_member_value(e);
	}
	return true;
}

/* A text that may be left out, as null too. */
static bool
optional_text(struct str *out, struct json v, struct arena *a, size_t max)
{
	*out = STR_NONE;
	if (json_type(v) == JSON_ABSENT || json_type(v) == JSON_NULL)
		return true;
	*out = json_text(v, a);
	return out->p != NULL && out->n <= max;
}

/* Visible ASCII, as a header can hold it. */
static bool
key_ok(struct str key)
{
	for (size_t i = 0; i < key.n; i++)
		if (key.p[i] <= 0x20 || key.p[i] >= 0x7f)
			return false;
	return key.n > 0 && key.n <= DIAL_KEY_MAX;
}

static bool
take_key(struct dial_wish *w, struct json member, struct http_request *rq)
{
	struct str header = http_header(rq, "idempotency-key");

	if (!optional_text(&w->key, member, &rq->arena, DIAL_KEY_MAX) || (w->key.p != NULL && !key_ok(w->key)) ||
	    (header.p != NULL && !key_ok(header)))
		return refuse(w, "invalid_idempotency_key", "An idempotency key is 1 to 128 visible ASCII characters");
	if (header.p != NULL && w->key.p != NULL && !str_eq(header, w->key))
		return refuse(w, "invalid_idempotency_key", "The header and the body name different idempotency keys");
	if (header.p != NULL)
		w->key = header;
	return true;
}

bool
dial_wish_read(struct dial_wish *w, struct http_request *rq)
{
	enum { USER, NUMBER, CUSTOM, KEY };
	static const char *const names[] = { "user_id", "phone_number", "custom_data", "idempotency_key" };
	struct json member[COUNT(names)] = { { NULL, 0 } };
	struct json_doc doc;

	if (!read_document(w, &doc, rq) || !take_members(w, member, names, COUNT(names), json_root(&doc), &rq->arena))
		return false;
	w->user = json_type(member[USER]) == JSON_NUMBER ? json_raw(member[USER]) : json_text(member[USER], &rq->arena);
	if (!dialpad_user_ok(w->user))
		return refuse(w, "invalid_user_id", "user_id must be the id of a Dialpad user, in digits");
	w->number = json_text(member[NUMBER], &rq->arena);
	if (!phone_is_e164(w->number))
		return refuse(w, "invalid_phone_number", "phone_number must be in the form of E.164: + and 7 to 15 digits");
	if (!optional_text(&w->custom_data, member[CUSTOM], &rq->arena, DIALPAD_DIAL_CUSTOM_MAX))
		return refuse(w, "invalid_custom_data", "custom_data must be a text of at most 1000 bytes");
	return take_key(w, member[KEY], rq);
}
