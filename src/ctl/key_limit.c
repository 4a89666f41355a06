/*
 * key_limit: a key's own limit: how it is written ("5000/15m", "off", "default") and how it is changed. The daemon
 * follows with the key's next request.
 */
#include <sys/types.h>

#include <string.h>

#include "base/count.h"
#include "base/num.h"
#include "base/rate.h"
#include "ctl/keys.h"
#include "ctl/nouns.h"

#define WINDOW_MAX_MS	((int64_t)86400000)

static const struct table_column limit_columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ "app", "app_id", COLUMN_TEXT, false },
	{ "limit", "rate_limit", COLUMN_TEXT, false },
};

/* Requests and a window in whole seconds. */
static bool
read_rate(const char *text, int64_t *requests, int64_t *window_ms)
{
	struct str rest = str_c(text), first;

	return str_cut(&rest, '/', &first) && num_i64(first, 1, RATE_LIMIT_MAX, requests) &&
	    num_duration_ms(rest, window_ms) && *window_ms > 0 && *window_ms % 1000 == 0 && *window_ms <= WINDOW_MAX_MS;
}

int
ctl_rate_read(struct ctl_rate *r, const char *text)
{
	int64_t requests = 0, window_ms = 1000;

	*r = (struct ctl_rate){ .requests = NULL };
	if (strcmp(text, "default") == 0)
		return CTL_OK;
	if (strcmp(text, "off") != 0 && !read_rate(text, &requests, &window_ms))
		return ctl_fail(CTL_USAGE, "'%.40s' is no limit: expected such as 5000/15m (1 to %u requests in 1s to 24h, whole "
		    "seconds), off or default", text, RATE_LIMIT_MAX);
	r->requests = ctl_i64(r->requests_text, requests);
	r->seconds = ctl_i64(r->seconds_text, window_ms / 1000);
	return CTL_OK;
}

int
ctl_key_limit(struct ctl *c, const struct args *a)
{
	const char		*id = args_word(a, 1);
	struct dbs_result	*r;
	struct ctl_rate		 rate;
	struct ctl_app		 app;
	struct table		 t;
	int			 code = ctl_key_id(id);

	if (code != CTL_OK || (code = ctl_rate_read(&rate, args_word(a, 2))) != CTL_OK ||
	    (code = ctl_find_app(c, args_word(a, 0), &app)) != CTL_OK || (code = ctl_begin(c, "key limit")) != CTL_OK)
		return code;
	table_init(&t, limit_columns, COUNT(limit_columns));
	r = ctl_query(c, CTL_KEY_LIMIT, 4, (const char *const[]){ app.id, id, rate.requests, rate.seconds }, "key limit");
	code = ctl_key_changed(c, r, &app, id, "key.limit", args_word(a, 2), &t);
	if (code == CTL_OK)
		code = ctl_show_record(c, &t);
	table_free(&t);
	return code;
}
