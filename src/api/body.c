/*
 * body: see body.h.
 */
#include <sys/types.h>

#include <stdio.h>

#include "api/body.h"

static const struct json_limits limits = { .depth = 4, .tokens = 32 };

static bool
refuse(struct body_fault *fault, const char *code, const char *text)
{
	fault->code = code;
	fault->text = text;
	return false;
}

static bool
unknown_member(struct body_fault *fault, const char *const names[], size_t n)
{
	size_t at = (size_t)snprintf(fault->said, sizeof(fault->said), "Unknown member; expected ");

	for (size_t i = 0; i < n && at < sizeof(fault->said); i++)
		at += (size_t)snprintf(fault->said + at, sizeof(fault->said) - at, "%s%s", i == 0 ? "" : i == n - 1 ? " and " : ", ",
		    names[i]);
	return refuse(fault, "invalid_parameter", fault->said);
}

/* Each member lands in its place; the same one twice, or another, is refused. */
static bool
take_members(struct arena *a, const char *const names[], size_t n, struct json member[], struct json root, struct body_fault *fault)
{
	struct json e;
	size_t i;

	for (e = json_first(root); json_type(e) != JSON_ABSENT; e = json_next(e)) {
		struct str name = json_text(e, a);

		for (i = 0; i < n && !str_eq(name, str_c(names[i])); i++)
			;
		if (i == n)
			return unknown_member(fault, names, n);
		if (json_type(member[i]) != JSON_ABSENT)
			return refuse(fault, "invalid_parameter", "A member is there twice");
		member[i] = json_member_value(e);
	}
	return true;
}

bool
body_read(struct http_request *rq, struct json_doc *doc, const char *const names[], size_t n, struct json member[],
    struct body_fault *fault)
{
	struct json_error err;

	for (size_t i = 0; i < n; i++)
		member[i] = (struct json){ NULL, 0 };
	if (!json_parse(doc, &rq->arena, rq->body, &limits, &err)) {
		snprintf(fault->said, sizeof(fault->said), "The body is not the JSON expected: at byte %zu, expected %s", err.offset,
		    err.expected != NULL ? err.expected : "less");
		return refuse(fault, "invalid_json", fault->said);
	}
	if (json_type(json_root(doc)) != JSON_OBJECT)
		return refuse(fault, "invalid_json", "The body must be a JSON object");
	return take_members(&rq->arena, names, n, member, json_root(doc), fault);
}

bool
body_text(struct str *out, struct json v, struct arena *a, size_t max)
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
	return key.n > 0 && key.n <= BODY_KEY_MAX;
}

bool
body_idempotency_key(struct str *key, struct http_request *rq, struct json member, struct body_fault *fault)
{
	struct str header = http_header(rq, "idempotency-key");

	if (!body_text(key, member, &rq->arena, BODY_KEY_MAX) || (key->p != NULL && !key_ok(*key)) ||
	    (header.p != NULL && !key_ok(header)))
		return refuse(fault, "invalid_idempotency_key", "An idempotency key is 1 to 128 visible ASCII characters");
	if (header.p != NULL && key->p != NULL && !str_eq(header, *key))
		return refuse(fault, "invalid_idempotency_key", "The header and the body name different idempotency keys");
	if (header.p != NULL)
		*key = header;
	return true;
}
