/*
 * request: one HTTP request as the rest of the program sees it, and the answer to it. Made by conn.c, handed to
 * exactly one handler, which must call http_answer() exactly once, now or later. A client that goes away in between
 * changes nothing for the handler: http_answer() then only frees. No word of calls or SQL here.
 */
#ifndef RINGD_REQUEST_H
#define RINGD_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "net/addr.h"
#include "net/peer.h"

#define HTTP_ID_SIZE		65	/* request id: 1..64 of [A-Za-z0-9._-], and a NUL */
#define HTTP_PARAMS		4	/* {…} segments in a route */

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_OPTIONS, HTTP_OTHER };

struct http_header {
	struct str	name;		/* as sent */
	struct str	value;		/* trimmed of SP and HTAB */
};

struct http_conn;
struct http_route;

struct http_request {
	struct arena		 arena;		/* everything below points into it; freed by http_answer */
	enum http_method	 method;
	struct str		 path;		/* begins with '/'; still percent-encoded; no query. "*" only for */
						/* OPTIONS *, empty while no good request line was read */
	struct str		 query;		/* after '?', without it; absent when there was none */
	int			 minor;		/* HTTP/1.<minor> */
	struct http_header	*headers;
	size_t			 nheaders;
	struct str		 body;		/* complete; empty when none */
	struct str		 param[HTTP_PARAMS];
	struct addr		 peer;		/* the socket's (or the PROXY header's) */
	struct addr		 client;	/* behind trusted hops: from X-Forwarded-For; else peer */
	struct peer_cred	 cred;		/* of a Unix socket's peer, where the server's owner admits by it */
	bool			 https;		/* as the client saw it: X-Forwarded-Proto from trusted hops only */
	bool			 keep_alive;
	char			 id[HTTP_ID_SIZE];
	const struct http_route	*route;		/* NULL when none matched */
	const char		*step;		/* where the journey stands; set by handlers, for the log */
	char			 app[40];	/* tenant, for the log; http_set_app */
	bool			 counted;	/* belongs into the tenant's request log; set by handlers */
	int64_t			 started_us;	/* monotonic: its first byte came */
	int64_t			 complete_us;	/* and this was its last */
	int64_t			 db_wait_us, db_run_us;	/* spent in line for the database and at work there; handlers add */
	struct buf		 extra;		/* header lines added by http_add_header */
	struct str		 allow_origin;	/* a page of which origin may read the answer; absent: none. By handlers */
	struct http_conn	*conn;		/* private to conn.c; NULL once the client is gone */
	void			*state;		/* the handler's own */
};

/* First header of that name (ASCII case ignored); absent when there is none. */
struct str	http_header(const struct http_request *rq, const char *name);
/* Adds a line to the answer's head. name must be a token, value free of control bytes (refused otherwise, logged). */
void		http_add_header(struct http_request *rq, const char *name, const char *value);
/* From here until the loop's next callback the log's lines are about this request. Done for handlers and for callbacks of
 * database jobs; whoever comes back to a request by another way says it. */
void		http_resume(const struct http_request *rq);
void		http_set_app(struct http_request *rq, const char *app);	/* copied; known to the log from here on */
/* Answers and frees the request; body may be NULL; its bytes are copied or moved, afterwards *body is empty.
 * status 204 and 304 carry no body; HEAD gets the head of what GET would have got. */
void		http_answer(struct http_request *rq, int status, const char *content_type, struct buf *body);
const char	*http_reason(int status);
const char	*http_method_name(enum http_method method);
bool		 request_id_valid(struct str id);	/* fit to be taken over from a client */
const char	*http_error_code(int status);	/* "bad_request": of what could not be read, for routes->error */

/* Query parameters: decodes the next name=value of *rest into the arena ('+' is a blank, %XX strict).
 * 1 = one taken, 0 = none left, -1 = malformed percent escape, NUL, or no memory. */
int		http_query_next(struct arena *a, struct str *rest, struct str *name, struct str *value);

#endif
