/*
 * families: makes explicit what "*" and "localhost" mean, so that from here on entry i of the configuration is socket i
 * for the master and for every role. One socket for both families would be simpler, but not every system has that, and
 * clients would then come with mapped addresses.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc/families.h"

#define ADDRESS_SIZE	32	/* "127.0.0.1:65535" */

/* The kernel may know the family and yet have no address of it. */
static bool
has_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 in6;
	bool has;

	memset(&in6, 0, sizeof(in6));
	in6.sin6_family = AF_INET6;
	in6.sin6_addr.s6_addr[15] = 1;
	has = fd != -1 && bind(fd, (struct sockaddr *)&in6, sizeof(in6)) == 0;
	if (fd != -1)
		close(fd);
	return has;
}

static bool
rename_to(struct conf_listen *l, const char *host, unsigned port)
{
	char text[ADDRESS_SIZE];
	char *address;

	snprintf(text, sizeof(text), "%s:%u", host, port);
	address = strdup(text);
	if (address == NULL)
		return false;
	free(l->address);
	l->address = address;
	return true;
}

/* list[i] stands for two: makes room behind it and names both. */
static bool
split(struct conf_listen *list, size_t *n, size_t i, const struct conf_address *a)
{
	bool any = a->kind == CONF_ADDRESS_ANY;

	memmove(&list[i + 2], &list[i + 1], (*n - i - 1) * sizeof(list[0]));
	list[i + 1] = list[i];
	list[i + 1].address = NULL;
	*n += 1;
	return rename_to(&list[i], any ? "0.0.0.0" : "127.0.0.1", a->ip.port) &&
	    rename_to(&list[i + 1], any ? "[::]" : "[::1]", a->ip.port);
}

static bool
expand(struct conf_listen *list, size_t *n, bool ipv6, char why[FAMILIES_WHY_SIZE])
{
	struct conf_address a;
	bool done;

	for (size_t i = 0; i < *n; i++) {
		if (!conf_address_parse(list[i].address, &a) ||
		    (a.kind != CONF_ADDRESS_ANY && a.kind != CONF_ADDRESS_LOCALHOST))
			continue;
		if (ipv6 && *n == CONF_MAX_LISTEN) {
			snprintf(why, FAMILIES_WHY_SIZE,
			    "\"%s\" is two listeners, IPv4 and IPv6; with them there are more than %d", list[i].address,
			    CONF_MAX_LISTEN);
			return false;
		}
		done = ipv6 ? split(list, n, i, &a) :
		    rename_to(&list[i], a.kind == CONF_ADDRESS_ANY ? "0.0.0.0" : "127.0.0.1", a.ip.port);
		if (!done) {
			snprintf(why, FAMILIES_WHY_SIZE, "out of memory");
			return false;
		}
	}
	return true;
}

bool
families_expand(struct conf *c, char why[FAMILIES_WHY_SIZE])
{
	bool ipv6 = has_ipv6();

	return expand(c->listen, &c->nlisten, ipv6, why) && expand(c->admin, &c->nadmin, ipv6, why);
}
