/*
 * child: what a role is, and everything it inherits from the master. A role is a function pointer in a table given by
 * main.c; proc knows no role by name. What is not named in struct heritage is closed before a role begins.
 */
#ifndef RINGD_CHILD_H
#define RINGD_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/reach.h"
#include "base/tally.h"
#include "conf/conf.h"
#include "net/peer.h"
#include "net/tls_tickets.h"
#include "proc/scoreboard.h"

enum exit_code {
	EXIT_OK		= 0,
	EXIT_FAULT	= 1,
	EXIT_CONFIG	= 2,	/* bad configuration: the master does not try again */
};

struct heritage {
	const struct conf	*conf;
	unsigned		 generation;
	unsigned		 slot;		/* index into the scoreboard */
	unsigned		 index;		/* 0.. within the role ("worker 2" has index 2) */
	bool			 must_connect;	/* it is to replace children that have the database: ready only with a connection */
	unsigned		 sandbox;	/* private: of role->sandbox, for child_confine() */
	bool			 after_crash;	/* the one before me in this slot died by signal or error */
	int			 listen_fd[CONF_MAX_LISTEN];	/* same order as conf->listen; non-blocking, close-on-exec */
	int			 admin_fd[CONF_MAX_LISTEN];	/* same order as conf->admin */
	const struct peer_list	*admins;	/* who may use admin Unix sockets, besides root and the service user */
	int			 master_fd;	/* readable EOF = the master is gone: leave at once */
	int			 ready_fd;	/* private: child_ready() writes here */
	int			 wake_read_fd;	/* the reaper's: a byte here means events may wait (non-blocking) */
	int			 wake_write_fd;	/* the workers': non-blocking, EAGAIN is fine */
	int			 courier_end_fd;/* of the generation's switchboard (link/client.h); -1: no courier */
	int			 worker_end_fd;
	int			 use_read_fd;	/* the reaper's: struct key_use, whole ones (non-blocking) */
	int			 use_write_fd;	/* the workers': non-blocking, EAGAIN is fine */
	const struct tally	*tally;		/* my member number in it is my slot; NULL unless the role serves */
	struct scoreboard	*board;
	struct tls_tickets	*tickets;	/* keys of session tickets, shared by all workers; NULL unless the role serves */
	struct score		*score;		/* my own slot: one writer, me */
};

struct role {
	const char	*name;			/* "worker", "reaper", "courier" */
	int64_t		(*count)(const struct conf *c);	/* how many to run */
	/*
	 * Runs after fork as the service user, with what it does not inherit closed, and returns an exit code. SIGTERM
	 * and SIGQUIT have their default action until it says otherwise; INT, HUP, USR1, USR2 and PIPE are ignored (a
	 * terminal or a careless pkill sends them to all; the master sends TERM to drain and USR1 to reopen logs).
	 */
	int		(*run)(const struct heritage *h);
	/* Forgets what this role has no business with (the other roles' secrets); NULL: nothing. Called before run. */
	void		(*purge)(struct conf *c);
	unsigned	 sandbox;	/* what it needs beyond what all need: SANDBOX_... of os/sandbox.h, or 0 */
	bool		vital;			/* what the daemon is for: without one that is ready it counts as dead */
	bool		serves;			/* speaks TLS to clients: keeps the certificates' keys and the tickets' */
};

/*
 * Called by a role when it has opened what is not in reach, before its first thread and its first byte from outside:
 * enters its sandbox as the configuration says, and logs what is in force. Ends the process if that fails. reach stays
 * the role's, for reach_stale(); the system's and the log's paths are added.
 */
void	child_confine(const struct heritage *h, struct reach *reach);

/* Called by a role once it is set up: listening and with one database attempt behind it. Idempotent. */
void	child_ready(const struct heritage *h);

#define CHILD_WHY_SIZE	256

/* Or, before it leaves, that it never will be ready, and why: one line, cut to CHILD_WHY_SIZE. */
void	child_unfit(const struct heritage *h, const char *why);
/* For whoever watches master_fd: the master's end is only ever closed by its death. */
bool	child_is_orphan(const struct heritage *h);

#endif
