/*
 * reload: from one generation to the next. The first start goes the same way, from none to the first.
 * Private to proc/.
 */
#ifndef RINGD_RELOAD_H
#define RINGD_RELOAD_H

#include <stdbool.h>

struct master;

/* Why neither a reload nor an upgrade can begin now; NULL: it can. */
const char *reload_blocked(const struct master *m);
bool	reload_has_database(const struct master *m);	/* the serving generation */
void	reload_begin(struct master *m);			/* checks, opens what is new, forks; returns at once */
/* The coming generation will not do: it is killed and the serving one stays. At the start this ends ringd with code. */
void	reload_fail(struct master *m, int code, const char *why);
void	reload_turn(struct master *m);			/* each turn: who is ready, late, gone */

#endif
