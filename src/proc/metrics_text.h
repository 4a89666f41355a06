/*
 * metrics_text: the text format of Prometheus, version 0.0.4. Knows the rules of the format and no metric. Private to
 * proc/.
 */
#ifndef RINGD_METRICS_TEXT_H
#define RINGD_METRICS_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "proc/scoreboard.h"

#define METRICS_LABELS	4	/* of one sample, le included */

struct metrics_label {
	const char	*name, *value;
};

struct metrics_text {
	struct buf	*b;
	const char	*name, *type, *help;	/* of the family being written */
	bool		 headed;		/* HELP and TYPE stand there already */
};

/* What follows are samples of this family. HELP and TYPE are written with the first: without one they are not. */
void	metrics_family(struct metrics_text *t, const char *name, const char *type, const char *help);
void	metrics_count(struct metrics_text *t, const struct metrics_label *labels, size_t n, uint64_t value);
/* v in units of 1/unit (1, 1000 or 1000000); negative: NaN, nobody knows. */
void	metrics_gauge(struct metrics_text *t, const struct metrics_label *labels, size_t n, int64_t v, int64_t unit);
/* Its buckets added up as they must be; bounds and sum in units of 1/unit. */
void	metrics_histogram(struct metrics_text *t, const struct metrics_label *labels, size_t n,
	    const struct score_totals *h, const struct score_bounds *bounds, int64_t unit);

#endif
