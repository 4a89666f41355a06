/*
 * redirect: the routes of a listener that only sends clients to https: 308 for every method, so that what was asked
 * stays what it was. The name is the one the client used, the port is ours to say.
 */
#ifndef RINGD_REDIRECT_H
#define RINGD_REDIRECT_H

#include "http/router.h"

struct http_redirect {
	int	port;		/* 443 is not written */
	void	(*error)(struct http_request *rq, int status, const char *code, const char *message);
};

/* rs points to to afterwards. */
void	http_redirect_routes(struct http_routes *rs, struct http_redirect *to);

#endif
