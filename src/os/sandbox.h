/*
 * sandbox: what a role gives up before it reads what strangers send. One call, one file per system and technique. What
 * a system cannot do is said in the words that come back, never passed over. For good: there is no way out.
 */
#ifndef RINGD_SANDBOX_H
#define RINGD_SANDBOX_H

#include <stdbool.h>

#include "base/reach.h"

#define SANDBOX_TEXT_SIZE	320

/*
 * What a role does beyond what all do: compute, read and write what is open, tell the time, look up names, connect to
 * PostgreSQL, start threads, log. A row of a system's table names one of these or counts for all.
 */
enum sandbox_need {
	SANDBOX_ACCEPT	= 0x1,		/* take connections from listeners it has inherited */
	SANDBOX_APPEND	= 0x2,		/* open a log file again */
};

struct sandbox {
	unsigned	 needs;		/* SANDBOX_... */
	struct reach	*reach;		/* the system's own files are added; the role keeps it, for reach_stale() */
	bool		 log_only;	/* refuse nothing, have the kernel log what would have been refused */
};

enum sandbox_result {
	SANDBOX_WHOLE,		/* all that ringd knows for this system */
	SANDBOX_PART,		/* a technique is missing in this kernel or is forbidden here */
	SANDBOX_NONE,
	SANDBOX_BROKEN,		/* the process is not what it should be: it must end */
};

/* With one thread, last thing of a role's set-up. what: what is in force, and what is not and why, in one line. */
enum sandbox_result	sandbox_enter(const struct sandbox *s, char what[SANDBOX_TEXT_SIZE]);
/* What it means that a child was killed by this signal, or NULL when it has nothing to do with a sandbox. */
const char		*sandbox_verdict(int signo);

#endif
