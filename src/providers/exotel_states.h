/*
 * exotel_states: Exotel's words as data, private to the mapping. The lists are open: Exotel adds to them.
 */
#ifndef RINGD_EXOTEL_STATES_H
#define RINGD_EXOTEL_STATES_H

#include "model/leg.h"

struct exotel_state {
	const char	*word;		/* NULL: unknown; then the other two are LEG_POST and 0 */
	enum leg_rank	 rank;
	unsigned	 seen;		/* LEG_SEEN_ bits the word proves */
};

/* Words are lower case already. An unknown one is kept, but moves nothing. */
struct exotel_state exotel_status(struct str word);		/* of a call, of one end, of a dial */
struct exotel_state exotel_call_type(struct str word);		/* how a call flow went */
struct exotel_state exotel_ring(struct str event);		/* of one attempt to reach an agent */

#endif
