/*
 * envelope: a secret as it may stand in the database. A record is
 *
 *	version (1 byte, 1) | key id (4, big-endian) | nonce (12, random) | ciphertext | tag (16)
 *
 * sealed with AES-256-GCM. What is not in the record but sealed with it (AAD) is the place it stands in: table, column,
 * app, row and key id, each behind its length. A record moved to another row, column or app does not open there.
 *
 * The key is not the master key itself but one for each app, HMAC-SHA256(master key, label and app id): random nonces
 * of 96 bits are good for 2^32 messages a key, and so that is the limit of one app under one master key, not of the
 * installation. A Dialpad connection whose two tokens are refreshed each hour seals 17,520 a year.
 */
#ifndef RINGD_ENVELOPE_H
#define RINGD_ENVELOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/secret.h"
#include "base/uuid.h"
#include "crypt/keyring.h"

#define ENVELOPE_VERSION	1
#define ENVELOPE_HEAD		(1 + 4)			/* version and key id */
#define ENVELOPE_OVERHEAD	(ENVELOPE_HEAD + GCM_NONCE_SIZE + GCM_TAG_SIZE)
#define ENVELOPE_PLAIN_MAX	((size_t)64 * 1024)	/* longest secret */
#define ENVELOPE_MAX		(ENVELOPE_PLAIN_MAX + ENVELOPE_OVERHEAD)

struct envelope_place {
	const char	*table, *column;
	struct uuid	 app, row;
};

enum envelope_result {
	ENVELOPE_OK,
	ENVELOPE_MALFORMED,	/* not a record, or of a version this program does not know */
	ENVELOPE_NO_KEY,	/* sealed with a key that is not in the ring */
	ENVELOPE_FORGED,	/* changed, or moved from another place */
	ENVELOPE_NO_MEMORY,
};

/* Appends the record, sealed with the newest key, to out. false: too long, no key, or no memory. */
bool	envelope_seal(struct buf *out, const struct keyring *k, const struct envelope_place *at,
	    const struct secret *plain);
enum envelope_result envelope_open(struct secret *plain, const struct keyring *k, const struct envelope_place *at,
	    struct str record);
bool	envelope_key_id(struct str record, uint32_t *id);	/* false: no record */
/* The first bytes of every record under this key. */
void	envelope_head(unsigned char out[ENVELOPE_HEAD], uint32_t key_id);
const char *envelope_result_text(enum envelope_result r);	/* to follow the place in an error */

#endif
