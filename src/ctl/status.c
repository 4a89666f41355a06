/*
 * status: asks the daemon's admin listener for its scoreboard. Ready means what a load balancer would want: every
 * process of the serving generation is ready and has its database.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "base/count.h"
#include "ctl/admin.h"
#include "ctl/nouns.h"

static const struct table_column columns[] = {
	{ "role", "role", COLUMN_TEXT, false },
	{ "index", "index", COLUMN_NUMBER, false },
	{ "pid", "pid", COLUMN_NUMBER, false },
	{ "state", "state", COLUMN_STATE, false },
	{ "generation", "generation", COLUMN_NUMBER, false },
	{ "started", "started_at", COLUMN_TEXT, false },
	{ "database", "db", COLUMN_STATE, false },
	{ "connections", "connections", COLUMN_NUMBER, false },
	{ "requests", "requests", COLUMN_NUMBER, false },
	{ "stored", "events_stored", COLUMN_NUMBER, false },
	{ "applied", "events_applied", COLUMN_NUMBER, false },
	{ "dead", "events_dead", COLUMN_NUMBER, false },
};

/* A scalar as a cell: text unescaped, numbers as their digits. */
static struct str
cell(struct json v, struct arena *a)
{
	if (json_type(v) == JSON_STRING)
		return json_text(v, a);
	return json_type(v) == JSON_NUMBER ? json_raw(v) : STR_NONE;
}

static bool
is(struct json object, const char *name, const char *word)
{
	struct json v = json_get(object, name);

	return json_type(v) == JSON_STRING && str_eq(json_raw(v), str_c(word));
}

/* Is every child of the serving generation ready, a worker among them? */
static bool
all_ready(struct json data)
{
	int64_t	serving = -1, generation;
	bool	worker = false;

	json_i64(json_get(data, "generation"), &serving);
	for (struct json c = json_first(json_get(data, "children")); json_type(c) != JSON_ABSENT; c = json_next(c)) {
		if (!json_i64(json_get(c, "generation"), &generation) || generation != serving)
			continue;
		if (!is(c, "state", "ready") || !is(c, "db", "up"))
			return false;
		worker = worker || is(c, "role", "worker");
	}
	return worker;
}

static int
show_text(struct ctl *c, struct json data, struct arena *arena)
{
	struct table_style	 style = ctl_style(c);
	struct json		 queue = json_get(data, "queue"), child;
	struct table		 t;
	struct buf		 b;
	int64_t			 restarts = 0, reloads = 0, depth = -1, oldest = -1;
	int			 code;

	json_i64(json_get(data, "restarts"), &restarts);
	json_i64(json_get(data, "reloads"), &reloads);
	json_i64(json_get(queue, "depth"), &depth);
	json_i64(json_get(queue, "oldest_ms"), &oldest);
	buf_init(&b, TABLE_BYTES);
	buf_printf(&b, "%s, generation %.*s, since %.*s, %lld restarts, %lld reloads\n",
	    all_ready(data) ? "ready" : "not ready", STR_ARG(cell(json_get(data, "generation"), arena)),
	    STR_ARG(cell(json_get(data, "started_at"), arena)), (long long)restarts, (long long)reloads);
	if (depth >= 0)
		buf_printf(&b, "queue: %lld waiting, the oldest for %lld ms\n", (long long)depth,
		    (long long)(oldest > 0 ? oldest : 0));
	else
		buf_puts(&b, "queue: unknown, no reaper is at work\n");
	table_init(&t, columns, COUNT(columns));
	for (child = json_first(json_get(data, "children")); json_type(child) != JSON_ABSENT; child = json_next(child))
		for (size_t i = 0; i < COUNT(columns); i++)
			table_cell(&t, cell(json_get(child, columns[i].name), arena));
	buf_putc(&b, '\n');
	table_text(&t, &b, &style);
	code = t.failed ? ctl_fail(CTL_FAILED, "out of memory") : ctl_print(&b);
	table_free(&t);
	buf_free(&b);
	return code;
}

static int
show(struct ctl *c, struct admin_reply *r)
{
	struct buf	b;
	int		code;

	if (c->json) {
		buf_init(&b, ADMIN_ANSWER_BYTES + 1);
		buf_str(&b, json_raw(r->data));
		buf_putc(&b, '\n');
		code = ctl_print(&b);
		buf_free(&b);
	} else
		code = show_text(c, r->data, &r->arena);
	return code == CTL_OK && !all_ready(r->data) ? CTL_FAILED : code;
}

int
ctl_status(struct ctl *c, const struct args *a)
{
	const char		*address;
	struct admin_reply	 r;
	int			 code = admin_address(c, a, &address);

	if (code != CTL_OK)
		return code;
	code = admin_ask(address, false, "/status", ADMIN_TIMEOUT_MS, &r);
	if (code == CTL_OK && json_type(json_get(r.data, "children")) != JSON_ARRAY)
		code = admin_fail(address, "/status", &r);
	if (code == CTL_OK)
		code = show(c, &r);
	admin_free(&r);
	return code;
}
