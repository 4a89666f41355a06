/*
 * gcm: see gcm.h. The context, which holds the expanded key, is wiped and freed by the library before either call returns.
 */
#include <sys/types.h>

#include <limits.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "base/hash.h"
#include "crypt/gcm.h"

static EVP_CIPHER_CTX *
begin(const unsigned char *key, const unsigned char *nonce, bool seal)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx == NULL || EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, NULL, NULL, seal) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_IVLEN, GCM_NONCE_SIZE, NULL) != 1 ||
	    EVP_CipherInit_ex(ctx, NULL, NULL, key, nonce, seal) != 1)
		abort();
	return ctx;
}

static void
feed(EVP_CIPHER_CTX *ctx, unsigned char *out, struct str in)
{
	int n = 0;

	if (in.n > INT_MAX || (in.n > 0 && EVP_CipherUpdate(ctx, out, &n, (const unsigned char *)in.p, (int)in.n) != 1))
		abort();
}

void
gcm_seal(unsigned char *out, unsigned char tag[GCM_TAG_SIZE], const unsigned char key[GCM_KEY_SIZE],
    const unsigned char nonce[GCM_NONCE_SIZE], struct str aad, struct str plain)
{
	EVP_CIPHER_CTX *ctx = begin(key, nonce, true);
	unsigned char rest[GCM_TAG_SIZE];
	int n = 0;

	feed(ctx, NULL, aad);
	feed(ctx, out, plain);
	if (EVP_CipherFinal_ex(ctx, rest, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, GCM_TAG_SIZE, tag) != 1)
		abort();
	EVP_CIPHER_CTX_free(ctx);
}

bool
gcm_open(unsigned char *out, const unsigned char key[GCM_KEY_SIZE], const unsigned char nonce[GCM_NONCE_SIZE],
    struct str aad, struct str sealed, const unsigned char tag[GCM_TAG_SIZE])
{
	EVP_CIPHER_CTX *ctx = begin(key, nonce, false);
	unsigned char expected[GCM_TAG_SIZE], rest[GCM_TAG_SIZE];
	bool good;
	int n = 0;

	memcpy(expected, tag, sizeof(expected));	/* the library asks for bytes it could write to */
	if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, GCM_TAG_SIZE, expected) != 1)
		abort();
	feed(ctx, NULL, aad);
	feed(ctx, out, sealed);
	good = EVP_CipherFinal_ex(ctx, rest, &n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (!good)
		hash_wipe(out, sealed.n);	/* what was decrypted before the tag was seen to be wrong */
	return good;
}
