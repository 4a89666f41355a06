/*
 * pidfile: the locked file that keeps a second ringd away. It must never follow a symbolic link (the master may be root
 * and the directory the service user's), never truncate before it holds the lock (the number belongs to the holder),
 * and never trust a lock on a file that has been unlinked meanwhile.
 */
#include <sys/types.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "os/pidfile.h"

#define PIDFILE_TRIES		10	/* somebody keeps removing the file under us */
#define PIDFILE_TEXT_SIZE	24

static pid_t
read_owner(int fd)
{
	char text[PIDFILE_TEXT_SIZE];
	ssize_t n = pread(fd, text, sizeof(text), 0);
	int64_t pid;

	if (n > 0 && text[n - 1] == '\n')
		n--;
	if (n <= 0 || !num_i64((struct str){ text, (size_t)n }, 1, INT32_MAX, &pid))
		return 0;
	return (pid_t)pid;
}

/* The file that is locked is the one that the path names. */
static bool
still_there(int fd, const char *path)
{
	struct stat held, named;

	return fstat(fd, &held) == 0 && lstat(path, &named) == 0 && held.st_dev == named.st_dev &&
	    held.st_ino == named.st_ino;
}

static void
close_keeping_errno(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
}

/* An open and locked descriptor, -1 with errno, or -2: the file went away between the two, try again. */
static int
try_once(const char *path, pid_t *owner)
{
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0644);
	struct stat st;

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		errno = EINVAL;
		close_keeping_errno(fd);
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		*owner = read_owner(fd);
		close_keeping_errno(fd);
		return -1;
	}
	if (!still_there(fd, path)) {
		close(fd);
		return -2;
	}
	return fd;
}

int
pidfile_take(struct pidfile *p, const char *path, pid_t *owner)
{
	int fd = -2;

	p->fd = -1;
	p->path = NULL;
	*owner = 0;
	for (int i = 0; i < PIDFILE_TRIES && fd == -2; i++)
		fd = try_once(path, owner);
	if (fd == -2)
		errno = EAGAIN;
	if (fd < 0)
		return -1;
	p->path = strdup(path);
	if (p->path == NULL) {
		close_keeping_errno(fd);
		return -1;
	}
	p->fd = fd;
	return 0;
}

int
pidfile_adopt(struct pidfile *p, int fd, const char *path)
{
	p->fd = -1;
	if (!still_there(fd, path)) {
		errno = ESTALE;
		return -1;
	}
	p->path = strdup(path);
	if (p->path == NULL)
		return -1;
	p->fd = fd;
	return 0;
}

void
pidfile_let_go(struct pidfile *p)
{
	if (p->fd == -1)
		return;
	close(p->fd);
	free(p->path);
	p->fd = -1;
	p->path = NULL;
}

/* Whether somebody has the lock: found by having it ourselves for an instant. */
static bool
is_locked(int fd)
{
	return flock(fd, LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK;
}

pid_t
pidfile_holder(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	pid_t owner = 0;

	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	/* Without a living process of that number there is no need to try, and a start at this moment is not disturbed. */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		owner = read_owner(fd);
	if (owner != 0 && ((kill(owner, 0) == -1 && errno == ESRCH) || !is_locked(fd)))
		owner = 0;
	close(fd);
	return owner;
}

int
pidfile_write(struct pidfile *p)
{
	char text[PIDFILE_TEXT_SIZE];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (p->fd == -1)
		return 0;
	if (ftruncate(p->fd, 0) == -1)
		return -1;
	return pwrite(p->fd, text, (size_t)n, 0) == (ssize_t)n ? 0 : -1;
}

void
pidfile_remove(struct pidfile *p)
{
	if (p->fd == -1)
		return;
	if (still_there(p->fd, p->path))
		unlink(p->path);
	close(p->fd);
	free(p->path);
	p->fd = -1;
	p->path = NULL;
}
