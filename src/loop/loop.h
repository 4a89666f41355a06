/*
 * loop: one event loop per process, over libevent's core (only the calls libevent 1.4 and 2.x share). The only folder
 * that names libevent. Made after fork, never shared over one. Everything runs in one thread; offload.h is the one door
 * for calls that would block (name resolution, PQcancel). Each callback begins as nobody's work (log_context_set).
 */
#ifndef RINGD_LOOP_H
#define RINGD_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#define LOOP_READ	0x1u
#define LOOP_WRITE	0x2u

struct loop;
struct watch;		/* a descriptor */
struct timer;		/* one-shot; re-arm in the callback for a period */

typedef void (*loop_watch_fn)(void *arg, unsigned what);
typedef void (*loop_fn)(void *arg);

/* A caller's struct put on the list of things to do when this turn's events have all been served (flush a pipeline, write
 * answers once). Embedded in its owner; zeroed is idle. */
struct loop_hook {
	struct loop_hook	*next;
	struct loop_hook	**prev;		/* NULL when not queued */
	loop_fn			 fn;
	void			*arg;
};

struct loop	*loop_new(void);		/* NULL without memory or a kernel event facility */
void		 loop_free(struct loop *l);
void		 loop_run(struct loop *l);	/* until loop_stop */
void		 loop_stop(struct loop *l);	/* after the present turn */
int64_t		 loop_now_ms(struct loop *l);	/* monotonic, read once per turn */

struct watch	*watch_new(struct loop *l, int fd, loop_watch_fn fn, void *arg);	/* watches nothing yet */
bool		 watch_set(struct watch *w, unsigned what);	/* LOOP_READ | LOOP_WRITE, persistent; 0 = nothing; false: kernel refused */
/* As if a watched descriptor had become ready: fn runs in the next turn, after a look at all others. At a turn's end only. */
void		 watch_again(struct watch *w, unsigned what);
void		 watch_free(struct watch *w);	/* does not close the descriptor; safe inside its own callback */

struct timer	*timer_new(struct loop *l, loop_fn fn, void *arg);
void		 timer_set(struct timer *t, int64_t in_ms);	/* (re)arms */
void		 timer_stop(struct timer *t);
void		 timer_free(struct timer *t);

bool		 loop_on_signal(struct loop *l, int signo, loop_fn fn, void *arg);	/* for the life of the loop */
void		 loop_at_turn_end(struct loop *l, struct loop_hook *h);	/* no-op if queued already */
void		 loop_hook_cancel(struct loop_hook *h);

#endif
