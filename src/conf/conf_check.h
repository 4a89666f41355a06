/*
 * conf_check: what no single key can say: that values fit together.
 */
#ifndef RINGD_CONF_CHECK_H
#define RINGD_CONF_CHECK_H

#include <stdbool.h>

#include "conf/conf.h"
#include "conf/conf_fault.h"
#include "conf/conf_keys.h"

struct conf_listen_place {
	struct conf_place	address, tls, redirect;
};

struct conf_places {			/* where values stand; line 0 = not in the file */
	struct conf_place	key[CONF_KEYS_MAX];	/* by row of conf_keys */
	struct conf_listen_place	listen[CONF_MAX_LISTEN], admin[CONF_MAX_LISTEN];
};

bool	conf_check(const struct conf *c, const struct conf_places *places, const struct conf_report *r);

#endif
