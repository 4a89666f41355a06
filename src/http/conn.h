/*
 * conn: what server.c, opening.c, conn.c and answer.c share about one process's connections; private to http/.
 *
 * A connection costs little while idle: this struct, its watch and its descriptor. The request, the parser, bytes held
 * back and the output exist only while they are used. Everything a connection does happens in one of three places: its
 * watch (bytes in, or room for bytes out), the end of the turn (conn_turn_end: held bytes parsed, answers written in one
 * call) and the sweep (conn_timeout). Only these three may drop it; all else, handlers too, only changes its state.
 */
#ifndef RINGD_HTTP_CONN_H
#define RINGD_HTTP_CONN_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/pace.h"
#include "http/parse.h"
#include "http/request.h"
#include "http/server.h"
#include "loop/loop.h"
#include "net/addr.h"
#include "net/tls.h"

#define CONN_READ_SIZE		16384	/* one recv(), and the most that is held for a connection that cannot parse */
#define CONN_OUT_HIGH		65536	/* unwritten answer bytes before no further pipelined request is begun */
#define CONN_PASS_REQUESTS	4	/* of one connection's pipeline before the others have their turn */
#define CONN_BODY_STEP		65536	/* so much progress renews the body's time */
#define CONN_WRITE_STEP		65536	/* and the time of an answer's reader */
#define CONN_BODY_IGNORED	65536	/* body of a route that wants none */
#define CONN_ARENA_SLACK	(8 * 1024 * 1024)	/* what any handler may take beyond head and body */
#define CONN_EXTRA_MAX		16384	/* header lines added by a handler */
#define CONN_LINGER_BYTES	((size_t)4 << 20)
#define CONN_LINGER_MS		2000
#define CONN_GRACE_MS		1000	/* while draining, for the next request of a connection that has had one */
#define CONN_LAST_ACCEPTS	1024	/* connections taken from each listener's queue when draining begins */
#define SERVER_SPARE_PARSERS	32
#define SERVER_DATE_SIZE	40
#define SERVER_HSTS_SIZE	64

enum conn_state {
	CONN_PROXY,		/* the PROXY header is awaited */
	CONN_HANDSHAKE,		/* TLS: the first byte, then the handshake */
	CONN_IDLE,		/* no byte of a request yet */
	CONN_HEAD,		/* reading a head */
	CONN_BODY,		/* reading a body */
	CONN_BUSY,		/* a handler has the request */
	CONN_CLOSING,		/* the last answer is on its way; bytes that come are thrown away */
	CONN_LINGER,		/* our side is shut; waiting for the client's end, so that no reset eats the answer */
};

struct piece {			/* bytes to be written */
	struct piece	*next;
	struct buf	 bytes;
	size_t		 sent;
	bool		 open;		/* our own buffer: more may be added behind */
};

struct access {			/* an answer's line in the log, kept until its last byte is written */
	struct access	*next;
	uint64_t	 end;		/* of the connection's bytes, where its last one stands */
	struct log_context context;
	int		 status;
	size_t		 bytes;
	int64_t		 started_us, complete_us, wait_us, run_us, answered_us;
	struct addr	 client;
	const char	*step, *route;
	char		 what[];	/* "GET /path" */
};

struct http_listener {
	struct http_listener		*next;
	struct http_server		*server;
	struct watch			*watch;
	const struct http_routes	*routes;
	int				 fd;
	int				 family;
	bool				 proxy_protocol;
	const struct tls_server		*tls;		/* NULL: plain HTTP */
	char				 hsts[SERVER_HSTS_SIZE];	/* a line of the head */
	size_t				 hsts_len;
};

struct http_conn {
	TAILQ_ENTRY(http_conn)	 link;
	TAILQ_ENTRY(http_conn)	 ready;
	TAILQ_ENTRY(http_conn)	 receiving;	/* while something is reserved */
	struct http_listener	*listener;
	struct watch		*watch;
	struct tls		*tls;		/* NULL: plain, or before its first byte */
	struct http_request	*rq;		/* being read, or with its handler (CONN_BUSY) */
	struct parse		*parse;		/* while a request is being read */
	struct piece		*out, *out_last;
	size_t			 out_bytes;	/* unwritten */
	uint64_t		 out_done;	/* written so far */
	uint64_t		 out_renewed;	/* of that, when the write's time was last renewed */
	struct access		*lines, **lines_end;	/* of the answers in out, oldest first */
	struct buf		 held;		/* read, but not to be parsed yet */
	int64_t			 deadline_ms;	/* of the state, or of the write when blocked; INT64_MAX = none */
	size_t			 reserved;	/* of the server's body_memory */
	size_t			 count;		/* body bytes since the last renewal, or bytes read while lingering */
	size_t			 answered;	/* requests */
	struct addr		 peer;
	struct peer_cred	 cred;
	uint64_t		 crowd_id;	/* counted in the tally as; 0 = not counted */
	int			 fd;
	enum conn_state		 state;
	bool			 is_ready;	/* on the server's list for the end of the turn */
	bool			 blocked;	/* the kernel took no more; waiting for writability */
	bool			 eof;		/* the client shut its sending side */
	bool			 failing;	/* the error function is already answering for a failed answer */
};

