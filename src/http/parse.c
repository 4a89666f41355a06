/*
 * parse: guard, http-parser and head rules put together; the only file that names http-parser. Every byte passes the
 * guard first, and the guard alone says where head and body end; http-parser then splits exactly those bytes. The two
 * must come to the same end, else the request is refused. Never gives http-parser a byte beyond the message, so
 * pipelined bytes stay as they are.
 *
 * A head is split in one go when it is complete: straight from the caller's bytes if it came whole, else from `held`.
 * So names and values are slices of one copy in the request's arena, and nothing depends on how the head was cut.
 *
 * http_parser.h and request.h both have an enum http_method with HTTP_GET in it; this file therefore sees the request
 * only through head.h.
 */
#include <sys/types.h>

#include <http_parser.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "http/head.h"
#include "http/parse.h"

enum phase { IN_HEAD, HEAD_COMPLETE, IN_BODY, COMPLETE, REFUSED };

struct parse {
	struct guard_limits	 lim;
	struct guard		 guard;
	struct http_parser	 lib;
	struct http_request	*rq;
	enum phase		 phase;
	bool			 started;
	bool			 lib_complete;		/* http-parser has seen the end of the message */
	bool			 lib_chunked;		/* how it read the framing */
	uint64_t		 lib_length;
	struct buf		 held;			/* an incomplete head; later a chunked body */
	struct str		 target, name;
	size_t			 nheaders, room;	/* headers added, and how many may be */
	struct head_body	 framing;
	char			*body;			/* in the arena, when its length was announced */
	size_t			 body_len;
	struct head_fault	 fault;
};

static enum parse_result
refuse(struct parse *p, int status, const char *why)
{
	p->phase = REFUSED;
	p->fault = (struct head_fault){ status, why };
	buf_wipe_free(&p->held);
	head_close(p->rq);
	return PARSE_BAD;
}

static int
on_url(http_parser *lib, const char *at, size_t n)
{
	struct parse *p = lib->data;

	p->target = (struct str){ at, n };
	return 0;
}

static int
on_name(http_parser *lib, const char *at, size_t n)
{
	struct parse *p = lib->data;

	p->name = (struct str){ at, n };
	return 0;
}

/* Called once a header, because the head comes in one piece; trailers are checked by the guard and dropped here. */
static int
on_value(http_parser *lib, const char *at, size_t n)
{
	struct parse *p = lib->data;

	if (p->phase != IN_HEAD)
		return 0;
	if (p->nheaders == p->room)
		return -1;
	head_add(p->rq, p->name, (struct str){ at, n });
	p->nheaders++;
	return 0;
}

/* Forgets an Upgrade: http-parser would stop reading the connection as HTTP, and we never switch protocols. */
static int
on_head(http_parser *lib)
{
	struct parse *p = lib->data;

	p->lib_chunked = (lib->flags & F_CHUNKED) != 0;
	p->lib_length = (lib->flags & F_CONTENTLENGTH) != 0 ? lib->content_length : 0;
	lib->upgrade = 0;
	return 0;
}

static int
on_body(http_parser *lib, const char *at, size_t n)
{
	struct parse *p = lib->data;

	if (p->framing.chunked) {
		buf_put(&p->held, at, n);
		return p->held.failed ? -1 : 0;
	}
	if (p->body == NULL || n > p->framing.length - p->body_len)
		return -1;
	memcpy(p->body + p->body_len, at, n);
	p->body_len += n;
	return 0;
}

static int
on_complete(http_parser *lib)
{
	struct parse *p = lib->data;

	p->lib_complete = true;
	return 0;
}

static const http_parser_settings callbacks = {
	.on_url = on_url,
	.on_header_field = on_name,
	.on_header_value = on_value,
	.on_headers_complete = on_head,
	.on_body = on_body,
	.on_message_complete = on_complete,
};

struct parse *
parse_new(const struct guard_limits *lim, size_t max_headers)
{
	struct parse *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->lim = *lim;
	if (p->lim.header_count > max_headers)
		p->lim.header_count = max_headers;
	/* http-parser's own limit is one for the whole process: the guard's is ours, so that must not be in the way. */
	http_parser_set_max_header_size(UINT32_MAX);
	return p;
}

void
parse_free(struct parse *p)
{
	if (p == NULL)
		return;
	buf_wipe_free(&p->held);
	free(p);
}

void
parse_begin(struct parse *p, struct http_request *rq)
{
	buf_wipe_free(&p->held);
	*p = (struct parse){ .lim = p->lim, .rq = rq, .phase = IN_HEAD };
	guard_init(&p->guard, &p->lim);
	buf_init(&p->held, p->lim.head_bytes);
	http_parser_init(&p->lib, HTTP_REQUEST);
	p->lib.data = p;
	head_begin(rq);
}

