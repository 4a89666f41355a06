/*
 * parse: http-parser behind one file. Takes the bytes the guard let through, builds the request (method, target,
 * headers, body) in the request's arena and has head.c apply the rules that need the headers' meaning: exactly one
 * valid Host in 1.1, Content-Length digits only and never twice nor with Transfer-Encoding, Transfer-Encoding exactly
 * "chunked" and not in 1.0, absolute-form targets agreeing with Host, Upgrade ignored, Expect only 100-continue,
 * Connection read as a list of tokens. parse.c is the only file that names http-parser (archived upstream: it must be
 * replaceable there alone).
 *
 * After PARSE_BAD the connection must be closed once the answer is out: where the next request would begin is
 * unknown.
 */
#ifndef RINGD_PARSE_H
#define RINGD_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "http/guard.h"

struct http_request;
struct parse;			/* one per connection while a request is being read */

enum parse_result {
	PARSE_MORE,		/* needs more bytes */
	PARSE_HEAD,		/* the head is complete and good: rq has method, path, headers; the caller finds the */
				/* route, answers Expect, then calls parse_body() with the route's limit */
	PARSE_DONE,		/* the request is complete */
	PARSE_BAD,		/* parse_status() and parse_why() say what to answer before closing */
};

struct parse	*parse_new(const struct guard_limits *lim, size_t max_headers);	/* NULL without memory */
void		 parse_free(struct parse *p);
/* rq's arena is ready and has room for head_bytes, body_bytes and 32 bytes a header; anew for each request. */
void		 parse_begin(struct parse *p, struct http_request *rq);
/* Feeds n bytes; *taken says how many were used. After PARSE_HEAD and PARSE_DONE the rest waits for the next call. */
enum parse_result parse_feed(struct parse *p, const char *bytes, size_t n, size_t *taken);
/* After PARSE_HEAD: body_max for this route. PARSE_DONE when there is no body, PARSE_MORE when bytes are to come,
 * PARSE_BAD when it is too long (413). */
enum parse_result parse_body(struct parse *p, size_t body_max);
size_t		 parse_body_room(const struct parse *p);	/* after parse_body: bytes the body may take in memory */
bool		 parse_wants_continue(const struct parse *p);	/* Expect: 100-continue, 1.1, and a body is to come */
bool		 parse_started(const struct parse *p);		/* a byte of this request was taken */
int		 parse_status(const struct parse *p);		/* 400, 413, 414, 417, 431, 501, 503 (no memory), 505 */
const char	*parse_why(const struct parse *p);		/* static text */

#endif
