/*
 * reaper: the role that turns stored events into calls. One process, one database connection, no network port.
 */
#ifndef RINGD_REAPER_H
#define RINGD_REAPER_H

#include "proc/child.h"

int	reaper_main(const struct heritage *h);

#endif
