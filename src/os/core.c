/*
 * core: the limit of core files, the same everywhere. Forbidding lowers the hard limit too: it is for good.
 */
#include <sys/types.h>
#include <sys/resource.h>

#include <errno.h>

#include "os/core.h"

bool
core_forbid(void)
{
	struct rlimit none = { 0, 0 };

	return setrlimit(RLIMIT_CORE, &none) == 0 && core_expose(false);
}

bool
core_permit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CORE, &limit) == -1)
		return false;
	if (limit.rlim_max == 0) {
		errno = EPERM;
		return false;
	}
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_CORE, &limit) == 0 && core_expose(true);
}
