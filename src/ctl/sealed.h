/*
 * sealed: secrets that ringctl itself puts into the database: sealed with the key file, so that no process of the daemon but the
 * courier can open them.
 */
#ifndef RINGD_CTL_SEALED_H
#define RINGD_CTL_SEALED_H

#include "crypt/envelope.h"
#include "ctl/ctl.h"

#define SEALED_HEX_SIZE	(2 * ENVELOPE_MAX + 1)

struct ring {				/* the key file, read */
	struct secret	text;
	struct keyring	keys;
};

/* CTL_OK, or the failure has been told. ring_close() in any case. */
int	ring_open(struct ctl *c, const struct args *a, struct ring *r);
void	ring_close(struct ring *r);
/* A place in the column credentials of `table`, at app and row given as texts. */
struct envelope_place sealed_at(const char *table, const char *app_id, const char *row);
/* The record in hexadecimal digits, with a NUL, into hex; it holds nothing secret. */
int	sealed_make(const struct ring *r, const struct envelope_place *at, struct str plain, struct buf *hex);
int	sealed_open(const struct ring *r, const struct envelope_place *at, struct str hex, struct secret *plain);

#endif
