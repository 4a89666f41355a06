/*
 * birth: see birth.h. Runs before anything else opens a descriptor that could be taken for one of those.
 */
#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/count.h"
#include "base/log.h"
#include "os/fds.h"
#include "os/notify.h"
#include "proc/birth.h"

#define FIRST_FD	3	/* of those that socket activation hands over */

static void
keep_text(char *out, size_t size, const char *text)
{
	if (text != NULL && strlen(text) < size)
		snprintf(out, size, "%s", text);
}

static void
read_watchdog(struct birth *b)
{
	const char *usec = getenv("WATCHDOG_USEC");

	b->watchdog_ms = notify_watchdog_ms(usec, getenv("WATCHDOG_PID"), getpid());
	if (b->watchdog_ms > 0)
		keep_text(b->watchdog_usec, sizeof(b->watchdog_usec), usec);
}

static void
read_activation(struct birth *b)
{
	int n = inherit_count(getenv("LISTEN_PID"), getenv("LISTEN_FDS"), getpid());
	char why[INHERIT_WHY_SIZE];

	if (n == -1)
		log_warn("LISTEN_PID and LISTEN_FDS: expected a process and a number up to %d; nothing is taken from them",
		    INHERIT_MAX);
	for (int fd = FIRST_FD; fd < FIRST_FD + n; fd++)
		if (!inherit_add(&b->inherited, fd, true, why)) {
			log_warn("LISTEN_FDS: %s: closed", why);
			close(fd);
		}
}

static bool
read_handover(struct birth *b, char why[BIRTH_WHY_SIZE])
{
	const char *text = getenv(HANDOVER_VARIABLE);
	struct handover *h = &b->handover;
	char which[INHERIT_WHY_SIZE];

	h->link_fd = h->pid_fd = -1;
	if (text == NULL)
		return true;
	if (!handover_parse(h, text)) {
		snprintf(why, BIRTH_WHY_SIZE, HANDOVER_VARIABLE " is not what this version understands");
		h->link_fd = -1;
		return false;
	}
	if (fds_close_on_exec(h->link_fd, true) == -1 ||
	    (h->pid_fd != -1 && fds_close_on_exec(h->pid_fd, true) == -1)) {
		snprintf(why, BIRTH_WHY_SIZE, HANDOVER_VARIABLE " names a descriptor that is not open");
		return false;
	}
	for (size_t i = 0; i < h->n; i++)
		if (!inherit_add(&b->inherited, h->listener[i].fd, h->listener[i].lent, which)) {
			snprintf(why, BIRTH_WHY_SIZE, HANDOVER_VARIABLE ": %s", which);
			return false;
		}
	return true;
}

bool
birth_read(struct birth *b, char why[BIRTH_WHY_SIZE])
{
	static const char *const ours[] = { "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS",
	    "LISTEN_FDNAMES", HANDOVER_VARIABLE };
	bool good;

	memset(b, 0, sizeof(*b));
	keep_text(b->notify_path, sizeof(b->notify_path), getenv("NOTIFY_SOCKET"));
	read_watchdog(b);
	read_activation(b);
	good = read_handover(b, why);
	for (size_t i = 0; i < COUNT(ours); i++)
		unsetenv(ours[i]);
	return good;
}
