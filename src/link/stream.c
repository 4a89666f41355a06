/*
 * stream: reads what is there, hands on whole frames, writes once a turn. A peer that says what is no frame, or goes away,
 * is told of once, from the loop and never from inside stream_send(): a write that fails is left for the next read to
 * explain.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "link/stream.h"

#define READ_BYTES	((size_t)16 * 1024)	/* at once */

struct stream {
	struct loop			*loop;
	const struct stream_events	*events;
	void				*arg;
	int				 fd;
	struct watch			*watch;
	struct buf			 in, out;
	struct loop_hook		 flush;
	bool				 inside;	/* one of its events is being called */
	bool				 freed;		/* by that event */
};

/* A frame may hold a secret, and the buffer lives as long as the stream. */
static void
consume(struct buf *b, size_t n)
{
	buf_consume(b, n);
	if (n > 0)
		hash_wipe(b->p + b->len, n);
}

static void
destroy(struct stream *s)
{
	watch_free(s->watch);
	loop_hook_cancel(&s->flush);
	close(s->fd);
	buf_wipe_free(&s->in);
	buf_wipe_free(&s->out);
	free(s);
}

void
stream_free(struct stream *s)
{
	if (s == NULL)
		return;
	if (s->inside)
		s->freed = true;
	else
		destroy(s);
}

/* Both give false when s is gone. */
static bool
tell_closed(struct stream *s, const char *why)
{
	watch_set(s->watch, 0);
	s->inside = true;
	s->events->closed(s->arg, why);
	s->inside = false;
	if (s->freed)
		destroy(s);
	return false;
}

static bool
tell_frame(struct stream *s, const struct frame *f)
{
	s->inside = true;
	s->events->frame(s->arg, f);
	s->inside = false;
	if (s->freed)
		destroy(s);
	else
		return true;
	return false;
}

static bool
hand_on(struct stream *s)
{
	struct frame f;
	size_t at = 0;
	long n;

	while ((n = frame_parse(&f, (struct str){ s->in.p + at, s->in.len - at })) > 0) {
		at += (size_t)n;
		if (!tell_frame(s, &f))
			return false;
	}
	if (n < 0)
		return tell_closed(s, "it sent what is no frame");
	consume(&s->in, at);
	return true;
}

static void
on_readable(struct stream *s)
{
	size_t room = s->in.max - s->in.len, want = room < READ_BYTES ? room : READ_BYTES;
	ssize_t n;

	if (!buf_reserve(&s->in, want)) {
		tell_closed(s, "out of memory");
		return;
	}
	n = read(s->fd, s->in.p + s->in.len, want);
	if (n > 0) {
		s->in.len += (size_t)n;
		hand_on(s);
	} else if (n == 0)
		tell_closed(s, "it hung up");
	else if (errno != EAGAIN && errno != EINTR)
		tell_closed(s, strerror(errno));
}

static void
flush(void *arg)
{
	struct stream *s = arg;
	ssize_t n = 0;

	while (s->out.len > 0 && (n = send(s->fd, s->out.p, s->out.len, MSG_NOSIGNAL)) > 0)
		consume(&s->out, (size_t)n);
	if (n == -1 && errno != EAGAIN && errno != EINTR)
		s->out.len = 0;
	watch_set(s->watch, s->out.len > 0 ? LOOP_READ | LOOP_WRITE : LOOP_READ);
}

static void
on_ready(void *arg, unsigned what)
{
	struct stream *s = arg;

	if (what & LOOP_WRITE)
		flush(s);
	if (what & LOOP_READ)
		on_readable(s);
}

struct stream *
stream_new(struct loop *l, int fd, const struct stream_events *events, void *arg)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		close(fd);
		return NULL;
	}
	s->loop = l;
	s->events = events;
	s->arg = arg;
	s->fd = fd;
	buf_init(&s->in, FRAME_MAX);
	buf_init(&s->out, STREAM_OUT_MAX);
	s->flush = (struct loop_hook){ .fn = flush, .arg = s };
	s->watch = watch_new(l, fd, on_ready, s);
	if (s->watch == NULL || !watch_set(s->watch, LOOP_READ)) {
		destroy(s);
		return NULL;
	}
	return s;
}

bool
stream_send(struct stream *s, const struct frame *f)
{
	size_t n = frame_size(f);

	if (n == 0 || n > STREAM_OUT_MAX - s->out.len || !buf_reserve(&s->out, n)) {
		s->out.failed = false;		/* what waits is whole; only this one found no room */
		return false;
	}
	frame_write(&s->out, f);
	loop_at_turn_end(s->loop, &s->flush);
	return true;
}
