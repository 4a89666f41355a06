/*
 * priv: the way from root to the service user, once and for good. Also the two things root does for that user
 * beforehand: looking it up, and giving it a file.
 */
#ifndef RINGD_PRIV_H
#define RINGD_PRIV_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#define PRIV_NAME_SIZE	64
#define PRIV_WHY_SIZE	256

struct service_user {
	char	name[PRIV_NAME_SIZE];	/* "": none was named, we stay who we are */
	uid_t	uid;
	gid_t	gid;
};

/*
 * Looks up user and group (NULL group: the user's own; NULL user: none). false with a sentence in why when one does
 * not exist or is root's.
 */
bool	priv_lookup(struct service_user *u, const char *user, const char *group, char why[PRIV_WHY_SIZE]);
bool	priv_is_root(void);		/* by real or effective id */
/*
 * Becomes u in all ids and groups and proves that there is no way back. false with a sentence in why; the caller must
 * then leave at once, for what it holds is neither root nor the user.
 */
bool	priv_drop(const struct service_user *u, char why[PRIV_WHY_SIZE]);
/*
 * Makes an open file u's, so that u can open it again by its name. Refused (false, why) unless it is a regular file
 * with one name, that name, and root's or u's already: the directory may be one where u can plant links.
 */
bool	priv_give_file(int fd, const char *path, const struct service_user *u, char why[PRIV_WHY_SIZE]);

/* The system's part, one file per technique: sets all user and group ids; tells whether all of them are so. */
bool	priv_set_ids(uid_t uid, gid_t gid);
bool	priv_have_ids(uid_t uid, gid_t gid);

#endif
