/*
 * cleanse: asks a TLS library that somebody else drives to forget what it has decrypted and handed over. Where it cannot
 * (LibreSSL has no such option), nothing happens.
 */
#ifndef RINGD_CLEANSE_H
#define RINGD_CLEANSE_H

void	cleanse_tls(void *ssl_ctx);	/* an SSL_CTX */

#endif
