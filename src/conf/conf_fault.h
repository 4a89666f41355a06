/*
 * conf_fault: what is wrong, and where. The first fault ends a load.
 */
#ifndef RINGD_CONF_FAULT_H
#define RINGD_CONF_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "conf/conf.h"

#define CONF_SHOWN_MAX	48		/* characters of a value an error shows */
#define CONF_SHOWN_SIZE	(CONF_SHOWN_MAX + 4)

struct conf_report {
	const char		*file;
	struct conf_error	*err;
};

/* Always false, so that a caller can `return conf_fault(...)`. Nowhere is reported as 1:1. */
bool	conf_fault(const struct conf_report *r, struct conf_place at, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
/* A value fit to stand in an error: control bytes as '?', cut with "..." when long. Never given a secret. */
void	conf_show(char out[CONF_SHOWN_SIZE], struct str value);

#endif
