/*
 * slot: the master's book of children, one slot each, the same index as in the scoreboard. pid -> slot -> role and
 * generation decides what a death means. Private to proc/.
 */
#ifndef RINGD_SLOT_H
#define RINGD_SLOT_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "proc/backoff.h"
#include "proc/child.h"
#include "proc/spawn.h"

struct generation;
struct master;

enum slot_state {
	SLOT_FREE,
	SLOT_STARTING,		/* forked, has not said that it is ready */
	SLOT_READY,
	SLOT_STOPPING,		/* was told to go: its death is asked for */
	SLOT_WAITING,		/* nobody in it, somebody will be started at due_ms */
	SLOT_DEAD,		/* nobody in it till the next reload: the configuration is bad for this role */
};

struct slot {
	enum slot_state		 state;
	const struct role	*role;
	struct generation	*generation;
	unsigned		 index;		/* within the role */
	char			 name[CHILD_NAME_SIZE];
	pid_t			 pid;		/* 0: nobody */
	int			 ready_fd;	/* our end; -1 */
	int64_t			 due_ms;	/* starting: ready by then; waiting: started then */
	int64_t			 ready_ms;	/* since when it serves; 0: never was ready */
	struct backoff		 backoff;
	bool			 after_crash;	/* the one before died by signal or error */
	bool			 reopen_owed;	/* logs were rotated while it was starting */
	bool			 late;		/* it was not ready in time and has been killed for it */
	char			 why[CHILD_WHY_SIZE];	/* what it said when it could not get ready; "" */
};

/* A free slot filled in, state WAITING and due now; NULL when all are taken. */
struct slot	*slot_take(struct master *m, struct generation *g, const struct role *role, unsigned index,
		    bool alone);	/* the only one of its role: goes without a number */
bool		 slot_spawn(struct master *m, struct slot *s);	/* false with errno: could not fork */
void		 slot_hear_ready(struct master *m, struct slot *s);	/* looks into its ready pipe */
void		 slot_tell(struct master *m, struct slot *s, int signo);	/* to go; empty slots become free */
void		 slot_vacate(struct master *m, struct slot *s);	/* its child is gone: pid, pipe, score go */
void		 slot_free(struct slot *s);
/* Nobody asked it to go: counted by role and cause (its wait status; SIGSYS is the sandbox's doing). */
void		 slot_count_death(struct master *m, const struct slot *s, int status);
struct slot	*slot_by_pid(struct master *m, pid_t pid);
/* How many slots of g (NULL: of all) have a living child. */
unsigned	 slot_alive(const struct master *m, const struct generation *g);
unsigned	 slot_count_free(const struct master *m);

#endif
