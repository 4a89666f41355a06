/*
 * metrics: THE table of metrics, and how each comes out of the scoreboard. A new counter is a line in enum
 * score_counter and a row here. A put that writes no sample leaves no trace, so what does not exist has no series.
 * Labels have few values, all known beforehand: nothing that a client sends becomes one.
 */
#include <sys/types.h>

#include <string.h>

#include "base/count.h"
#include "proc/metrics.h"
#include "proc/metrics_text.h"
#include "version.h"

#define US	1000000
#define MS	1000

enum metric_type { COUNTER, GAUGE, HISTOGRAM };

struct metrics_out {
	struct metrics_text		 text;
	const struct scoreboard		*board;
	const char *const		*routes;
	struct score_waiting		 waiting;
	/* Read once, so that requests and their histogram agree; under the first route of each name. */
	struct score_totals		 http[SCORE_ROUTES][SCORE_CLASSES];
};

/* Rows of one name are one family and stand together. */
struct metric {
	const char		*name;
	enum metric_type	 type;
	const char		*labels;	/* their names, with commas; NULL: none */
	const char		*value;		/* of the first label, when the row is one of its values */
	void			(*put)(struct metrics_out *o, const struct metric *m);
	size_t			 which;		/* for put: a counter, or an offset into what it reads */
	int64_t			 unit;		/* what is counted goes so many times into what is shown */
	const char		*help;
};


static const char *const type_names[] = { "counter", "gauge", "histogram" };

/* ---- processes */

static void
put_build(struct metrics_out *o, const struct metric *m)
{
	const struct metrics_label l = { m->labels, m->value };

	metrics_count(&o->text, &l, 1, 1);
}

static void
put_start(struct metrics_out *o, const struct metric *m)
{
	(void)m;
	metrics_gauge(&o->text, NULL, 0, (int64_t)SCORE_GET(o->board->started_ms), MS);
}

static void
put_generation(struct metrics_out *o, const struct metric *m)
{
	(void)m;
	metrics_count(&o->text, NULL, 0, SCORE_GET(o->board->generation));
}

static void
put_children(struct metrics_out *o, const struct metric *m)
{
	static const struct { enum score_state state; const char *name; } shown[] = {
		{ SCORE_STARTING, "starting" }, { SCORE_READY, "ready" }, { SCORE_DRAINING, "draining" },
	};
	const struct score *s;
	uint64_t n;

	(void)m;
	for (unsigned r = 0; r < o->board->nroles; r++)
		for (size_t k = 0; k < COUNT(shown); k++) {
			const struct metrics_label l[] = { { "role", o->board->role[r] }, { "state", shown[k].name } };

			n = 0;
			for (s = o->board->slot; s < o->board->slot + SCORE_GET(o->board->used); s++)
				n += scoreboard_state(s) == shown[k].state && SCORE_GET(s->role) == r;
			metrics_count(&o->text, l, 2, n);
		}
}

static void
put_restarts(struct metrics_out *o, const struct metric *m)
{
	(void)m;
	for (unsigned r = 0; r < o->board->nroles; r++)
		for (size_t c = 0; c < SCORE_CAUSES; c++) {
			const struct metrics_label l[] = {
				{ "role", o->board->role[r] }, { "cause", score_cause_names[c] },
			};

			metrics_count(&o->text, l, 2, SCORE_GET(o->board->restarts[r][c]));
		}
}

static void
put_reloads(struct metrics_out *o, const struct metric *m)
{
	const struct metrics_label ok = { m->labels, "ok" }, failed = { m->labels, "failed" };

	metrics_count(&o->text, &ok, 1, SCORE_GET(o->board->reloads));
	metrics_count(&o->text, &failed, 1, SCORE_GET(o->board->reloads_failed));
}

static void
put_reload_good(struct metrics_out *o, const struct metric *m)
{
	struct report last;

	(void)m;
	metrics_count(&o->text, NULL, 0, !report_fetch(&o->board->report, &last) || last.what != REPORT_RELOAD ||
	    last.state != REPORT_FAILED);
}

static void
put_database(struct metrics_out *o, const struct metric *m)
{
	for (unsigned r = 0; r < o->board->nroles; r++) {
		const struct metrics_label l = { m->labels, o->board->role[r] };

		metrics_count(&o->text, &l, 1, scoreboard_database_up(o->board, r));
	}
}

static void
put_certificates(struct metrics_out *o, const struct metric *m)
{
	const struct score_certificates *all = scoreboard_certificates(o->board);

	for (unsigned i = 0; i < SCORE_GET(all->n); i++) {
		const struct metrics_label l = { m->labels, all->one[i].name };

		metrics_gauge(&o->text, &l, 1, SCORE_GET(all->one[i].not_after), 1);
	}
}

