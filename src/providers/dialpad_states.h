/*
 * dialpad_states: Dialpad's words as data, private to the mapping. The list of states is open: Dialpad adds to it.
 */
#ifndef RINGD_DIALPAD_STATES_H
#define RINGD_DIALPAD_STATES_H

#include "model/leg.h"

struct dialpad_state {
	const char	*word;		/* as asked for; of a seeds' event, the state it stands for */
	enum leg_rank	 rank;
	unsigned	 seen;		/* LEG_SEEN_ bits the word proves */
};

/* Words are lower case already. An unknown one is {NULL, LEG_POST, 0}: it is kept, but moves nothing. */
struct dialpad_state dialpad_state_of(struct str word);
/* "call.ring" and the others of the seeds; "call." before a real state is that state. */
struct dialpad_state dialpad_seeds_state_of(struct str event_type);
/* What a seeds' call.ended may say about how it ended ("missed", "no_answer" …); word NULL when that is unknown. */
struct dialpad_state dialpad_ending_of(struct str word);

#endif
