/*
 * priv where setresuid(2) exists (Linux, FreeBSD, OpenBSD): real, effective and saved ids are set and read in one call.
 */
#include <sys/types.h>

#include <unistd.h>

#include "os/priv.h"

bool
priv_set_ids(uid_t uid, gid_t gid)
{
	return setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0;
}

bool
priv_have_ids(uid_t uid, gid_t gid)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	if (getresuid(&ruid, &euid, &suid) == -1 || getresgid(&rgid, &egid, &sgid) == -1)
		return false;
	return ruid == uid && euid == uid && suid == uid && rgid == gid && egid == gid && sgid == gid;
}
