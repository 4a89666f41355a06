/*
 * secret: owns a copy of bytes that must not be seen. Never frees without wiping, never prints.
 */
#include <sys/types.h>

#include <stdint.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/secret.h"

bool
secret_set(struct secret *s, struct str value)
{
	unsigned char *copy = NULL;

	if (value.p != NULL) {
		if (value.n == SIZE_MAX || (copy = malloc(value.n + 1)) == NULL)
			return false;
		memcpy(copy, value.p, value.n);
		copy[value.n] = '\0';
	}
	secret_free(s);		/* only now: value may be a part of it */
	s->bytes = copy;
	s->len = copy != NULL ? value.n : 0;
	return true;
}

void
secret_free(struct secret *s)
{
	if (s->bytes != NULL) {
		hash_wipe(s->bytes, s->len);
		free(s->bytes);
	}
	s->bytes = NULL;
	s->len = 0;
}

bool
secret_equal(const struct secret *a, const struct secret *b)
{
	if ((a->bytes == NULL) != (b->bytes == NULL) || a->len != b->len)
		return false;
	return a->len == 0 || hash_equal(a->bytes, b->bytes, a->len);
}
