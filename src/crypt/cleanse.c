/*
 * cleanse: see cleanse.h.
 */
#include <sys/types.h>

#include <openssl/ssl.h>

#include "crypt/cleanse.h"

void
cleanse_tls(void *ssl_ctx)
{
#ifdef SSL_OP_CLEANSE_PLAINTEXT
	SSL_CTX_set_options(ssl_ctx, SSL_OP_CLEANSE_PLAINTEXT);
#else
	(void)ssl_ctx;
#endif
}
