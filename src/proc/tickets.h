/*
 * tickets: when the keys of session tickets change. The master's, because it is the one process there is exactly one
 * of; it never looks at the keys. Private to proc/.
 */
#ifndef RINGD_TICKETS_H
#define RINGD_TICKETS_H

#include <stdint.h>

struct master;

int64_t	tickets_due(const struct master *m);	/* when the next change is; INT64_MAX: never */
void	tickets_turn(struct master *m);		/* changes them when it is due */

#endif
