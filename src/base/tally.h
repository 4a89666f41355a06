/*
 * tally: what all processes count together, from the first fork to the last: opened by the master, inherited by every
 * generation, so that neither a reload nor a death changes a count.
 */
#ifndef RINGD_TALLY_H
#define RINGD_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crowd.h"
#include "base/hash.h"
#include "base/rate.h"
#include "base/uuid.h"

struct tally {
	struct rate	*requests;	/* by API key, of those that were good */
	struct rate	*failures;	/* by address: requests without a good key */
	struct crowd	*connections;	/* by address */
	unsigned char	 secret[SHA256_SIZE];	/* so that nobody can choose addresses that meet in a table */
};

/* members: processes there can be at a time, numbered from 0. false with errno. */
bool		tally_open(struct tally *t, size_t members);
void		tally_close(const struct tally *t);	/* for this process; the others go on counting */
uint64_t	tally_id(const struct tally *t, struct str what);	/* never 0 */
uint64_t	tally_key_id(const unsigned char key_hash[SHA256_SIZE]);

/* That a key was used: a worker's word to the reaper, through a pipe. So small that it is written whole or not at all. */
struct key_use {
	struct uuid	app;
	unsigned char	key_hash[SHA256_SIZE];
	int64_t		used_ms;	/* real time */
};

#endif
