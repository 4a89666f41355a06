/*
 * status: the scoreboard as a document, for ringctl and for scripts: who runs, what they did, how long it took, what
 * waits.
 */
#include <sys/types.h>
#include <string.h>

#include "api/api.h"
#include "api/reply.h"
#include "base/clock.h"
#include "base/count.h"
#include "version.h"

#define STATUS_MAX	(256u << 10)
#define DAY_S		((int64_t)86400)

struct counted {
	enum score_counter	 counter;
	const char		*name;
};

/* Told of each process too. */
static const struct counted counters[] = {
	{ SCORE_ACCEPTED, "accepted" },
	{ SCORE_CONNECTIONS_LIMITED, "connections_limited" },
	{ SCORE_REQUESTS_LIMITED, "requests_limited" },
	{ SCORE_FAILURES_LIMITED, "failures_limited" },
	{ SCORE_HANDSHAKES, "handshakes" },
	{ SCORE_HANDSHAKES_RESUMED, "handshakes_resumed" },
	{ SCORE_HANDSHAKES_FAILED, "handshakes_failed" },
	{ SCORE_EVENTS_STORED, "events_stored" },
	{ SCORE_EVENTS_DUPLICATE, "events_duplicate" },
	{ SCORE_EVENTS_REFUSED, "events_refused" },
	{ SCORE_EVENTS_DEFERRED, "events_deferred" },
	{ SCORE_EVENTS_APPLIED, "events_applied" },
	{ SCORE_EVENTS_FAILED, "events_failed" },
	{ SCORE_EVENTS_DEAD, "events_dead" },
	{ SCORE_REQUESTS_RECORDED, "requests_recorded" },
	{ SCORE_REQUESTS_UNRECORDED, "requests_unrecorded" },
};

/* Of few processes: told of all together. Every counter of the metrics is in one of the two lists. */
static const struct counted more_counters[] = {
	{ SCORE_REFUSED, "connections_refused" },
	{ SCORE_BODIES_LIMITED, "bodies_limited" },
	{ SCORE_DIALPAD + SCORE_ANSWER_OK, "dialpad_ok" },
	{ SCORE_DIALPAD + SCORE_ANSWER_REFUSED, "dialpad_refused" },
	{ SCORE_DIALPAD + SCORE_ANSWER_LIMITED, "dialpad_limited" },
	{ SCORE_DIALPAD + SCORE_ANSWER_FAILED, "dialpad_failed" },
	{ SCORE_DIALPAD + SCORE_ANSWER_UNREACHED, "dialpad_unreached" },
	{ SCORE_EXOTEL + SCORE_ANSWER_OK, "exotel_ok" },
	{ SCORE_EXOTEL + SCORE_ANSWER_REFUSED, "exotel_refused" },
	{ SCORE_EXOTEL + SCORE_ANSWER_LIMITED, "exotel_limited" },
	{ SCORE_EXOTEL + SCORE_ANSWER_FAILED, "exotel_failed" },
	{ SCORE_EXOTEL + SCORE_ANSWER_UNREACHED, "exotel_unreached" },
	{ SCORE_REFRESH_DONE, "refresh_done" },
	{ SCORE_REFRESH_LATE, "refresh_late" },
	{ SCORE_REFRESH_FAILED, "refresh_failed" },
	{ SCORE_REFRESH_DEAD, "refresh_dead" },
	{ SCORE_GAPS_FOUND, "downtimes" },
	{ SCORE_GAPS_DONE, "gaps_done" },
	{ SCORE_GAPS_FAILED, "gaps_failed" },
	{ SCORE_EVENTS_REPAIRED, "events_repaired" },
	{ SCORE_ENDS_INFERRED, "ends_inferred" },
	{ SCORE_SIGNATURES, "signatures" },
	{ SCORE_SIGNATURES_REFUSED, "signatures_refused" },
	{ SCORE_RIBBON_SESSIONS, "ribbon_sessions" },
	{ SCORE_RIBBON_NO_ORIGIN, "ribbon_no_origin" },
	{ SCORE_RIBBON_NO_KEY, "ribbon_no_key" },
	{ SCORE_RIBBON_NO_AGENT, "ribbon_no_agent" },
	{ SCORE_RIBBON_NO_ACCOUNT, "ribbon_no_account" },
	{ SCORE_RIBBON_NO_SESSION, "ribbon_no_session" },
	{ SCORE_RIBBON_NO_CALLS, "ribbon_no_calls" },
	{ SCORE_RIBBON_PLACED, "ribbon_placed" },
	{ SCORE_RIBBON_REFUSED, "ribbon_refused" },
	{ SCORE_RIBBON_LATER, "ribbon_later" },
	{ SCORE_RIBBON_UNKNOWN, "ribbon_unknown" },
};

