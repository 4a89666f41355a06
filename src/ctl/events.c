/*
 * events: deliveries as they were stored: what came, whose it is, what has become of it.
 */
#include <sys/types.h>

#include <stdio.h>

#include "base/count.h"
#include "ctl/json_pretty.h"
#include "ctl/nouns.h"

static const struct table_column list_columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ "received", "received_at", COLUMN_TEXT, false },
	{ NULL, "app_id", COLUMN_TEXT, false },
	{ "app", "app", COLUMN_TEXT, true },
	{ "type", "event_type", COLUMN_TEXT, true },
	{ "leg", "leg_id", COLUMN_TEXT, false },
	{ "state", "state", COLUMN_STATE, false },
	{ "source", "source", COLUMN_TEXT, false },
	{ "secret", "secret_used", COLUMN_TEXT, false },
	{ NULL, "event_ts", COLUMN_TEXT, false },
};

static const struct table_column show_columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ "app", "app_id", COLUMN_TEXT, false },
	{ "name", "app", COLUMN_TEXT, false },
	{ "received", "received_at", COLUMN_TEXT, false },
	{ "provider", "provider", COLUMN_TEXT, false },
	{ "type", "event_type", COLUMN_TEXT, false },
	{ "happened", "event_ts", COLUMN_TEXT, false },
	{ "leg", "leg_id", COLUMN_TEXT, false },
	{ "is a call", "is_call", COLUMN_BOOL, false },
	{ "state", "state", COLUMN_STATE, false },
	{ "attempts", "attempts", COLUMN_NUMBER, false },
	{ "last error", "last_error", COLUMN_TEXT, false },
	{ "source", "source", COLUMN_TEXT, false },
	{ "hook", "hook_id", COLUMN_TEXT, false },
	{ "secret", "secret_used", COLUMN_TEXT, false },
	{ "request", "request_id", COLUMN_TEXT, false },
	{ "digest", "digest", COLUMN_TEXT, false },
	{ NULL, "facts", COLUMN_JSON, false },
	{ NULL, "payload", COLUMN_JSON, false },
};
#define SHOW_PAYLOAD	(COUNT(show_columns) - 1)

static const struct table_column dead_columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ "died", "died_at", COLUMN_TEXT, false },
	{ NULL, "app_id", COLUMN_TEXT, false },
	{ "app", "app", COLUMN_TEXT, true },
	{ "type", "event_type", COLUMN_TEXT, true },
	{ "leg", "leg_id", COLUMN_TEXT, false },
	{ "attempts", "attempts", COLUMN_NUMBER, false },
	{ "reason", "reason", COLUMN_TEXT, true },
	{ NULL, "received_at", COLUMN_TEXT, false },
};

static int
show_rows(struct ctl *c, struct dbs_result *r, const struct table_column *columns, size_t ncolumns, const char *empty)
{
	struct table	t;
	int		code;

	if (r == NULL)
		return CTL_FAILED;
	table_init(&t, columns, ncolumns);
	ctl_fill(&t, r);
	code = ctl_show(c, &t, empty);
	table_free(&t);
	dbs_clear(r);
	return code;
}

int
ctl_events_list(struct ctl *c, const struct args *a)
{
	char		 since[CTL_I64_SIZE], limit[CTL_I64_SIZE];
	const char	*app_id = UNROUTED_APP;
	struct ctl_app	 app;
	int		 code;

	if (args_given(a, "unrouted") && args_word(a, 0) != NULL)
		return ctl_fail(CTL_USAGE, "--unrouted events belong to no app: leave out APP");
	code = args_word(a, 0) != NULL ? ctl_find_app(c, args_word(a, 0), &app) : ctl_db(c);
	if (code != CTL_OK)
		return code;
	if (args_word(a, 0) != NULL)
		app_id = app.id;
	ctl_i64(since, args_number(a, "since"));
	ctl_i64(limit, args_number(a, "limit"));
	return show_rows(c, args_word(a, 0) != NULL || args_given(a, "unrouted") ?
	    ctl_query(c, CTL_EVENTS, 3, (const char *const[]){ app_id, since, limit }, "events list") :
	    ctl_query(c, CTL_EVENTS_ALL, 2, (const char *const[]){ since, limit }, "events list"),
	    list_columns, COUNT(list_columns), "no such events; --since 7d looks further back than a day");
}

int
ctl_events_dead(struct ctl *c, const struct args *a)
{
	char		 limit[CTL_I64_SIZE];
	struct ctl_app	 app;
	const char	*app_id = NULL;
	int		 code = args_word(a, 0) != NULL ? ctl_find_app(c, args_word(a, 0), &app) : ctl_db(c);

	if (code != CTL_OK)
		return code;
	if (args_word(a, 0) != NULL)
		app_id = app.id;
	ctl_i64(limit, args_number(a, "limit"));
	return show_rows(c, ctl_query(c, CTL_DEAD, 2, (const char *const[]){ app_id, limit }, "events dead"),
	    dead_columns, COUNT(dead_columns), "no dead events");
}

/* --raw: into a pipe byte for byte; a terminal is spared what would drive it. */
static int
show_payload(struct ctl *c, struct str payload)
{
	struct buf	b;
	int		code;

	buf_init(&b, TABLE_BYTES);
	if (c->out_tty) {
		text_for_terminal(&b, payload);
		buf_putc(&b, '\n');
	} else
		buf_str(&b, payload);
	code = ctl_print(&b);
	buf_free(&b);
	return code;
}

static int
show_event(struct ctl *c, const struct table *t)
{
	struct table_style	style = ctl_style(c);
	struct buf		b, pretty;
	int			code;

	if (c->json || t->failed)
		return ctl_show_record(c, t);
	buf_init(&b, TABLE_BYTES);
	buf_init(&pretty, TABLE_BYTES);
	table_record(t, 0, &b, &style);
	buf_putc(&b, '\n');
	json_pretty(&pretty, table_get(t, 0, SHOW_PAYLOAD));
	text_for_terminal(&b, buf_as_str(&pretty));
	buf_putc(&b, '\n');
	code = pretty.failed ? ctl_fail(CTL_FAILED, "the payload is too large to show; --raw shows it") : ctl_print(&b);
	buf_free(&pretty);
	buf_free(&b);
	return code;
}

int
ctl_events_show(struct ctl *c, const struct args *a)
{
	const char		*id = args_word(a, 0);
	struct dbs_result	*r;
	struct table		 t;
	struct uuid		 u;
	int			 code;

	if (!uuid_parse(str_c(id), &u))
		return ctl_fail(CTL_USAGE, "ID is an event's id such as 'ringctl events list' shows");
	code = ctl_db(c);
	if (code != CTL_OK)
		return code;
	r = ctl_query(c, CTL_EVENT, 1, (const char *const[]){ id }, "events show");
	if (r == NULL)
		return CTL_FAILED;
	table_init(&t, show_columns, COUNT(show_columns));
	if (dbs_rows(r) == 0)
		code = ctl_fail(CTL_NOT_FOUND, "no event %s (days beyond events.keep_days are dropped)", id);
	else if (args_given(a, "raw"))
		code = show_payload(c, dbs_text(r, 0, (int)SHOW_PAYLOAD));
	else {
		ctl_fill(&t, r);
		code = show_event(c, &t);
	}
	table_free(&t);
	dbs_clear(r);
	return code;
}