/* Gives http-parser what the guard let through. It may refuse more than the guard, never less. */
static bool
split(struct parse *p, const char *bytes, size_t n)
{
	size_t		used = n > 0 ? http_parser_execute(&p->lib, &callbacks, bytes, n) : 0;
	enum http_errno	e = HTTP_PARSER_ERRNO(&p->lib);

	if (e == HPE_OK && used == n)
		return true;
	if (p->held.failed)
		refuse(p, 503, "no memory for the request");
	else if (e == HPE_INVALID_METHOD)
		refuse(p, 501, "method not implemented");
	else
		refuse(p, 400, e == HPE_OK ? "request ends early" : http_errno_description(e));
	return false;
}

static enum parse_result
head_complete(struct parse *p, const char *bytes, size_t n)
{
	size_t	 skip = p->held.len + n, len = skip;
	char	*copy;

	p->room = p->guard.headers_seen;
	copy = head_room(p->rq, len, p->room);
	if (copy == NULL || p->held.failed)
		return refuse(p, 503, "no memory for the request");
	if (p->held.len > 0)
		memcpy(copy, p->held.p, p->held.len);
	memcpy(copy + p->held.len, bytes, n);
	buf_wipe_free(&p->held);
	skip = copy[0] == '\r' ? 2 : 0;		/* the empty line the guard allows before a request */
	if (!split(p, copy + skip, len - skip))
		return PARSE_BAD;
	if (!head_check(p->rq, (struct str){ copy + skip, strcspn(copy + skip, " ") }, p->target, p->lib.http_minor,
	    &p->framing, &p->fault))
		return refuse(p, p->fault.status, p->fault.why);
	if (p->nheaders != p->room || p->lib_chunked != p->framing.chunked || p->lib_length != p->framing.length)
		return refuse(p, 400, "request can be read in two ways");
	p->phase = HEAD_COMPLETE;
	return PARSE_HEAD;
}

static enum parse_result
body_complete(struct parse *p)
{
	if (!p->lib_complete || (!p->framing.chunked && p->body_len != p->framing.length))
		return refuse(p, 400, "body can be read in two ways");
	if (p->held.len > 0) {
		p->body = head_body_room(p->rq, p->held.len);
		if (p->body == NULL)
			return refuse(p, 503, "no memory for the request");
		memcpy(p->body, p->held.p, p->held.len);
	}
	buf_wipe_free(&p->held);
	p->phase = COMPLETE;
	return PARSE_DONE;
}

static enum parse_result
feed(struct parse *p, const char *bytes, size_t n, size_t *taken)
{
	switch (guard_feed(&p->guard, bytes, n, taken)) {
	case GUARD_HEAD_END:
		p->started = true;
		return head_complete(p, bytes, *taken);
	case GUARD_BODY_END:
		return split(p, bytes, *taken) ? body_complete(p) : PARSE_BAD;
	case GUARD_MORE:
		p->started = p->started || *taken > 0;
		if (p->phase == IN_HEAD)
			buf_put(&p->held, bytes, *taken);
		else if (!split(p, bytes, *taken))
			return PARSE_BAD;
		return PARSE_MORE;
	default:
		p->started = true;
		if (p->phase == IN_BODY && !split(p, bytes, *taken))
			return PARSE_BAD;	/* http-parser found fault with an earlier byte */
		return refuse(p, guard_status(&p->guard), guard_why(&p->guard));
	}
}

enum parse_result
parse_feed(struct parse *p, const char *bytes, size_t n, size_t *taken)
{
	*taken = 0;
	switch (p->phase) {
	case HEAD_COMPLETE:
		return PARSE_HEAD;
	case COMPLETE:
		return PARSE_DONE;
	case REFUSED:
		return PARSE_BAD;
	default:
		return feed(p, bytes, n, taken);
	}
}

enum parse_result
parse_body(struct parse *p, size_t body_max)
{
	if (p->phase != HEAD_COMPLETE)
		return p->phase == REFUSED ? PARSE_BAD : p->phase == COMPLETE ? PARSE_DONE : PARSE_MORE;
	p->phase = IN_BODY;
	guard_set_body_limit(&p->guard, body_max);
	if (p->framing.chunked) {
		buf_init(&p->held, body_max);
		guard_body_chunked(&p->guard);
		return PARSE_MORE;
	}
	if (!guard_body_length(&p->guard, p->framing.length))
		return refuse(p, guard_status(&p->guard), guard_why(&p->guard));
	if (p->framing.length == 0)
		return body_complete(p);
	p->body = head_body_room(p->rq, (size_t)p->framing.length);
	return p->body != NULL ? PARSE_MORE : refuse(p, 503, "no memory for the request");
}

size_t
parse_body_room(const struct parse *p)
{
	return p->framing.chunked ? p->held.max : (size_t)p->framing.length;
}

bool
parse_wants_continue(const struct parse *p)
{
	return p->framing.expects && (p->phase == HEAD_COMPLETE || p->phase == IN_BODY);
}

bool
parse_started(const struct parse *p)
{
	return p->started;
}

int
parse_status(const struct parse *p)
{
	return p->fault.status;
}

const char *
parse_why(const struct parse *p)
{
	return p->fault.why != NULL ? p->fault.why : "";
}
