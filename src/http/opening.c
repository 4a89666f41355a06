/*
 * opening: from accept to the first byte of a request: the PROXY header where the listener asks for one, then the TLS
 * handshake where it speaks TLS. The header is looked at before it is taken, so that not one byte of what follows it is
 * lost to the TLS library. Until a client has sent a byte nothing is made for it.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "http/conn.h"
#include "net/proxy_protocol.h"

#define TOLD_EVERY_MS	10000	/* a scanner must not fill the log */

#define NOT_TLS_TEXT	"This port speaks HTTPS, and this request was plain HTTP. Write https:// instead of http://.\n"
#define NOT_TLS_ANSWER	"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 92\r\nConnection: close\r\n\r\n" \
			NOT_TLS_TEXT

_Static_assert(sizeof(NOT_TLS_TEXT) - 1 == 92, "the length stands in the answer");

/* From now to the first byte of the first request it has the time of a head. */
static void
opened(struct http_conn *c)
{
	struct http_server *s = c->listener->server;

	conn_enter(c, CONN_IDLE);
	c->deadline_ms = loop_now_ms(s->loop) + s->limits.header_timeout_ms;
}

bool
conn_new(struct http_listener *l, int fd, const struct addr *peer, const struct peer_cred *cred)
{
	struct http_server	*s = l->server;
	struct http_conn	*c = calloc(1, sizeof(*c));
	int			 on = 1;

	if (c != NULL) {
		c->listener = l;
		c->cred = *cred;
		c->fd = fd;
		c->peer = *peer;
	}
	if (c == NULL || (!l->proxy_protocol && !crowding_enter(c)) ||
	    (c->watch = watch_new(s->loop, fd, conn_event, c)) == NULL || !watch_set(c->watch, LOOP_READ)) {
		if (c != NULL) {
			crowding_leave(c);
			watch_free(c->watch);
		}
		free(c);
		close(fd);
		return false;
	}
	if (l->family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (l->proxy_protocol || l->tls != NULL)
		conn_enter(c, l->proxy_protocol ? CONN_PROXY : CONN_HANDSHAKE);
	else
		opened(c);
	c->lines_end = &c->lines;
	buf_init(&c->held, CONN_READ_SIZE);
	TAILQ_INSERT_TAIL(&s->conns, c, link);
	s->stats.open++;
	return true;
}

/* One line at level info in ten seconds, with how many it stands for; the others at level debug. */
static void
handshake_failed(struct http_conn *c, const char *why)
{
	struct http_server	*s = c->listener->server;
	int64_t			 now = loop_now_ms(s->loop);
	char			 peer[ADDR_TEXT_SIZE];

	s->stats.handshakes_failed++;
	addr_text(peer, &c->peer);
	if (s->handshakes_told_ms != 0 && now - s->handshakes_told_ms < TOLD_EVERY_MS) {
		log_event(LEVEL_DEBUG, "TLS handshake failed", LOG_C("reason", why), LOG_C("client", peer));
		return;
	}
	log_event(LEVEL_INFO, "TLS handshake failed", LOG_C("reason", why), LOG_C("client", peer),
	    LOG_INT("failed_since_last_line", s->stats.handshakes_failed - s->handshakes_told));
	s->handshakes_told_ms = now;
	s->handshakes_told = s->stats.handshakes_failed;
}

static bool
nothing_yet(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static bool
refuse_proxy(struct http_conn *c, const char *why)
{
	char text[ADDR_TEXT_SIZE];

	addr_text(text, &c->peer);
	log_event(LEVEL_INFO, "connection closed: no good PROXY header", LOG_C("reason", why), LOG_C("client", text));
	c->listener->server->stats.refused++;
	return false;
}

/* Where proxies are named, only they may say who a client is; else whoever reaches the listener.
 * c->held keeps the part of the header that came; the bytes after it stay in the kernel. */
static bool
take_proxy_header(struct http_conn *c)
{
	struct addr	 client = { .family = 0 };
	struct http_server	*s = c->listener->server;
	char		*input = s->input;
	size_t		 before = c->held.len, mine;
	ssize_t		 n = recv(c->fd, input, PROXY_PROTOCOL_V2_MAX - before, MSG_PEEK);
	int		 length;

	if (s->ntrusted > 0 && !forwarded_trusts(&c->peer, s->trusted, s->ntrusted))
		return refuse_proxy(c, "a PROXY header is taken from proxy.trusted only");
	if (n <= 0)
		return n < 0 && nothing_yet();
	buf_put(&c->held, input, (size_t)n);
	length = c->held.failed ? -1 : proxy_protocol_parse(buf_as_str(&c->held), &client);
	if (length < 0 || (length == 0 && c->held.len >= PROXY_PROTOCOL_V2_MAX))
		return refuse_proxy(c, "it did not begin with a valid PROXY header");
	mine = length > 0 ? (size_t)length - before : (size_t)n;
	if (recv(c->fd, input, mine, 0) != (ssize_t)mine)
		return false;
	if (length == 0)
		return true;
	if (client.family != 0) {
		c->peer = client;
		if (!crowding_enter(c)) {
			s->stats.refused++;
			return false;
		}
	}
	buf_free(&c->held);
	if (c->listener->tls != NULL)
		conn_enter(c, CONN_HANDSHAKE);
	else
		c->state = CONN_IDLE;	/* the deadline stays: header_timeout from accept to the first byte */
	return true;
}

/* A letter begins HTTP and other talk in the clear; TLS begins with the number of a record's kind. */
static bool
is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void
answer_not_tls(struct http_conn *c)
{
	handshake_failed(c, "the client speaks plain HTTP");
	c->state = CONN_CLOSING;
	answer_text(c, STR(NOT_TLS_ANSWER));
}

/* The first byte decides; it is only looked at. */
static bool
begin_handshake(struct http_conn *c)
{
	char	first;
	ssize_t	n = recv(c->fd, &first, 1, MSG_PEEK);

	if (n <= 0)
		return n < 0 && nothing_yet();	/* came and went: a probe, nothing that failed */
	if (is_letter(first)) {
		answer_not_tls(c);
		return true;
	}
	c->tls = tls_new(c->listener->tls, c->fd);
	if (c->tls != NULL)
		return true;
	c->listener->server->stats.refused++;
	log_error("no memory for a TLS connection");
	return false;
}

static bool
shake_hands(struct http_conn *c)
{
	struct http_stats	*stats = &c->listener->server->stats;
	char			 why[TLS_WHY_SIZE];

	switch (tls_handshake(c->tls, why)) {
	case TLS_DONE:
		stats->handshakes++;
		stats->handshakes_resumed += tls_resumed(c->tls);
		opened(c);
		server_tell(c->listener->server);
		return true;
	case TLS_WANT_READ:
		return watch_set(c->watch, LOOP_READ);
	case TLS_WANT_WRITE:
		return watch_set(c->watch, LOOP_WRITE);
	case TLS_FAILED:
		break;
	}
	handshake_failed(c, why);
	return false;
}

bool
opening_step(struct http_conn *c)
{
	if (c->state == CONN_PROXY && !take_proxy_header(c))
		return false;
	if (c->state == CONN_HANDSHAKE && c->tls == NULL && !begin_handshake(c))
		return false;
	return c->state != CONN_HANDSHAKE || c->tls == NULL || shake_hands(c);
}

void
opening_timeout(struct http_conn *c)
{
	if (c->tls != NULL)
		handshake_failed(c, "it took too long");
	conn_drop(c);
}