enum accepting { ACCEPT_YES, ACCEPT_FULL, ACCEPT_NO_FDS, ACCEPT_DRAINING };

struct http_server {
	struct loop			*loop;
	struct http_limits		 limits;
	struct guard_limits		 guard;
	struct http_stats		 stats;
	struct http_owner		 owner;
	size_t				 bodies;	/* reserved by bodies being received */
	TAILQ_HEAD(, http_conn)		 receiving;	/* them */
	struct addr_net			*trusted;
	size_t				 ntrusted;
	bool				 access_log;

	struct http_listener		*listeners;
	TAILQ_HEAD(, http_conn)		 conns;
	TAILQ_HEAD(conn_list, http_conn) ready;
	struct loop_hook		 hook;
	struct timer			*sweep, *resume, *drain;
	bool				 sweeping;

	enum accepting			 accepting;
	int				 fd_ceiling;	/* descriptors from here on are the reserve */
	int64_t				 paused_ms;	/* when accepting was last paused */
	bool				 paused_told;	/* and that is in the log */
	struct pace			 crowded;	/* telling of too many connections from one address */
	struct pace			 greedy;	/* and of too many bodies */
	loop_fn				 drained;
	void				*drained_arg;

	struct parse			*spare[SERVER_SPARE_PARSERS];
	size_t				 nspare;
	uint64_t			 id_seed, id_count;
	int64_t				 date_second;
	char				 date[SERVER_DATE_SIZE];
	char				 input[CONN_READ_SIZE];	/* what a recv() brought; copied only if it must wait */
	char				 record[TLS_RECORD];	/* small pieces on their way into one record */
	int64_t				 handshakes_told_ms;	/* when a failed one was last in the log at level info */
	uint64_t			 handshakes_told;	/* how many had failed by then */
};

/* server.c */
struct parse	*server_parse_get(struct http_server *s);
void		 server_parse_put(struct http_server *s, struct parse *p);
const char	*server_date(struct http_server *s);
void		 server_request_id(struct http_server *s, char out[HTTP_ID_SIZE]);
void		 server_conn_ready(struct http_conn *c);	/* conn_turn_end at the end of this turn */
void		 server_tell(struct http_server *s);	/* the counts of connections have changed */
void		 server_conn_gone(struct http_server *s);	/* one fewer: accept again, or finish draining */
/* Tells the owner. */
void		 server_finished(struct http_server *s, const struct http_request *rq, int status, size_t bytes, int64_t now_us);

/* conn.c */
void		 conn_event(void *arg, unsigned what);	/* of its watch */
void		 conn_turn_end(struct http_conn *c);
void		 conn_enter(struct http_conn *c, enum conn_state state);	/* with that state's time */
void		 conn_timeout(struct http_conn *c);
void		 conn_drop(struct http_conn *c);	/* closes; a handler's request loses its connection */
void		 request_free(struct http_request *rq);

/* opening.c: from accept to the first byte of a request; the steps while the state is CONN_PROXY or CONN_HANDSHAKE. */
bool		 conn_new(struct http_listener *l, int fd, const struct addr *peer,
		    const struct peer_cred *cred);	/* false: fd is closed */
bool		 opening_step(struct http_conn *c);	/* something came, or there is room; false: drop */
void		 opening_timeout(struct http_conn *c);	/* of CONN_HANDSHAKE: drops it */

/* answer.c */
void		 answer_text(struct http_conn *c, struct str bytes);	/* a whole answer to what was no request */
void		 answer_continue(struct http_conn *c);	/* 100 Continue */
bool		 answer_flush(struct http_conn *c);	/* one write; false: the connection is lost */
void		 answer_discard(struct http_conn *c);

/* access.c: one line about a request, when its answer's last byte is written; status 499 = the client left first. */
void		 access_answered(struct http_conn *c, const struct http_request *rq, int status, size_t bytes);
void		 access_written(struct http_conn *c);	/* the lines of what is written by now */
void		 access_dropped(struct http_conn *c);	/* the lines of what never will be */

/* forwarded.c: rq->client and rq->https: from X-Forwarded-For and -Proto if rq->peer is a trusted hop; else the peer, and
 * https as it stands. */
void		 forwarded_apply(struct http_request *rq, const struct addr_net *trusted, size_t ntrusted);
bool		 forwarded_trusts(const struct addr *a, const struct addr_net *trusted, size_t ntrusted);

/* crowding.c: counts the connection for its peer's address; false: it would be one too many, and is not counted. */
bool		 crowding_enter(struct http_conn *c);
void		 crowding_leave(struct http_conn *c);	/* no-op when it was not counted */
const char	*crowding_of_bodies(struct http_conn *c, size_t room);	/* is one more too much? NULL: no; else words for it */

#endif
