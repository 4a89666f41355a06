/*
 * stop: Ctrl-C for commands that run until they are told to end: noticed between two pieces of work, never inside one.
 */
#ifndef RINGD_CTL_STOP_H
#define RINGD_CTL_STOP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct stop {
	sigset_t	before;		/* the mask to wait with */
};

void	stop_begin(struct stop *s);	/* from here on INT and TERM wait for stop_asked or stop_wait */
bool	stop_asked(void);
bool	stop_wait(const struct stop *s, int64_t ms);	/* sleeps; true as soon as asked to stop */
void	stop_end(const struct stop *s);

#endif
