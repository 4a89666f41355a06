/*
 * reach: what a process will need of the machine once it is confined, as a list: files, sockets, ports. Whoever knows a
 * need adds it (db: what libpq opens), the role hands the list to its sandbox.
 */
#ifndef RINGD_REACH_H
#define RINGD_REACH_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#define REACH_PATHS_MAX	128
#define REACH_PORTS_MAX	32

enum reach_kind {
	REACH_READ,		/* a file, or everything below a folder */
	REACH_APPEND,		/* everything below a folder: made, and written at its end */
	REACH_SOCKET,		/* a Unix socket, to connect to; "@name" is an abstract one */
};

struct reach_path {
	enum reach_kind	 kind;
	char		*path;
	/* Set by the sandbox where a permission is bound to the file that was there and not to its name. */
	dev_t		 device;
	ino_t		 inode;		/* 0: there was none, or it could not be opened */
};

struct reach {			/* zeroed is empty */
	struct reach_path	path[REACH_PATHS_MAX];
	size_t			npaths;
	unsigned		port[REACH_PORTS_MAX];	/* of TCP, to connect to */
	size_t			nports;
	bool			any_port;
	bool			incomplete;	/* something did not fit; whoever confines must refuse the list */
	bool			bound;		/* device and inode count */
};

/* Copied; twice is once; a relative one is ignored. */
void	reach_path(struct reach *r, enum reach_kind kind, const char *path);
void	reach_folder_of(struct reach *r, enum reach_kind kind, const char *file);
void	reach_port(struct reach *r, unsigned port);	/* 0: any */
void	reach_free(struct reach *r);
/* A path that no longer leads where it led when the process was confined, so that it cannot be opened; or NULL. */
const char	*reach_stale(const struct reach *r);
/*
 * The same, and said in the log. Confined to files that others have replaced since, a process cannot read what could
 * bring its database back, a new name server or another password: it leaves, and a successor can.
 */
bool	reach_outdated(const struct reach *r);

#endif
