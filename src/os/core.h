/*
 * core: whether a process leaves its memory behind when it dies, and who may look into it while it lives.
 */
#ifndef RINGD_CORE_H
#define RINGD_CORE_H

#include <stdbool.h>

/*
 * After the ids were changed, which resets it. Forbidding: no core files and, where the system can say so, no look into
 * the process for others of the same user; false with errno. Permitting: core files as large as whoever started us
 * allows; false with errno, EPERM when that is none at all.
 */
bool	core_forbid(void);
bool	core_permit(void);

/* The system's part: whether other processes of this user may look into this one. false with errno. */
bool	core_expose(bool exposed);

#endif
