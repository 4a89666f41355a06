/*
 * conf_keys: THE table of the configuration. A new key is one row here, one field in struct conf, one place each in the
 * sample and the manual; loading, defaults, comparing, freeing and "did you mean" follow from the row.
 */
#ifndef RINGD_CONF_KEYS_H
#define RINGD_CONF_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "conf/conf.h"

#define CONF_NAME_SIZE		64	/* dotted names, with the NUL */
#define CONF_BOUNDS_SIZE	64

enum conf_type {
	CONF_STRING,		/* char * */
	CONF_PATH,		/* char *, absolute */
	CONF_ADDRESS,		/* char *, as conf_address_parse() takes it */
	CONF_HEADER,		/* char *, a header's name, kept in lower case */
	CONF_ORIGIN,		/* char *, as origin_parse() takes it */
	CONF_SECRET,		/* struct secret */
	CONF_CONNINFO,		/* struct secret */
	CONF_BOOL,		/* bool */
	CONF_NUMBER,		/* int64_t */
	CONF_DURATION,		/* int64_t, ms */
	CONF_SIZE,		/* int64_t, bytes */
	CONF_WORKERS,		/* int64_t; auto = CPUs online */
	CONF_LOG_TO,		/* enum log_target; extra: char *, the file */
	CONF_LOG_LEVEL,		/* enum log_level */
	CONF_LISTENERS,		/* struct conf_listen[CONF_MAX_LISTEN]; extra: size_t, how many */
	CONF_NETS,		/* struct addr_net[CONF_MAX_NETS]; extra: size_t, how many */
	CONF_TEXTS,		/* char *[CONF_MAX_TEXTS]; extra: size_t, how many */
};

enum conf_when {
	CONF_RELOAD,
	CONF_RESTART,
};

struct conf_key {
	const char	*name;
	enum conf_type	 type;
	int64_t		 min, max;	/* both 0: no bounds */
	const char	*initial;	/* the default, written as in the file; NULL: none */
	bool		 required;
	enum conf_when	 when;
	size_t		 offset, extra;	/* into what the table describes */
	const char	*help;
};

struct conf_table {
	const struct conf_key	*keys;
	size_t			 n;
};

extern const struct conf_table conf_keys;		/* of struct conf */
extern const struct conf_table conf_listen_keys;	/* of struct conf_listen */

#define CONF_KEYS_MAX	128	/* rows of one table; conf_keys.c proves it */

const struct conf_key	*conf_table_find(const struct conf_table *t, struct str name);
/* True for "http" when there is an "http.…". */
bool			 conf_table_has_section(const struct conf_table *t, struct str name);
/* The key or section most likely meant, or NULL; a section's name needs the room. */
const char		*conf_table_nearest(const struct conf_table *t, struct str name, char section[CONF_NAME_SIZE]);
/* "1..64", "10ms..1h", "1K..64M", or "-". */
void			 conf_key_bounds(const struct conf_key *k, char out[CONF_BOUNDS_SIZE]);
const char		*conf_type_name(enum conf_type t);

#endif
