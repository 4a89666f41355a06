/*
 * conf_address: the text of a listener's address. Numeric addresses only, because a name server must not decide what a
 * daemon listens on; localhost is the one name, and is never looked up.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <string.h>

#include "base/num.h"
#include "conf/conf.h"

static bool
parse_unix(const char *path, struct conf_address *out)
{
	/* The array must hold the NUL too; its size differs between systems. */
	if (path[0] != '/' || path[1] == '\0' || strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return false;
	out->kind = CONF_ADDRESS_UNIX;
	out->path = path;
	return true;
}

static bool
parse_host(struct str host, struct conf_address *out)
{
	int	family = str_starts(host, STR("[")) ? AF_INET6 : AF_INET;

	if (str_eq(host, STR("*")))
		out->kind = CONF_ADDRESS_ANY;
	else if (str_eq(host, STR("localhost")))
		out->kind = CONF_ADDRESS_LOCALHOST;
	else {
		out->kind = CONF_ADDRESS_IP;
		return addr_parse_ip(&out->ip, host) && out->ip.family == family;
	}
	return true;
}

bool
conf_address_parse(const char *text, struct conf_address *out)
{
	const char	*colon = strrchr(text, ':');
	int64_t		 port;

	memset(out, 0, sizeof(*out));
	if (strncmp(text, "unix:", 5) == 0)
		return parse_unix(text + 5, out);
	if (colon == NULL || !parse_host((struct str){ text, (size_t)(colon - text) }, out) ||
	    !num_i64(str_c(colon + 1), 1, 65535, &port))
		return false;
	out->ip.port = (uint16_t)port;
	return true;
}

bool
conf_address_is_local(const struct conf_address *a)
{
	return a->kind == CONF_ADDRESS_UNIX || a->kind == CONF_ADDRESS_LOCALHOST ||
	    (a->kind == CONF_ADDRESS_IP && addr_is_loopback(&a->ip));
}
