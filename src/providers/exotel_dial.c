/*
 * exotel_dial: see exotel_dial.h.
 */
#include <sys/types.h>

#include <stdint.h>

#include "base/json_read.h"
#include "base/json_write.h"
#include "base/percent.h"
#include "model/dial_tag.h"
#include "providers/exotel_dial.h"

#define TAG_MAX			128	/* CustomField may be no longer, and our mark is shorter */
#define CODE_DEVICE_OFF		1012
#define CODE_AGENT_BUSY		10706

static const struct json_limits limits = { .depth = 16, .tokens = 512 };

static const struct {
	const char	*word;
	bool		 certain, retryable;
} outcomes[EXOTEL_DIAL_OUTCOMES] = {
	[EXOTEL_DIAL_PLACED] = { "placed", false, false },
	[EXOTEL_DIAL_NOT_LINKED] = { "not_linked", true, true },
	[EXOTEL_DIAL_INACTIVE] = { "inactive", true, true },
	[EXOTEL_DIAL_LIMIT] = { "limit", true, true },
	[EXOTEL_DIAL_UNREACHABLE] = { "unreachable", true, true },
	[EXOTEL_DIAL_BUSY] = { "busy", true, true },
	[EXOTEL_DIAL_DEVICE_OFF] = { "device_off", true, false },
	[EXOTEL_DIAL_AGENT_BUSY] = { "agent_busy", true, false },
	[EXOTEL_DIAL_BALANCE] = { "balance", true, false },
	[EXOTEL_DIAL_REFUSED] = { "refused", true, false },
	[EXOTEL_DIAL_FORBIDDEN] = { "forbidden", true, false },
	[EXOTEL_DIAL_BROKEN] = { "broken", false, false },
	[EXOTEL_DIAL_UNKNOWN] = { "unknown", false, false },
	[EXOTEL_DIAL_PENDING] = { "pending", false, false },
};

const char *
exotel_dial_word(enum exotel_dial_outcome o)
{
	return outcomes[o].word;
}

bool
exotel_dial_outcome(struct str word, enum exotel_dial_outcome *o)
{
	for (int i = 0; i < EXOTEL_DIAL_OUTCOMES; i++)
		if (str_eq(word, str_c(outcomes[i].word))) {
			*o = (enum exotel_dial_outcome)i;
			return true;
		}
	return false;
}

bool
exotel_dial_certain(enum exotel_dial_outcome o)
{
	return outcomes[o].certain;
}

bool
exotel_dial_retryable(enum exotel_dial_outcome o)
{
	return outcomes[o].retryable;
}

/* ---- the request */

void
exotel_outbound_body(struct buf *b, const struct exotel_account *x, struct str user_id, struct str number)
{
	struct json_out j;

	json_out_init(&j, b);
	json_obj(&j);
	json_kstr(&j, "customer_id", x->customer_id);
	json_kstr(&j, "app_id", x->exotel_app_id);
	json_kstr(&j, "to", number);
	json_kstr(&j, "user_id", user_id);
	json_obj_end(&j);
}

void
exotel_connect_form(struct buf *b, struct uuid call, struct str from, struct str to, struct str caller_id, struct str hook_url)
{
	struct buf tag;

	buf_init(&tag, TAG_MAX);
	dial_tag_write(&tag, call, STR_NONE);
	b->failed = b->failed || tag.failed;
	percent_pair(b, "From", from);
	percent_pair(b, "To", to);
	percent_pair(b, "CallerId", caller_id);
	percent_pair(b, "CallType", STR("trans"));
	percent_pair(b, "CustomField", buf_as_str(&tag));
	if (hook_url.n > 0) {
		percent_pair(b, "StatusCallback", hook_url);
		percent_pair(b, "StatusCallbackEvents[0]", STR("terminal"));
		percent_pair(b, "StatusCallbackEvents[1]", STR("answered"));
		percent_pair(b, "StatusCallbackContentType", STR("application/json"));
	}
	buf_free(&tag);
}

void
exotel_connect_path(struct buf *b, const struct exotel_account *x)
{
	percent_encode(b, x->account_sid);
	buf_puts(b, "/Calls/connect.json");
}

/* ---- the answer */

static enum exotel_dial_outcome
judge_code(int status, int64_t own, bool retry)
{
	if (own == CODE_DEVICE_OFF)
		return EXOTEL_DIAL_DEVICE_OFF;
	if (own == CODE_AGENT_BUSY)
		return EXOTEL_DIAL_AGENT_BUSY;
	switch (status) {
	case 401:
	case 403:
		return EXOTEL_DIAL_FORBIDDEN;
	case 402:
		return EXOTEL_DIAL_BALANCE;
	case 429:
		return EXOTEL_DIAL_LIMIT;
	case 503:
		return retry ? EXOTEL_DIAL_UNREACHABLE : EXOTEL_DIAL_BROKEN;
	}
	return status >= 400 && status <= 499 ? EXOTEL_DIAL_REFUSED : EXOTEL_DIAL_BROKEN;
}

/* {"http_code":400,"response":{"error_data":{"code":10725,…}}}, as a string inside of the envelope. */
static int64_t
code_of_error(struct json error, struct arena *a)
{
	struct str text = json_text(error, a);
	struct json_error err;
	struct json_doc doc;
	int64_t code = 0;

	if (text.p == NULL || !json_parse(&doc, a, text, &limits, &err))
		return 0;
	if (!json_i64(json_get(json_get(json_get(json_root(&doc), "response"), "error_data"), "code"), &code) &&
	    !json_i64(json_get(json_get(json_root(&doc), "error_data"), "code"), &code))
		code = 0;
	return code;
}

static void
take_sid(struct exotel_reply *r, struct str sid)
{
	if (sid.p == NULL || sid.n == 0 || sid.n >= sizeof(r->call_sid))
		return;
	for (size_t i = 0; i < sid.n; i++)
		if ((unsigned char)sid.p[i] <= ' ' || (unsigned char)sid.p[i] >= 0x7f)
			return;
	memcpy(r->call_sid, sid.p, sid.n);	/* the rest is zero */
}

/* An answer that says yes has a call in it, in one of two shapes. What does not say so may have been a yes all the same. */
static enum exotel_dial_outcome
judge_good(struct exotel_reply *r, struct arena *a, struct json root)
{
	struct json call = json_get(root, "Call"), data = json_get(root, "Data");

	if (json_type(call) != JSON_OBJECT && json_type(data) != JSON_OBJECT)
		return EXOTEL_DIAL_UNKNOWN;
	take_sid(r, json_text(json_get(call, "Sid"), a));
	take_sid(r, json_text(json_get(data, "CallSid"), a));
	return EXOTEL_DIAL_PLACED;
}

void
exotel_dial_judge(struct exotel_reply *r, struct arena *a, int status, bool retry, struct str body)
{
	struct json_error err;
	struct json_doc doc;
	struct json root = { NULL, 0 };
	int64_t code = 0, own;

	*r = (struct exotel_reply){ .code = status };
	if (json_parse(&doc, a, body, &limits, &err))
		root = json_root(&doc);
	if (json_i64(json_get(root, "Code"), &code) && code >= 400 && code <= 599 && status < 400)
		status = (int)code;
	own = code_of_error(json_get(root, "Error"), a);
	if (own == 0 && code > 599)
		own = code;
	r->code = own > 0 && own < INT32_MAX ? (int)own : status;
	if (status >= 200 && status <= 299)
		r->outcome = own == 0 && code <= 599 ? judge_good(r, a, root) : judge_code(400, own, retry);
	else
		r->outcome = judge_code(status, own, retry);
}
