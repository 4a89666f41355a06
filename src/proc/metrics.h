/*
 * metrics: the scoreboard as Prometheus reads it. Which metrics there are stands in ONE table (metrics.c); the manual
 * page is checked against it.
 */
#ifndef RINGD_METRICS_H
#define RINGD_METRICS_H

#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "proc/scoreboard.h"

#define METRICS_TYPE	"text/plain; version=0.0.4; charset=utf-8"
#define METRICS_MAX	((size_t)1 << 20)	/* bytes of the text: every route there can be takes half of it */

/* routes[i] names route i of the scoreboard (NULL: there is none); routes of one name are one series. */
void	metrics_write(struct buf *b, const struct scoreboard *board, const char *const routes[SCORE_ROUTES],
	    int64_t now_ms);
/* The table for people and tests: tab-separated "name type labels help", one metric a line; "-" for no labels. */
void	metrics_print(FILE *out);

#endif
