/*
 * tls_conn: one connection's bytes. Turns the library's three-way answers into those of recv() and send(), so that its
 * caller has one way of reading and writing. Never blocks and never holds back an answer's bytes of its own.
 */
#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "net/tls_internal.h"

struct tls {
	SSL	*ssl;
	bool	 more;
	bool	 unsent;		/* part of a record waits for room */
	bool	 read_wants_write, write_wants_read;
	bool	 dead;			/* the library's state is broken: no call but free */
};

struct tls *
tls_new(const struct tls_server *s, int fd)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (t == NULL || (t->ssl = SSL_new(s->context[0].ssl)) == NULL || SSL_set_fd(t->ssl, fd) != 1) {
		tls_free(t);
		return NULL;
	}
	SSL_set_accept_state(t->ssl);
	return t;
}

/* LibreSSL cannot tell of records it has read and not opened yet; there one asks until there is nothing. */
static bool
has_more(const SSL *ssl)
{
#ifdef LIBRESSL_VERSION_NUMBER
	(void)ssl;
	return true;
#else
	return SSL_has_pending(ssl) == 1;
#endif
}

static void
why_failed(int error, char why[TLS_WHY_SIZE])
{
	if (error == SSL_ERROR_SSL && ERR_peek_last_error() != 0)
		tls_reason(why, "a fault of the protocol");
	else if (error == SSL_ERROR_SYSCALL && errno != 0)
		snprintf(why, TLS_WHY_SIZE, "%s", strerror(errno));
	else
		snprintf(why, TLS_WHY_SIZE, "the client went away");
}

enum tls_step
tls_handshake(struct tls *t, char why[TLS_WHY_SIZE])
{
	int r, error;

	ERR_clear_error();
	errno = 0;
	r = SSL_do_handshake(t->ssl);
	if (r == 1) {
		t->more = has_more(t->ssl);
		return TLS_DONE;
	}
	error = SSL_get_error(t->ssl, r);
	if (error == SSL_ERROR_WANT_READ)
		return TLS_WANT_READ;
	if (error == SSL_ERROR_WANT_WRITE)
		return TLS_WANT_WRITE;
	t->dead = true;
	why_failed(error, why);
	return TLS_FAILED;
}

bool
tls_resumed(const struct tls *t)
{
	return SSL_session_reused(t->ssl) == 1;
}

ssize_t
tls_read(struct tls *t, void *p, size_t n)
{
	size_t got = 0;
	int r, error;

	t->more = false;
	t->read_wants_write = false;
	if (t->dead) {
		errno = ECONNRESET;
		return -1;
	}
	ERR_clear_error();
	errno = 0;
	r = SSL_read_ex(t->ssl, p, n, &got);
	if (r == 1) {
		t->more = has_more(t->ssl);
		return (ssize_t)got;
	}
	error = SSL_get_error(t->ssl, r);
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
		t->read_wants_write = error == SSL_ERROR_WANT_WRITE;
		errno = EAGAIN;
		return -1;
	}
	if (error == SSL_ERROR_ZERO_RETURN)
		return 0;
	/* An end that was not announced: we may still write. */
	if (error == SSL_ERROR_SYSCALL && errno == 0)
		return 0;
	t->dead = true;
	ERR_clear_error();
	errno = ECONNRESET;
	return -1;
}

ssize_t
tls_write(struct tls *t, const void *p, size_t n)
{
	size_t sent = 0;
	int r, error;

	t->write_wants_read = false;
	if (n > TLS_RECORD)
		n = TLS_RECORD;
	if (t->dead) {
		errno = ECONNRESET;
		return -1;
	}
	ERR_clear_error();
	errno = 0;
	r = SSL_write_ex(t->ssl, p, n, &sent);
	if (r == 1) {
		t->unsent = false;
		return (ssize_t)sent;
	}
	error = SSL_get_error(t->ssl, r);
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
		t->unsent = true;
		t->write_wants_read = error == SSL_ERROR_WANT_READ;
		errno = EAGAIN;
		return -1;
	}
	t->dead = true;
	ERR_clear_error();
	errno = EPIPE;
	return -1;
}

bool
tls_more(const struct tls *t)
{
	return t->more;
}

bool
tls_read_wants_write(const struct tls *t)
{
	return t->read_wants_write;
}

bool
tls_write_wants_read(const struct tls *t)
{
	return t->write_wants_read;
}

void
tls_close(struct tls *t)
{
	if (t->dead || t->unsent || !SSL_is_init_finished(t->ssl) || (SSL_get_shutdown(t->ssl) & SSL_SENT_SHUTDOWN) != 0)
		return;
	ERR_clear_error();
	(void)SSL_shutdown(t->ssl);
	ERR_clear_error();
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	free(t);
}
