/*
 * jwt: a signed token taken apart (RFC 7515, compact). Only HS256 is ever accepted, whatever the header asks for; a header
 * that asks for anything we must understand ("crit") is refused, and no other member of it is looked at: no key is chosen
 * by what a stranger wrote. Works on the bytes as received; what the claims mean is the caller's business. Pure.
 */
#ifndef RINGD_JWT_H
#define RINGD_JWT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/json_read.h"

enum jwt_verdict {
	JWT_OPEN,		/* well formed; who signed it is another question */
	JWT_MALFORMED,
	JWT_NO_MEMORY,		/* the arena is full: the token may be fine */
};

struct jwt {
	struct str	claims;		/* decoded, in the arena; any bytes */
	struct str	signed_part;	/* header.claims, in the text given */
	unsigned char	mac[SHA256_SIZE];
	bool		mac_ok;		/* it has the length of one; else no secret can fit */
};

/* lim is for the header. JWT_MALFORMED with *why, a static text. */
enum jwt_verdict jwt_open(struct jwt *t, struct arena *a, struct str text, const struct json_limits *lim, const char **why);
/* Constant time in the secret. An empty secret has signed nothing. */
bool	jwt_signed_by(const struct jwt *t, struct str secret);

#endif
