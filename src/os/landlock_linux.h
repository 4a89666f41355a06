/*
 * landlock: Linux' fence around files and TCP ports. Private to sandbox_linux.c.
 */
#ifndef RINGD_LANDLOCK_LINUX_H
#define RINGD_LANDLOCK_LINUX_H

#include <stdbool.h>

#include "base/reach.h"

#define LANDLOCK_TEXT_SIZE	128

/*
 * Fences this thread, and all that it starts, in to r and to what libc and libpq read of the system, which is added to
 * r. text: the level and what it covers, or (false) why there is no fence; then nothing has changed.
 */
bool	landlock_enter(struct reach *r, char text[LANDLOCK_TEXT_SIZE]);

#endif
