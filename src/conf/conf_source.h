/*
 * conf_source: where a value's text comes from: the file itself, the environment (!env), another file (!file); and who
 * else could read it there.
 */
#ifndef RINGD_CONF_SOURCE_H
#define RINGD_CONF_SOURCE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/secret.h"
#include "conf/conf_fault.h"
#include "conf/conf_yaml.h"

#define CONF_VALUE_FILE_BYTES	((size_t)64 * 1024)
#define CONF_WHY_SIZE		128

enum conf_secrecy {
	CONF_OPEN,		/* anybody may know it */
	CONF_HIDDEN,		/* a secret as a whole */
	CONF_HIDDEN_PASSWORD,	/* a conninfo: a secret if it holds a password */
};

/* Reads a regular file of at most max bytes. false with why, a sentence that follows the file's name. */
bool	conf_source_read(const char *path, size_t max, struct secret *out, mode_t *mode, char why[CONF_WHY_SIZE]);
/* A file with a secret in it must not be open to every user: false, reported at that place. */
bool	conf_source_private(const struct conf_report *r, struct conf_place at, const char *path, mode_t mode);
/*
 * The text of a scalar, tags followed; r->file names the file of the scalar, mode is that file's. A secret that others
 * may read where it stands is refused.
 */
bool	conf_source_text(const struct conf_report *r, mode_t mode, const struct conf_node *n, enum conf_secrecy secrecy,
	    struct secret *out);
/* True when a libpq conninfo or URI holds a password, or is too odd to say that it does not. */
bool	conf_source_has_password(struct str conninfo);

#endif
