/*
 * conn: the life of one connection. Bytes are parsed where recv() put them; they are copied only when they must wait,
 * because a handler has the previous request or the client does not read its answers. Never has two requests under way,
 * never closes over unread bytes without a pause for the client to read the last answer (a reset would eat it), and
 * never lets a client that is slow, silent or gone hold more than its state's time and these buffers.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/conn.h"

void
request_free(struct http_request *rq)
{
	buf_free(&rq->extra);
	arena_free(&rq->arena);
	free(rq);
}

/* The time the present state may last. */
static void
set_deadline(struct http_conn *c)
{
	struct http_server		*s = c->listener->server;
	const struct http_limits	*limits = &s->limits;
	int64_t				 ms = 0;

	switch (c->state) {
	case CONN_PROXY:
	case CONN_HEAD:
		ms = limits->header_timeout_ms;
		break;
	case CONN_HANDSHAKE:
		ms = limits->handshake_timeout_ms;
		break;
	case CONN_IDLE:
		ms = s->accepting == ACCEPT_DRAINING ? CONN_GRACE_MS : limits->idle_timeout_ms;
		break;
	case CONN_BODY:
		ms = limits->body_timeout_ms;
		break;
	case CONN_BUSY:
		c->deadline_ms = INT64_MAX;
		return;
	case CONN_CLOSING:
	case CONN_LINGER:
		ms = CONN_LINGER_MS;
		break;
	}
	c->deadline_ms = loop_now_ms(s->loop) + ms;
}

void
conn_enter(struct http_conn *c, enum conn_state state)
{
	c->state = state;
	set_deadline(c);
}

/* The body is complete or given up: what it was allowed is free for others. */
static void
release_body(struct http_conn *c)
{
	if (c->reserved == 0)
		return;
	c->listener->server->bodies -= c->reserved;
	TAILQ_REMOVE(&c->listener->server->receiving, c, receiving);
	c->reserved = 0;
}

void
conn_drop(struct http_conn *c)
{
	struct http_server *s = c->listener->server;

	release_body(c);
	crowding_leave(c);
	if (c->state == CONN_BUSY) {
		access_answered(c, c->rq, 499, 0);
		c->rq->conn = NULL;	/* its handler answers into the void */
		s->stats.busy--;
	} else if (c->rq != NULL) {
		request_free(c->rq);
	}
	access_dropped(c);
	parse_free(c->parse);
	answer_discard(c);
	buf_free(&c->held);
	watch_free(c->watch);
	if (c->tls != NULL)
		tls_close(c->tls);
	tls_free(c->tls);
	close(c->fd);
	TAILQ_REMOVE(&s->conns, c, link);
	if (c->is_ready)
		TAILQ_REMOVE(&s->ready, c, ready);
	free(c);
	s->stats.open--;
	server_conn_gone(s);
}

/* The first byte of a request is there. Without memory the connection closes: there is nothing to answer with. */
static bool
begin_request(struct http_conn *c)
{
	struct http_server	*s = c->listener->server;
	struct http_request	*rq = calloc(1, sizeof(*rq));

	c->parse = server_parse_get(s);
	if (rq == NULL || c->parse == NULL) {
		free(rq);
		s->stats.refused++;
		c->state = CONN_CLOSING;
		server_conn_ready(c);
		return false;
	}
	arena_init(&rq->arena, s->limits.header_bytes + s->limits.body_bytes + s->limits.handler_bytes + CONN_ARENA_SLACK);
	buf_init(&rq->extra, CONN_EXTRA_MAX);
	rq->started_us = clock_mono_us();
	rq->peer = c->peer;
	rq->client = c->peer;
	rq->cred = c->cred;
	rq->https = c->tls != NULL;
	rq->conn = c;
	server_request_id(s, rq->id);
	c->rq = rq;
	parse_begin(c->parse, rq);
	c->state = CONN_HEAD;
	set_deadline(c);
	return true;
}

/* From here on the request is its handler's, until http_answer. Only a parser that came to its end is worth keeping:
 * another may hold a good part of a body. */
static void
hand_over(struct http_conn *c, bool keep_parser)
{
	struct http_server *s = c->listener->server;

	release_body(c);
	if (keep_parser)
		server_parse_put(s, c->parse);
	else
		parse_free(c->parse);
	c->parse = NULL;
	c->state = CONN_BUSY;
	c->deadline_ms = INT64_MAX;
	c->rq->complete_us = clock_mono_us();
	s->stats.requests++;
	s->stats.busy++;
	http_resume(c->rq);
}

/* Answers what could not be read to its end; what follows on this connection cannot be trusted to be a request. */
static void
refuse(struct http_conn *c, int status, const char *message)
{
	c->rq->keep_alive = false;
	c->rq->step = "parse";
	hand_over(c, false);
	if (status == 503)
		http_add_header(c->rq, "Retry-After", "1");
	c->listener->routes->error(c->rq, status, http_error_code(status), message);
}

