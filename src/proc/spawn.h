/*
 * spawn: what the master prepares before a fork and the child turns into a running role. Private to proc/.
 */
#ifndef RINGD_SPAWN_H
#define RINGD_SPAWN_H

#include <sys/types.h>

#include <signal.h>

#include "os/priv.h"
#include "os/title.h"
#include "proc/child.h"

#define CHILD_NAME_SIZE	32

struct child_setup {
	const struct role		*role;
	struct heritage			 heritage;
	struct conf			*conf;		/* heritage.conf, for the purge */
	const struct service_user	*user;
	const struct title		*title;
	const sigset_t			*outside;	/* mask to run with */
	enum log_target			 log_target;
	const char			*name;		/* "worker 2" */
};

/* The child's life, from the return of fork() to its exit. */
_Noreturn void	child_main(struct child_setup *s);

#endif
