/*
 * router: a fixed table of routes, searched in order. A pattern is literal segments and {} segments, which match one
 * non-empty segment and land in rq->param[]. HEAD is served where GET is. Unknown path 404, known path with another
 * method 405 with Allow: decided here, the bodies are written by the table's error function. The first pattern that
 * fits a path decides: methods of a later, wider pattern do not count. OPTIONS * finds 405 and what the whole table
 * allows.
 */
#ifndef RINGD_ROUTER_H
#define RINGD_ROUTER_H

#include "http/request.h"

#define ROUTE_GET	(1u << HTTP_GET)
#define ROUTE_POST	(1u << HTTP_POST)
#define ROUTE_OPTIONS	(1u << HTTP_OPTIONS)	/* answered by the handler; without it, by the server */

typedef void (*http_handler)(struct http_request *rq, void *ctx);

struct http_route {
	const char	*pattern;	/* "/api/calls/{}" */
	unsigned	 methods;	/* ROUTE_GET | ROUTE_POST … */
	http_handler	 handler;
	const char	*name;		/* for log and metrics: stable, low-cardinality */
	size_t		 body_max;	/* bytes; 0 = a body is read and ignored up to 64K; else 413 beyond */
	bool		 secret_path;	/* a segment is a secret: the log shows the pattern instead */
};

struct http_routes {
	const struct http_route	*route;
	size_t			 count;
	/* Answers the request with an error in the house's envelope. Also called by conn.c for protocol errors (400,
	 * 408, 413, 414, 417, 431, 501, 505 …) when a request object exists; code is a stable word: "not_found". */
	void			(*error)(struct http_request *rq, int status, const char *code, const char *message);
	void			*ctx;	/* given to handlers */
	http_handler		 any;	/* serves what no route fits, its body unread; NULL: 404 or 405 */
};

/* Finds the route; NULL with *status 404 or 405 (then allow, of size >= 64, holds the Allow value, which always lists
 * HEAD with GET, and OPTIONS). Fills rq->param. */
const struct http_route *router_find(const struct http_routes *rs, struct http_request *rq, int *status,
	    char allow[64]);

#endif
