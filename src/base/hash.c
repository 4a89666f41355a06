/*
 * hash: digests, MACs and randomness. Only calls that OpenSSL 1.1.1, 3 and LibreSSL share. Never returns a wrong or
 * partial answer: when the library or the kernel fails, there is no safe way on, and the process ends.
 */
#include <sys/types.h>

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/hash.h"

#define ENTROPY_CHUNK	256	/* getentropy() gives no more at once */

static const void *
data_of(struct str s)
{
	return s.p != NULL ? s.p : "";
}

void
hash_sha256(unsigned char out[SHA256_SIZE], struct str data)
{
	unsigned int n = 0;

	if (EVP_Digest(data_of(data), data.n, out, &n, EVP_sha256(), NULL) != 1 || n != SHA256_SIZE)
		abort();
}

void
hash_sha256_parts(unsigned char out[SHA256_SIZE], const struct str *parts, size_t nparts)
{
	EVP_MD_CTX	*ctx = EVP_MD_CTX_new();
	unsigned char	 length[8];
	unsigned int	 n = 0;
	size_t		 i, k;

	if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		abort();
	for (i = 0; i < nparts; i++) {
		for (k = 0; k < sizeof(length); k++)
			length[k] = (unsigned char)((uint64_t)parts[i].n >> (56 - 8 * k));
		if (EVP_DigestUpdate(ctx, length, sizeof(length)) != 1 ||
		    EVP_DigestUpdate(ctx, data_of(parts[i]), parts[i].n) != 1)
			abort();
	}
	if (EVP_DigestFinal_ex(ctx, out, &n) != 1 || n != SHA256_SIZE)
		abort();
	EVP_MD_CTX_free(ctx);
}

void
hash_hmac_sha256(unsigned char out[SHA256_SIZE], struct str key, struct str data)
{
	unsigned int n = 0;

	if (key.n > INT_MAX ||
	    HMAC(EVP_sha256(), data_of(key), (int)key.n, data_of(data), data.n, out, &n) == NULL || n != SHA256_SIZE)
		abort();
}

void
hash_md5(unsigned char out[MD5_SIZE], struct str data)
{
	unsigned int n = 0;

	if (EVP_Digest(data_of(data), data.n, out, &n, EVP_md5(), NULL) != 1 || n != MD5_SIZE)
		abort();
}

uint32_t
hash_crc32(struct str data)
{
	uint32_t	crc = 0xffffffff;
	size_t		i;
	int		bit;

	for (i = 0; i < data.n; i++) {
		crc ^= (unsigned char)data.p[i];
		for (bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
	}
	return ~crc;
}

bool
hash_equal(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

void
hash_random(void *out, size_t n)
{
	unsigned char	*p = out;
	size_t		 chunk;

	for (; n > 0; p += chunk, n -= chunk) {
		chunk = n < ENTROPY_CHUNK ? n : ENTROPY_CHUNK;
		if (getentropy(p, chunk) != 0)
			abort();
	}
}

void
hash_wipe(void *p, size_t n)
{
	OPENSSL_cleanse(p, n);
}
