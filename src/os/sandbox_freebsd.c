/*
 * sandbox on FreeBSD: what fits, which is little. Capsicum does not: in capability mode connect(2) and open(2) by name
 * are gone, and a role must be able to reach a database that comes back, look up its name and open its log again. So:
 * no new process (the limit is for the user's processes, of which there is one already, and not for threads; 0 would
 * mean no limit) and no program with more rights (FreeBSD 14).
 *
 * Reviewed against the manual pages and the kernel's source; compiled on Linux with constants and prototype copied by
 * hand from FreeBSD 15's sys/procctl.h, not with its headers; never run.
 */
#include <sys/types.h>
#include <sys/procctl.h>
#include <sys/resource.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "os/sandbox.h"

#ifdef PROC_NO_NEW_PRIVS_CTL
static bool
no_new_privileges(void)
{
	int enable = PROC_NO_NEW_PRIVS_ENABLE;

	return procctl(P_PID, 0, PROC_NO_NEW_PRIVS_CTL, &enable) == 0;
}
#else
static bool
no_new_privileges(void)
{
	errno = ENOSYS;
	return false;
}
#endif

enum sandbox_result
sandbox_enter(const struct sandbox *s, char what[SANDBOX_TEXT_SIZE])
{
	struct rlimit one = { 1, 1 };
	char privileges[64] = "no new privileges";

	if (s->log_only) {
		snprintf(what, SANDBOX_TEXT_SIZE, "limits cannot only log");
		return SANDBOX_NONE;
	}
	if (setrlimit(RLIMIT_NPROC, &one) == -1) {
		snprintf(what, SANDBOX_TEXT_SIZE, "limit of processes: %s", strerror(errno));
		return SANDBOX_BROKEN;
	}
	if (!no_new_privileges())
		snprintf(privileges, sizeof(privileges), "new privileges are not forbidden (%s)", strerror(errno));
	snprintf(what, SANDBOX_TEXT_SIZE, "no new processes, %s; system calls and files are not filtered "
	    "(Capsicum would cut off the database)", privileges);
	return SANDBOX_PART;
}

const char *
sandbox_verdict(int signo)
{
	(void)signo;
	return NULL;
}
