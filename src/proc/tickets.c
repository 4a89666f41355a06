/*
 * tickets: a clock and one call. The period is the serving configuration's; a reload that shortens it counts from the
 * last change.
 */
#include <sys/types.h>

#include "base/clock.h"
#include "base/log.h"
#include "proc/master.h"
#include "proc/tickets.h"

int64_t
tickets_due(const struct master *m)
{
	const struct generation *g = m->serving;

	if (g == NULL || g->conf->ncertificates == 0 || !g->conf->tls_tickets)
		return INT64_MAX;
	return m->tickets_ms + g->conf->tls_ticket_lifetime_ms;
}

void
tickets_turn(struct master *m)
{
	int64_t now = clock_mono_ms();

	if (now < tickets_due(m))
		return;
	tls_tickets_rotate(m->tickets);
	m->tickets_ms = now;
	log_debug("the keys of session tickets have changed");
}
