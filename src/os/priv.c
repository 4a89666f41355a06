/*
 * priv: drops root in the one order that works (groups, group ids, user ids) and then disbelieves itself: every id is
 * read back, the groups are looked through, and an attempt to become root again has to fail. It never goes on after a
 * step that did not do what it should.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/priv.h"

#define PRIV_GROUPS_MAX	1024

bool
priv_lookup(struct service_user *u, const char *user, const char *group, char why[PRIV_WHY_SIZE])
{
	const struct passwd *pw;
	const struct group *gr;

	memset(u, 0, sizeof(*u));
	if (user == NULL)
		return true;
	pw = strlen(user) < sizeof(u->name) ? getpwnam(user) : NULL;
	if (pw == NULL) {
		snprintf(why, PRIV_WHY_SIZE, "user: there is no user \"%.64s\" on this system", user);
		return false;
	}
	u->uid = pw->pw_uid;
	u->gid = pw->pw_gid;
	if (group != NULL) {
		gr = getgrnam(group);
		if (gr == NULL) {
			snprintf(why, PRIV_WHY_SIZE, "group: there is no group \"%.64s\" on this system", group);
			return false;
		}
		u->gid = gr->gr_gid;
	}
	if (u->uid == 0 || u->gid == 0) {
		snprintf(why, PRIV_WHY_SIZE, "user: \"%.64s\" is root or in root's group; name another user", user);
		return false;
	}
	memcpy(u->name, user, strlen(user) + 1);
	return true;
}

bool
priv_is_root(void)
{
	return getuid() == 0 || geteuid() == 0;
}

static bool
say(char why[PRIV_WHY_SIZE], const char *what)
{
	snprintf(why, PRIV_WHY_SIZE, "cannot drop root: %s", what);
	return false;
}

static bool
say_errno(char why[PRIV_WHY_SIZE], const char *what)
{
	snprintf(why, PRIV_WHY_SIZE, "cannot drop root: %s: %s", what, strerror(errno));
	return false;
}

static bool
in_group_of_root(void)
{
	gid_t groups[PRIV_GROUPS_MAX];
	int n = getgroups(PRIV_GROUPS_MAX, groups);

	if (n < 0)
		return true;
	for (int i = 0; i < n; i++)
		if (groups[i] == 0)
			return true;
	return false;
}

bool
priv_drop(const struct service_user *u, char why[PRIV_WHY_SIZE])
{
	if (u->name[0] == '\0' || u->uid == 0 || u->gid == 0)
		return say(why, "no unprivileged user was named");
	if (initgroups(u->name, u->gid) == -1)
		return say_errno(why, "initgroups");
	if (!priv_set_ids(u->uid, u->gid))
		return say_errno(why, "setting the ids");
	if (!priv_have_ids(u->uid, u->gid))
		return say(why, "the ids read back are not the ones that were set");
	if (in_group_of_root())
		return say(why, "the user is still in root's group");
	if (setuid(0) != -1 || seteuid(0) != -1 || setgid(0) != -1 || setegid(0) != -1)
		return say(why, "the way back to root is open");
	return true;
}

bool
priv_give_file(int fd, const char *path, const struct service_user *u, char why[PRIV_WHY_SIZE])
{
	struct stat open_one, named;

	if (fstat(fd, &open_one) == -1 || lstat(path, &named) == -1) {
		snprintf(why, PRIV_WHY_SIZE, "%s", strerror(errno));
		return false;
	}
	if (!S_ISREG(named.st_mode) || open_one.st_dev != named.st_dev || open_one.st_ino != named.st_ino ||
	    open_one.st_nlink != 1) {
		snprintf(why, PRIV_WHY_SIZE, "not a plain file with one name");
		return false;
	}
	if (open_one.st_uid == u->uid && open_one.st_gid == u->gid)
		return true;
	if (open_one.st_uid != 0 && open_one.st_uid != u->uid) {
		snprintf(why, PRIV_WHY_SIZE, "it belongs to somebody else (uid %u)", (unsigned)open_one.st_uid);
		return false;
	}
	if (fchown(fd, u->uid, u->gid) == -1) {
		snprintf(why, PRIV_WHY_SIZE, "%s", strerror(errno));
		return false;
	}
	return true;
}
