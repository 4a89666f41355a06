/*
 * inherit: listening sockets that somebody opened for us before we were: a service manager (socket activation), or the
 * master before us (upgrade). Found again by the address they are bound to, never by their order or number.
 */
#ifndef RINGD_INHERIT_H
#define RINGD_INHERIT_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"

#define INHERIT_MAX		(2 * CONF_MAX_LISTEN)
#define INHERIT_ADDRESS_SIZE	144	/* "unix:" and a Unix socket's path; any IP address and port */
#define INHERIT_WHY_SIZE	256

struct inherited_socket {
	char	address[INHERIT_ADDRESS_SIZE];	/* as the configuration writes it */
	int	fd;
	bool	lent;		/* its file, if it has one, is somebody else's to remove */
	bool	taken;
};

struct inherited {
	struct inherited_socket	socket[INHERIT_MAX];
	size_t			n;
};

/* How many descriptors from 3 on LISTEN_PID and LISTEN_FDS say are ours; 0: none, -1: nonsense. */
int	inherit_count(const char *pid, const char *fds, pid_t self);
/* Adds fd, from now on non-blocking and closed by exec. false with why: not a listening stream socket; left open. */
bool	inherit_add(struct inherited *in, int fd, bool lent, char why[INHERIT_WHY_SIZE]);
/* The socket bound to a configured address, now taken; NULL: there is none. in may be NULL. */
const struct inherited_socket *inherit_take(struct inherited *in, const char *address);
/* Closes what nobody has taken and says so in the log. */
void	inherit_close_rest(struct inherited *in);
/* Removes the files of those closed so that were not lent. Once we are the master: until then they are another's. */
void	inherit_remove_rest(struct inherited *in);

#endif