/* ---- what children count */

static void
put_counter(struct metrics_out *o, const struct metric *m)
{
	const struct metrics_label l = { m->labels, m->value };

	metrics_count(&o->text, &l, m->labels != NULL, scoreboard_sum(o->board, (enum score_counter)m->which));
}

/* All answers of one provider. */
static void
put_answers(struct metrics_out *o, const struct metric *m)
{
	for (size_t a = 0; a < SCORE_ANSWERS; a++) {
		const struct metrics_label l[] = { { "provider", m->value }, { "outcome", score_answer_names[a] } };

		metrics_count(&o->text, l, 2, scoreboard_sum(o->board, (enum score_counter)(m->which + a)));
	}
}

static void
put_connections(struct metrics_out *o, const struct metric *m)
{
	uint64_t n = 0;

	(void)m;
	for (unsigned i = 0; i < SCORE_GET(o->board->used); i++)
		n += SCORE_GET(o->board->slot[i].connections);
	metrics_count(&o->text, NULL, 0, n);
}

static void
put_histogram(struct metrics_out *o, const struct metric *m)
{
	struct score_totals h = { .count = 0 };

	scoreboard_add(o->board, m->which, &h);
	metrics_histogram(&o->text, NULL, 0, &h, m->unit == US ? &score_times : &score_rows, m->unit);
}

/* ---- HTTP */

static size_t
first_of_name(const char *const *routes, size_t r)
{
	size_t i = 0;

	while (i < r && (routes[i] == NULL || strcmp(routes[i], routes[r]) != 0))
		i++;
	return i;
}

static void
read_http(struct metrics_out *o)
{
	size_t first;

	for (size_t r = 0; r < SCORE_ROUTES; r++) {
		if (o->routes[r] == NULL)
			continue;
		first = first_of_name(o->routes, r);
		for (size_t c = 0; c < SCORE_CLASSES; c++)
			scoreboard_add(o->board, SCORE_HTTP(r, c), &o->http[first][c]);
	}
}

static bool
is_series(const struct metrics_out *o, size_t r)
{
	return o->routes[r] != NULL && first_of_name(o->routes, r) == r;
}

static void
put_requests(struct metrics_out *o, const struct metric *m)
{
	(void)m;
	for (size_t r = 0; r < SCORE_ROUTES; r++)
		for (size_t c = 0; c < SCORE_CLASSES && is_series(o, r); c++) {
			const struct metrics_label l[] = {
				{ "route", o->routes[r] }, { "code", score_class_names[c] },
			};

			metrics_count(&o->text, l, 2, o->http[r][c].count);
		}
}

static void
put_durations(struct metrics_out *o, const struct metric *m)
{
	(void)m;
	for (size_t r = 0; r < SCORE_ROUTES; r++)
		for (size_t c = 0; c < SCORE_CLASSES && is_series(o, r); c++) {
			const struct metrics_label l[] = {
				{ "route", o->routes[r] }, { "code", score_class_names[c] },
			};

			metrics_histogram(&o->text, l, 2, &o->http[r][c], &score_times, US);
		}
}

static void
put_waiting(struct metrics_out *o, const struct metric *m)
{
	int64_t v;

	memcpy(&v, (const char *)&o->waiting + m->which, sizeof(v));
	metrics_gauge(&o->text, NULL, 0, v, m->unit);
}

/* ---- the table */

#define NONE			NULL, NULL
#define COUNTER_OF(c)		put_counter, (c), 1
#define HISTOGRAM_AT(field)	put_histogram, offsetof(struct score, field)
#define WAITING(field)		put_waiting, offsetof(struct score_waiting, field)