static const char *
state_word(enum score_state state)
{
	static const char *const words[] = {
		[SCORE_FREE] = "free", [SCORE_STARTING] = "starting", [SCORE_READY] = "ready",
		[SCORE_DRAINING] = "draining",
	};

	return words[state];
}

static const char *
db_word(int state)
{
	return state == SCORE_DB_UP ? "up" : state == SCORE_DB_REFUSED ? "refused" : "down";
}

static void
write_reason(struct json_out *j, const char *name, const struct score_text *t)
{
	char text[SCORE_TEXT];

	json_kstr(j, name, score_hear(t, text) ? str_c(text) : STR_NONE);
}

static void
write_child(struct json_out *j, const struct scoreboard *board, const struct score *s, enum score_state state)
{
	json_obj(j);
	json_kstr(j, "role", str_c(scoreboard_role(board, s)));
	json_kint(j, "index", SCORE_GET(s->index));
	json_kint(j, "pid", SCORE_GET(s->pid));
	json_kstr(j, "state", str_c(state_word(state)));
	json_kint(j, "generation", SCORE_GET(s->generation));
	json_ktime(j, "started_at", (int64_t)SCORE_GET(s->started_ms));
	json_kstr(j, "db", str_c(db_word(SCORE_GET(s->db))));
	write_reason(j, "db_reason", &s->db_reason);
	json_kint(j, "connections", (int64_t)SCORE_GET(s->connections));
	json_kint(j, "requests", (int64_t)score_own_requests(s));
	for (size_t i = 0; i < COUNT(counters); i++)
		json_kint(j, counters[i].name, (int64_t)score_own(s, counters[i].counter));
	json_obj_end(j);
}

static void
write_children(struct json_out *j, const struct scoreboard *board)
{
	enum score_state state;

	json_key(j, "children");
	json_arr(j);
	for (const struct score *s = board->slot; s < board->slot + SCORE_GET(board->used); s++) {
		state = scoreboard_state(s);
		if (state != SCORE_FREE)
			write_child(j, board, s, state);
	}
	json_arr_end(j);
}

/* Of all children there ever were: never falls. */
static void
write_totals(struct json_out *j, const struct scoreboard *board)
{
	json_key(j, "totals");
	json_obj(j);
	json_kint(j, "requests", (int64_t)scoreboard_requests(board));
	for (size_t i = 0; i < COUNT(counters); i++)
		json_kint(j, counters[i].name, (int64_t)scoreboard_sum(board, counters[i].counter));
	for (size_t i = 0; i < COUNT(more_counters); i++)
		json_kint(j, more_counters[i].name, (int64_t)scoreboard_sum(board, more_counters[i].counter));
	json_obj_end(j);
}

static void
write_restarts(struct json_out *j, const struct scoreboard *board)
{
	json_kint(j, "restarts", (int64_t)scoreboard_restarts(board));
	json_key(j, "restarts_by_cause");
	json_arr(j);
	for (unsigned r = 0; r < board->nroles; r++)
		for (size_t c = 0; c < SCORE_CAUSES; c++) {
			json_obj(j);
			json_kstr(j, "role", str_c(board->role[r]));
			json_kstr(j, "cause", str_c(score_cause_names[c]));
			json_kint(j, "count", (int64_t)SCORE_GET(board->restarts[r][c]));
			json_obj_end(j);
		}
	json_arr_end(j);
}

/* Of this master's; null before the first. A start is not one. */
static void
write_last_reload(struct json_out *j, const struct scoreboard *board)
{
	struct str rest, line;
	struct report r;

	json_key(j, "last_reload");
	if (!report_fetch(&board->report, &r) || r.what == REPORT_START) {
		json_null(j);
		return;
	}
	json_obj(j);
	json_kint(j, "seq", r.number);
	json_kstr(j, "what", str_c(report_what_name(r.what)));
	json_kstr(j, "state", str_c(report_state_name(r.state)));
	json_kbool(j, "ok", r.state == REPORT_DONE);
	json_ktime(j, "at", r.at_ms);
	json_kstr(j, "reason", r.state == REPORT_FAILED ? str_c(r.text) : STR_NONE);
	json_key(j, "changes");
	json_arr(j);
	for (rest = str_c(r.changes); str_cut(&rest, '\n', &line); )
		if (line.n > 0)
			json_str(j, line);
	json_arr_end(j);
	json_obj_end(j);
}

