/*
 * peer: lists of users. Names are looked up once, when a configuration is taken, so that a directory that is slow or
 * away never holds up a request.
 */
#include <sys/types.h>

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "net/peer.h"

static bool
add_uid(struct peer_list *l, uid_t uid, char why[PEER_WHY_SIZE])
{
	if (l->nuids == PEER_LIST_MAX) {
		snprintf(why, PEER_WHY_SIZE, "admin.users: more than %d users, the members of admin.groups included",
		    PEER_LIST_MAX);
		return false;
	}
	l->uid[l->nuids++] = uid;
	return true;
}

static bool
add_user(struct peer_list *l, const char *name, char why[PEER_WHY_SIZE])
{
	const struct passwd *pw = getpwnam(name);

	if (pw == NULL) {
		snprintf(why, PEER_WHY_SIZE, "admin.users: there is no user \"%.64s\" on this system", name);
		return false;
	}
	return add_uid(l, pw->pw_uid, why);
}

/* A member who has no account any more is nobody. */
static bool
add_group(struct peer_list *l, const char *name, char why[PEER_WHY_SIZE])
{
	const struct group *gr = getgrnam(name);
	const struct passwd *pw;

	if (gr == NULL) {
		snprintf(why, PEER_WHY_SIZE, "admin.groups: there is no group \"%.64s\" on this system", name);
		return false;
	}
	if (l->ngids == PEER_GROUPS_MAX) {
		snprintf(why, PEER_WHY_SIZE, "admin.groups: more than %d groups", PEER_GROUPS_MAX);
		return false;
	}
	l->gid[l->ngids++] = gr->gr_gid;
	for (char *const *member = gr->gr_mem; *member != NULL; member++) {
		pw = getpwnam(*member);
		if (pw != NULL && !add_uid(l, pw->pw_uid, why))
			return false;
	}
	return true;
}

bool
peer_list_lookup(struct peer_list *l, char *const *users, size_t nusers, char *const *groups, size_t ngroups,
    char why[PEER_WHY_SIZE])
{
	memset(l, 0, sizeof(*l));
	for (size_t i = 0; i < nusers; i++)
		if (!add_user(l, users[i], why))
			return false;
	for (size_t i = 0; i < ngroups; i++)
		if (!add_group(l, groups[i], why))
			return false;
	return true;
}

bool
peer_list_has(const struct peer_list *l, const struct peer_cred *who)
{
	for (size_t i = 0; i < l->nuids && who->known; i++)
		if (l->uid[i] == who->uid)
			return true;
	for (size_t i = 0; i < l->ngids && who->known; i++)
		if (l->gid[i] == who->gid)
			return true;
	return false;
}
