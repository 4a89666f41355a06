/*
 * listen: makes listening sockets out of configured addresses. Never touches a byte of a connection, never takes a
 * Unix socket away from somebody who still answers on it, never follows a link while being root.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <netinet/in.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc/listen.h"

#define LISTEN_UNIX		"unix:"
#define LISTEN_MODE_HTTP	0660
#define LISTEN_MODE_ADMIN	0666	/* the peer's credentials decide, and they can change with a reload */

static bool
fault(char why[LISTEN_WHY_SIZE], const char *address, const char *what)
{
	snprintf(why, LISTEN_WHY_SIZE, "cannot listen on %s: %s", address, what);
	return false;
}

static bool
is_unix(const char *address)
{
	return strncmp(address, LISTEN_UNIX, sizeof(LISTEN_UNIX) - 1) == 0;
}

static const char *
unix_path(const char *address)
{
	return address + sizeof(LISTEN_UNIX) - 1;
}

/* An IP address and port into a socket's address; its length, or 0 when it is none. */
static socklen_t
inet_address(struct sockaddr_storage *ss, const char *address)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	struct conf_address a;

	memset(ss, 0, sizeof(*ss));
	if (!conf_address_parse(address, &a) || a.kind != CONF_ADDRESS_IP)
		return 0;
	ss->ss_family = (sa_family_t)a.ip.family;
	if (a.ip.family == AF_INET) {
		in->sin_port = htons(a.ip.port);
		memcpy(&in->sin_addr, a.ip.ip, sizeof(in->sin_addr));
		return sizeof(*in);
	}
	in6->sin6_port = htons(a.ip.port);
	memcpy(&in6->sin6_addr, a.ip.ip, sizeof(in6->sin6_addr));
	return sizeof(*in6);
}

static bool
open_inet(struct listener *l, char why[LISTEN_WHY_SIZE])
{
	struct sockaddr_storage ss;
	socklen_t len = inet_address(&ss, l->address);
	int on = 1, saved;

	if (len == 0)
		return fault(why, l->address, "expected an IP address, a colon and a port");
	l->fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd == -1)
		return fault(why, l->address, strerror(errno));
	if (setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    (ss.ss_family == AF_INET6 && setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == -1) ||
	    bind(l->fd, (struct sockaddr *)&ss, len) == -1 || listen(l->fd, LISTEN_BACKLOG) == -1) {
		saved = errno;
		close(l->fd);
		l->fd = -1;
		return fault(why, l->address, strerror(saved));
	}
	return true;
}

/* Makes way for bind(): a socket file that nobody answers on is left over from one that was killed. */
static bool
remove_stale(const char *address, const struct sockaddr_un *un, char why[LISTEN_WHY_SIZE])
{
	struct stat st;
	int fd, answered, saved;

	if (lstat(un->sun_path, &st) == -1)
		return errno == ENOENT || fault(why, address, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return fault(why, address, "there is a file of that name which is not a socket");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return fault(why, address, strerror(errno));
	answered = connect(fd, (const struct sockaddr *)un, sizeof(*un));
	saved = errno;
	close(fd);
	if (answered == 0 || saved == EAGAIN)	/* EAGAIN: its queue is full */
		return fault(why, address, "somebody answers on it");
	if (saved != ECONNREFUSED)
		return fault(why, address, strerror(saved));
	if (unlink(un->sun_path) == -1 && errno != ENOENT)
		return fault(why, address, strerror(errno));
	return true;
}

static bool
know_file(struct listener *l)
{
	struct stat st;

	if (lstat(unix_path(l->address), &st) == -1)
		return false;
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	l->made = st.st_ctim;
	return true;
}

/* The mode comes from the umask: between bind() and a chmod() there would be a moment, and chmod() follows links. */
static int
bind_unix(struct listener *l, const struct sockaddr_un *un, mode_t mode, const struct service_user *owner)
{
	mode_t mask = umask(0777 & ~mode);
	int rc = bind(l->fd, (const struct sockaddr *)un, sizeof(*un));

	umask(mask);
	if (rc == -1)
		return -1;
	if (priv_is_root() && owner->name[0] != '\0' && lchown(un->sun_path, owner->uid, owner->gid) == -1)
		return -1;
	return know_file(l) ? listen(l->fd, LISTEN_BACKLOG) : -1;
}

/* Removes the file if it is still the one we made, untouched; one that stays is removed by the next start. */
static void
remove_file(const struct listener *l)
{
	struct stat st;

	if (!is_unix(l->address) || l->ino == 0 || lstat(unix_path(l->address), &st) == -1)
		return;
	if (S_ISSOCK(st.st_mode) && st.st_dev == l->dev && st.st_ino == l->ino &&
	    st.st_ctim.tv_sec == l->made.tv_sec && st.st_ctim.tv_nsec == l->made.tv_nsec)
		unlink(unix_path(l->address));
}

static bool
open_unix(struct listener *l, mode_t mode, const struct service_user *owner, char why[LISTEN_WHY_SIZE])
{
	const char *path = unix_path(l->address);
	struct sockaddr_un un;
	int saved;

	memset(&un, 0, sizeof(un));
	un.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(un.sun_path))
		return fault(why, l->address, "the path is too long for a Unix socket");
	memcpy(un.sun_path, path, strlen(path));
	if (!remove_stale(l->address, &un, why))
		return false;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd == -1)
		return fault(why, l->address, strerror(errno));
	if (bind_unix(l, &un, mode, owner) == 0)
		return true;
	saved = errno;
	remove_file(l);
	close(l->fd);
	l->fd = -1;
	return fault(why, l->address, strerror(saved));
}

