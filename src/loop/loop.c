/*
 * loop: libevent's core behind our own few names, with the calls that 1.4 and 2.x have in common (so no event_new, no
 * event_assign, no event2/ headers) and without bufferevents: libpq and TLS both want bare readiness. It must never
 * touch a watch once its callback has begun, because the callback may free it, and never makes a kernel call for a wish
 * that is already granted: handlers ask for the same readiness again and again.
 */
#include <sys/types.h>
#include <sys/time.h>

#include <event.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "loop/loop.h"

#define HOOK_PASSES	8	/* hooks may queue hooks; after so many rounds descriptors get their turn again */

struct watch {
	struct event	 event;
	struct loop	*loop;
	loop_watch_fn	 fn;
	void		*arg;
	int		 fd;
	unsigned	 what;		/* what the kernel was asked for */
};

struct timer {
	struct event	 event;
	loop_fn		 fn;
	void		*arg;
};

struct signal_watch {
	struct event		 event;
	struct signal_watch	*next;
	loop_fn			 fn;
	void			*arg;
};

struct loop {
	struct event_base	*base;
	struct signal_watch	*signals;
	struct loop_hook	*hooks;		/* newest first */
	int64_t			 now_ms;
	bool			 now_read;	/* now_ms belongs to this turn */
	bool			 running, stop;
};

/* Its own complaints go where ours go; severity 0 is debugging. */
static void
on_libevent_log(int severity, const char *text)
{
	if (severity > 0)
		log_event(LEVEL_ERROR, "the event loop complains", LOG_C("reason", text));
}

struct loop *
loop_new(void)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	event_set_log_callback(on_libevent_log);
	if ((l->base = event_base_new()) == NULL) {
		free(l);
		return NULL;
	}
	return l;
}

void
loop_free(struct loop *l)
{
	struct signal_watch *sw;

	if (l == NULL)
		return;
	while ((sw = l->signals) != NULL) {
		l->signals = sw->next;
		event_del(&sw->event);
		free(sw);
	}
	event_base_free(l->base);
	free(l);
}

int64_t
loop_now_ms(struct loop *l)
{
	if (!l->running)
		return clock_mono_ms();
	if (!l->now_read) {
		l->now_ms = clock_mono_ms();
		l->now_read = true;
	}
	return l->now_ms;
}

static void
hook_push(struct loop_hook **list, struct loop_hook *h)
{
	h->next = *list;
	h->prev = list;
	if (h->next != NULL)
		h->next->prev = &h->next;
	*list = h;
}

void
loop_hook_cancel(struct loop_hook *h)
{
	if (h->prev == NULL)
		return;
	if (h->next != NULL)
		h->next->prev = h->prev;
	*h->prev = h->next;
	h->next = NULL;
	h->prev = NULL;
}

void
loop_at_turn_end(struct loop *l, struct loop_hook *h)
{
	if (h->prev == NULL)
		hook_push(&l->hooks, h);
}

/* Each round takes what is queued now, oldest first; what its hooks queue is the next round's. */
static void
run_hooks(struct loop *l)
{
	struct loop_hook	*due, *h;
	int			 pass;

	for (pass = 0; pass < HOOK_PASSES && l->hooks != NULL; pass++) {
		due = NULL;
		while ((h = l->hooks) != NULL) {
			loop_hook_cancel(h);
			hook_push(&due, h);
		}
		while ((h = due) != NULL) {
			loop_hook_cancel(h);
			log_context_set(NULL);
			h->fn(h->arg);
		}
	}
}

