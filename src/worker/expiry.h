/*
 * expiry: says in the log that a certificate ends soon: when 30, 14 and 3 days are left, and daily once it has ended.
 * One process of a generation does it. What is left is told at its start, too.
 */
#ifndef RINGD_EXPIRY_H
#define RINGD_EXPIRY_H

#include <stdint.h>

#include "conf/conf.h"
#include "loop/loop.h"

struct expiry;

struct expiry	*expiry_new(struct loop *l, const struct conf *c);	/* NULL without memory */
void		 expiry_begin(struct expiry *e);	/* looks now, and every hour */
void		 expiry_free(struct expiry *e);

/*
 * A number that falls each time there is something to say: left seconds of life. 4: more than 30 days; 3, 2, 1: at most
 * 30, 14, 3 days; 0: less than a day ago; -1, -2, …: that many whole days ago.
 */
int64_t		 expiry_stage(int64_t left);

#endif
