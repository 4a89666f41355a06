/*
 * peer: who is at the other end of a Unix socket, as the kernel says, and a list of those who are welcome.
 */
#ifndef RINGD_PEER_H
#define RINGD_PEER_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#define PEER_LIST_MAX	256	/* users of one list, members of its groups included */
#define PEER_GROUPS_MAX	32
#define PEER_WHY_SIZE	256

struct peer_cred {
	bool	known;		/* false: no Unix socket, so the kernel cannot tell */
	uid_t	uid;		/* effective, when it connected */
	gid_t	gid;
};

struct peer_list {
	uid_t	uid[PEER_LIST_MAX];
	size_t	nuids;
	gid_t	gid[PEER_GROUPS_MAX];
	size_t	ngids;
};

/* The system's part, one file each. false with errno: the kernel would not say. */
bool	peer_cred_of(int fd, struct peer_cred *out);

/*
 * Looks all names up. A group stands for its members as they are now, and for whoever has it as his own group. false
 * with a sentence in why when a name does not exist or they are too many.
 */
bool	peer_list_lookup(struct peer_list *l, char *const *users, size_t nusers, char *const *groups, size_t ngroups,
	    char why[PEER_WHY_SIZE]);
bool	peer_list_has(const struct peer_list *l, const struct peer_cred *who);

#endif
