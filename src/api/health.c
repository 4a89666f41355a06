/*
 * health: live (this process answers) and ready (with the reasons why not). Never asks the database: whoever answers
 * here says what it knows.
 */
#include <sys/types.h>
#include <string.h>

#include "api/api.h"
#include "api/hooks.h"
#include "api/reply.h"

#define HEALTH_MAX	4096

void
api_health_live(struct http_request *rq, void *ctx)
{
	struct json_out j;
	struct buf b;

	(void)ctx;
	reply_begin(&j, &b, HEALTH_MAX, true);
	json_kstr(&j, "status", STR("live"));
	reply_end(rq, &j, 200);
}

/* Is a process of that role there, with its database? */
static bool
has_role(const struct scoreboard *b, const char *role)
{
	for (unsigned r = 0; r < b->nroles; r++)
		if (strcmp(b->role[r], role) == 0)
			return scoreboard_database_up(b, r);
	return false;
}

static const char *
why_database(const struct api *api)
{
	return db_state_reason(api->db)[0] != '\0' ? db_state_reason(api->db) : "database: connecting";
}

void
api_health_ready(struct http_request *rq, void *ctx)
{
	const struct api *api = ctx;
	bool draining = api->draining || SCORE_GET(api->board->stopping) != 0;
	bool database = db_state(api->db) == DB_READY, hooks = hooks_loaded(api->hooks);
	bool day = !api->day_missing, ready = database && hooks && day && !draining;
	struct json_out j;
	struct buf b;

	reply_begin(&j, &b, HEALTH_MAX, ready);
	json_kstr(&j, "status", ready ? STR("ready") : STR("not ready"));
	json_key(&j, "reasons");
	json_arr(&j);
	if (draining)
		json_str(&j, STR("draining"));
	if (!database)
		json_str(&j, str_c(why_database(api)));
	else if (!hooks)
		json_str(&j, STR("hooks are being loaded"));
	else if (!day)
		json_str(&j, STR("events cannot be stored: no partition for this day; is the clock right, and the reaper at work?"));
	json_arr_end(&j);
	/* Calls wait without a reaper, but nothing is refused: said, not counted. */
	json_key(&j, "warnings");
	json_arr(&j);
	if (!has_role(api->board, "reaper"))
		json_str(&j, STR("the reaper is not at work; events are stored and wait"));
	if (api->courier != NULL && (!link_client_up(api->courier) || !has_role(api->board, "courier")))
		json_str(&j, STR("the courier is not at work; what needs a provider is answered 503"));
	if (api->clock_ahead_ms != 0)
		json_str(&j, STR("our clock and the database's differ"));
	json_arr_end(&j);
	reply_end(rq, &j, ready ? 200 : 503);
}
