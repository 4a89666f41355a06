/*
 * inherit: see inherit.h. Believes nothing of what it is told but the numbers: what each descriptor is, and where it is
 * bound, is asked of the kernel.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "os/fds.h"
#include "proc/inherit.h"

#define UNIX	"unix:"

int
inherit_count(const char *pid, const char *fds, pid_t self)
{
	int64_t whose, n;

	if (pid == NULL || fds == NULL)
		return 0;
	if (!num_i64(str_c(pid), 1, INT32_MAX, &whose) || !num_i64(str_c(fds), 0, INHERIT_MAX, &n))
		return -1;
	return whose == self ? (int)n : 0;
}

static void
put_ip(char out[INHERIT_ADDRESS_SIZE], const struct addr *a)
{
	char ip[ADDR_TEXT_SIZE];

	addr_text(ip, a);
	snprintf(out, INHERIT_ADDRESS_SIZE, a->family == AF_INET6 ? "[%s]:%u" : "%s:%u", ip, (unsigned)a->port);
}

/* Where it is bound. An abstract Unix name or none at all is no address that a configuration can have. */
static bool
bound_to(int fd, char out[INHERIT_ADDRESS_SIZE])
{
	struct sockaddr_storage ss;
	const struct sockaddr_un *un = (const struct sockaddr_un *)&ss;
	socklen_t len = sizeof(ss);
	struct addr a;

	memset(&ss, 0, sizeof(ss));
	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1)
		return false;
	if (ss.ss_family == AF_UNIX) {
		snprintf(out, INHERIT_ADDRESS_SIZE, UNIX "%.*s", (int)sizeof(un->sun_path), un->sun_path);
		return un->sun_path[0] == '/';
	}
	if (!addr_from_sockaddr(&a, (const struct sockaddr *)&ss, len))
		return false;
	put_ip(out, &a);
	return true;
}

static bool
is_listening_stream(int fd)
{
	int type = 0, listening = 0;
	socklen_t len = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1 || type != SOCK_STREAM)
		return false;
	len = sizeof(listening);
	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && listening != 0;
}

bool
inherit_add(struct inherited *in, int fd, bool lent, char why[INHERIT_WHY_SIZE])
{
	struct inherited_socket *s = &in->socket[in->n];
	int flags;

	if (in->n == INHERIT_MAX) {
		snprintf(why, INHERIT_WHY_SIZE, "more than %d listening sockets", INHERIT_MAX);
		return false;
	}
	if (!is_listening_stream(fd) || !bound_to(fd, s->address)) {
		snprintf(why, INHERIT_WHY_SIZE, "descriptor %d is not a listening stream socket with an address", fd);
		return false;
	}
	flags = fcntl(fd, F_GETFL);
	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 || fds_close_on_exec(fd, true) == -1) {
		snprintf(why, INHERIT_WHY_SIZE, "descriptor %d: %s", fd, strerror(errno));
		return false;
	}
	s->fd = fd;
	s->lent = lent;
	s->taken = false;
	in->n++;
	return true;
}

/* One spelling for an address that can be written in several ways. */
static bool
spell(const char *address, char out[INHERIT_ADDRESS_SIZE])
{
	struct conf_address a;

	if (!conf_address_parse(address, &a))
		return false;
	if (a.kind == CONF_ADDRESS_UNIX)
		snprintf(out, INHERIT_ADDRESS_SIZE, UNIX "%s", a.path);
	else if (a.kind == CONF_ADDRESS_IP)
		put_ip(out, &a.ip);
	return a.kind == CONF_ADDRESS_UNIX || a.kind == CONF_ADDRESS_IP;
}

const struct inherited_socket *
inherit_take(struct inherited *in, const char *address)
{
	char wanted[INHERIT_ADDRESS_SIZE];

	if (in == NULL || !spell(address, wanted))
		return NULL;
	for (size_t i = 0; i < in->n; i++)
		if (!in->socket[i].taken && strcmp(in->socket[i].address, wanted) == 0) {
			in->socket[i].taken = true;
			return &in->socket[i];
		}
	return NULL;
}

void
inherit_close_rest(struct inherited *in)
{
	for (size_t i = 0; i < in->n; i++)
		if (!in->socket[i].taken) {
			log_event(LEVEL_WARN, "a socket was opened for us and is not in the configuration: closed",
			    LOG_C("endpoint", in->socket[i].address));
			close(in->socket[i].fd);
		}
}

void
inherit_remove_rest(struct inherited *in)
{
	const char *path;
	struct stat st;

	for (size_t i = 0; i < in->n; i++) {
		path = in->socket[i].address + sizeof(UNIX) - 1;
		if (!in->socket[i].taken && !in->socket[i].lent &&
		    strncmp(in->socket[i].address, UNIX, sizeof(UNIX) - 1) == 0 && lstat(path, &st) == 0 &&
		    S_ISSOCK(st.st_mode))
			unlink(path);
	}
}
