/*
 * fire_report: what came back, counted; on the way as a bar or as lines, at the end as text or JSON.
 */
#ifndef RINGD_CTL_FIRE_REPORT_H
#define RINGD_CTL_FIRE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "ctl/http_client.h"

#define FIRE_STATUS_MAX		600
#define FIRE_TEXT_SIZE		300

struct fire_report {
	size_t		 events, sent, answered;	/* to send; begun; done, well or not */
	size_t		 status[FIRE_STATUS_MAX];	/* [0]: no answer */
	uint32_t	*latency_us;			/* of the answers, in the order they came */
	size_t		 nlatency;
	int64_t		 began_us, ended_us;
	int64_t		 shown_us;			/* when progress was last shown */
	char		 failure[FIRE_TEXT_SIZE];	/* the first that was not 2xx */
};

bool	fire_report_init(struct fire_report *r, size_t events);	/* false without memory */
void	fire_report_free(struct fire_report *r);
void	fire_report_answer(struct fire_report *r, const struct http_client_answer *a);
size_t	fire_report_accepted(const struct fire_report *r);	/* answered 2xx */
/* Sorted values, permille 0..1000, nearest rank. 0 for none. */
uint32_t fire_percentile(const uint32_t *sorted, size_t n, unsigned permille);
void	fire_report_progress(struct fire_report *r, bool tty, bool last);	/* on standard error, not too often */
void	fire_report_text(struct fire_report *r, struct buf *out);
void	fire_report_json(struct fire_report *r, struct buf *out);

#endif
