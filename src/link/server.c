/*
 * server: see server.h. A worker that says something other than a question, or does not read its answers, loses its
 * stream and may come again. Knows nothing of what is asked.
 */
#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "link/server.h"
#include "link/stream.h"
#include "os/passfd.h"

#define FETCH_AT_ONCE	32

struct link_peer {
	LIST_ENTRY(link_peer)		 link;
	struct link_server		*server;
	struct stream			*stream;
	LIST_HEAD(, link_request)	 requests;
};

struct link_server {
	struct loop		*loop;
	int			 switchboard;
	struct watch		*watch;
	link_serve_fn		 serve;
	void			*arg;
	LIST_HEAD(, link_peer)	 peers;
	size_t			 npeers, nrequests;
	uint64_t		 served;
	struct loop_hook	 drained;	/* fn NULL: not asked to drain */
};

static void
drop_peer(struct link_peer *p)
{
	struct link_server *s = p->server;
	struct link_request *rq;

	while ((rq = LIST_FIRST(&p->requests)) != NULL) {
		LIST_REMOVE(rq, link);
		rq->peer = NULL;
	}
	LIST_REMOVE(p, link);
	stream_free(p->stream);
	free(p);
	s->npeers--;
	if (s->npeers == 0 && s->drained.fn != NULL)
		loop_at_turn_end(s->loop, &s->drained);
}

static void
say(struct link_peer *p, const struct frame *f)
{
	if (stream_send(p->stream, f))
		return;
	log_warn("a worker does not read what the courier answers: hanging up on it");
	drop_peer(p);
}

/* With copies of the fields behind it. */
static struct link_request *
request_new(struct link_peer *p, const struct frame *f)
{
	struct link_request *rq;
	size_t n = 0;
	char *to;

	for (unsigned i = 0; i < f->nfields; i++)
		n += f->field[i].n;
	rq = calloc(1, sizeof(*rq) + n);
	if (rq == NULL)
		return NULL;
	to = (char *)(rq + 1);
	for (unsigned i = 0; i < f->nfields; to += f->field[i++].n) {
		memcpy(to, f->field[i].p, f->field[i].n);
		rq->field[i] = (struct str){ to, f->field[i].n };
	}
	rq->peer = p;
	rq->server = p->server;
	rq->id = f->id;
	rq->kind = (enum frame_kind)f->kind;
	rq->nfields = f->nfields;
	rq->deadline_ms = loop_now_ms(p->server->loop) + f->timeout_ms;
	return rq;
}

static void
on_frame(void *arg, const struct frame *f)
{
	struct link_peer *p = arg;
	struct link_server *s = p->server;
	struct link_request *rq;

	if (f->kind == FRAME_HELLO || f->code != FRAME_OK) {
		log_error("a worker sent what is no question: hanging up on it");
		drop_peer(p);
		return;
	}
	s->served++;
	rq = s->nrequests < LINK_REQUESTS_MAX ? request_new(p, f) : NULL;
	if (rq == NULL) {
		say(p, &(struct frame){ .id = f->id, .kind = f->kind, .code = FRAME_BUSY });
		return;
	}
	LIST_INSERT_HEAD(&p->requests, rq, link);
	s->nrequests++;
	s->serve(s->arg, rq);
}

static void
on_closed(void *arg, const char *why)
{
	struct link_peer *p = arg;

	log_event(LEVEL_DEBUG, "a worker's line ends", LOG_C("reason", why));
	drop_peer(p);
}

static const struct stream_events events = { on_frame, on_closed };

/* Takes fd over. */
static void
add_peer(struct link_server *s, int fd)
{
	struct link_peer *p = s->npeers < LINK_PEERS_MAX ? calloc(1, sizeof(*p)) : NULL;

	if (p == NULL) {
		close(fd);
		return;
	}
	p->server = s;
	LIST_INIT(&p->requests);
	p->stream = stream_new(s->loop, fd, &events, p);
	if (p->stream == NULL) {
		free(p);
		return;
	}
	LIST_INSERT_HEAD(&s->peers, p, link);
	s->npeers++;
	say(p, &(struct frame){ .kind = FRAME_HELLO });
}

static void
fetch(void *arg, unsigned what)
{
	struct link_server *s = arg;
	int fd;

	(void)what;
	for (int i = 0; i < FETCH_AT_ONCE; i++) {
		fd = passfd_receive(s->switchboard);
		if (fd != -1)
			add_peer(s, fd);
		else if (errno != EBADMSG)
			return;
	}
}

struct link_server *
link_server_new(struct loop *l, int switchboard, link_serve_fn serve, void *arg)
{
	struct link_server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->loop = l;
	s->switchboard = switchboard;
	s->serve = serve;
	s->arg = arg;
	LIST_INIT(&s->peers);
	s->watch = watch_new(l, switchboard, fetch, s);
	if (s->watch == NULL || !watch_set(s->watch, LOOP_READ)) {
		watch_free(s->watch);
		free(s);
		return NULL;
	}
	return s;
}

void
link_server_free(struct link_server *s)
{
	struct link_peer *p;

	if (s == NULL)
		return;
	s->drained.fn = NULL;
	while ((p = LIST_FIRST(&s->peers)) != NULL)
		drop_peer(p);
	loop_hook_cancel(&s->drained);
	watch_free(s->watch);
	free(s);
}

void
link_answer(struct link_request *rq, enum frame_code code, struct str field)
{
	struct link_peer *p = rq->peer;
	struct frame f = { .id = rq->id, .kind = (uint8_t)rq->kind, .code = (uint8_t)code,
	    .nfields = field.p != NULL, .field = { field } };

	if (p != NULL) {
		LIST_REMOVE(rq, link);
		say(p, &f);
	}
	rq->server->nrequests--;
	for (size_t i = 0; i < rq->nfields; i++)
		hash_wipe((void *)(uintptr_t)rq->field[i].p, rq->field[i].n);
	free(rq);
}

size_t
link_server_peers(const struct link_server *s)
{
	return s->npeers;
}

uint64_t
link_server_requests(const struct link_server *s)
{
	return s->served;
}

void
link_server_drain(struct link_server *s, loop_fn fn, void *arg)
{
	fetch(s, LOOP_READ);
	s->drained.fn = fn;
	s->drained.arg = arg;
	if (s->npeers == 0)
		loop_at_turn_end(s->loop, &s->drained);
}
