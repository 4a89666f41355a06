/*
 * health: what the admin listener tells: live (this process answers), ready (with the reason why not), status (the scoreboard).
 * Read from shared memory; never asks the database.
 */
#include <sys/types.h>
#include <string.h>

#include "api/api.h"
#include "api/hooks.h"
#include "base/clock.h"
#include "base/json_write.h"

#define STATUS_MAX	(256u << 10)

static void
begin(struct json_out *j, struct buf *b, bool success)
{
	buf_init(b, STATUS_MAX);
	json_out_init(j, b);
	json_obj(j);
	json_kbool(j, "success", success);
	json_key(j, "data");
	json_obj(j);
}

static void
end(struct http_request *rq, struct json_out *j, struct buf *b, int status)
{
	json_obj_end(j);
	json_obj_end(j);
	if (!json_done(j))
		api_no_memory(rq);
	else
		http_answer(rq, status, "application/json", b);
	buf_free(b);
}

void
api_health_live(struct http_request *rq, void *ctx)
{
	struct json_out j;
	struct buf b;

	(void)ctx;
	begin(&j, &b, true);
	json_kstr(&j, "status", STR("live"));
	end(rq, &j, &b, 200);
}

static const struct score *
serving_reaper(const struct scoreboard *board)
{
	unsigned generation = SCORE_GET(board->generation);
	size_t i;

	for (i = 0; i < SCORE_SLOTS; i++)
		if (SCORE_GET(board->slot[i].state) == SCORE_READY && SCORE_GET(board->slot[i].generation) == generation &&
		    strcmp(board->slot[i].role, "reaper") == 0)
			return &board->slot[i];
	return NULL;
}

void
api_health_ready(struct http_request *rq, void *ctx)
{
	const struct api *api = ctx;
	const struct score *reaper = serving_reaper(api->board);
	bool database = db_state(api->db) == DB_READY, hooks = hooks_loaded(api->hooks);
	struct json_out j;
	struct buf b;

	begin(&j, &b, database && hooks);
	json_kstr(&j, "status", database && hooks ? STR("ready") : STR("not ready"));
	json_key(&j, "reasons");
	json_arr(&j);
	if (!database)
		json_str(&j, str_c(db_state_reason(api->db)[0] != '\0' ? db_state_reason(api->db) : "database: connecting"));
	else if (!hooks)
		json_str(&j, STR("hooks are being loaded"));
	/* Calls wait without a reaper, but nothing is refused: said, not counted. */
	if (reaper == NULL || SCORE_GET(reaper->db) != SCORE_DB_UP)
		json_str(&j, STR("the reaper is not at work; events are stored and wait"));
	json_arr_end(&j);
	end(rq, &j, &b, database && hooks ? 200 : 503);
}

static const char *
state_word(int state)
{
	static const char *const words[] = { "free", "starting", "ready", "draining" };

	return state >= 0 && state < 4 ? words[state] : "unknown";
}

static const char *
db_word(int state)
{
	return state == SCORE_DB_UP ? "up" : state == SCORE_DB_REFUSED ? "refused" : "down";
}

static void
write_counters(struct json_out *j, const struct score *s)
{
	json_kint(j, "connections", (int64_t)SCORE_GET(s->connections));
	json_kint(j, "accepted", (int64_t)SCORE_GET(s->accepted));
	json_kint(j, "requests", (int64_t)SCORE_GET(s->requests));
	json_kint(j, "requests_limited", (int64_t)SCORE_GET(s->requests_limited));
	json_kint(j, "failures_limited", (int64_t)SCORE_GET(s->failures_limited));
	json_kint(j, "connections_limited", (int64_t)SCORE_GET(s->connections_limited));
	json_kint(j, "events_stored", (int64_t)SCORE_GET(s->events_stored));
	json_kint(j, "events_duplicate", (int64_t)SCORE_GET(s->events_duplicate));
	json_kint(j, "events_refused", (int64_t)SCORE_GET(s->events_refused));
	json_kint(j, "events_applied", (int64_t)SCORE_GET(s->events_applied));
	json_kint(j, "events_failed", (int64_t)SCORE_GET(s->events_failed));
	json_kint(j, "events_dead", (int64_t)SCORE_GET(s->events_dead));
}

static void
write_child(struct json_out *j, const struct score *s)
{
	json_obj(j);
	json_kstr(j, "role", str_c(s->role));
	json_kint(j, "index", SCORE_GET(s->index));
	json_kint(j, "pid", SCORE_GET(s->pid));
	json_kstr(j, "state", str_c(state_word(SCORE_GET(s->state))));
	json_kint(j, "generation", SCORE_GET(s->generation));
	json_ktime(j, "started_at", (int64_t)SCORE_GET(s->started_ms));
	json_kstr(j, "db", str_c(db_word(SCORE_GET(s->db))));
	write_counters(j, s);
	json_obj_end(j);
}

void
api_status(struct http_request *rq, void *ctx)
{
	const struct api *api = ctx;
	const struct scoreboard *board = api->board;
	const struct score *reaper = serving_reaper(board);
	struct json_out j;
	struct buf b;
	size_t i;

	begin(&j, &b, true);
	json_kint(&j, "generation", SCORE_GET(board->generation));
	json_ktime(&j, "started_at", (int64_t)SCORE_GET(board->started_ms));
	json_kint(&j, "restarts", (int64_t)SCORE_GET(board->restarts));
	json_kint(&j, "reloads", (int64_t)SCORE_GET(board->reloads));
	json_kint(&j, "reloads_failed", (int64_t)SCORE_GET(board->reloads_failed));
	json_key(&j, "children");
	json_arr(&j);
	for (i = 0; i < SCORE_SLOTS; i++)
		if (SCORE_GET(board->slot[i].state) != SCORE_FREE)
			write_child(&j, &board->slot[i]);
	json_arr_end(&j);
	/* Sums of the children that are gone, so that totals do not fall when one is replaced. */
	json_key(&j, "past");
	json_obj(&j);
	write_counters(&j, &board->past);
	json_obj_end(&j);
	json_key(&j, "queue");
	json_obj(&j);
	json_kint(&j, "depth", reaper != NULL ? SCORE_GET(reaper->queue_depth) : -1);
	json_kint(&j, "oldest_ms", reaper != NULL ? SCORE_GET(reaper->queue_oldest_ms) : -1);
	json_obj_end(&j);
	end(rq, &j, &b, 200);
}
