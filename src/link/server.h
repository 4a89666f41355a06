/*
 * server: the courier's side of the line: fetches the streams workers pass over the switchboard (client.h says how and
 * why) and hands on their questions.
 */
#ifndef RINGD_LINK_SERVER_H
#define RINGD_LINK_SERVER_H

#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>

#include "link/frames.h"
#include "loop/loop.h"

#define LINK_PEERS_MAX		256	/* streams: the workers of a generation, and those just replaced */
#define LINK_REQUESTS_MAX	1024	/* questions under way, all workers together; beyond: FRAME_BUSY */

struct link_server;
struct link_peer;

struct link_request {
	LIST_ENTRY(link_request) link;		/* private */
	struct link_peer	*peer;		/* private; NULL once it is gone */
	struct link_server	*server;
	uint32_t		 id;
	enum frame_kind		 kind;
	int64_t			 deadline_ms;	/* monotonic: nobody waits any longer */
	size_t			 nfields;
	struct str		 field[FRAME_FIELDS];	/* its own copies */
};

/* Must lead to exactly one link_answer(), now or later. */
typedef void	(*link_serve_fn)(void *arg, struct link_request *rq);

/* switchboard stays the caller's. NULL without memory. */
struct link_server *link_server_new(struct loop *l, int switchboard, link_serve_fn serve, void *arg);
/* Hangs up. What works on requests is ended before: afterwards none may be answered. */
void		 link_server_free(struct link_server *s);
void		 link_answer(struct link_request *rq, enum frame_code code, struct str field);	/* and frees it */
size_t		 link_server_peers(const struct link_server *s);
uint64_t	 link_server_requests(const struct link_server *s);	/* since the start */
/* Fetches what waits, then calls fn(arg) as soon as the last worker has hung up: at the next turn if there is none. */
void		 link_server_drain(struct link_server *s, loop_fn fn, void *arg);

#endif
