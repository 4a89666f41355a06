/*
 * gcm: AES-256-GCM, one message at a time. The only file of crypt/ that names OpenSSL, with the calls LibreSSL has too. A
 * nonce must never come twice under one key: who calls answers for that.
 */
#ifndef RINGD_GCM_H
#define RINGD_GCM_H

#include <stdbool.h>

#include "base/str.h"

#define GCM_KEY_SIZE	32
#define GCM_NONCE_SIZE	12
#define GCM_TAG_SIZE	16

/* out: plain.n bytes, may be plain.p itself. Aborts when the library fails: it then has no memory or is broken. */
void	gcm_seal(unsigned char *out, unsigned char tag[GCM_TAG_SIZE], const unsigned char key[GCM_KEY_SIZE],
	    const unsigned char nonce[GCM_NONCE_SIZE], struct str aad, struct str plain);
/* out: sealed.n bytes, zeroed and false when anything (key, nonce, aad, bytes, tag) is not what was sealed. */
bool	gcm_open(unsigned char *out, const unsigned char key[GCM_KEY_SIZE], const unsigned char nonce[GCM_NONCE_SIZE],
	    struct str aad, struct str sealed, const unsigned char tag[GCM_TAG_SIZE]);

#endif
