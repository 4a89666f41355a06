/*
 * tls: the lower half of HTTPS. A tls_server holds what all connections of a process share (certificates by name,
 * versions, ciphers, ticket keys, staples); a struct tls is one connection on a raw, non-blocking descriptor that stays
 * its owner's. Only net/tls*, base/hash.c and crypt/ name OpenSSL, and use only what LibreSSL has too. No word of HTTP.
 */
#ifndef RINGD_TLS_H
#define RINGD_TLS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/tls_cert.h"

#define TLS_RECORD	16384	/* bytes of data in a full record; tls_write takes no more at once */

enum tls_version { TLS_1_2, TLS_1_3 };

struct tls_tickets;		/* net/tls_tickets.h */
struct tls_server;
struct tls;

struct tls_options {
	const struct tls_files	*files;		/* the first is for clients that name no host, or none of ours */
	size_t			 nfiles;
	enum tls_version	 min_version;
	struct tls_tickets	*tickets;	/* NULL: no resumption */
	int64_t			 ticket_lifetime_s;
};

/* Reads everything while it is made: the files' bytes are not needed afterwards. NULL with why. */
struct tls_server	*tls_server_new(const struct tls_options *o, char why[TLS_WHY_SIZE]);
void			 tls_server_free(struct tls_server *s);	/* after its connections */

enum tls_step { TLS_DONE, TLS_WANT_READ, TLS_WANT_WRITE, TLS_FAILED };

struct tls	*tls_new(const struct tls_server *s, int fd);	/* NULL without memory */
/* One step of the handshake, to be repeated when the descriptor is ready as asked. TLS_FAILED: why says it, for people. */
enum tls_step	 tls_handshake(struct tls *t, char why[TLS_WHY_SIZE]);
bool		 tls_resumed(const struct tls *t);	/* the handshake was cut short by a ticket */
/*
 * Like recv(): bytes, 0 at the end (told or not: HTTP frames its messages itself), -1 with errno; EAGAIN: nothing yet.
 * tls_more() then says whether bytes are left inside, of which the descriptor will not tell.
 */
ssize_t		 tls_read(struct tls *t, void *p, size_t n);
/* Like send(): bytes taken, at most TLS_RECORD, or -1. After EAGAIN the next call must bring the same bytes again, or more. */
ssize_t		 tls_write(struct tls *t, const void *p, size_t n);
bool		 tls_more(const struct tls *t);
/* What the last EAGAIN waits for is the other direction: reading for room to write, or writing for bytes. */
bool		 tls_read_wants_write(const struct tls *t);
bool		 tls_write_wants_read(const struct tls *t);
void		 tls_close(struct tls *t);		/* tells the peer that no more comes; once, never waits */
void		 tls_free(struct tls *t);		/* NULL is fine; the descriptor stays open */

#endif
