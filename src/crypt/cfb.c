/*
 * cfb: see cfb.h.
 */
#include <sys/types.h>

#include <limits.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "crypt/cfb.h"

void
cfb_open(unsigned char *out, const unsigned char key[CFB_KEY_SIZE], const unsigned char iv[CFB_IV_SIZE], struct str sealed)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0;

	if (ctx == NULL || sealed.n > INT_MAX || EVP_CipherInit_ex(ctx, EVP_aes_256_cfb128(), NULL, key, iv, 0) != 1 ||
	    (sealed.n > 0 && EVP_CipherUpdate(ctx, out, &n, (const unsigned char *)sealed.p, (int)sealed.n) != 1))
		abort();
	EVP_CIPHER_CTX_free(ctx);
}
