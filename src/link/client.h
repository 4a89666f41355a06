/*
 * client: a worker's line to the courier. Many questions at a time, each answered exactly once, by a deadline; a courier
 * that is dead or too busy is an outcome, never a wait.
 *
 * How they meet: not at a path. The master makes a pair of datagram sockets for each generation, the switchboard, whose
 * ends workers and courier inherit. A worker makes a stream pair and passes one end over the switchboard; the courier
 * serves what it receives as a server serves what it accepts, and begins with a hello. So there is no file to protect,
 * to find or to remove, nobody outside of the generation can connect at all, any sandbox allows it, and either side may
 * be started again: ends that a dead courier did not fetch wait for the next one.
 */
#ifndef RINGD_LINK_CLIENT_H
#define RINGD_LINK_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link/frames.h"
#include "loop/loop.h"

#define LINK_CALLS_MAX	256	/* questions of one worker under way */

struct link_client;

enum link_outcome {
	LINK_ANSWERED,
	LINK_AWAY,		/* no courier, or it went away before it answered: what it did is unknown */
	LINK_BUSY,		/* too many questions under way: this one was not asked */
	LINK_LATE,		/* the deadline passed: what it does is unknown */
};

/* answer: NULL unless LINK_ANSWERED; valid inside the call only. */
typedef void	(*link_fn)(void *arg, enum link_outcome outcome, const struct frame *answer);

/* switchboard stays the caller's. NULL without memory. */
struct link_client *link_client_new(struct loop *l, int switchboard);
void		 link_client_free(struct link_client *c);	/* what is under way is answered LINK_AWAY */
bool		 link_client_up(const struct link_client *c);
/* fn is called later, never from inside this call. Fields are copied. */
void		 link_call(struct link_client *c, enum frame_kind kind, const struct str *field, size_t nfields,
		    int64_t timeout_ms, link_fn fn, void *arg);

#endif
