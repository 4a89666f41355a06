/*
 * secret: bytes that must not be seen. Its own type, so that passing one to a printf-like function does not compile;
 * zeroed when freed; compared in constant time. secret_bytes() is the one way in, easy to grep for.
 */
#ifndef RINGD_SECRET_H
#define RINGD_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct secret {
	unsigned char	*bytes;		/* NULL = no secret; a NUL follows the last byte */
	size_t		 len;
};

bool	secret_set(struct secret *s, struct str value);	/* copies; wipes what was there; false without memory */
void	secret_free(struct secret *s);
/* Absent equals absent, so who checks a password asks secret_present first. */
bool	secret_equal(const struct secret *a, const struct secret *b);

static inline bool
secret_present(const struct secret *s)
{
	return s->bytes != NULL && s->len > 0;
}

static inline struct str
secret_bytes(const struct secret *s)
{
	return (struct str){ (const char *)s->bytes, s->len };
}

#endif
