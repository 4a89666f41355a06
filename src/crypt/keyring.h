/*
 * keyring: the master keys by their ids, as they stand in the key file. Pure. Text, one key a line:
 *
 *	ID:KEY:CREATED		1:64 hexadecimal digits:2026-11-26T21:14:43.000Z
 *
 * ID is a number from 1 on and never used again; the key of the highest id is the newest: it encrypts, all others only
 * decrypt. CREATED is for people. Empty lines and lines that begin with '#' are passed over.
 */
#ifndef RINGD_KEYRING_H
#define RINGD_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "crypt/gcm.h"

#define KEYRING_MAX		64		/* keys; a year of weekly ones */
#define KEYRING_FILE_MAX	((size_t)64 * 1024)
#define KEYRING_WHY_SIZE	384
#define KEYRING_LINE_SIZE	128

struct key {
	uint32_t	id;
	int64_t		created_ms;	/* since 1970 */
	unsigned char	bytes[GCM_KEY_SIZE];
};

struct keyring {
	struct key	key[KEYRING_MAX];	/* by id, ascending */
	size_t		n;
};

/* All or nothing. false: why is "file:line: what was expected" and holds nothing of the line. An empty ring is refused. */
bool	keyring_parse(struct keyring *k, struct str text, const char *file, char why[KEYRING_WHY_SIZE]);
void	keyring_wipe(struct keyring *k);
const struct key *keyring_find(const struct keyring *k, uint32_t id);	/* NULL: not there */
const struct key *keyring_newest(const struct keyring *k);		/* NULL: the ring is empty */
/* A fresh key from the system's randomness; the caller wipes it. */
void	key_make(struct key *key, uint32_t id, int64_t now_ms);
void	key_line(char out[KEYRING_LINE_SIZE], const struct key *key);	/* with its newline; a secret */

#endif
