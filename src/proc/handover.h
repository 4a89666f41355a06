/*
 * handover: what an old master gives to the new one at an upgrade, in one variable of its environment: descriptor
 * numbers and nothing else, because state would have to be understood by every version. Pure. Private to proc/.
 */
#ifndef RINGD_HANDOVER_H
#define RINGD_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "proc/inherit.h"

#define HANDOVER_VARIABLE	"RINGD_UPGRADE"
#define HANDOVER_TEXT_SIZE	1024

struct handover {
	int	link_fd;		/* a socket between the two masters; -1: nothing is handed over */
	int	pid_fd;			/* the locked pid file; -1: none */
	bool	must_connect;		/* the old generation has its database, so the new one has to */
	struct {
		int	fd;
		bool	lent;		/* as in inherit.h */
	} listener[INHERIT_MAX];
	size_t	n;
};

void	handover_print(const struct handover *h, char out[HANDOVER_TEXT_SIZE]);
bool	handover_parse(struct handover *h, const char *text);	/* false: not of this form, a number twice, or too many */

#endif
