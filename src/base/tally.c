/*
 * tally: see tally.h. Sizes are address space; memory is taken page by page as it is used.
 */
#include <sys/types.h>

#include <limits.h>
#include <string.h>

#include "base/tally.h"

#define REQUEST_SLOTS	(128u << 10)	/* 2 MB; a bucket is full, and an API key uncounted, at some ten times 5,000 keys */
#define FAILURE_SLOTS	(64u << 10)

_Static_assert(sizeof(struct key_use) <= _POSIX_PIPE_BUF, "a use must fit a pipe in one piece");

bool
tally_open(struct tally *t, size_t members)
{
	hash_random(t->secret, sizeof(t->secret));
	t->requests = rate_new(REQUEST_SLOTS);
	t->failures = rate_new(FAILURE_SLOTS);
	t->connections = crowd_new(members);
	return t->requests != NULL && t->failures != NULL && t->connections != NULL;
}

void
tally_close(const struct tally *t)
{
	rate_free(t->requests);
	rate_free(t->failures);
	crowd_free(t->connections);
}

static uint64_t
first_bytes(const unsigned char digest[SHA256_SIZE])
{
	uint64_t id;

	memcpy(&id, digest, sizeof(id));
	return id != 0 ? id : 1;
}

uint64_t
tally_id(const struct tally *t, struct str what)
{
	const struct str	parts[] = { { (const char *)t->secret, sizeof(t->secret) }, what };
	unsigned char		digest[SHA256_SIZE];

	hash_sha256_parts(digest, parts, 2);
	return first_bytes(digest);
}

/* The key is random and hashed: as good as any digest, and nobody's choice. */
uint64_t
tally_key_id(const unsigned char key_hash[SHA256_SIZE])
{
	return first_bytes(key_hash);
}
