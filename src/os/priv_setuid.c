/*
 * priv without setresuid(2) (NetBSD): setuid(2) called by root sets the saved id as well. It cannot be read back, so
 * the caller's proof that root is out of reach carries the weight.
 *
 * Reviewed; its calls are POSIX, compiled on Linux; never run on NetBSD.
 */
#include <sys/types.h>

#include <unistd.h>

#include "os/priv.h"

bool
priv_set_ids(uid_t uid, gid_t gid)
{
	return setgid(gid) == 0 && setuid(uid) == 0;
}

bool
priv_have_ids(uid_t uid, gid_t gid)
{
	return getuid() == uid && geteuid() == uid && getgid() == gid && getegid() == gid;
}
