/*
 * origin: scheme, host and port of a server, as one value: https://dialpad.com, https://api.example.com:8443. Pure.
 */
#ifndef RINGD_ORIGIN_H
#define RINGD_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define ORIGIN_HOST_SIZE	254	/* the longest name of DNS, and a NUL */
#define ORIGIN_TEXT_SIZE	(ORIGIN_HOST_SIZE + 16)

struct origin {
	bool		https;
	char		host[ORIGIN_HOST_SIZE];	/* lower case; an IPv6 address in its brackets */
	uint16_t	port;
};

/* Scheme https or http, a host name or address, perhaps a port; nothing else: no user, no path, no slash at the end. */
bool	origin_parse(struct origin *o, struct str text);
bool	origin_equal(const struct origin *a, const struct origin *b);
/* localhost, 127.0.0.0/8 or [::1], by its name alone. */
bool	origin_is_local(const struct origin *o);
bool	origin_is_address(const struct origin *o);	/* not a name */
void	origin_short(char out[ORIGIN_TEXT_SIZE], const struct origin *o);	/* as browsers write it: no port where it is the scheme's */
void	origin_text(char out[ORIGIN_TEXT_SIZE], const struct origin *o);	/* with the port, always */

#endif
