/*
 * pidfile: one ringd per pid file. The lock, not the number inside, says that it is alive; it is held until the process
 * ends, survives a fork (detaching) and is dropped by every child that closes the descriptor.
 */
#ifndef RINGD_PIDFILE_H
#define RINGD_PIDFILE_H

#include <sys/types.h>

struct pidfile {
	int	 fd;		/* -1: none held */
	char	*path;
};

/*
 * Opens or makes the file and locks it. 0, or -1 with errno; EWOULDBLOCK means somebody holds it and *owner is the
 * number found inside (0 when there is none yet). On success the file still shows what it showed before.
 */
int	pidfile_take(struct pidfile *p, const char *path, pid_t *owner);
/* Takes over a lock that another process handed to us. -1 with errno: fd is not the file that path names. */
int	pidfile_adopt(struct pidfile *p, int fd, const char *path);
/* Somebody else has the lock too and goes on with it: forgets it, and neither unlocks nor removes anything. */
void	pidfile_let_go(struct pidfile *p);
/* For others: the process that holds path's lock, 0 when nobody does, or -1 with errno when that cannot be told. */
pid_t	pidfile_holder(const char *path);
int	pidfile_write(struct pidfile *p);	/* our pid; 0, or -1 with errno */
void	pidfile_remove(struct pidfile *p);	/* the file, then the lock; harmless when none is held */

#endif
