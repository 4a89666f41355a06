/*
 * passfd: hands an open descriptor from one process to another over a Unix datagram socket, a datagram a descriptor.
 */
#ifndef RINGD_PASSFD_H
#define RINGD_PASSFD_H

#include <stdbool.h>

/* Two ends of a datagram socket, non-blocking, close-on-exec. false with errno. */
bool	passfd_pair(int ends[2]);
/* The other side gets a copy; fd stays ours. false with errno: EAGAIN or ENOBUFS when too many wait there. */
bool	passfd_send(int end, int fd);
/* A descriptor, close-on-exec, ours to close; -1 with errno: EAGAIN when none waits, EBADMSG when a datagram held none. */
int	passfd_receive(int end);

#endif
