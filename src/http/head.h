/*
 * head: the rules of a request's head that need the headers' meaning, applied to a request whose fields are split
 * already. Pure: no parser library, no connection. parse.c finds the pieces, this decides what they mean or what to
 * answer instead.
 */
#ifndef RINGD_HEAD_H
#define RINGD_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct http_request;

struct head_body {		/* what the head says about the body */
	bool		chunked;
	bool		expects;	/* Expect: 100-continue that counts: HTTP/1.1, and a body is to come */
	uint64_t	length;		/* 0 when chunked or none */
};

struct head_fault {
	int		status;
	const char	*why;		/* static text */
};

/* What parse.c needs to build a request without knowing its insides (see there why it must not). */
void	head_begin(struct http_request *rq);		/* no request yet: no method, empty path, no headers, no body */
/* Room for a head of n bytes and that many headers, all from the arena at once. NULL without memory. */
char	*head_room(struct http_request *rq, size_t n, size_t nheaders);
char	*head_body_room(struct http_request *rq, size_t n);	/* rq->body, n bytes; NULL without memory */
void	head_add(struct http_request *rq, struct str name, struct str value);	/* never more than head_room was told */
void	head_close(struct http_request *rq);		/* refused after all: the connection ends with the answer */

/* Applies every rule. false with *fault filled; then the connection must be closed after the answer. */
bool	head_check(struct http_request *rq, struct str method, struct str target, int minor, struct head_body *body,
	    struct head_fault *fault);

#endif
