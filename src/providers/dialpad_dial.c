/*
 * dialpad_dial: see dialpad_dial.h.
 */
#include <sys/types.h>

#include "base/json_read.h"
#include "base/json_write.h"
#include "base/num.h"
#include "model/dial_tag.h"
#include "providers/dialpad_dial.h"
#include "providers/dialpad_fields.h"

#define TAG_MAX			64	/* bytes our mark adds to custom data */

static const struct {
	const char	*word;
	bool		 retryable;
} outcomes[DIALPAD_DIAL_OUTCOMES] = {
	[DIALPAD_DIAL_PLACED] = { "placed", false },
	[DIALPAD_DIAL_NOT_CONNECTED] = { "not_connected", true },
	[DIALPAD_DIAL_NEEDS_RECONNECT] = { "needs_reconnect", true },
	[DIALPAD_DIAL_LIMIT] = { "limit", true },
	[DIALPAD_DIAL_UNREACHABLE] = { "unreachable", true },
	[DIALPAD_DIAL_BUSY] = { "busy", true },
	[DIALPAD_DIAL_USER_UNKNOWN] = { "user_unknown", false },
	[DIALPAD_DIAL_REFUSED] = { "refused", false },
	[DIALPAD_DIAL_FORBIDDEN] = { "forbidden", false },
	[DIALPAD_DIAL_BROKEN] = { "broken", false },
	[DIALPAD_DIAL_UNKNOWN] = { "unknown", false },
	[DIALPAD_DIAL_PENDING] = { "pending", false },
};

const char *
dialpad_dial_word(enum dialpad_dial_outcome o)
{
	return outcomes[o].word;
}

bool
dialpad_dial_outcome(struct str word, enum dialpad_dial_outcome *o)
{
	for (int i = 0; i < DIALPAD_DIAL_OUTCOMES; i++)
		if (str_eq(word, str_c(outcomes[i].word))) {
			*o = (enum dialpad_dial_outcome)i;
			return true;
		}
	return false;
}

bool
dialpad_dial_retryable(enum dialpad_dial_outcome o)
{
	return outcomes[o].retryable;
}

bool
dialpad_user_ok(struct str id)
{
	int64_t	number;

	return id.n > 0 && id.n <= DIALPAD_USER_MAX && id.p[0] >= '1' && id.p[0] <= '9' && num_i64(id, 1, INT64_MAX, &number);
}

void
dialpad_dial_body(struct buf *b, struct uuid dial, struct str user, struct str number, struct str custom_data)
{
	struct json_out	j;
	struct buf	tagged;

	buf_init(&tagged, DIALPAD_DIAL_CUSTOM_MAX + TAG_MAX);
	dial_tag_write(&tagged, dial, custom_data);
	b->failed = b->failed || tagged.failed;
	json_out_init(&j, b);
	json_obj(&j);
	json_key(&j, "user_id");
	json_raw_value(&j, user);		/* a number, as Dialpad's schema has it */
	json_kstr(&j, "phone_number", number);
	json_kstr(&j, "custom_data", buf_as_str(&tagged));
	json_obj_end(&j);
	buf_free(&tagged);
}

enum dialpad_dial_outcome
dialpad_dial_judge(int status, bool retry)
{
	if (status >= 200 && status <= 299)
		return DIALPAD_DIAL_PLACED;
	switch (status) {
	case 401:
		return DIALPAD_DIAL_NEEDS_RECONNECT;
	case 403:
		return DIALPAD_DIAL_FORBIDDEN;
	case 404:
		return DIALPAD_DIAL_USER_UNKNOWN;
	case 429:
		return DIALPAD_DIAL_LIMIT;
	case 503:
		return retry ? DIALPAD_DIAL_UNREACHABLE : DIALPAD_DIAL_BROKEN;
	}
	return status >= 400 && status <= 499 ? DIALPAD_DIAL_REFUSED : DIALPAD_DIAL_BROKEN;
}

struct str
dialpad_dial_call_id(struct arena *a, struct str body)
{
	static const struct json_limits	limits = { .depth = 16, .tokens = 512 };
	struct json_error		err;
	struct json_doc			doc;

	if (!json_parse(&doc, a, body, &limits, &err))
		return STR_NONE;
	return dialpad_call_id(json_get(json_root(&doc), "call_id"));
}
