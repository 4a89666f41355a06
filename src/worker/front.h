/*
 * front: what the world sees of a worker: its listeners, plain, TLS or only redirecting, and the watch over the dates
 * of certificates.
 */
#ifndef RINGD_FRONT_H
#define RINGD_FRONT_H

#include <stdbool.h>

#include "http/redirect.h"
#include "http/server.h"
#include "loop/loop.h"
#include "proc/child.h"

struct front {
	const struct conf	*conf;
	struct tls_server	*tls;		/* NULL: no certificates */
	struct http_redirect	 redirect;
	struct http_routes	 redirect_routes;
	struct expiry		*expiry;	/* NULL: another worker's business */
};

/* false, logged: the certificates cannot be used. error answers what even a redirect refuses. */
bool	front_open(struct front *f, const struct heritage *h, struct loop *l,
	    void (*error)(struct http_request *rq, int status, const char *code, const char *message));
/* Serves conf->listen with these routes. */
bool	front_listen(struct front *f, struct http_server *s, const int *fd, const struct http_routes *routes);
void	front_free(struct front *f);		/* after the servers */

#endif
