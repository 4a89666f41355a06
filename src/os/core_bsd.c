/*
 * core on the BSDs: a process that has changed its ids cannot be traced by its own user and leaves no core, unless the
 * administrator says otherwise (kern.sugid_coredump, kern.nosuidcoredump): nothing to do.
 *
 * Reviewed; plain C, compiled on Linux; never run on a BSD.
 */
#include <sys/types.h>

#include "os/core.h"

bool
core_expose(bool exposed)
{
	(void)exposed;
	return true;
}
