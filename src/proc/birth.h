/*
 * birth: what this process was born with and no other may see: the words and descriptors of a service manager, and of
 * the master before us. Read once, and gone from the environment then.
 */
#ifndef RINGD_BIRTH_H
#define RINGD_BIRTH_H

#include <stdbool.h>
#include <stdint.h>

#include "proc/handover.h"
#include "proc/inherit.h"

#define BIRTH_WHY_SIZE	512

struct birth {
	char			notify_path[128];	/* NOTIFY_SOCKET; "": nobody wants to know, or it cannot be right */
	char			watchdog_usec[24];	/* WATCHDOG_USEC, when it is meant for us; "" */
	int64_t			watchdog_ms;		/* say so often that we are alive; 0: never */
	struct handover		handover;		/* link_fd -1: an ordinary start */
	struct inherited	inherited;
};

/* false with why: the old master and we do not understand each other. What a manager says wrongly is only logged. */
bool	birth_read(struct birth *b, char why[BIRTH_WHY_SIZE]);

#endif
