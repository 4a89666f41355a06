/*
 * peer_bsd: getpeereid, which OpenBSD declares in sys/socket.h, FreeBSD and NetBSD in unistd.h.
 *
 * Reviewed against those headers; compiled on Linux with the prototype they have; never run.
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
