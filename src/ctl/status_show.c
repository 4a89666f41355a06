/*
 * status_show: first what an administrator wants to know, one line each, then who runs, then what took how long. What
 * never happened is left out.
 */
#include <sys/types.h>

#include <stdio.h>

#include "base/count.h"
#include "ctl/admin.h"
#include "ctl/display.h"
#include "ctl/status_show.h"

#define TIME_SIZE	24

static const struct table_column processes[] = {
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

static const struct table_column routes[] = {
	{ "route", "route", COLUMN_TEXT, false },
	{ "requests", "requests", COLUMN_NUMBER, false },
	{ "2xx", "2xx", COLUMN_NUMBER, false },
	{ "3xx", "3xx", COLUMN_NUMBER, false },
	{ "4xx", "4xx", COLUMN_NUMBER, false },
	{ "5xx", "5xx", COLUMN_NUMBER, false },
	{ "p50", "p50_us", COLUMN_NUMBER, false },
	{ "p95", "p95_us", COLUMN_NUMBER, false },
	{ "p99", "p99_us", COLUMN_NUMBER, false },
};

/* Lines that are there when something of it has happened: totals, and the words they are told in. */
#define LINE_WORDS	7
static const struct {
	const char	*begin;
	struct { const char *total, *word; } count[LINE_WORDS];
} lines[] = {
	{ "connections", { { "accepted", "accepted" }, { "connections_refused", "refused" }, { "connections_limited", "over their address's limit" } } },
	{ "limits", { { "requests_limited", "requests over their key's limit" }, { "failures_limited", "after too many failures" },
	    { "bodies_limited", "bodies over their address's limit" } } },
	{ "TLS handshakes", { { "handshakes", "done" }, { "handshakes_resumed", "of them resumed" }, { "handshakes_failed", "failed" } } },
	{ "request_logs", { { "requests_recorded", "requests recorded" }, { "requests_unrecorded", "lost" } } },
	{ "Dialpad", { { "dialpad_ok", "requests well" }, { "dialpad_refused", "refused" }, { "dialpad_limited", "over their limit" },
	    { "dialpad_failed", "failed" }, { "dialpad_unreached", "unreached" } } },
	{ "Exotel", { { "exotel_ok", "requests well" }, { "exotel_refused", "refused" }, { "exotel_limited", "over their limit" },
	    { "exotel_failed", "failed" }, { "exotel_unreached", "unreached" } } },
	{ "ribbons", { { "ribbon_sessions", "sessions begun" }, { "ribbon_no_origin", "refused for their page" }, { "ribbon_no_key", "for the key" },
	    { "ribbon_no_agent", "for the agent" }, { "ribbon_no_account", "for the account" }, { "ribbon_no_session", "without a session" },
	    { "ribbon_no_calls", "beyond the month's calls" } } },
	{ "ribbon calls", { { "ribbon_placed", "placed" }, { "ribbon_refused", "refused by Exotel" }, { "ribbon_later", "to be asked for again" },
	    { "ribbon_unknown", "with an end nobody knows" } } },
	{ "SIP challenges", { { "signatures", "answered" }, { "signatures_refused", "refused" } } },
	{ "tokens", { { "refresh_done", "renewed" }, { "refresh_failed", "to be tried again" }, { "refresh_late", "too late" },
	    { "refresh_dead", "connections that need a new consent" } } },
	{ "lost events", { { "downtimes", "connections with a downtime" }, { "gaps_done", "spans asked for" }, { "gaps_failed", "spans given up" },
	    { "events_repaired", "events repaired" }, { "ends_inferred", "ends inferred" } } },
};

#define ROUTES_FIRST_TIME	6	/* columns from here on are times */

static long long
number(struct json object, const char *name)
{
	int64_t v = -1;

	json_i64(json_get(object, name), &v);
	return v;
}

static bool
is(struct json object, const char *name, const char *word)
{
	struct json v = json_get(object, name);

	return json_type(v) == JSON_STRING && str_eq(json_raw(v), str_c(word));
}

bool
status_is_ready(struct json data)
{
	bool	worker = false, reaper = false;

	for (struct json c = json_first(json_get(data, "children")); json_type(c) != JSON_ABSENT; c = json_next(c)) {
		if (number(c, "generation") != number(data, "generation"))
			continue;
		if (!is(c, "state", "ready") || !is(c, "db", "up"))
			return false;
		worker = worker || is(c, "role", "worker");
		reaper = reaper || is(c, "role", "reaper");
	}
	return worker && reaper;
}

/* Microseconds for people, three digits of them: 50us, 3.75ms, 0.25s, 12s. */
static struct str
time_text(long long us, char out[TIME_SIZE])
{
	int n;

	if (us < 0)
		return STR_NONE;
	if (us < 1000)
		n = snprintf(out, TIME_SIZE, "%lldus", us);
	else if (us < 10000)
		n = snprintf(out, TIME_SIZE, "%lld.%02lldms", us / 1000, us % 1000 / 10);
	else if (us < 100000)
		n = snprintf(out, TIME_SIZE, "%lld.%lldms", us / 1000, us % 1000 / 100);
	else if (us < 10000000)
		n = snprintf(out, TIME_SIZE, "%lld.%02llds", us / 1000000, us % 1000000 / 10000);
	else
		n = snprintf(out, TIME_SIZE, "%llds", us / 1000000);
	return (struct str){ out, (size_t)n };
}

static void
put_time(struct buf *b, long long us)
{
	char		text[TIME_SIZE];
	struct str	t = time_text(us, text);

	buf_str(b, t.p != NULL ? t : STR("-"));
}

static void
put_restarts(struct buf *b, struct json data, struct arena *a)
{
	const char	*between = " (";

	buf_printf(b, "restarts: %lld", number(data, "restarts"));
	for (struct json r = json_first(json_get(data, "restarts_by_cause")); json_type(r) != JSON_ABSENT;
	    r = json_next(r)) {
		if (number(r, "count") <= 0)
			continue;
		buf_printf(b, "%s%lld of a %.*s by %.*s", between, number(r, "count"),
		    STR_ARG(admin_cell(json_get(r, "role"), a)), STR_ARG(admin_cell(json_get(r, "cause"), a)));
		between = ", ";
	}
	buf_puts(b, between[0] == ',' ? ")\n" : "\n");
}

static void
put_reloads(struct buf *b, struct json data, struct arena *a)
{
	struct json	 last = json_get(data, "last_reload");
	bool		 failed;

	buf_printf(b, "reloads: %lld, %lld failed", number(data, "reloads"), number(data, "reloads_failed"));
	if (json_type(last) == JSON_OBJECT) {
		failed = json_type(json_get(last, "reason")) == JSON_STRING;
		buf_printf(b, "; the last %.*s at %.*s %s", STR_ARG(admin_cell(json_get(last, "what"), a)),
		    STR_ARG(admin_cell(json_get(last, "at"), a)), failed ? "failed: " :
		    json_bool(json_get(last, "ok")) == 1 ? "went well" : "goes on");
		if (failed)
			display_put(b, admin_cell(json_get(last, "reason"), a), SIZE_MAX);
	}
	buf_putc(b, '\n');
}

static void
put_queue(struct buf *b, struct json queue)
{
	long long	depth = number(queue, "depth"), lag = number(queue, "lag_ms");

	if (depth < 0) {
		buf_puts(b, "queue: unknown, no reaper has seen it yet\n");
		return;
	}
	buf_printf(b, "queue: %lld waiting", depth);
	if (depth > 0) {
		buf_puts(b, ", the oldest for ");
		put_time(b, number(queue, "oldest_ms") * 1000);
	}
	if (lag >= 0) {
		buf_puts(b, "; the reaper was up to date ");
		put_time(b, lag * 1000);
		buf_puts(b, " ago");
	}
	buf_putc(b, '\n');
}

static void
put_events(struct buf *b, struct json totals, struct json ingest)
{
	buf_printf(b, "events: %lld stored, %lld duplicate, %lld refused, %lld deferred; %lld applied, %lld failed "
	    "attempts, %lld dead\n", number(totals, "events_stored"), number(totals, "events_duplicate"),
	    number(totals, "events_refused"), number(totals, "events_deferred"), number(totals, "events_applied"),
	    number(totals, "events_failed"), number(totals, "events_dead"));
	if (number(ingest, "batches") <= 0)
		return;
	buf_printf(b, "ingest: %lld events in %lld batches; commits p50 ", number(ingest, "events"),
	    number(ingest, "batches"));
	put_time(b, number(ingest, "p50_us"));
	buf_puts(b, ", p95 ");
	put_time(b, number(ingest, "p95_us"));
	buf_puts(b, ", p99 ");
	put_time(b, number(ingest, "p99_us"));
	buf_putc(b, '\n');
}

static void
put_lines(struct buf *b, struct json totals)
{
	for (size_t i = 0; i < COUNT(lines); i++) {
		bool happened = false;

		for (size_t k = 0; k < LINE_WORDS && lines[i].count[k].total != NULL; k++)
			happened = happened || number(totals, lines[i].count[k].total) > 0;
		if (!happened)
			continue;
		for (size_t k = 0; k < LINE_WORDS && lines[i].count[k].total != NULL; k++)
			buf_printf(b, "%s%s%lld %s", k == 0 ? lines[i].begin : "", k == 0 ? ": " : ", ",
			    number(totals, lines[i].count[k].total), lines[i].count[k].word);
		buf_putc(b, '\n');
	}
}

static void
put_database(struct buf *b, struct json data, struct arena *a)
{
	struct json	 c, reason;

	for (c = json_first(json_get(data, "children")); json_type(c) != JSON_ABSENT; c = json_next(c)) {
		reason = json_get(c, "db_reason");
		if (json_type(reason) != JSON_STRING)
			continue;
		buf_printf(b, "database, %.*s %.*s: ", STR_ARG(admin_cell(json_get(c, "role"), a)),
		    STR_ARG(admin_cell(json_get(c, "index"), a)));
		display_put(b, json_text(reason, a), SIZE_MAX);
		buf_putc(b, '\n');
	}
}

static void
put_certificates(struct buf *b, struct json data, struct arena *a)
{
	int64_t days;

	for (struct json c = json_first(json_get(data, "certificates")); json_type(c) != JSON_ABSENT; c = json_next(c)) {
		if (!json_i64(json_get(c, "days_left"), &days))
			continue;
		buf_printf(b, "certificate %.*s: ", STR_ARG(admin_cell(json_get(c, "name"), a)));
		if (days < 0)
			buf_puts(b, "expired");
		else
			buf_printf(b, "%lld days left", (long long)days);
		buf_printf(b, ", until %.*s\n", STR_ARG(admin_cell(json_get(c, "not_after"), a)));
	}
}

static void
put_processes(struct buf *b, struct json data, const struct table_style *style, struct arena *a)
{
	struct table	t;

	table_init(&t, processes, COUNT(processes));
	for (struct json c = json_first(json_get(data, "children")); json_type(c) != JSON_ABSENT; c = json_next(c))
		for (size_t i = 0; i < COUNT(processes); i++)
			table_cell(&t, admin_cell(json_get(c, processes[i].name), a));
	table_text(&t, b, style);
	b->failed = b->failed || t.failed;
	table_free(&t);
}

static void
put_routes(struct buf *b, struct json data, const struct table_style *style, struct arena *a)
{
	struct table	t;
	char		text[TIME_SIZE];

	table_init(&t, routes, COUNT(routes));
	for (struct json r = json_first(json_get(data, "routes")); json_type(r) != JSON_ABSENT; r = json_next(r))
		for (size_t i = 0; i < COUNT(routes) && number(r, "requests") > 0; i++)
			table_cell(&t, i >= ROUTES_FIRST_TIME ? time_text(number(r, routes[i].name), text) :
			    admin_cell(json_get(r, routes[i].name), a));
	if (table_rows(&t) > 0) {
		buf_putc(b, '\n');
		table_text(&t, b, style);
	}
	b->failed = b->failed || t.failed;
	table_free(&t);
}

int
status_show(struct ctl *c, struct json data, struct arena *arena)
{
	struct table_style	 style = ctl_style(c);
	struct buf		 b;
	int			 code;

	buf_init(&b, TABLE_BYTES);
	buf_printf(&b, "%s: ringd %.*s, generation %lld, since %.*s\n", status_is_ready(data) ? "ready" : "not ready",
	    STR_ARG(admin_cell(json_get(data, "version"), arena)), number(data, "generation"),
	    STR_ARG(admin_cell(json_get(data, "started_at"), arena)));
	put_restarts(&b, data, arena);
	put_reloads(&b, data, arena);
	put_queue(&b, json_get(data, "queue"));
	put_events(&b, json_get(data, "totals"), json_get(data, "ingest"));
	put_lines(&b, json_get(data, "totals"));
	put_database(&b, data, arena);
	put_certificates(&b, data, arena);
	buf_putc(&b, '\n');
	put_processes(&b, data, &style, arena);
	put_routes(&b, data, &style, arena);
	code = b.failed ? ctl_fail(CTL_FAILED, "out of memory") : ctl_print(&b);
	buf_free(&b);
	return code;
}
