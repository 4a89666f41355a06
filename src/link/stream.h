/*
 * stream: frames over one connected, non-blocking Unix stream socket; the same on both sides. Bounded both ways: a frame
 * by FRAME_MAX, what waits to be written by STREAM_OUT_MAX.
 */
#ifndef RINGD_STREAM_H
#define RINGD_STREAM_H

#include <stdbool.h>

#include "link/frames.h"
#include "loop/loop.h"

#define STREAM_OUT_MAX	((size_t)1024 * 1024)

struct stream;

struct stream_events {
	void	(*frame)(void *arg, const struct frame *f);	/* valid inside the call only */
	void	(*closed)(void *arg, const char *why);		/* the last; the owner then frees it */
};

/* Takes fd over, on failure too. NULL without memory or a place in the loop. */
struct stream	*stream_new(struct loop *l, int fd, const struct stream_events *events, void *arg);
void		 stream_free(struct stream *s);		/* closes; safe inside its own events */
/* Goes out at the end of the turn. false: nothing was queued, because too much waits already or f does not fit. */
bool		 stream_send(struct stream *s, const struct frame *f);

#endif
