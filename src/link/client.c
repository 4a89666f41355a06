/*
 * client: see client.h. The line counts as up from the courier's hello to the end of the stream; while it is down, every
 * question is answered at once. Never blocks, never asks twice: a question may have been obeyed before the answer was
 * lost.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "link/client.h"
#include "link/stream.h"
#include "os/passfd.h"

#define RECONNECT_MS	100
#define SWEEP_MS	50	/* how exact a deadline is */

struct call {
	TAILQ_ENTRY(call)	 link;
	uint32_t		 id;
	int64_t			 deadline_ms;
	enum link_outcome	 refused;	/* of those that were never sent */
	link_fn			 fn;
	void			*arg;
};

TAILQ_HEAD(calls, call);

struct link_client {
	struct loop		*loop;
	int			 switchboard;
	struct stream		*stream;	/* NULL: none, a timer runs */
	bool			 up;
	struct timer		*reconnect, *sweep;
	struct calls		 asked, refused;
	size_t			 nasked;
	uint32_t		 last_id;
	struct loop_hook	 answer_refused;
};

static void
answer_all(struct calls *list, enum link_outcome outcome)
{
	struct calls told = TAILQ_HEAD_INITIALIZER(told);
	struct call *k;

	TAILQ_CONCAT(&told, list, link);	/* a callback may ask again */
	while ((k = TAILQ_FIRST(&told)) != NULL) {
		TAILQ_REMOVE(&told, k, link);
		k->fn(k->arg, k->refused != LINK_ANSWERED ? k->refused : outcome, NULL);
		free(k);
	}
}

static void
on_frame(void *arg, const struct frame *f)
{
	struct link_client *c = arg;
	struct call *k;

	if (f->kind == FRAME_HELLO) {
		c->up = true;
		return;
	}
	TAILQ_FOREACH(k, &c->asked, link)
		if (k->id == f->id)
			break;
	if (k == NULL)
		return;		/* it was late, and its asker knows */
	TAILQ_REMOVE(&c->asked, k, link);
	c->nasked--;
	k->fn(k->arg, LINK_ANSWERED, f);
	free(k);
}

static void
on_closed(void *arg, const char *why)
{
	struct link_client *c = arg;

	if (c->up)
		log_event(LEVEL_WARN, "the courier is away", LOG_C("reason", why));
	c->up = false;
	stream_free(c->stream);
	c->stream = NULL;
	timer_set(c->reconnect, RECONNECT_MS);
	c->nasked = 0;
	answer_all(&c->asked, LINK_AWAY);
}

static const struct stream_events events = { on_frame, on_closed };

static void
reconnect(void *arg)
{
	struct link_client *c = arg;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == -1) {
		timer_set(c->reconnect, RECONNECT_MS);
		return;
	}
	if (passfd_send(c->switchboard, ends[1]))
		c->stream = stream_new(c->loop, ends[0], &events, c);
	else
		close(ends[0]);		/* the switchboard is full: nobody fetches */
	close(ends[1]);
	if (c->stream == NULL)
		timer_set(c->reconnect, RECONNECT_MS);
}

static void
sweep(void *arg)
{
	struct link_client *c = arg;
	struct calls late = TAILQ_HEAD_INITIALIZER(late);
	struct call *k, *next;
	int64_t now = loop_now_ms(c->loop);

	for (k = TAILQ_FIRST(&c->asked); k != NULL; k = next) {
		next = TAILQ_NEXT(k, link);
		if (k->deadline_ms > now)
			continue;
		TAILQ_REMOVE(&c->asked, k, link);
		TAILQ_INSERT_TAIL(&late, k, link);
		c->nasked--;
	}
	answer_all(&late, LINK_LATE);
	if (!TAILQ_EMPTY(&c->asked))
		timer_set(c->sweep, SWEEP_MS);
}

static void
answer_refused(void *arg)
{
	struct link_client *c = arg;

	answer_all(&c->refused, LINK_AWAY);
}

struct link_client *
link_client_new(struct loop *l, int switchboard)
{
	struct link_client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->loop = l;
	c->switchboard = switchboard;
	TAILQ_INIT(&c->asked);
	TAILQ_INIT(&c->refused);
	c->answer_refused = (struct loop_hook){ .fn = answer_refused, .arg = c };
	c->reconnect = timer_new(l, reconnect, c);
	c->sweep = timer_new(l, sweep, c);
	if (c->reconnect == NULL || c->sweep == NULL) {
		link_client_free(c);
		return NULL;
	}
	reconnect(c);
	return c;
}

void
link_client_free(struct link_client *c)
{
	if (c == NULL)
		return;
	c->up = false;
	answer_all(&c->asked, LINK_AWAY);
	answer_all(&c->refused, LINK_AWAY);
	loop_hook_cancel(&c->answer_refused);
	stream_free(c->stream);
	timer_free(c->reconnect);
	timer_free(c->sweep);
	free(c);
}

bool
link_client_up(const struct link_client *c)
{
	return c->up;
}

static enum link_outcome
ask(struct link_client *c, struct call *k, enum frame_kind kind, const struct str *field, size_t nfields,
    int64_t timeout_ms)
{
	struct frame f = { .id = ++c->last_id, .kind = (uint8_t)kind, .timeout_ms = (uint32_t)timeout_ms,
	    .nfields = (uint8_t)nfields };

	if (!c->up)
		return LINK_AWAY;
	for (size_t i = 0; i < nfields && i < FRAME_FIELDS; i++)
		f.field[i] = field[i];
	if (c->nasked == LINK_CALLS_MAX || !stream_send(c->stream, &f))
		return LINK_BUSY;
	k->id = f.id;
	return LINK_ANSWERED;
}

void
link_call(struct link_client *c, enum frame_kind kind, const struct str *field, size_t nfields, int64_t timeout_ms,
    link_fn fn, void *arg)
{
	struct call *k = calloc(1, sizeof(*k));

	if (k == NULL) {
		log_errno("out of memory for a question to the courier");
		abort();	/* as for a database job: the master starts a fresh process */
	}
	k->fn = fn;
	k->arg = arg;
	k->deadline_ms = loop_now_ms(c->loop) + timeout_ms;
	k->refused = ask(c, k, kind, field, nfields, timeout_ms);
	if (k->refused != LINK_ANSWERED) {
		TAILQ_INSERT_TAIL(&c->refused, k, link);
		loop_at_turn_end(c->loop, &c->answer_refused);
		return;
	}
	if (TAILQ_EMPTY(&c->asked))
		timer_set(c->sweep, SWEEP_MS);
	TAILQ_INSERT_TAIL(&c->asked, k, link);
	c->nasked++;
}