static const struct metric rows[] = {
{ "ringd_build_info", GAUGE, "version", RINGD_VERSION, put_build, 0, 1, "1; the label says which release this is." },
{ "ringd_start_time_seconds", GAUGE, NONE, put_start, 0, MS, "When ringd was started, in Unix time." },
{ "ringd_generation", GAUGE, NONE, put_generation, 0, 1, "Generation that serves; each reload begins another." },
{ "ringd_children", GAUGE, "role,state", NULL, put_children, 0, 1, "Living processes." },
{ "ringd_child_restarts_total", COUNTER, "role,cause", NULL, put_restarts, 0, 1,
    "Processes that ended without being asked to." },
{ "ringd_reloads_total", COUNTER, "result", NULL, put_reloads, 0, 1, "Reloads." },
{ "ringd_last_reload_successful", GAUGE, NONE, put_reload_good, 0, 1,
    "0 when the last reload failed, and the file is not what is served." },
{ "ringd_database_up", GAUGE, "role", NULL, put_database, 0, 1,
    "1 when every ready process of the role is connected to the database, and there is one." },

{ "ringd_connections", GAUGE, NONE, put_connections, 0, 1, "Open connections of clients." },
{ "ringd_connections_accepted_total", COUNTER, NONE, COUNTER_OF(SCORE_ACCEPTED), "Connections accepted." },
{ "ringd_connections_refused_total", COUNTER, NONE, COUNTER_OF(SCORE_REFUSED),
    "Times accepting was paused for a limit, and connections closed unserved." },
{ "ringd_limited_total", COUNTER, "what", "connections", COUNTER_OF(SCORE_CONNECTIONS_LIMITED),
    "What was refused for a limit: connections, bodies and failures of an address, requests of an API key." },
{ "ringd_limited_total", COUNTER, "what", "bodies", COUNTER_OF(SCORE_BODIES_LIMITED), NULL },
{ "ringd_limited_total", COUNTER, "what", "failures", COUNTER_OF(SCORE_FAILURES_LIMITED), NULL },
{ "ringd_limited_total", COUNTER, "what", "requests", COUNTER_OF(SCORE_REQUESTS_LIMITED), NULL },
{ "ringd_tls_handshakes_total", COUNTER, "outcome", "done", COUNTER_OF(SCORE_HANDSHAKES),
    "TLS handshakes with clients." },
{ "ringd_tls_handshakes_total", COUNTER, "outcome", "failed", COUNTER_OF(SCORE_HANDSHAKES_FAILED), NULL },
{ "ringd_tls_handshakes_resumed_total", COUNTER, NONE, COUNTER_OF(SCORE_HANDSHAKES_RESUMED),
    "Of those done, the ones that a ticket made short." },
{ "ringd_certificate_not_after_seconds", GAUGE, "name", NULL, put_certificates, 0, 1,
    "When a certificate that is served ends, in Unix time." },
{ "ringd_http_requests_total", COUNTER, "route,code", NULL, put_requests, 0, 1, "Requests answered." },
{ "ringd_http_request_duration_seconds", HISTOGRAM, "route,code", NULL, put_durations, 0, US,
    "From a request's first byte to its answer." },

{ "ringd_events_total", COUNTER, "outcome", "stored", COUNTER_OF(SCORE_EVENTS_STORED),
    "Deliveries of providers, by what became of them." },
{ "ringd_events_total", COUNTER, "outcome", "duplicate", COUNTER_OF(SCORE_EVENTS_DUPLICATE), NULL },
{ "ringd_events_total", COUNTER, "outcome", "refused", COUNTER_OF(SCORE_EVENTS_REFUSED), NULL },
{ "ringd_events_total", COUNTER, "outcome", "deferred", COUNTER_OF(SCORE_EVENTS_DEFERRED), NULL },
{ "ringd_events_total", COUNTER, "outcome", "applied", COUNTER_OF(SCORE_EVENTS_APPLIED), NULL },
{ "ringd_events_total", COUNTER, "outcome", "failed", COUNTER_OF(SCORE_EVENTS_FAILED), NULL },
{ "ringd_events_total", COUNTER, "outcome", "dead", COUNTER_OF(SCORE_EVENTS_DEAD), NULL },
{ "ringd_ingest_batch_events", HISTOGRAM, NONE, HISTOGRAM_AT(batch_rows), 1,
    "Events that one batch stored or knew already." },
{ "ringd_ingest_commit_seconds", HISTOGRAM, NONE, HISTOGRAM_AT(commit_us), US,
    "From sending a batch of new events to the database to its commit." },
{ "ringd_requests_logged_total", COUNTER, "outcome", "recorded", COUNTER_OF(SCORE_REQUESTS_RECORDED),
    "Requests of apps, by whether the table request_logs has them." },
{ "ringd_requests_logged_total", COUNTER, "outcome", "lost", COUNTER_OF(SCORE_REQUESTS_UNRECORDED), NULL },
{ "ringd_provider_requests_total", COUNTER, "provider,outcome", "dialpad", put_answers, SCORE_DIALPAD, 1,
    "Requests to providers, by what came back." },
{ "ringd_provider_requests_total", COUNTER, "provider,outcome", "exotel", put_answers, SCORE_EXOTEL, 1, NULL },
{ "ringd_sip_signatures_total", COUNTER, "outcome", "signed", COUNTER_OF(SCORE_SIGNATURES),
    "SIP challenges of ribbons answered or refused" },
{ "ringd_sip_signatures_total", COUNTER, "outcome", "refused", COUNTER_OF(SCORE_SIGNATURES_REFUSED), NULL },
{ "ringd_ribbon_sessions_total", COUNTER, NONE, COUNTER_OF(SCORE_RIBBON_SESSIONS), "Sessions of ribbons begun." },
{ "ringd_ribbon_refused_total", COUNTER, "what", "origin", COUNTER_OF(SCORE_RIBBON_NO_ORIGIN),
    "Requests of ribbons refused, by what was not good." },
{ "ringd_ribbon_refused_total", COUNTER, "what", "key", COUNTER_OF(SCORE_RIBBON_NO_KEY), NULL },
{ "ringd_ribbon_refused_total", COUNTER, "what", "agent", COUNTER_OF(SCORE_RIBBON_NO_AGENT), NULL },
{ "ringd_ribbon_refused_total", COUNTER, "what", "account", COUNTER_OF(SCORE_RIBBON_NO_ACCOUNT), NULL },
{ "ringd_ribbon_refused_total", COUNTER, "what", "session", COUNTER_OF(SCORE_RIBBON_NO_SESSION), NULL },
{ "ringd_ribbon_refused_total", COUNTER, "what", "limit", COUNTER_OF(SCORE_RIBBON_NO_CALLS), NULL },
{ "ringd_ribbon_calls_total", COUNTER, "outcome", "placed", COUNTER_OF(SCORE_RIBBON_PLACED),
    "Calls of ribbons that Exotel was to be asked for, by what came of it." },
{ "ringd_ribbon_calls_total", COUNTER, "outcome", "refused", COUNTER_OF(SCORE_RIBBON_REFUSED), NULL },
{ "ringd_ribbon_calls_total", COUNTER, "outcome", "later", COUNTER_OF(SCORE_RIBBON_LATER), NULL },
{ "ringd_ribbon_calls_total", COUNTER, "outcome", "unknown", COUNTER_OF(SCORE_RIBBON_UNKNOWN), NULL },
{ "ringd_dialpad_refreshes_total", COUNTER, "outcome", "done", COUNTER_OF(SCORE_REFRESH_DONE),
    "Renewals of tokens for Dialpad that were begun, by what became of them." },
{ "ringd_dialpad_refreshes_total", COUNTER, "outcome", "late", COUNTER_OF(SCORE_REFRESH_LATE), NULL },
{ "ringd_dialpad_refreshes_total", COUNTER, "outcome", "failed", COUNTER_OF(SCORE_REFRESH_FAILED), NULL },
{ "ringd_dialpad_refreshes_total", COUNTER, "outcome", "dead", COUNTER_OF(SCORE_REFRESH_DEAD), NULL },
{ "ringd_dialpad_downtimes_total", COUNTER, NONE, COUNTER_OF(SCORE_GAPS_FOUND),
    "Connections whose calls had to be asked for because no courier was alive." },
{ "ringd_dialpad_gaps_total", COUNTER, "outcome", "done", COUNTER_OF(SCORE_GAPS_DONE),
    "Spans of time whose calls were asked for." },
{ "ringd_dialpad_gaps_total", COUNTER, "outcome", "failed", COUNTER_OF(SCORE_GAPS_FAILED), NULL },
{ "ringd_dialpad_repaired_events_total", COUNTER, NONE, COUNTER_OF(SCORE_EVENTS_REPAIRED),
    "Events that no delivery had brought." },
{ "ringd_dialpad_ends_inferred_total", COUNTER, NONE, COUNTER_OF(SCORE_ENDS_INFERRED),
    "Legs of calls given up for over, because nobody knew of them." },
{ "ringd_queue_events", GAUGE, NONE, WAITING(depth), 1, "Events that wait for the reaper." },
{ "ringd_queue_oldest_seconds", GAUGE, NONE, WAITING(oldest_ms), MS, "Age of the event that waits longest." },
{ "ringd_reaper_lag_seconds", GAUGE, NONE, WAITING(lag_ms), MS,
    "Time since the reaper last had applied all that was due." },
};

static bool
begins_family(size_t i)
{
	return i == 0 || strcmp(rows[i].name, rows[i - 1].name) != 0;
}

void
metrics_write(struct buf *b, const struct scoreboard *board, const char *const routes[SCORE_ROUTES], int64_t now_ms)
{
	struct metrics_out o = { .text = { .b = b }, .board = board, .routes = routes,
	    .waiting = scoreboard_queue(board, now_ms) };

	read_http(&o);
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (begins_family(i))
			metrics_family(&o.text, rows[i].name, type_names[rows[i].type], rows[i].help);
		rows[i].put(&o, &rows[i]);
	}
}

void
metrics_print(FILE *out)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		if (begins_family(i))
			fprintf(out, "%s\t%s\t%s\t%s\n", rows[i].name, type_names[rows[i].type],
			    rows[i].labels != NULL ? rows[i].labels : "-", rows[i].help);
}
