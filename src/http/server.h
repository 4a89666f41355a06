/*
 * server: listeners and connections of one process. Accepts with a reserve of descriptors, bounds everything a client can
 * spend (bytes, counts, time), one request at a time per connection with pipelined bytes held back, one write per turn.
 */
#ifndef RINGD_SERVER_H
#define RINGD_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/tally.h"
#include "http/router.h"
#include "loop/loop.h"
#include "net/addr.h"

struct http_limits {
	size_t	 header_bytes, header_count, url_bytes, body_bytes;
	size_t	 body_memory;		/* bodies being received at one time, all connections together */
	size_t	 handler_bytes;		/* what a handler may take of a request's arena beyond CONN_ARENA_SLACK */
	int64_t	 handshake_timeout_ms;	/* TLS */
	int64_t	 header_timeout_ms, body_timeout_ms, idle_timeout_ms, write_timeout_ms;
	size_t	 connections, reserve_fds, requests_per_connection;
	const struct tally *tally;	/* NULL: nothing is counted across processes */
	size_t	 member;		/* this process in the tally */
	uint32_t per_address;		/* connections, all processes together; 0 = any number */
	size_t	 body_memory_per_address;	/* of body_memory; 0 = all of it */
};

struct http_stats {		/* counters the owner reads; plain, this process only */
	uint64_t accepted, requests;
	uint64_t refused;	/* times accepting was paused, and connections closed unserved (bad PROXY header, no memory) */
	uint64_t crowded;	/* connections closed because their address held too many; among the refused */
	uint64_t bodies_refused;	/* their address had too many */
	uint64_t handshakes, handshakes_resumed, handshakes_failed;	/* TLS */
	size_t	 open, busy;	/* busy: connections with a request under way */
};

/* What the owner of a server is asked and told. Each may be NULL; arg is given to all. */
struct http_owner {
	/* A route was found; the body is not read yet. NULL: it may be served; else why not, for an answer of 403. */
	const char	*(*admit)(void *arg, const struct http_request *rq);
	/* Once per request, when its answer is ready to be written, now_us (monotonic). 499: the client left. */
	void		 (*finished)(void *arg, const struct http_request *rq, int status, size_t bytes, int64_t now_us);
	/* A connection was accepted, refused or closed. */
	void		 (*connections)(void *arg, const struct http_stats *stats);
	void		*arg;
};

struct http_server;
struct tls_server;		/* net/tls.h */

struct http_listen {
	int				 fd;		/* listening, non-blocking; stays its owner's */
	bool				 proxy_protocol;	/* a PROXY header comes first, before a handshake too */
	const struct tls_server		*tls;		/* NULL: plain HTTP */
	int64_t				 hsts_s;	/* of Strict-Transport-Security; 0: left out */
	const struct http_routes	*routes;
};

struct http_server *http_server_new(struct loop *l, const struct http_limits *lim, const struct addr_net *trusted,
    size_t ntrusted, bool access_log);
/* Before the first listener: a Unix socket's peers are looked at when they come. */
void	http_server_set_owner(struct http_server *s, const struct http_owner *owner);
bool	http_server_listen(struct http_server *s, const struct http_listen *what);
/* Accepts what already waits and no more: the caller closes its listeners then. Answers what is under way, and what
 * still comes, with Connection: close. Connections that have had an answer get a short grace for that and are then shut;
 * a new one keeps its header_timeout: its client is about to ask. done(arg) when the last is gone or after timeout_ms. */
void	http_server_drain(struct http_server *s, int64_t timeout_ms, loop_fn done, void *arg);
const struct http_stats *http_server_stats(const struct http_server *s);
void	http_server_free(struct http_server *s);	/* closes what is left */

#endif