static void
call_handler(struct http_conn *c)
{
	struct http_request *rq = c->rq;

	hand_over(c, true);
	log_event(LEVEL_DEBUG, "request begun", LOG_C("route", rq->route->name), LOG_INT("body", rq->body.n));
	if (rq->route->body_max == 0)
		rq->body = STR("");
	rq->route->handler(rq, c->listener->routes->ctx);
}

/* A body is not read just to be thrown away: the answer comes first and ends the connection. */
static void
hand_over_early(struct http_conn *c)
{
	if (parse_body(c->parse, 0) != PARSE_DONE)
		c->rq->keep_alive = false;
	hand_over(c, c->rq->keep_alive);
}

/* Unknown path or method. */
static void
no_route(struct http_conn *c, int status, const char *allow)
{
	struct http_request *rq = c->rq;

	hand_over_early(c);
	if (c->listener->routes->any != NULL) {
		c->listener->routes->any(rq, c->listener->routes->ctx);
		return;
	}
	if (status == 405)
		http_add_header(rq, "Allow", allow);
	if (status == 405 && rq->method == HTTP_OPTIONS)
		http_answer(rq, 204, NULL, NULL);
	else if (status == 405)
		c->listener->routes->error(rq, 405, "method_not_allowed", "Method not allowed here");
	else
		c->listener->routes->error(rq, 404, "not_found", "No such route");
}

/* Room for a body, of everybody's and of its address's. false: there is none, and that has been answered. */
static bool
reserve_body(struct http_conn *c, size_t room)
{
	struct http_server *s = c->listener->server;
	const char *why_not = crowding_of_bodies(c, room);

	if (why_not != NULL) {
		refuse(c, 503, why_not);
		return false;
	}
	c->reserved = room;
	if (room > 0)
		TAILQ_INSERT_HEAD(&s->receiving, c, receiving);
	s->bodies += room;
	return true;
}

/* The head is complete. more: bytes that follow it are already here, so nobody waits for 100 Continue. */
static void
head_complete(struct http_conn *c, bool more)
{
	struct http_server	*s = c->listener->server;
	struct http_request	*rq = c->rq;
	struct str		 id = http_header(rq, "X-Request-Id");
	const char		*why_not;
	char			 allow[64];
	size_t			 body_max;
	int			 status = 404;

	if (request_id_valid(id)) {
		memcpy(rq->id, id.p, id.n);
		rq->id[id.n] = '\0';
	}
	forwarded_apply(rq, s->trusted, s->ntrusted);
	rq->route = router_find(c->listener->routes, rq, &status, allow);
	if (rq->route == NULL) {
		no_route(c, status, allow);
		return;
	}
	if (s->owner.admit != NULL && (why_not = s->owner.admit(s->owner.arg, rq)) != NULL) {
		hand_over_early(c);
		c->listener->routes->error(rq, 403, "forbidden", why_not);
		return;
	}
	body_max = rq->route->body_max != 0 ? rq->route->body_max : CONN_BODY_IGNORED;
	switch (parse_body(c->parse, body_max < s->limits.body_bytes ? body_max : s->limits.body_bytes)) {
	case PARSE_DONE:
		call_handler(c);
		break;
	case PARSE_BAD:
		refuse(c, parse_status(c->parse), parse_why(c->parse));
		break;
	default:
		if (!reserve_body(c, parse_body_room(c->parse)))
			break;
		c->state = CONN_BODY;
		c->count = 0;
		set_deadline(c);
		if (!more && parse_wants_continue(c->parse))
			answer_continue(c);
		break;
	}
}

static bool
can_parse(const struct http_conn *c)
{
	return (c->state == CONN_IDLE || c->state == CONN_HEAD || c->state == CONN_BODY) && !c->blocked &&
	    c->out_bytes < CONN_OUT_HIGH;
}

/* Parses and serves as much of the bytes as the state and fairness allow; returns how many are done with. */
static size_t
take(struct http_conn *c, const char *p, size_t n)
{
	size_t used = 0, taken, before = c->answered;

	while (used < n && can_parse(c) && c->answered - before < CONN_PASS_REQUESTS) {
		if (c->state == CONN_IDLE && !begin_request(c))
			break;
		taken = 0;
		switch (parse_feed(c->parse, p + used, n - used, &taken)) {
		case PARSE_MORE:
			c->count += n - used;
			if (c->state == CONN_BODY && c->count >= CONN_BODY_STEP) {
				c->count = 0;
				set_deadline(c);
			}
			return n;
		case PARSE_HEAD:
			used += taken;
			head_complete(c, used < n);
			break;
		case PARSE_DONE:
			used += taken;
			call_handler(c);
			break;
		case PARSE_BAD:
			refuse(c, parse_status(c->parse), parse_why(c->parse));
			break;
		}
	}
	log_context_set(NULL);
	return c->state == CONN_CLOSING ? n : used;
}

static void
take_held(struct http_conn *c)
{
	if (c->held.len == 0 || !can_parse(c))
		return;
	buf_consume(&c->held, take(c, c->held.p, c->held.len));
	if (c->held.len == 0)
		buf_free(&c->held);
}