static const struct listener *
find(const struct listener *among, size_t n, const char *address)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(among[i].address, address) == 0)
			return &among[i];
	return NULL;
}

/* A Unix socket's file stays whoever's it was until listeners_own(). */
static bool
take_inherited(struct listener *l, struct inherited *in)
{
	const struct inherited_socket *s = inherit_take(in, l->address);

	if (s == NULL)
		return false;
	l->fd = s->fd;
	l->lent = s->lent;
	return true;
}

static bool
open_or_share(struct listener *l, const char *address, const struct listener *shared, struct inherited *in, mode_t mode,
    const struct service_user *owner, char why[LISTEN_WHY_SIZE])
{
	memset(l, 0, sizeof(*l));
	l->fd = -1;
	if (shared != NULL)
		*l = *shared;
	l->address = strdup(address);
	if (l->address == NULL)
		return fault(why, address, strerror(errno));
	if (shared != NULL || take_inherited(l, in))
		return true;
	return is_unix(address) ? open_unix(l, mode, owner, why) : open_inet(l, why);
}

bool
listeners_open(struct listeners *l, const struct conf *c, const struct listeners *old, struct inherited *in,
    const struct service_user *owner, char why[LISTEN_WHY_SIZE])
{
	static const struct listeners none;
	const struct listener *shared;

	if (old == NULL)
		old = &none;
	l->nhttp = l->nadmin = 0;
	for (size_t i = 0; i < c->nlisten; i++) {
		shared = find(old->http, old->nhttp, c->listen[i].address);
		if (!open_or_share(&l->http[l->nhttp++], c->listen[i].address, shared, in, LISTEN_MODE_HTTP, owner,
		    why))
			goto fail;
	}
	for (size_t i = 0; i < c->nadmin; i++) {
		shared = find(old->admin, old->nadmin, c->admin[i].address);
		if (!open_or_share(&l->admin[l->nadmin++], c->admin[i].address, shared, in, LISTEN_MODE_ADMIN, owner,
		    why))
			goto fail;
	}
	return true;
fail:
	listeners_close(l, old);
	return false;
}

static void
close_all(struct listener *l, size_t n, const struct listener *kept, size_t nkept)
{
	for (size_t i = 0; i < n; i++) {
		if (l[i].address != NULL && find(kept, nkept, l[i].address) == NULL) {
			remove_file(&l[i]);
			if (l[i].fd != -1)
				close(l[i].fd);
		}
		free(l[i].address);
	}
}

void
listeners_close(struct listeners *l, const struct listeners *other)
{
	static const struct listeners none;

	if (other == NULL)
		other = &none;
	close_all(l->http, l->nhttp, other->http, other->nhttp);
	close_all(l->admin, l->nadmin, other->admin, other->nadmin);
	l->nhttp = l->nadmin = 0;
}

void
listeners_close_fds(struct listeners *l)
{
	for (size_t i = 0; i < l->nhttp; i++) {
		if (l->http[i].fd != -1)
			close(l->http[i].fd);
		l->http[i].fd = -1;
	}
	for (size_t i = 0; i < l->nadmin; i++) {
		if (l->admin[i].fd != -1)
			close(l->admin[i].fd);
		l->admin[i].fd = -1;
	}
}

static void
own(struct listener *l, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_unix(l[i].address) && l[i].ino == 0 && !l[i].lent)
			(void)know_file(&l[i]);		/* gone: then there is nothing to remove either */
}

void
listeners_own(struct listeners *l)
{
	own(l->http, l->nhttp);
	own(l->admin, l->nadmin);
}

void
listeners_disown(struct listeners *l)
{
	for (size_t i = 0; i < l->nhttp; i++)
		l->http[i].ino = 0;
	for (size_t i = 0; i < l->nadmin; i++)
		l->admin[i].ino = 0;
}
