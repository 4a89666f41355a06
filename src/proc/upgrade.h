/*
 * upgrade: one program replaced by the next while it serves. The old master (upgrade.c) starts the new one with the
 * listeners and the locked pid file in its hands and a socket between the two. The new one (takeover.c) says on it,
 * once, that its first generation is ready or why it will not be. The old one answers with a byte: go, and drains; or
 * no, and stays. Only after a go the new one touches what is the master's alone: pid file, report, socket files. If the
 * old one dies without an answer, the new one goes on alone. Private to proc/.
 */
#ifndef RINGD_UPGRADE_H
#define RINGD_UPGRADE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

struct master;

#define UPGRADE_GO		'g'
#define UPGRADE_NO		'n'
#define UPGRADE_MARGIN_MS	5000	/* over what a generation may take: to read a configuration, to say why not */

struct upgrade {			/* the old master's */
	pid_t	 pid;			/* the new master; 0: no upgrade is under way */
	int	 link_fd;		/* to it; -1 */
	int64_t	 deadline_ms;		/* ready by then; given up: killed then */
	bool	 given_up;		/* told to leave, its death is awaited */
};

void	upgrade_begin(struct master *m);
void	upgrade_turn(struct master *m);
bool	upgrade_died(struct master *m, pid_t pid, int status);	/* false: pid is not the new master */
void	upgrade_cancel(struct master *m, int signo);		/* we stop: so must it */

void	takeover_ready(struct master *m);
void	takeover_fail(struct master *m, int code, const char *why);	/* the first reason counts */
void	takeover_turn(struct master *m);

#endif
