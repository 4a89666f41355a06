/*
 * hash: digests, MACs, text encodings and the system's randomness. With net/tls and crypt the only place that names
 * OpenSSL; kept to calls LibreSSL has too. A failure of the library here is a failure of the process: it aborts.
 */
#ifndef RINGD_HASH_H
#define RINGD_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define SHA256_SIZE	32
#define MD5_SIZE	16

void	hash_sha256(unsigned char out[SHA256_SIZE], struct str data);
/* SHA-256 over parts, each preceded by its length as 8 big-endian bytes, so that ("ab","c") and ("a","bc") differ. */
void	hash_sha256_parts(unsigned char out[SHA256_SIZE], const struct str *parts, size_t nparts);
void	hash_hmac_sha256(unsigned char out[SHA256_SIZE], struct str key, struct str data);
void	hash_md5(unsigned char out[MD5_SIZE], struct str data);	/* only for protocols that know nothing better */
uint32_t hash_crc32(struct str data);			/* IEEE 802.3, as zlib's crc32() */
bool	hash_equal(const void *a, const void *b, size_t n);	/* constant time */
void	hash_random(void *out, size_t n);		/* CSPRNG */
void	hash_wipe(void *p, size_t n);			/* zeroes, never optimised away */

/* Encoders write a NUL; decoders are strict (no blanks, no other alphabet) and return the bytes written or -1. */
void	hex_encode(char *out, const void *in, size_t n);		/* out: 2n+1, lower case */
long	hex_decode(unsigned char *out, size_t max, struct str in);	/* either case */
void	base64_encode(char *out, const void *in, size_t n);		/* out: 4*((n+2)/3)+1, padded */
long	base64_decode(unsigned char *out, size_t max, struct str in);	/* padding required, spare bits must be zero */
void	base64url_encode(char *out, const void *in, size_t n);		/* no padding; out: 4*((n+2)/3)+1 */
long	base64url_decode(unsigned char *out, size_t max, struct str in);/* padding refused, spare bits must be zero */

#endif
