/*
 * dial_wish: see dial.h. Strict, as body.h says, and each member of its own type; dial.c tells what is wrong to a good key only.
 */
#include <sys/types.h>

#include "api/dial.h"
#include "base/count.h"
#include "base/phone.h"
#include "providers/dialpad_dial.h"

static bool
refuse(struct dial_wish *w, const char *code, const char *message)
{
	w->fault.code = code;
	w->fault.text = message;
	return false;
}

bool
dial_wish_read(struct dial_wish *w, struct http_request *rq)
{
	enum { USER, NUMBER, CUSTOM, KEY };
	static const char *const names[] = { "user_id", "phone_number", "custom_data", "idempotency_key" };
	struct json member[COUNT(names)];
	struct json_doc doc;

	if (!body_read(rq, &doc, names, COUNT(names), member, &w->fault))
		return false;
	w->user = json_type(member[USER]) == JSON_NUMBER ? json_raw(member[USER]) : json_text(member[USER], &rq->arena);
	if (!dialpad_user_ok(w->user))
		return refuse(w, "invalid_user_id", "user_id must be the id of a Dialpad user, in digits");
	w->number = json_text(member[NUMBER], &rq->arena);
	if (!phone_is_e164(w->number))
		return refuse(w, "invalid_phone_number", "phone_number must be in the form of E.164: + and 7 to 15 digits");
	if (!body_text(&w->custom_data, member[CUSTOM], &rq->arena, DIALPAD_DIAL_CUSTOM_MAX))
		return refuse(w, "invalid_custom_data", "custom_data must be a text of at most 1000 bytes");
	return body_idempotency_key(&w->key, rq, member[KEY], &w->fault);
}
