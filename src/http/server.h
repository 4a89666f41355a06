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
	int64_t	 header_timeout_ms, body_timeout_ms, idle_timeout_ms, write_timeout_ms;
	size_t	 connections, reserve_fds, requests_per_connection;
	const struct tally *tally;	/* NULL: nothing is counted across processes */
	size_t	 member;		/* this process in the tally */
	uint32_t per_address;		/* connections, all processes together; 0 = any number */
};

struct http_stats {		/* counters the owner reads; plain, this process only */
	uint64_t accepted, requests;
	uint64_t refused;	/* times accepting was paused, and connections closed unserved (bad PROXY header, no memory) */
	uint64_t crowded;	/* connections closed because their address held too many; among the refused */
	size_t	 open, busy;	/* busy: connections with a request under way */
};

struct http_server;

struct http_server *http_server_new(struct loop *l, const struct http_limits *lim, const struct addr_net *trusted,
    size_t ntrusted, bool access_log);
/* Serves fd (listening, non-blocking; stays owned by the caller) with these routes. */
bool	http_server_listen(struct http_server *s, int fd, bool proxy_protocol, const struct http_routes *routes);
/* Stops accepting; answers what is under way with Connection: close; idle connections get a short grace, then close.
 * done(arg) when the last one is gone or after timeout_ms. */
void	http_server_drain(struct http_server *s, int64_t timeout_ms, loop_fn done, void *arg);
const struct http_stats *http_server_stats(const struct http_server *s);
void	http_server_free(struct http_server *s);	/* closes what is left */

#endif
