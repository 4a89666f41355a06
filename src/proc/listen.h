/*
 * listen: the listening sockets of a generation. Opened by the master, inherited by children; an address that the
 * generation before has too keeps its socket, and with it every connection still in its queue; so does one that was
 * handed to us already open.
 */
#ifndef RINGD_LISTEN_H
#define RINGD_LISTEN_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "conf/conf.h"
#include "os/priv.h"
#include "proc/inherit.h"

#define LISTEN_BACKLOG		1024
#define LISTEN_WHY_SIZE		512

struct listener {
	char	*address;	/* as configured */
	int	 fd;		/* -1: closed, the file (Unix) may still be there */
	/* Of a Unix socket's file, to remove no other; the time too, because inode numbers are used again at once. */
	dev_t	 dev;
	ino_t	 ino;
	struct timespec	made;
	bool	 lent;		/* socket activation: the file is never ours */
};

struct listeners {
	struct listener	http[CONF_MAX_LISTEN];
	struct listener	admin[CONF_MAX_LISTEN];
	size_t		nhttp, nadmin;
};

/*
 * Opens all addresses of c in its order, or shares them with old, or takes them from in (NULL: none). Unix sockets get mode 0660 (admin 0666)
 * and owner's ids when we are root. false: why says which address and what is wrong, everything newly opened is closed.
 */
bool	listeners_open(struct listeners *l, const struct conf *c, const struct listeners *old, struct inherited *in,
	    const struct service_user *owner, char why[LISTEN_WHY_SIZE]);
/* Closes what other (NULL: nobody) does not share and removes its socket files; l is empty afterwards. */
void	listeners_close(struct listeners *l, const struct listeners *other);
/* Closes the descriptors only: at a stop the last child to leave makes the address refuse; files stay till the end. */
void	listeners_close_fds(struct listeners *l);
/* The socket files of those that were handed over are ours to remove from now on; or no longer any of them is. */
void	listeners_own(struct listeners *l);
void	listeners_disown(struct listeners *l);

#endif
