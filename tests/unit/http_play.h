/*
 * Plays bytes into a parser, cut in any way, and writes down all that came of it as text, so that two ways of cutting
 * can be compared with strcmp(). Used by unit tests and the fuzzer.
 *
 * The short outcome has a word a request: "ok", ":body" if there is one, "/close" if the connection ends; "continue"
 * before a request whose sender waits for 100; a status when refused, and then nothing more; "more" when the bytes
 * end within a request. The long outcome adds where each request ended and everything in it.
 */
#ifndef TEST_HTTP_PLAY_H
#define TEST_HTTP_PLAY_H

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "http/parse.h"
#include "http/request.h"

#define PLAY_BODY_MAX	1024

struct http_input {
	const char	*expected;	/* the short outcome */
	const char	*bytes;
	size_t		 n;
};

#define IN(expected, bytes)	{ (expected), (bytes), sizeof(bytes) - 1 }

static const struct guard_limits play_limits = {
	.head_bytes = 2048, .url_bytes = 256, .header_count = 16, .body_bytes = 4096, .trailer_bytes = 128,
};

struct play {
	struct parse		*parse;
	struct http_request	 rq;
	struct buf		 brief, full;
	size_t			 at;		/* bytes taken so far */
	bool			 over;		/* refused, or closing */
	void			(*check)(const struct http_request *rq);	/* each complete request; may be NULL */
};

static inline void
play_word(struct play *t)
{
	if (t->brief.len > 0)
		buf_putc(&t->brief, ' ');
}

static inline void
play_begin(struct play *t)
{
	t->rq = (struct http_request){ .minor = 9 };
	arena_init(&t->rq.arena, 65536);
	parse_begin(t->parse, &t->rq);
}

static inline void
play_request(struct play *t)
{
	const struct http_request	*rq = &t->rq;
	size_t				 i;

	if (t->check != NULL)
		t->check(rq);
	play_word(t);
	buf_puts(&t->brief, "ok");
	if (rq->body.n > 0)
		buf_putc(&t->brief, ':');
	buf_str(&t->brief, rq->body);
	if (!rq->keep_alive)
		buf_puts(&t->brief, "/close");
	buf_printf(&t->full, "to %zu method %d minor %d close %d\npath %.*s\n", t->at, (int)rq->method, rq->minor,
	    !rq->keep_alive, STR_ARG(rq->path));
	if (rq->query.p != NULL)
		buf_printf(&t->full, "query %.*s\n", STR_ARG(rq->query));
	for (i = 0; i < rq->nheaders; i++) {
		buf_str(&t->full, rq->headers[i].name);
		buf_putc(&t->full, '=');
		buf_str(&t->full, rq->headers[i].value);
		buf_putc(&t->full, '\n');
	}
	buf_str(&t->full, rq->body);
	buf_putc(&t->full, '\n');
	t->over = !rq->keep_alive;
}

static inline void
play_result(struct play *t, enum parse_result r)
{
	if (r == PARSE_HEAD) {
		if (parse_wants_continue(t->parse)) {
			play_word(t);
			buf_puts(&t->brief, "continue");
		}
		r = parse_body(t->parse, PLAY_BODY_MAX);
	}
	if (r == PARSE_DONE)
		play_request(t);
	if (r == PARSE_BAD) {
		play_word(t);
		buf_i64(&t->brief, parse_status(t->parse));
		buf_printf(&t->full, "refused %d %s close %d\n", parse_status(t->parse), parse_why(t->parse),
		    !t->rq.keep_alive);
		t->over = true;
	}
	if (r == PARSE_DONE) {
		arena_free(&t->rq.arena);
		play_begin(t);
	}
}

/* One piece, to its end. */
static inline void
play_piece(struct play *t, const char *p, size_t n)
{
	char			*copy = malloc(n > 0 ? n : 1);	/* of exact size: reading past it is an error */
	size_t			 at = 0, taken;
	enum parse_result	 r;

	if (copy == NULL)
		abort();
	if (n > 0)
		memcpy(copy, p, n);
	while (at < n && !t->over) {
		r = parse_feed(t->parse, copy + at, n - at, &taken);
		at += taken;
		t->at += taken;
		if (taken == 0 && r == PARSE_MORE)
			abort();
		play_result(t, r);
	}
	free(copy);
}

static inline void
play_start(struct play *t)
{
	*t = (struct play){ .parse = parse_new(&play_limits, play_limits.header_count) };
	if (t->parse == NULL)
		abort();
	buf_init(&t->brief, 1 << 20);
	buf_init(&t->full, 1 << 20);
	play_begin(t);
}

/* After the last piece. The caller frees brief and full. */
static inline void
play_end(struct play *t)
{
	if (!t->over && parse_started(t->parse)) {
		play_word(t);
		buf_puts(&t->brief, "more");
		buf_printf(&t->full, "more at %zu\n", t->at);
	}
	buf_putc(&t->brief, '\0');
	buf_putc(&t->full, '\0');
	arena_free(&t->rq.arena);
	parse_free(t->parse);
}

static inline void
play_free(struct play *t)
{
	buf_free(&t->brief);
	buf_free(&t->full);
}

#endif
