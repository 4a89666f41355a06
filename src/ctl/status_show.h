/*
 * status_show: the daemon's status document as people read it.
 */
#ifndef RINGD_CTL_STATUS_SHOW_H
#define RINGD_CTL_STATUS_SHOW_H

#include "base/json_read.h"
#include "ctl/ctl.h"

/* Is every process of the serving generation ready and connected to its database, and there a worker and the reaper? */
bool	status_is_ready(struct json data);
/* Prints it; the exit code. Scratch comes from arena. */
int	status_show(struct ctl *c, struct json data, struct arena *arena);

#endif
