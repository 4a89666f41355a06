/*
 * keyring: what the files of the noun share: the running courier's keys.
 */
#ifndef RINGD_CTL_KEYRING_H
#define RINGD_CTL_KEYRING_H

#include "crypt/keyring.h"
#include "ctl/ctl.h"

struct courier_keys {		/* of the running daemon */
	bool		answered;
	uint32_t	newest;
	uint32_t	id[KEYRING_MAX];
	size_t		n;
	int64_t		stale;		/* values sealed with another than the newest */
	char		why[256];	/* not answered: why not */
};

/* --key-file, else courier.key_file. CTL_OK, or the failure has been told. */
int	ctl_keyring_path(struct ctl *c, const struct args *a, const char **path);
/* CTL_OK whether it answers or not; else there is no admin address, and that has been told. */
int	ctl_keyring_courier(struct ctl *c, const struct args *a, struct courier_keys *k);

#endif
