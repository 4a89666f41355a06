/*
 * worker: the process that serves HTTP. See worker.c.
 */
#ifndef RINGD_WORKER_H
#define RINGD_WORKER_H

#include "proc/child.h"

int	worker_main(const struct heritage *h);

#endif
