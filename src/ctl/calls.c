/*
 * calls: an app's calls as the API would show them, for whoever looks after the server.
 */
#include <sys/types.h>

#include <stdio.h>

#include "ctl/calls.h"
#include "ctl/nouns.h"

/* The order of the statement's columns; enum calls_column names some. */
static const struct table_column columns[CALLS_COLUMNS] = {
	{ NULL, "id", COLUMN_TEXT, false },
	{ "started", "started_at", COLUMN_TEXT, false },
	{ "direction", "direction", COLUMN_TEXT, false },
	{ "from", "from_number", COLUMN_TEXT, false },
	{ "to", "to_number", COLUMN_TEXT, false },
	{ "status", "status", COLUMN_STATE, false },
	{ "outcome", "outcome", COLUMN_STATE, false },
	{ "agent", "agent", COLUMN_TEXT, true },
	{ "talk", "talk_time_ms", COLUMN_MS, false },
	{ "recording", "has_recording", COLUMN_BOOL, false },
	{ NULL, "contact_name", COLUMN_TEXT, false },
	{ NULL, "provider_state", COLUMN_TEXT, false },
	{ NULL, "dialpad_call_id", COLUMN_NUMBER, false },
	{ NULL, "connected_at", COLUMN_TEXT, false },
	{ NULL, "ended_at", COLUMN_TEXT, false },
	{ NULL, "recording_url", COLUMN_TEXT, false },
	{ NULL, "updated_at", COLUMN_TEXT, false },
	{ NULL, "provider", COLUMN_TEXT, false },
	{ NULL, "provider_call_id", COLUMN_TEXT, false },
};

static int
fill(struct ctl *c, enum ctl_stmt stmt, const char *app, const char *second, struct table *t)
{
	struct dbs_result *r = ctl_query(c, stmt, 2, (const char *const[]){ app, second }, "calls");

	table_init(t, columns, CALLS_COLUMNS);
	if (r == NULL)
		return CTL_FAILED;
	ctl_fill(t, r);
	dbs_clear(r);
	return CTL_OK;
}

int
calls_read(struct ctl *c, const struct calls_query *q, struct table *t)
{
	return fill(c, q->active ? CTL_CALLS_ACTIVE : CTL_CALLS, q->app.id, q->limit, t);
}

int
calls_read_one(struct ctl *c, const struct calls_query *q, struct str id, struct table *t)
{
	char text[UUID_TEXT_SIZE];

	snprintf(text, sizeof(text), "%.*s", STR_ARG(id));
	return fill(c, CTL_CALL, q->app.id, text, t);
}

int
ctl_calls(struct ctl *c, const struct args *a)
{
	struct calls_query	q = { .active = args_given(a, "active") };
	struct table		t;
	int			code = ctl_find_app(c, args_word(a, 0), &q.app);

	if (code != CTL_OK)
		return code;
	ctl_i64(q.limit, args_number(a, "limit"));
	if (args_given(a, "watch"))
		return calls_watch(c, &q);
	code = calls_read(c, &q, &t);
	if (code == CTL_OK)
		code = ctl_show(c, &t, q.active ? "no call is ringing or active" : "no calls yet");
	table_free(&t);
	return code;
}
