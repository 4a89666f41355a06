/*
 * notify: tells a service manager how the start or reload goes, in systemd's datagram protocol, without its library.
 * Where nobody asked for it every call does nothing.
 */
#ifndef RINGD_NOTIFY_H
#define RINGD_NOTIFY_H

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <stdbool.h>
#include <stdint.h>

#define NOTIFY_TEXT_MAX	1024	/* a longer message is cut */

struct notify {
	struct sockaddr_un	address;
	socklen_t		length;		/* 0: nobody listens */
};

/* path: $NOTIFY_SOCKET, absolute, or '@' and an abstract name, or NULL. false: of another form, or too long. */
bool	notify_init(struct notify *n, const char *path);
/* Half of what WATCHDOG_USEC says, in ms; 0 when it is not set, not a number, or for another process than self. */
int64_t	notify_watchdog_ms(const char *usec, const char *pid, pid_t self);
/*
 * One datagram of NAME=value, then "STATUS=" and the text unless it is empty. Its control bytes become blanks.
 * Never blocks; a manager that does not listen is no reason to stop.
 */
void	notify_ready(const struct notify *n, const char *status);
void	notify_reloading(const struct notify *n);	/* with the monotonic time, as the manager wants it */
/* Another process serves from now on: the manager has to follow it. Sent by the one it knows. */
void	notify_successor(const struct notify *n, pid_t pid, const char *status);
void	notify_alive(const struct notify *n);		/* for its watchdog */
void	notify_stopping(const struct notify *n, const char *status);

#endif
