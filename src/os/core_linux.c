/*
 * core on Linux: a process that is not "dumpable" can be looked into (ptrace, /proc/<pid>/mem) by root only, and leaves
 * nothing even where cores go down a pipe, which minds no limit.
 */
#include <sys/types.h>
#include <sys/prctl.h>

#include "os/core.h"

bool
core_expose(bool exposed)
{
	return prctl(PR_SET_DUMPABLE, exposed ? 1 : 0, 0, 0, 0) == 0;
}