static void
write_reloads(struct json_out *j, const struct scoreboard *board)
{
	json_kint(j, "reloads", (int64_t)SCORE_GET(board->reloads));
	json_kint(j, "reloads_failed", (int64_t)SCORE_GET(board->reloads_failed));
	write_last_reload(j, board);
}

static void
write_quantiles(struct json_out *j, const struct score_totals *t)
{
	json_kint(j, "p50_us", score_quantile(t, &score_times, 50));
	json_kint(j, "p95_us", score_quantile(t, &score_times, 95));
	json_kint(j, "p99_us", score_quantile(t, &score_times, 99));
}

/* All routes of one name are one route, as in the metrics. */
static void
write_route(struct json_out *j, const struct scoreboard *board, const char *const *names, const char *name)
{
	struct score_totals all = { .count = 0 };
	uint64_t before;

	json_obj(j);
	json_kstr(j, "route", str_c(name));
	for (size_t c = 0; c < SCORE_CLASSES; c++) {
		before = all.count;
		for (size_t r = 0; r < SCORE_ROUTES; r++)
			if (names[r] != NULL && strcmp(names[r], name) == 0)
				scoreboard_add(board, SCORE_HTTP(r, c), &all);
		json_kint(j, score_class_names[c], (int64_t)(all.count - before));
	}
	json_kint(j, "requests", (int64_t)all.count);
	write_quantiles(j, &all);
	json_obj_end(j);
}

static void
write_routes(struct json_out *j, const struct scoreboard *board)
{
	const char *names[SCORE_ROUTES];
	size_t first;

	api_route_names(names);
	json_key(j, "routes");
	json_arr(j);
	for (size_t r = 0; r < SCORE_ROUTES && names[r] != NULL; r++) {
		for (first = 0; strcmp(names[first], names[r]) != 0; first++)
			;
		if (first == r)
			write_route(j, board, names, names[r]);
	}
	json_arr_end(j);
}

static void
write_ingest(struct json_out *j, const struct scoreboard *board)
{
	struct score_totals rows = { .count = 0 }, commits = { .count = 0 };

	scoreboard_add(board, offsetof(struct score, batch_rows), &rows);
	scoreboard_add(board, offsetof(struct score, commit_us), &commits);
	json_key(j, "ingest");
	json_obj(j);
	json_kint(j, "batches", (int64_t)rows.count);
	json_kint(j, "events", (int64_t)rows.sum);
	json_kint(j, "commits", (int64_t)commits.count);
	write_quantiles(j, &commits);
	json_obj_end(j);
}

static void
write_queue(struct json_out *j, const struct scoreboard *board)
{
	struct score_waiting w = scoreboard_queue(board, clock_real_ms());

	json_key(j, "queue");
	json_obj(j);
	json_kint(j, "depth", w.depth);
	json_kint(j, "oldest_ms", w.oldest_ms);
	json_kint(j, "lag_ms", w.lag_ms);
	json_obj_end(j);
}

static void
write_certificates(struct json_out *j, const struct scoreboard *board)
{
	const struct score_certificates *all = scoreboard_certificates(board);
	unsigned i, n = SCORE_GET(all->n);
	int64_t end, now = clock_real_ms() / 1000;

	json_key(j, "certificates");
	json_arr(j);
	for (i = 0; i < n; i++) {
		end = SCORE_GET(all->one[i].not_after);
		json_obj(j);
		json_kstr(j, "name", str_c(all->one[i].name));
		json_ktime(j, "not_after", end * 1000);
		/* Whole days, and the first after the end is -1. */
		json_kint(j, "days_left", (end - now) / DAY_S - (end < now ? 1 : 0));
		json_obj_end(j);
	}
	json_arr_end(j);
}

void
api_status(struct http_request *rq, void *ctx)
{
	const struct api *api = ctx;
	const struct scoreboard *board = api->board;
	struct json_out j;
	struct buf b;

	reply_begin(&j, &b, STATUS_MAX, true);
	json_kstr(&j, "version", STR(RINGD_VERSION));
	json_kint(&j, "pid", SCORE_GET(board->master_pid));
	json_kint(&j, "generation", SCORE_GET(board->generation));
	json_ktime(&j, "started_at", (int64_t)SCORE_GET(board->started_ms));
	write_restarts(&j, board);
	write_reloads(&j, board);
	write_certificates(&j, board);
	write_children(&j, board);
	write_totals(&j, board);
	write_queue(&j, board);
	write_ingest(&j, board);
	write_routes(&j, board);
	reply_end(rq, &j, 200);
}
