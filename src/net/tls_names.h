/*
 * tls_names: which certificate serves which host name. Pure. Names are compared without case; "*.example.com" stands
 * for one more label, and an exact name goes before it.
 */
#ifndef RINGD_TLS_NAMES_H
#define RINGD_TLS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define TLS_NAME_SIZE	256	/* a DNS name has at most 253 bytes */

struct tls_name {
	char	*text;		/* lower case */
	size_t	 cert;		/* whose it is */
};

struct tls_names {
	struct tls_name	*name;	/* sorted by tls_names_sort */
	size_t		 n, cap;
};

/* false only without memory; a name that is none (empty, too long, odd bytes) is passed over. */
bool	tls_names_add(struct tls_names *l, struct str name, size_t cert);
void	tls_names_sort(struct tls_names *l);
/* After sorting: the certificate for a host, or -1. */
long	tls_names_find(const struct tls_names *l, const char *host);
/* After sorting: the first name that two certificates have, *other being the earlier one's; NULL: none. */
const struct tls_name	*tls_names_twice(const struct tls_names *l, size_t *other);
void	tls_names_free(struct tls_names *l);

#endif
