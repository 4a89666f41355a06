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
#include "os/notify.h"

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
notify_stopping(const struct notify *n, const char *status)
{
	send_state(n, "STOPPING=1", status);
}
