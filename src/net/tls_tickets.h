/*
 * tls_tickets: the keys that session tickets are sealed with, in memory that all workers of all generations share, so
 * that a session begun at one is resumed at any other. Secrets: they live nowhere but here, are made new every period,
 * and are gone for good one period later.
 *
 * One writer, the master; readers copy and look whether the writer came between (a sequence lock), and give up after a
 * few tries: the handshake is then a full one. Nobody holds anything a dead process could leave locked.
 */
#ifndef RINGD_TLS_TICKETS_H
#define RINGD_TLS_TICKETS_H

#include <stdbool.h>
#include <stddef.h>

#define TLS_TICKET_KEYS		2	/* the one in use, and the one before, which opens but no longer seals */
#define TLS_TICKET_NAME		16

struct tls_ticket_key {
	unsigned char	name[TLS_TICKET_NAME];	/* public: stands in the ticket */
	unsigned char	cipher[32];		/* AES-256-CBC */
	unsigned char	mac[32];		/* HMAC-SHA256 */
};

struct tls_tickets;

struct tls_tickets	*tls_tickets_new(void);		/* anonymous shared mapping with a first key; NULL with errno */
/* The one writer's: a new key; the present one opens for one more period. */
void			 tls_tickets_rotate(struct tls_tickets *t);
/* The keys, newest first; the caller wipes them. false: they are being written. */
bool			 tls_tickets_get(const struct tls_tickets *t, struct tls_ticket_key out[TLS_TICKET_KEYS]);
void			 tls_tickets_unmap(struct tls_tickets *t);	/* for a process that has no business with them */

#endif
