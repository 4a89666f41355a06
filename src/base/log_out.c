/*
 * log_out: see log_out.h. A pipe is made non-blocking, which changes it for its other writers too; a socket, which a service
 * manager may share with others, is asked each time instead; a terminal, which a shell shares, is asked before, and the
 * moment in between is nobody's but a person's. Files are written as they are.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/log_out.h"

static struct {
	enum { AS_IT_IS, BY_SENDING, AFTER_ASKING } how;
	bool		torn;		/* the last line broke off in the middle */
	uint64_t	lost;
} out;

void
log_out_begin(int fd)
{
	struct stat st;
	int flags;

	out.how = AS_IT_IS;
	if (fstat(fd, &st) == -1)
		return;
	if (S_ISSOCK(st.st_mode))
		out.how = BY_SENDING;
	else if (S_ISCHR(st.st_mode))
		out.how = AFTER_ASKING;
	else if (S_ISFIFO(st.st_mode) && (flags = fcntl(fd, F_GETFL)) != -1)
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static bool
has_room(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1;
}

static ssize_t
put(int fd, const char *p, size_t n)
{
	ssize_t sent;

	if (out.how == AFTER_ASKING && !has_room(fd))
		return -1;
	do {
		sent = out.how == BY_SENDING ? send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL) : write(fd, p, n);
	} while (sent < 0 && errno == EINTR);
	return sent;
}

bool
log_out_line(int fd, const char *line, size_t n)
{
	ssize_t sent;

	if (out.torn && put(fd, "\n", 1) == 1)
		out.torn = false;
	sent = out.torn ? -1 : put(fd, line, n);
	if (sent == (ssize_t)n)
		return true;
	out.torn = out.torn || sent > 0;
	out.lost++;
	return false;
}

uint64_t
log_out_lost(void)
{
	return out.lost;
}

void
log_out_told(uint64_t n)
{
	out.lost -= n;
}
