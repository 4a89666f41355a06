/*
 * fire_report: counts by status, and how long answers took. Percentiles are of all answers, exact, not of a histogram.
 */
#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/json_write.h"
#include "ctl/display.h"
#include "ctl/fire_report.h"
#include "ctl/progress.h"

#define FAILURE_SHOWN	200	/* columns of an answer's body */

static const struct {
	const char	*name;
	unsigned	 permille;
} percentiles[] = { { "p50", 500 }, { "p90", 900 }, { "p95", 950 }, { "p99", 990 }, { "max", 1000 } };

#define NPERCENTILES	(COUNT(percentiles))

bool
fire_report_init(struct fire_report *r, size_t events)
{
	*r = (struct fire_report){ .events = events, .began_us = clock_mono_us() };
	r->shown_us = r->ended_us = r->began_us;
	r->latency_us = calloc(events, sizeof(*r->latency_us));
	return r->latency_us != NULL;
}

void
fire_report_free(struct fire_report *r)
{
	free(r->latency_us);
	r->latency_us = NULL;
}

static void
keep_failure(struct fire_report *r, const struct http_client_answer *a)
{
	struct buf b;

	buf_init(&b, FIRE_TEXT_SIZE * 8);
	if (a->status > 0) {
		buf_printf(&b, "%d ", a->status);
		display_put(&b, a->body, FAILURE_SHOWN);
	} else
		buf_puts(&b, a->error);
	snprintf(r->failure, sizeof(r->failure), "%.*s", STR_ARG(buf_as_str(&b)));
	buf_free(&b);
}

void
fire_report_answer(struct fire_report *r, const struct http_client_answer *a)
{
	int status = a->status > 0 && a->status < FIRE_STATUS_MAX ? a->status : 0;

	r->answered++;
	r->status[status]++;
	r->ended_us = clock_mono_us();
	if (status > 0)
		r->latency_us[r->nlatency++] = a->us < UINT32_MAX ? (uint32_t)a->us : UINT32_MAX;
	if ((status < 200 || status > 299) && r->failure[0] == '\0')
		keep_failure(r, a);
}

size_t
fire_report_accepted(const struct fire_report *r)
{
	size_t n = 0;

	for (int s = 200; s < 300; s++)
		n += r->status[s];
	return n;
}

uint32_t
fire_percentile(const uint32_t *sorted, size_t n, unsigned permille)
{
	size_t rank = (n * permille + 999) / 1000;

	if (n == 0)
		return 0;
	return sorted[rank > 0 ? rank - 1 : 0];
}

static int64_t
per_second(const struct fire_report *r)
{
	int64_t us = r->ended_us - r->began_us;

	return us > 0 ? (int64_t)r->answered * 1000000 / us : 0;
}

void
fire_report_progress(struct fire_report *r, bool tty, bool last)
{
	int64_t	now = clock_mono_us();

	if (!last && now - r->shown_us < (tty ? PROGRESS_BAR_US : PROGRESS_LINE_US))
		return;
	r->shown_us = now;
	if (!tty) {
		/* The end has its report; lines are for long runs. */
		if (!last)
			fprintf(stderr, "fire: %zu of %zu answered, %zu of them 2xx, %lld/s\n", r->answered, r->events,
			    fire_report_accepted(r), (long long)per_second(r));
		return;
	}
	progress_bar(r->answered, r->events);
	fprintf(stderr, " %zu not 2xx  %lld/s ", r->answered - fire_report_accepted(r), (long long)per_second(r));
	fflush(stderr);
	if (last)
		progress_clear();
}

static int
ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void
fire_report_text(struct fire_report *r, struct buf *out)
{
	int64_t us = r->ended_us - r->began_us;

	qsort(r->latency_us, r->nlatency, sizeof(*r->latency_us), ascending);
	buf_printf(out, "sent %zu of %zu events in %lld.%03llds, %lld/s\n", r->sent, r->events,
	    (long long)(us / 1000000), (long long)(us / 1000 % 1000), (long long)per_second(r));
	for (int s = 1; s < FIRE_STATUS_MAX; s++)
		if (r->status[s] > 0)
			buf_printf(out, "  %d  %zu\n", s, r->status[s]);
	if (r->status[0] > 0)
		buf_printf(out, "  no answer  %zu\n", r->status[0]);
	buf_puts(out, "latency");
	for (size_t i = 0; i < NPERCENTILES; i++) {
		uint32_t v = fire_percentile(r->latency_us, r->nlatency, percentiles[i].permille);

		buf_printf(out, "  %s %u.%02ums", percentiles[i].name, v / 1000, v % 1000 / 10);
	}
	buf_putc(out, '\n');
	if (r->failure[0] != '\0')
		buf_printf(out, "first failure: %s\n", r->failure);
}

void
fire_report_json(struct fire_report *r, struct buf *out)
{
	struct json_out	j;
	char		code[12];

	qsort(r->latency_us, r->nlatency, sizeof(*r->latency_us), ascending);
	json_out_init(&j, out);
	json_obj(&j);
	json_kint(&j, "events", (int64_t)r->events);
	json_kint(&j, "sent", (int64_t)r->sent);
	json_kint(&j, "accepted", (int64_t)fire_report_accepted(r));
	json_kint(&j, "no_answer", (int64_t)r->status[0]);
	json_kint(&j, "elapsed_ms", (r->ended_us - r->began_us) / 1000);
	json_kint(&j, "per_second", per_second(r));
	json_key(&j, "status");
	json_obj(&j);
	for (int s = 1; s < FIRE_STATUS_MAX; s++) {
		snprintf(code, sizeof(code), "%d", s);
		if (r->status[s] > 0)
			json_kint(&j, code, (int64_t)r->status[s]);
	}
	json_obj_end(&j);
	json_key(&j, "latency_us");
	json_obj(&j);
	for (size_t i = 0; i < NPERCENTILES; i++)
		json_kint(&j, percentiles[i].name,
		    fire_percentile(r->latency_us, r->nlatency, percentiles[i].permille));
	json_obj_end(&j);
	json_kstr(&j, "first_failure", r->failure[0] != '\0' ? str_c(r->failure) : STR_NONE);
	json_obj_end(&j);
	buf_putc(out, '\n');
}
