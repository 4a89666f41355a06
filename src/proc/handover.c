/*
 * handover: "1:LINK:PIDFILE:DATABASE:OWN,OWN:LENT,LENT". The first number is the form's own version. Whether a number
 * is the descriptor it should be is for whoever takes it.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "proc/handover.h"

#define VERSION		"1"
#define FD_MOST		(1 << 20)
#define LIST_SIZE	(INHERIT_MAX * 8)	/* seven digits and a comma each */

static void
put_listeners(const struct handover *h, bool lent, char *out, size_t size)
{
	const char *comma = "";

	out[0] = '\0';
	for (size_t i = 0; i < h->n; i++)
		if (h->listener[i].lent == lent) {
			snprintf(out + strlen(out), size - strlen(out), "%s%d", comma, h->listener[i].fd);
			comma = ",";
		}
}

void
handover_print(const struct handover *h, char out[HANDOVER_TEXT_SIZE])
{
	char own[LIST_SIZE], lent[LIST_SIZE], pid_fd[16] = "";

	put_listeners(h, false, own, sizeof(own));
	put_listeners(h, true, lent, sizeof(lent));
	if (h->pid_fd != -1)
		snprintf(pid_fd, sizeof(pid_fd), "%d", h->pid_fd);
	snprintf(out, HANDOVER_TEXT_SIZE, VERSION ":%d:%s:%d:%s:%s", h->link_fd, pid_fd, h->must_connect ? 1 : 0, own,
	    lent);
}

/* Not one of the three of every process, and not one that was named before. */
static bool
take_fd(const struct handover *h, struct str s, int *fd)
{
	int64_t v;

	if (!num_i64(s, 3, FD_MOST, &v) || v == h->link_fd || v == h->pid_fd)
		return false;
	for (size_t i = 0; i < h->n; i++)
		if (h->listener[i].fd == v)
			return false;
	*fd = (int)v;
	return true;
}

static bool
take_listeners(struct handover *h, struct str list, bool lent)
{
	struct str one;
	int fd;

	if (list.n == 0)
		return true;
	while (str_cut(&list, ',', &one)) {
		if (h->n == INHERIT_MAX || !take_fd(h, one, &fd))
			return false;
		h->listener[h->n].fd = fd;
		h->listener[h->n++].lent = lent;
	}
	return true;
}

bool
handover_parse(struct handover *h, const char *text)
{
	struct str rest = str_c(text), part[6];
	int64_t connect;

	memset(h, 0, sizeof(*h));
	h->link_fd = h->pid_fd = -1;
	for (size_t i = 0; i < 6; i++)
		if (!str_cut(&rest, ':', &part[i]))
			return false;
	if (rest.p != NULL || !str_eq(part[0], STR(VERSION)) || !take_fd(h, part[1], &h->link_fd) ||
	    (part[2].n > 0 && !take_fd(h, part[2], &h->pid_fd)) || !num_i64(part[3], 0, 1, &connect))
		return false;
	h->must_connect = connect == 1;
	return take_listeners(h, part[4], false) && take_listeners(h, part[5], true);
}
