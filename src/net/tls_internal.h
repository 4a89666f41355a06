/*
 * tls_internal: what the files of net/tls share; private to them.
 */
#ifndef RINGD_TLS_INTERNAL_H
#define RINGD_TLS_INTERNAL_H

#include <openssl/ssl.h>

#include "net/tls.h"
#include "net/tls_tickets.h"

/* One certificate: its context hands it out. */
struct tls_context {
	SSL_CTX			*ssl;
	struct tls_server	*server;
	unsigned char		*ocsp;		/* NULL: nothing to staple */
	size_t			 ocsp_len;
	int64_t			 ocsp_until;	/* unix seconds; a response that is too old is not handed out */
};

struct tls_server {
	struct tls_context	*context;
	size_t			 n;
	struct tls_names	 names;
	struct tls_tickets	*tickets;
};

/* A certificate's files, parsed and found to fit together. */
struct tls_cert {
	X509		*own;
	STACK_OF(X509)	*chain;		/* without own */
	EVP_PKEY	*key;
	int64_t		 ocsp_until;
};

/* tls_cert.c */
bool	tls_cert_open(struct tls_cert *c, const struct tls_files *f, struct tls_fault *fault);	/* false: nothing to close */
void	tls_cert_close(struct tls_cert *c);
bool	tls_cert_use(const struct tls_cert *c, SSL_CTX *ctx);		/* false: the library says why */
bool	tls_cert_names(const struct tls_cert *c, struct tls_names *names, size_t number);	/* false: no memory */
void	tls_reason(char why[TLS_WHY_SIZE], const char *otherwise);	/* the library's last complaint, as text */

/* tls_resume.c */
bool	tls_resume_set(SSL_CTX *ctx);

/* tls_ocsp.c: true when der is a response about own that says it is good; *until: when it is too old. */
bool	tls_ocsp_check(struct str der, X509 *own, int64_t *until, char why[TLS_WHY_SIZE]);
int64_t	tls_time(const ASN1_TIME *t);		/* unix seconds; INT64_MIN: not a time */

/* tls_context.c: SSL_CTX_set_app_data() and back. */
static inline struct tls_context *
tls_context_of(const SSL *ssl)
{
	return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

#endif
