/*
 * dialpad_admin: what an administrator asks of one app's connection with Dialpad. The work is the courier's; here the
 * parameters are read. The answer's outcome is a word of courier/manage.c.
 */
#include <sys/types.h>

#include "api/api.h"

#define OVERLAP_USUAL	STR("86400000")		/* ms; as ringctl's */
#define REFRESH_MS	35000			/* one request to Dialpad, tried again where it may be, and the storing */

/* app, and overlap where it is allowed (else NULL). false: the request has been answered. */
static bool
read_query(struct http_request *rq, struct str *app, struct str *overlap)
{
	struct str rest = rq->query, key, text, *to;
	int r;

	while ((r = http_query_next(&rq->arena, &rest, &key, &text)) == 1) {
		to = str_eq(key, STR("app")) ? app : str_eq(key, STR("overlap")) ? overlap : NULL;
		if (to == NULL || to->p != NULL) {
			api_problem(rq, 400, "invalid_parameter", "Unknown or repeated query parameter");
			return false;
		}
		*to = text;
	}
	if (r == -1 || app->p == NULL)
		api_problem(rq, 400, "invalid_parameter", r == -1 ? "Malformed query" : "Parameter 'app' is missing");
	return r == 0 && app->p != NULL;
}

static void
ask_about(struct http_request *rq, struct api *api, enum frame_kind kind, int64_t timeout_ms)
{
	struct str app = STR_NONE;

	if (read_query(rq, &app, NULL))
		api_courier_ask(rq, api, kind, &app, 1, timeout_ms + FRAME_MARGIN_MS);
}

void
api_dialpad_refresh(struct http_request *rq, void *ctx)
{
	struct api *api = ctx;

	ask_about(rq, api, FRAME_REFRESH, REFRESH_MS + 3 * api->conf->db_job_timeout_ms);
}

void
api_dialpad_disconnect(struct http_request *rq, void *ctx)
{
	struct api *api = ctx;

	ask_about(rq, api, FRAME_DISCONNECT, api->conf->db_job_timeout_ms);
}

void
api_dialpad_rotate(struct http_request *rq, void *ctx)
{
	struct api *api = ctx;
	struct str field[2] = { STR_NONE, STR_NONE };

	if (!read_query(rq, &field[0], &field[1]))
		return;
	if (field[1].p == NULL)
		field[1] = OVERLAP_USUAL;
	api_courier_ask(rq, api, FRAME_ROTATE, field, 2, 2 * api->conf->db_job_timeout_ms + FRAME_MARGIN_MS);
}
