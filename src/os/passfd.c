/*
 * passfd: SCM_RIGHTS in its simplest use. One descriptor a datagram: streams may merge what was sent in two calls, and
 * then systems differ in which descriptor comes with which byte.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "os/passfd.h"

/* Room for one descriptor, aligned as a control message must be. */
union control {
	struct cmsghdr	align;
	char		bytes[CMSG_SPACE(sizeof(int))];
};

bool
passfd_pair(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0;
}

bool
passfd_send(int end, int fd)
{
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	union control control;
	struct msghdr m;
	struct cmsghdr *c;
	ssize_t n;

	memset(&control, 0, sizeof(control));
	memset(&m, 0, sizeof(m));
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	m.msg_control = control.bytes;
	m.msg_controllen = sizeof(control.bytes);
	c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	do {
		n = sendmsg(end, &m, MSG_NOSIGNAL);
	} while (n == -1 && errno == EINTR);
	return n == 1;
}

int
passfd_receive(int end)
{
	char byte;
	struct iovec iov = { &byte, 1 };
	union control control;
	struct msghdr m;
	struct cmsghdr *c;
	ssize_t n;
	int fd = -1;

	memset(&m, 0, sizeof(m));
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	m.msg_control = control.bytes;
	m.msg_controllen = sizeof(control.bytes);
	do {
		n = recvmsg(end, &m, MSG_CMSG_CLOEXEC);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return -1;
	c = CMSG_FIRSTHDR(&m);
	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	if (fd == -1)
		errno = EBADMSG;	/* what did not fit was closed by the kernel */
	return fd;
}
