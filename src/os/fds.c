/*
 * fds: descriptors by number. Closing is by what to keep, never by what is known to be open: a library's or the
 * starting shell's descriptor must not reach a child that reads what strangers send.
 */
#include <sys/types.h>
#include <sys/resource.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/fds.h"

static int
by_number(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

void
fds_close_others(int *keep, size_t n)
{
	int next = STDERR_FILENO + 1;

	qsort(keep, n, sizeof(*keep), by_number);
	for (size_t i = 0; i < n; i++) {
		if (keep[i] < next)
			continue;
		while (next < keep[i])
			close(next++);
		next = keep[i] + 1;
	}
	closefrom(next);
}

int
fds_null_stdio(bool keep_stderr)
{
	int fd = open("/dev/null", O_RDWR);
	int rc = 0;

	if (fd == -1)
		return -1;
	if (dup2(fd, STDIN_FILENO) == -1 || dup2(fd, STDOUT_FILENO) == -1 ||
	    (!keep_stderr && dup2(fd, STDERR_FILENO) == -1))
		rc = -1;
	if (fd > STDERR_FILENO)
		close(fd);
	return rc;
}

int
fds_fill_stdio(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd != -1 && fd <= STDERR_FILENO);
	if (fd == -1)
		return -1;
	close(fd);
	return 0;
}

int
fds_close_on_exec(int fd, bool closed)
{
	return fcntl(fd, F_SETFD, closed ? FD_CLOEXEC : 0) == -1 ? -1 : 0;
}

int
fds_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return -1;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit);
}
