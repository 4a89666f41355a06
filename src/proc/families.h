/*
 * families: one configured address, one socket. Private to proc/.
 */
#ifndef RINGD_FAMILIES_H
#define RINGD_FAMILIES_H

#include <stdbool.h>

#include "conf/conf.h"

#define FAMILIES_WHY_SIZE	256

/*
 * Replaces the listeners that stand for two addresses: "*:80" by 0.0.0.0:80 and [::]:80, "localhost:80" by 127.0.0.1:80
 * and [::1]:80, the second only where the machine has IPv6. Right after conf_load(), before anybody compares or reads.
 * false: too many listeners, or no memory.
 */
bool	families_expand(struct conf *c, char why[FAMILIES_WHY_SIZE]);

#endif
