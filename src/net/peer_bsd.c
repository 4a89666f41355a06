/*
 * peer_bsd: getpeereid, which OpenBSD declares in sys/socket.h, FreeBSD and NetBSD in unistd.h.
 *
 * Reviewed against the manual pages; compiled on Linux with the prototype written by hand, not with those headers; never run.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <unistd.h>

#include "net/peer.h"

bool
peer_cred_of(int fd, struct peer_cred *out)
{
	out->known = getpeereid(fd, &out->uid, &out->gid) == 0;
	return out->known;
}
