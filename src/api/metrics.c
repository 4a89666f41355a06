/*
 * metrics: the scoreboard as Prometheus reads it; see proc/metrics.h. Asks neither the database nor another process.
 */
#include <sys/types.h>

#include "api/api.h"
#include "base/clock.h"
#include "proc/metrics.h"

void
api_metrics(struct http_request *rq, void *ctx)
{
	const struct api *api = ctx;
	const char *routes[SCORE_ROUTES];
	struct buf b;

	api_route_names(routes);
	buf_init(&b, METRICS_MAX);
	metrics_write(&b, api->board, routes, clock_real_ms());
	if (b.failed)
		api_no_memory(rq);
	else
		http_answer(rq, 200, METRICS_TYPE, &b);
	buf_free(&b);
}
