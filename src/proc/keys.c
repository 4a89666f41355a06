/*
 * keys: see keys.h. What holds the keys must leave no core: the limit set here is the master's too, and its children
 * inherit it.
 */
#include <sys/types.h>
#include <sys/resource.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "crypt/key_file.h"
#include "proc/keys.h"

bool
keys_load(struct conf *c, char why[KEYRING_WHY_SIZE])
{
	const struct rlimit none = { 0, 0 };
	struct keyring k;
	bool good;

	if (c->courier_key_file == NULL)
		return true;
	if (setrlimit(RLIMIT_CORE, &none) == -1) {
		snprintf(why, KEYRING_WHY_SIZE, "cannot forbid core files: %s", strerror(errno));
		return false;
	}
	good = key_file_read(c->courier_key_file, &c->keyring, &k, why);
	keyring_wipe(&k);
	return good;
}
