/*
 * key_file: the file the key ring stands in: read with its mode and owner checked, replaced as a whole.
 */
#ifndef RINGD_KEY_FILE_H
#define RINGD_KEY_FILE_H

#include <stdbool.h>

#include "base/secret.h"
#include "crypt/keyring.h"

/*
 * Reads the file's text and parses it into k. Refused, with why naming the file: anything but a regular file of root's
 * or our own with mode 0400 or less, and what keyring_parse() refuses. The caller wipes both.
 */
bool	key_file_read(const char *path, struct secret *text, struct keyring *k, char why[KEYRING_WHY_SIZE]);
/*
 * Puts text in the file's place, all of it or nothing: written beside it with mode 0400 and the old file's owner, synced,
 * renamed. Somebody else doing the same at the time is refused. A file that is not there yet becomes ours.
 */
bool	key_file_write(const char *path, struct str text, char why[KEYRING_WHY_SIZE]);

#endif
