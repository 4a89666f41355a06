/*
 * notify: systemd's readiness protocol by hand: a datagram of lines to the Unix socket named in NOTIFY_SOCKET. Ours is
 * opened for each message, because there are few of them and a kept descriptor would have to be kept from children.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "os/notify.h"

#define WATCHDOG_USEC_MAX	(INT64_C(86400) * 1000000)

bool
notify_init(struct notify *n, const char *path)
{
	size_t len;

	memset(n, 0, sizeof(*n));
	if (path == NULL || *path == '\0')
		return true;
	len = strlen(path);
	if ((*path != '/' && *path != '@') || len < 2 || len >= sizeof(n->address.sun_path))
		return false;
	n->address.sun_family = AF_UNIX;
	memcpy(n->address.sun_path, path, len);
	n->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (*path == '@')
		n->address.sun_path[0] = '\0';	/* abstract: the name ends with the length */
	else
		n->length++;
	return true;
}

static void
send_text(const struct notify *n, const char *text)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd == -1)
		return;
	(void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&n->address, n->length);
	close(fd);
}

/* A newline inside the text would start another assignment. */
static void
send_state(const struct notify *n, const char *state, const char *status)
{
	char text[NOTIFY_TEXT_MAX];
	size_t head;

	if (n->length == 0)
		return;
	if (*status == '\0') {
		send_text(n, state);
		return;
	}
	head = (size_t)snprintf(text, sizeof(text), "%s\nSTATUS=", state);
	snprintf(text + head, sizeof(text) - head, "%s", status);
	for (char *p = text + head; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	send_text(n, text);
}

void
notify_ready(const struct notify *n, const char *status)
{
	send_state(n, "READY=1", status);
}

void
notify_reloading(const struct notify *n)
{
	char state[64];

	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_mono_us());
	send_state(n, state, "reloading");
}

void
notify_successor(const struct notify *n, pid_t pid, const char *status)
{
	char state[64];

	snprintf(state, sizeof(state), "MAINPID=%ld\nREADY=1", (long)pid);
	send_state(n, state, status);
}

void
notify_alive(const struct notify *n)
{
	send_state(n, "WATCHDOG=1", "");
}

int64_t
notify_watchdog_ms(const char *usec, const char *pid, pid_t self)
{
	int64_t period, whose;

	if (usec == NULL || !num_i64(str_c(usec), 1, WATCHDOG_USEC_MAX, &period))
		return 0;
	if (pid != NULL && (!num_i64(str_c(pid), 1, INT32_MAX, &whose) || whose != self))
		return 0;
	return period / 2000 > 0 ? period / 2000 : 1;
}

void
notify_stopping(const struct notify *n, const char *status)
{
	send_state(n, "STOPPING=1", status);
}
