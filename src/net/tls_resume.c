/*
 * tls_resume: seals and opens session tickets with the shared keys. The callback with an HMAC_CTX is old, but the only
 * one OpenSSL 1.1.1, 3 and LibreSSL all have; OpenSSL 3 only frowns at it.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <sys/types.h>

#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/hash.h"
#include "net/tls_internal.h"

enum { TICKET_ERROR = -1, TICKET_NONE = 0, TICKET_GOOD = 1, TICKET_RENEW = 2 };

static int
seal(const struct tls_ticket_key *key, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, HMAC_CTX *mac)
{
	int n = EVP_CIPHER_iv_length(EVP_aes_256_cbc());

	memcpy(name, key->name, TLS_TICKET_NAME);
	if (RAND_bytes(iv, n) != 1 || EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv) != 1 ||
	    HMAC_Init_ex(mac, key->mac, sizeof(key->mac), EVP_sha256(), NULL) != 1)
		return TICKET_ERROR;
	return TICKET_GOOD;
}

/* A ticket of nobody we know means a full handshake, no more. */
static int
unseal(const struct tls_ticket_key *keys, const unsigned char *name, const unsigned char *iv, EVP_CIPHER_CTX *cipher,
    HMAC_CTX *mac)
{
	int k = 0;

	while (k < TLS_TICKET_KEYS && memcmp(name, keys[k].name, TLS_TICKET_NAME) != 0)
		k++;
	if (k == TLS_TICKET_KEYS)
		return TICKET_NONE;
	if (HMAC_Init_ex(mac, keys[k].mac, sizeof(keys[k].mac), EVP_sha256(), NULL) != 1 ||
	    EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, keys[k].cipher, iv) != 1)
		return TICKET_ERROR;
	return k == 0 ? TICKET_GOOD : TICKET_RENEW;
}

static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, HMAC_CTX *mac, int sealing)
{
	struct tls_ticket_key keys[TLS_TICKET_KEYS];
	int done;

	if (!tls_tickets_get(tls_context_of(ssl)->server->tickets, keys))
		return TICKET_NONE;
	done = sealing ? seal(&keys[0], name, iv, cipher, mac) : unseal(keys, name, iv, cipher, mac);
	hash_wipe(keys, sizeof(keys));
	return done;
}

bool
tls_resume_set(SSL_CTX *ctx)
{
	return SSL_CTX_set_tlsext_ticket_key_cb(ctx, on_ticket) == 1;
}
