/*
 * tls_context: what is decided once for all connections: versions, ciphers, options, and the choice of a certificate by
 * the name a client asks for. Only AEAD ciphers with forward secrecy, no compression, no renegotiation, no early data,
 * no session cache in the process (tickets, sealed with shared keys, are enough).
 */
#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/clock.h"
#include "net/tls_internal.h"

#define CIPHERS_1_2	"ECDHE+AESGCM:ECDHE+CHACHA20"
#define GROUPS		"X25519:P-256:P-384"
#define ALPN_HTTP_1_1	"\x08http/1.1"

/* Not in LibreSSL, which does without: see tls_conn.c on an end that was not announced; its ciphers keep our order. */
#ifndef SSL_OP_IGNORE_UNEXPECTED_EOF
#define SSL_OP_IGNORE_UNEXPECTED_EOF	0
#endif
#ifndef SSL_OP_PRIORITIZE_CHACHA
#define SSL_OP_PRIORITIZE_CHACHA	0
#endif

/* No name, or none of ours: the first certificate, as if nobody had asked. */
static int
on_name(SSL *ssl, int *alert, void *arg)
{
	const struct tls_server *s = arg;
	const char *host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	long found = host != NULL ? tls_names_find(&s->names, host) : -1;

	(void)alert;
	if (found < 0)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_SSL_CTX(ssl, s->context[found].ssl);
	return SSL_TLSEXT_ERR_OK;
}

/* A client that offers protocols, but not ours, is told so: the handshake fails instead of ending in noise. */
static int
on_protocols(SSL *ssl, const unsigned char **out, unsigned char *outlen, const unsigned char *in, unsigned inlen,
    void *arg)
{
	const unsigned char *ours = (const unsigned char *)ALPN_HTTP_1_1;
	unsigned i;

	(void)ssl;
	(void)arg;
	for (i = 0; i < inlen; i += 1u + in[i]) {
		if (in[i] == ours[0] && i + 1u + in[i] <= inlen && memcmp(in + i, ours, 1u + ours[0]) == 0) {
			*out = in + i + 1;
			*outlen = ours[0];
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int
on_status(SSL *ssl, void *arg)
{
	const struct tls_context *c = tls_context_of(ssl);
	unsigned char *copy;

	(void)arg;
	if (c->ocsp == NULL || clock_real_ms() / 1000 >= c->ocsp_until)
		return SSL_TLSEXT_ERR_NOACK;
	copy = OPENSSL_malloc(c->ocsp_len);	/* the library frees it */
	if (copy == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	memcpy(copy, c->ocsp, c->ocsp_len);
	SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)c->ocsp_len);
	return SSL_TLSEXT_ERR_OK;
}

static bool
set_protocol(SSL_CTX *ctx, enum tls_version min)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);	/* a record's head and body with one call */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_alpn_select_cb(ctx, on_protocols, NULL);
	return SSL_CTX_set_min_proto_version(ctx, min == TLS_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION) == 1 &&
	    SSL_CTX_set_cipher_list(ctx, CIPHERS_1_2) == 1 && SSL_CTX_set1_groups_list(ctx, GROUPS) == 1;
}

static bool
set_tickets(SSL_CTX *ctx, const struct tls_options *o)
{
	static const unsigned char id[] = "ringd";	/* the same for all: a ticket of one certificate serves the others */

	if (o->tickets == NULL) {
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
		return SSL_CTX_set_num_tickets(ctx, 0) == 1;
	}
	SSL_CTX_set_timeout(ctx, (long)o->ticket_lifetime_s);
	return SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1) == 1 && tls_resume_set(ctx);
}

static bool
set_ocsp(struct tls_context *c, struct str der, int64_t until)
{
	if (der.p == NULL)
		return true;
	c->ocsp = malloc(der.n);
	if (c->ocsp == NULL)
		return false;
	memcpy(c->ocsp, der.p, der.n);
	c->ocsp_len = der.n;
	c->ocsp_until = until;
	SSL_CTX_set_tlsext_status_cb(c->ssl, on_status);
	return true;
}

static bool
context_make(struct tls_context *c, const struct tls_options *o, const struct tls_files *f, size_t number,
    char why[TLS_WHY_SIZE])
{
	struct tls_fault fault;
	struct tls_cert cert;
	bool good;

	if (!tls_cert_open(&cert, f, &fault)) {
		snprintf(why, TLS_WHY_SIZE, "%s", fault.why);
		return false;
	}
	c->ssl = SSL_CTX_new(TLS_server_method());
	good = c->ssl != NULL && set_protocol(c->ssl, o->min_version) && set_tickets(c->ssl, o) &&
	    tls_cert_use(&cert, c->ssl) && set_ocsp(c, f->ocsp, cert.ocsp_until) &&
	    tls_cert_names(&cert, &c->server->names, number) && SSL_CTX_set_app_data(c->ssl, c) == 1;
	if (good) {
		SSL_CTX_set_tlsext_servername_callback(c->ssl, on_name);
		SSL_CTX_set_tlsext_servername_arg(c->ssl, c->server);
	} else {
		tls_reason(why, "out of memory");
	}
	tls_cert_close(&cert);
	return good;
}

struct tls_server *
tls_server_new(const struct tls_options *o, char why[TLS_WHY_SIZE])
{
	struct tls_server *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->context = calloc(o->nfiles, sizeof(*s->context))) == NULL) {
		snprintf(why, TLS_WHY_SIZE, "out of memory");
		free(s);
		return NULL;
	}
	s->tickets = o->tickets;
	for (s->n = 0; s->n < o->nfiles; s->n++) {
		s->context[s->n].server = s;
		if (!context_make(&s->context[s->n], o, &o->files[s->n], s->n, why)) {
			s->n++;
			tls_server_free(s);
			return NULL;
		}
	}
	tls_names_sort(&s->names);
	return s;
}

void
tls_server_free(struct tls_server *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++) {
		SSL_CTX_free(s->context[i].ssl);
		free(s->context[i].ocsp);
	}
	tls_names_free(&s->names);
	free(s->context);
	free(s);
}
