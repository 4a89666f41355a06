/*
 * status: asks the daemon's admin listener for its scoreboard. Ready means what a load balancer would want: every
 * process of the serving generation is ready and has its database.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "base/count.h"
#include "base/json_read.h"
#include "ctl/http_client.h"
#include "ctl/nouns.h"

#define ANSWER_BYTES	((size_t)1024 * 1024)
#define TIMEOUT_MS	5000
#define URL_SIZE	512

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

struct reply {
	struct arena	arena;
	int		status;
	bool		done;
	char		error[256];
	struct str	body;
};

static void
answered(void *arg, const struct http_client_answer *a)
{
	struct reply *r = arg;

	r->done = true;
	r->status = a->status;
	snprintf(r->error, sizeof(r->error), "%s", a->error);
	r->body = arena_str(&r->arena, a->body);
}

/* An address of the configuration's form as a URL, or the URL itself. false: neither. */
static bool
admin_url(const char *address, char url[URL_SIZE], const char **unix_path)
{
	struct conf_address	at;
	char			host[ADDR_TEXT_SIZE];
	int			n;

	*unix_path = NULL;
	if (strncmp(address, "http://", 7) == 0 || strncmp(address, "https://", 8) == 0) {
		n = snprintf(url, URL_SIZE, "%s/status", address);
		return n < URL_SIZE;
	}
	if (!conf_address_parse(address, &at))
		return false;
	if (at.kind == CONF_ADDRESS_UNIX) {
		*unix_path = at.path;
		snprintf(url, URL_SIZE, "http://localhost/status");
	} else if (at.kind == CONF_ADDRESS_IP) {
		addr_text(host, &at.ip);
		snprintf(url, URL_SIZE, at.ip.family == AF_INET6 ? "http://[%s]:%u/status" : "http://%s:%u/status",
		    host, (unsigned)at.ip.port);
	} else
		snprintf(url, URL_SIZE, "http://127.0.0.1:%u/status", (unsigned)at.ip.port);
	return true;
}

static int
ask(const char *address, struct reply *r)
{
	struct http_client_options	 o = { .slots = 1, .timeout_ms = TIMEOUT_MS, .body_max = ANSWER_BYTES,
	    .direct = true };
	char				 url[URL_SIZE];
	struct http_client		*http;

	if (!admin_url(address, url, &o.unix_path))
		return ctl_fail(CTL_USAGE, "'%.80s' is no admin address: expected unix:/path, 127.0.0.1:9090 or a URL",
		    address);
	http = http_client_new(&o, answered, r);
	if (http == NULL || !http_client_send(http, url, STR_NONE, NULL, 0)) {
		http_client_free(http);
		return ctl_fail(CTL_FAILED, "out of memory");
	}
	while (!r->done)
		http_client_run(http, TIMEOUT_MS);
	http_client_free(http);
	if (r->status == 0)
		return ctl_fail(CTL_FAILED, "%s does not answer: %s; is ringd running?", address, r->error);
	if (r->status != 200)
		return ctl_fail(CTL_FAILED, "%s answers %d to /status; is this ringd's admin listener?", address,
		    r->status);
	return CTL_OK;
}

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

static void
put_certificates(struct buf *b, struct json data, struct arena *arena)
{
	struct json all = json_get(data, "certificates");
	int64_t days;

	for (struct json c = json_first(all); json_type(c) != JSON_ABSENT; c = json_next(c)) {
		if (!json_i64(json_get(c, "days_left"), &days))
			continue;
		buf_printf(b, "certificate %.*s: ", STR_ARG(cell(json_get(c, "name"), arena)));
		if (days < 0)
			buf_puts(b, "expired");
		else
			buf_printf(b, "%lld days left", (long long)days);
		buf_printf(b, ", until %.*s\n", STR_ARG(cell(json_get(c, "not_after"), arena)));
	}
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
	put_certificates(&b, data, arena);
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
show(struct ctl *c, struct reply *r)
{
	static const struct json_limits	 limits = { .depth = 16, .tokens = 65536 };
	struct json_error		 err;
	struct json_doc			 doc;
	struct json			 data;
	struct buf			 b;
	int				 code;

	if (!json_parse(&doc, &r->arena, r->body, &limits, &err))
		return ctl_fail(CTL_FAILED, "/status: no JSON at byte %zu; is this ringd's admin listener?",
		    err.offset);
	data = json_get(json_root(&doc), "data");
	if (json_type(json_get(data, "children")) != JSON_ARRAY)
		return ctl_fail(CTL_FAILED, "/status: no children in the answer; is this ringd's admin listener?");
	if (c->json) {
		buf_init(&b, ANSWER_BYTES + 1);
		buf_str(&b, json_raw(data));
		buf_putc(&b, '\n');
		code = ctl_print(&b);
		buf_free(&b);
	} else
		code = show_text(c, data, &r->arena);
	return code == CTL_OK && !all_ready(data) ? CTL_FAILED : code;
}

int
ctl_status(struct ctl *c, const struct args *a)
{
	const char	*address = args_text(a, "admin");
	struct reply	 r = { .status = 0 };
	int		 code = CTL_OK;

	if (address == NULL) {
		code = ctl_conf(c);
		if (code != CTL_OK)
			return code;
		if (c->conf->nadmin == 0)
			return ctl_fail(CTL_USAGE, "%s has no admin.listen: give --admin ADDRESS", c->config_path);
		address = c->conf->admin[0].address;
	}
	arena_init(&r.arena, ANSWER_BYTES * 8);
	code = ask(address, &r);
	if (code == CTL_OK)
		code = show(c, &r);
	arena_free(&r.arena);
	return code;
}