/* New bytes are in the server's input buffer. false: drop the connection. */
static bool
take_input(struct http_conn *c, size_t n)
{
	const char	*input = c->listener->server->input;
	size_t		 used = 0;

	if (c->state == CONN_LINGER || c->state == CONN_CLOSING) {
		c->count += n;
		return c->count <= CONN_LINGER_BYTES;
	}
	if (c->held.len == 0)
		used = take(c, input, n);
	buf_put(&c->held, input + used, n - used);
	if (c->held.failed)
		return false;
	take_held(c);
	return true;
}

/* The client sends no more. What it asked is still answered, what it had not finished asking is not. */
static bool
take_eof(struct http_conn *c)
{
	c->eof = true;
	return c->state == CONN_BUSY || c->state == CONN_CLOSING || c->out != NULL || (c->held.len > 0 && can_parse(c));
}

static bool
wants_bytes(const struct http_conn *c)
{
	return !c->blocked && !c->eof && c->held.len < CONN_READ_SIZE;
}

/* A record brought more than has been read: no descriptor will tell of it. */
static bool
has_more(const struct http_conn *c)
{
	return c->tls != NULL && wants_bytes(c) && tls_more(c->tls);
}

/* Waits for what the state needs. false: the kernel refused. */
static bool
set_watch(struct http_conn *c)
{
	bool	 reads = wants_bytes(c);
	unsigned what = c->blocked ? LOOP_WRITE : reads ? LOOP_READ : 0;

	if (c->tls == NULL)
		return watch_set(c->watch, what);
	if (reads ? tls_read_wants_write(c->tls) : c->blocked && tls_write_wants_read(c->tls))
		what ^= LOOP_READ | LOOP_WRITE;
	return watch_set(c->watch, what);
}

/* Bytes nobody will look at need not be deciphered. */
static ssize_t
receive(struct http_conn *c, char *p, size_t n)
{
	if (c->tls == NULL || c->state == CONN_LINGER || c->state == CONN_CLOSING)
		return recv(c->fd, p, n, 0);
	return tls_read(c->tls, p, n);
}

static bool
on_readable(struct http_conn *c)
{
	struct http_server	*s = c->listener->server;
	ssize_t			 n = receive(c, s->input, CONN_READ_SIZE - c->held.len);

	if (n > 0)
		return take_input(c, (size_t)n);
	if (n == 0)
		return take_eof(c);
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

void
conn_event(void *arg, unsigned what)
{
	struct http_conn	*c = arg;
	bool			 alive = true;

	(void)what;		/* only one thing is ever waited for */
	if (c->state == CONN_PROXY || c->state == CONN_HANDSHAKE)
		alive = opening_step(c);
	if (alive && c->blocked) {
		alive = answer_flush(c);
		if (alive && !c->blocked) {
			set_deadline(c);
			server_conn_ready(c);
		}
	} else if (alive && c->state != CONN_PROXY && c->state != CONN_HANDSHAKE) {
		alive = on_readable(c) && set_watch(c);
	}
	if (!alive)
		conn_drop(c);
	else if (has_more(c))
		server_conn_ready(c);
}

/* Says that we send no more, and waits for the client to say the same. false: it has, or is gone. */
static bool
shut(struct http_conn *c)
{
	if (c->tls != NULL)
		tls_close(c->tls);
	if (c->eof || shutdown(c->fd, SHUT_WR) == -1)
		return false;
	buf_free(&c->held);
	c->count = 0;
	c->state = CONN_LINGER;
	set_deadline(c);
	return true;
}

/* Nothing is left to write. false: the connection has served its purpose. */
static bool
all_written(struct http_conn *c)
{
	if (c->state == CONN_CLOSING)
		return shut(c);
	if (c->held.len > 0 && can_parse(c))
		server_conn_ready(c);
	else if (c->eof && c->state != CONN_BUSY)
		return false;
	if (c->state == CONN_IDLE)
		set_deadline(c);
	return true;
}

void
conn_turn_end(struct http_conn *c)
{
	take_held(c);
	if ((c->out != NULL && !c->blocked && !answer_flush(c)) || (c->out == NULL && !all_written(c)) || !set_watch(c))
		conn_drop(c);
	else if (has_more(c))
		watch_again(c->watch, LOOP_READ);	/* when all others have had their turn */
}

/*
 * Idle for its time. A request may have come since the loop last looked, and must not be answered by a reset: so one
 * look more, and while draining, when clients did nothing to be cut off, a half close instead of a close.
 */
static bool
idle_timeout(struct http_conn *c)
{
	if (!on_readable(c))
		return false;
	if (c->state != CONN_IDLE)
		return set_watch(c);
	return c->listener->server->accepting == ACCEPT_DRAINING && shut(c);
}

void
conn_timeout(struct http_conn *c)
{
	if (!c->blocked && c->state == CONN_IDLE && idle_timeout(c))
		return;
	if (!c->blocked && c->state == CONN_BODY)
		refuse(c, 408, "The body did not arrive in time");
	else if (!c->blocked && c->state == CONN_HEAD && parse_started(c->parse))
		refuse(c, 408, "The head did not arrive in time");
	else if (c->state == CONN_HANDSHAKE)
		opening_timeout(c);
	else
		conn_drop(c);
}
