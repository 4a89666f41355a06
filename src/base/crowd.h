/*
 * crowd: how many of something (connections) each of many (addresses) holds open now, over all processes. In shared
 * memory each process has a table of its own that nobody else writes; a total is the sum over the living. So what a
 * process held when it died goes with its table, and nothing has to be set right afterwards.
 */
#ifndef RINGD_CROWD_H
#define RINGD_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crowd;

/* For processes 0..members-1. In an anonymous shared mapping, pages taken as they are used; NULL with errno. */
struct crowd	*crowd_new(size_t members);
void		 crowd_free(struct crowd *c);
void		 crowd_join(struct crowd *c, size_t member);	/* a new process, with nothing open */
void		 crowd_left(struct crowd *c, size_t member);	/* it has died; anybody may say so */

/*
 * One more for id, which is never 0 and spread evenly over 64 bits. false: it would be more than limit, and is not
 * counted. Two processes at the same moment may both be told so where one would have fitted, never the other way round.
 * When no place is left for another id it is not counted and *counted is false.
 */
bool	crowd_enter(struct crowd *c, size_t member, uint64_t id, uint32_t limit, bool *counted);
void	crowd_leave(struct crowd *c, size_t member, uint64_t id);	/* one that was counted is gone */

#endif
