/*
 * arena: memory that lives exactly as long as one piece of work (a request, a batch) and is given back in one call.
 * Never grows past `max`; an allocation over it returns NULL and the caller answers with a clear error.
 */
#ifndef RINGD_ARENA_H
#define RINGD_ARENA_H

#include <stddef.h>

#include "base/str.h"

struct arena_block;
struct arena {
	struct arena_block	*blocks;
	size_t			 used;		/* bytes taken from the system */
	size_t			 max;
};

void	 arena_init(struct arena *a, size_t max);
void	 arena_free(struct arena *a);			/* gives everything back; the arena may be used again */
void	 arena_wipe_free(struct arena *a);		/* the same, zeroed before: for what held a secret */
void	*arena_alloc(struct arena *a, size_t n);	/* zeroed, aligned for any type; NULL at the limit */
/* Copies s, adds a NUL after it (not counted in n). Absent stays absent; p == NULL with n != 0 never comes back. */
struct str arena_str(struct arena *a, struct str s);

#endif
