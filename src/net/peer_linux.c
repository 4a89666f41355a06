/*
 * peer_linux: SO_PEERCRED.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include "net/peer.h"

bool
peer_cred_of(int fd, struct peer_cred *out)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
		return false;
	*out = (struct peer_cred){ true, cred.uid, cred.gid };
	return true;
}
