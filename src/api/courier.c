/*
 * courier: what the admin listener asks the courier for. A courier that is dead, late or overloaded is 503 here and
 * nowhere else. The answer's JSON comes from the courier and goes through as it is.
 */
#include <sys/types.h>

#include "api/api.h"
#include "base/json_write.h"
#include "base/log.h"

#define ANSWER_MAX	FRAME_MAX
#define EXOTEL_SYNC_MS	120000		/* some fifty pages of agents */

void
api_courier_away(struct http_request *rq)
{
	http_add_header(rq, "Retry-After", "2");
	api_problem(rq, 503, "courier_unavailable", "The courier is unavailable; try again");
}

static void
pass_on(struct http_request *rq, struct str data)
{
	struct json_out j;
	struct buf b;

	buf_init(&b, ANSWER_MAX);
	json_out_init(&j, &b);
	json_obj(&j);
	json_kbool(&j, "success", true);
	json_key(&j, "data");
	json_raw_value(&j, data);
	json_obj_end(&j);
	if (json_done(&j))
		http_answer(rq, 200, "application/json", &b);
	else
		api_no_memory(rq);
	buf_free(&b);
}

/* The text of a refusal, which the arena ends with a NUL. */
static const char *
text_of(struct http_request *rq, const struct frame *f)
{
	struct str s = f->nfields > 0 ? arena_str(&rq->arena, f->field[0]) : STR_NONE;

	return s.p != NULL ? s.p : "The courier gave no reason";
}

static void
answered(void *arg, enum link_outcome outcome, const struct frame *f)
{
	struct http_request *rq = arg;

	http_resume(rq);
	if (outcome != LINK_ANSWERED) {
		api_courier_away(rq);
		return;
	}
	switch ((enum frame_code)f->code) {
	case FRAME_OK:
		pass_on(rq, f->nfields > 0 ? f->field[0] : STR_NONE);
		break;
	case FRAME_INVALID:
		api_problem(rq, 400, "invalid_parameter", text_of(rq, f));
		break;
	case FRAME_DATABASE:
		log_event(LEVEL_WARN, "the courier could not serve a request", LOG_C("reason", text_of(rq, f)));
		api_away(rq);
		break;
	case FRAME_FAILED:
		log_event(LEVEL_ERROR, "the courier could not serve a request", LOG_C("reason", text_of(rq, f)));
		api_problem(rq, 500, "internal_error", "The request could not be served; the log has the reason");
		break;
	case FRAME_BUSY:
	case FRAME_CODES:
		api_courier_away(rq);
		break;
	}
}

void
api_courier_ask(struct http_request *rq, struct api *api, enum frame_kind kind, const struct str *field, size_t nfields,
    int64_t timeout_ms)
{
	rq->step = "courier";
	if (api->courier == NULL)
		api_problem(rq, 404, "no_courier", "This ringd has no courier: courier.key_file is not configured");
	else
		link_call(api->courier, kind, field, nfields, timeout_ms, answered, rq);
}

/* The one parameter a route takes, or absent. false: the request has been answered. */
static bool
one_parameter(struct http_request *rq, const char *name, struct str *value)
{
	struct str rest = rq->query, key, text;
	int r;

	*value = STR_NONE;
	while ((r = http_query_next(&rq->arena, &rest, &key, &text)) == 1) {
		if (!str_eq(key, str_c(name)) || value->p != NULL) {
			api_problem(rq, 400, "invalid_parameter", "Unknown or repeated query parameter");
			return false;
		}
		*value = text;
	}
	if (r == -1)
		api_problem(rq, 400, "invalid_parameter", "Malformed query");
	return r == 0;
}

void
api_courier_status(struct http_request *rq, void *ctx)
{
	struct api *api = ctx;

	api_courier_ask(rq, api, FRAME_STATUS, NULL, 0, api->conf->db_job_timeout_ms + FRAME_MARGIN_MS);
}

void
api_courier_probe(struct http_request *rq, void *ctx)
{
	struct api *api = ctx;
	struct str provider;

	if (!one_parameter(rq, "provider", &provider))
		return;
	if (provider.p == NULL)
		provider = STR("dialpad");
	api_courier_ask(rq, api, FRAME_PROBE, &provider, 1, api->conf->courier_timeout_ms + FRAME_MARGIN_MS);
}

void
api_exotel_sync(struct http_request *rq, void *ctx)
{
	struct api *api = ctx;
	struct str app;

	if (!one_parameter(rq, "app", &app))
		return;
	if (app.p == NULL) {
		api_problem(rq, 400, "invalid_parameter", "Parameter 'app' is missing");
		return;
	}
	api_courier_ask(rq, api, FRAME_EXOTEL_SYNC, &app, 1, EXOTEL_SYNC_MS + FRAME_MARGIN_MS);
}

void
api_keyring(struct http_request *rq, void *ctx)
{
	struct api *api = ctx;

	api_courier_ask(rq, api, FRAME_KEYS, NULL, 0, api->conf->db_job_timeout_ms + FRAME_MARGIN_MS);
}

void
api_keyring_rekey(struct http_request *rq, void *ctx)
{
	struct api *api = ctx;
	struct str after;

	if (!one_parameter(rq, "after", &after))
		return;
	if (after.p == NULL)
		after = STR("");
	/* Two database jobs, one after the other. */
	api_courier_ask(rq, api, FRAME_REKEY, &after, 1, 2 * api->conf->db_job_timeout_ms + FRAME_MARGIN_MS);
}