void
loop_run(struct loop *l)
{
	int r = 0;

	l->running = true;
	run_hooks(l);
	while (!l->stop && r == 0) {
		l->now_read = false;
		/* EVLOOP_NONBLOCK alone would go on while any descriptor stays ready; both together are one turn. */
		r = event_base_loop(l->base, l->hooks != NULL ? EVLOOP_ONCE | EVLOOP_NONBLOCK : EVLOOP_ONCE);
		if (r == 1 && l->hooks != NULL)
			r = 0;		/* no descriptor is watched, but hooks still wait */
		run_hooks(l);
	}
	if (r == -1)
		log_errno("event loop");
	else if (r == 1 && !l->stop)
		log_error("event loop: nothing left to wait for");
	l->running = false;
	l->stop = false;
}

void
loop_stop(struct loop *l)
{
	l->stop = true;
}

static void
on_watch(int fd, short events, void *arg)
{
	struct watch	*w = arg;
	unsigned	 what = 0;

	(void)fd;
	if (events & EV_READ)
		what |= LOOP_READ;
	if (events & EV_WRITE)
		what |= LOOP_WRITE;
	log_context_set(NULL);
	w->fn(w->arg, what);
}

struct watch *
watch_new(struct loop *l, int fd, loop_watch_fn fn, void *arg)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->loop = l;
	w->fd = fd;
	w->fn = fn;
	w->arg = arg;
	return w;
}

bool
watch_set(struct watch *w, unsigned what)
{
	short events = EV_PERSIST;

	if (what == w->what)
		return true;
	if (w->what != 0)
		event_del(&w->event);
	w->what = 0;
	if (what == 0)
		return true;
	if (what & LOOP_READ)
		events |= EV_READ;
	if (what & LOOP_WRITE)
		events |= EV_WRITE;
	event_set(&w->event, w->fd, events, on_watch, w);
	if (event_base_set(w->loop->base, &w->event) == -1 || event_add(&w->event, NULL) == -1)
		return false;
	w->what = what;
	return true;
}

void
watch_again(struct watch *w, unsigned what)
{
	if ((w->what & what) != 0)
		event_active(&w->event, (what & LOOP_READ ? EV_READ : 0) | (what & LOOP_WRITE ? EV_WRITE : 0), 1);
}

void
watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	watch_set(w, 0);
	free(w);
}

static void
on_timer(int fd, short events, void *arg)
{
	struct timer *t = arg;

	(void)fd;
	(void)events;
	log_context_set(NULL);
	t->fn(t->arg);
}

struct timer *
timer_new(struct loop *l, loop_fn fn, void *arg)
{
	struct timer *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->fn = fn;
	t->arg = arg;
	evtimer_set(&t->event, on_timer, t);
	if (event_base_set(l->base, &t->event) == -1) {
		free(t);
		return NULL;
	}
	return t;
}

void
timer_set(struct timer *t, int64_t in_ms)
{
	struct timeval tv;

	if (in_ms < 0)
		in_ms = 0;
	tv.tv_sec = (time_t)(in_ms / 1000);
	tv.tv_usec = (suseconds_t)(in_ms % 1000 * 1000);
	if (evtimer_add(&t->event, &tv) == -1)
		log_error("event loop: a timer was refused");
}

void
timer_stop(struct timer *t)
{
	evtimer_del(&t->event);
}

void
timer_free(struct timer *t)
{
	if (t == NULL)
		return;
	evtimer_del(&t->event);
	free(t);
}

static void
on_signal(int signo, short events, void *arg)
{
	struct signal_watch *sw = arg;

	(void)signo;
	(void)events;
	log_context_set(NULL);
	sw->fn(sw->arg);
}

bool
loop_on_signal(struct loop *l, int signo, loop_fn fn, void *arg)
{
	struct signal_watch *sw = calloc(1, sizeof(*sw));

	if (sw == NULL)
		return false;
	sw->fn = fn;
	sw->arg = arg;
	event_set(&sw->event, signo, EV_SIGNAL | EV_PERSIST, on_signal, sw);
	if (event_base_set(l->base, &sw->event) == -1 || event_add(&sw->event, NULL) == -1) {
		free(sw);
		return false;
	}
	sw->next = l->signals;
	l->signals = sw;
	return true;
}
