/*
 * answer: the answer's head, the queue of bytes to be written, and the one write per turn. Head and body of an answer,
 * and the small answers of pipelined requests, leave in the same call; what the kernel does not take waits for
 * writability. Never sends half an answer as if it were whole: without memory the connection is closed instead.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "http/conn.h"

#define PIECE_MAX	65536	/* most our own buffers grow to */
#define PIECE_JOIN	16384	/* no more is added behind so many bytes */
#define HEAD_ROOM	512	/* a usual head */
#define BODY_COPIED	4096	/* smaller bodies are copied behind their head, bigger ones change owner */
#define FLUSH_PIECES	16
#define FLUSH_RECORDS	16

/* Takes over the bytes. */
static struct piece *
piece_add(struct http_conn *c, struct buf *bytes)
{
	struct piece *piece = calloc(1, sizeof(*piece));

	if (piece == NULL)
		return NULL;
	piece->bytes = *bytes;
	buf_init(bytes, bytes->max);
	if (c->out == NULL)
		c->out = piece;
	else
		c->out_last->next = piece;
	c->out_last = piece;
	return piece;
}

/* A piece of our own that n bytes may be added to. */
static struct piece *
piece_for(struct http_conn *c, size_t n)
{
	struct piece	*piece = c->out_last;
	struct buf	 bytes;

	if (c->out != NULL && piece->open && piece->bytes.len + n <= PIECE_JOIN)
		return buf_reserve(&piece->bytes, n) ? piece : NULL;
	buf_init(&bytes, PIECE_MAX);
	if (!buf_reserve(&bytes, n) || (piece = piece_add(c, &bytes)) == NULL) {
		buf_free(&bytes);
		return NULL;
	}
	piece->open = true;
	return piece;
}

void
answer_discard(struct http_conn *c)
{
	struct piece *piece;

	while ((piece = c->out) != NULL) {
		c->out = piece->next;
		buf_free(&piece->bytes);
		free(piece);
	}
	c->out_bytes = 0;
	c->blocked = false;
}

void
answer_continue(struct http_conn *c)
{
	struct str	 line = STR("HTTP/1.1 100 Continue\r\n\r\n");
	struct piece	*piece = piece_for(c, line.n);

	if (piece == NULL)
		return;		/* the client then sends its body after a while all the same */
	buf_str(&piece->bytes, line);
	c->out_bytes += line.n;
	server_conn_ready(c);
}

/* Whether the lines a handler added have one of that name; name ends in ':'. */
static bool
has_line(struct str lines, struct str name)
{
	struct str line;

	while (str_cut(&lines, '\n', &line))
		if (line.n >= name.n && str_ieq((struct str){ line.p, name.n }, name))
			return true;
	return false;
}

static void
put_line(struct buf *b, const char *name, const char *value)
{
	buf_puts(b, name);
	buf_puts(b, value);
	buf_put(b, "\r\n", 2);
}

/* Data is nobody's to keep, to show in a frame, or to take for a page. */
static void
put_json_lines(struct buf *b, struct str extra)
{
	if (!has_line(extra, STR("Cache-Control:")))
		put_line(b, "Cache-Control: ", "no-store");
	put_line(b, "Content-Security-Policy: ", "default-src 'none'; frame-ancestors 'none'");
}

static void
put_head(struct buf *b, struct http_request *rq, int status, const char *type, size_t length, bool last)
{
	struct str extra = buf_as_str(&rq->extra);

	buf_puts(b, "HTTP/1.1 ");
	buf_i64(b, status);
	buf_putc(b, ' ');
	put_line(b, http_reason(status), "");
	put_line(b, "Date: ", server_date(rq->conn->listener->server));
	if (type != NULL) {
		put_line(b, "Content-Type: ", type);
		if (strstr(type, "json") != NULL)
			put_json_lines(b, extra);
	}
	if (status != 204 && status != 304) {
		buf_puts(b, "Content-Length: ");
		buf_i64(b, (int64_t)length);
		buf_put(b, "\r\n", 2);
	}
	put_line(b, "X-Request-Id: ", rq->id);
	put_line(b, "X-Content-Type-Options: ", "nosniff");
	if (rq->conn->tls != NULL)
		buf_put(b, rq->conn->listener->hsts, rq->conn->listener->hsts_len);
	if (last)
		put_line(b, "Connection: ", "close");
	else if (rq->minor == 0)
		put_line(b, "Connection: ", "keep-alive");
	if (rq->allow_origin.p != NULL) {
		buf_puts(b, "Access-Control-Allow-Origin: ");
		buf_str(b, rq->allow_origin);
		buf_put(b, "\r\n", 2);
	}
	buf_str(b, extra);
	buf_put(b, "\r\n", 2);
}

/* Head and body into the queue. false: no memory; the queue may then hold half of it. */
static bool
queue_answer(struct http_conn *c, int status, const char *type, struct buf *body, bool last)
{
	struct http_request	*rq = c->rq;
	size_t			 length = body != NULL ? body->len : 0;
	bool			 with_body = rq->method != HTTP_HEAD && status != 204 && status != 304 && length != 0;
	bool			 copied = with_body && length <= BODY_COPIED;
	struct piece		*piece = piece_for(c, HEAD_ROOM + rq->allow_origin.n + rq->extra.len + (copied ? length : 0));
	size_t			 before;

	if (piece == NULL)
		return false;
	before = piece->bytes.len;
	put_head(&piece->bytes, rq, status, type, length, last);
	if (copied)
		buf_put(&piece->bytes, body->p, length);
	if (piece->bytes.failed)
		return false;
	c->out_bytes += piece->bytes.len - before;
	if (!with_body || copied)
		return true;
	if (piece_add(c, body) == NULL)
		return false;
	c->out_bytes += length;
	return true;
}

/* A body or header lines that did not fit their buffer: the client gets an error instead of a part. */
static void
answer_failed(struct http_request *rq, struct buf *body)
{
	log_error("the answer did not fit its buffer");
	if (body != NULL)
		buf_free(body);
	buf_free(&rq->extra);
	if (rq->conn->failing) {
		http_answer(rq, 500, NULL, NULL);
		return;
	}
	rq->conn->failing = true;
	rq->conn->listener->routes->error(rq, 500, "internal_error", "The answer could not be built");
}

void
http_answer(struct http_request *rq, int status, const char *content_type, struct buf *body)
{
	struct http_conn	*c = rq->conn;
	struct http_server	*s;
	size_t			 sent;
	bool			 last;

	if (c == NULL) {
		if (body != NULL)
			buf_free(body);
		request_free(rq);
		return;
	}
	if ((body != NULL && body->failed) || rq->extra.failed) {
		answer_failed(rq, body);
		return;
	}
	s = c->listener->server;
	c->answered++;
	last = !rq->keep_alive || s->accepting == ACCEPT_DRAINING || c->answered >= s->limits.requests_per_connection;
	sent = body != NULL && rq->method != HTTP_HEAD && status != 204 && status != 304 ? body->len : 0;
	if (!queue_answer(c, status, content_type, body, last)) {
		log_error("no memory for the answer");
		answer_discard(c);
		last = true;
	}
	access_answered(c, rq, status, sent);
	if (body != NULL)
		buf_free(body);
	request_free(rq);
	c->rq = NULL;
	c->failing = false;
	c->state = last ? CONN_CLOSING : CONN_IDLE;
	s->stats.busy--;
	server_conn_ready(c);
}

/* Takes n written bytes off the queue. */
static void
written(struct http_conn *c, size_t n)
{
	struct piece *piece;

	c->out_bytes -= n;
	c->out_done += n;
	while ((piece = c->out) != NULL && n >= piece->bytes.len - piece->sent) {
		n -= piece->bytes.len - piece->sent;
		c->out = piece->next;
		buf_free(&piece->bytes);
		free(piece);
	}
	if (piece != NULL)
		piece->sent += n;
}

void
answer_text(struct http_conn *c, struct str bytes)
{
	struct piece *piece = piece_for(c, bytes.n);

	if (piece != NULL) {
		buf_str(&piece->bytes, bytes);
		c->out_bytes += bytes.n;
	}
	server_conn_ready(c);
}

/* One call, the kernel's own gathering. Bytes taken, or -1. */
static ssize_t
send_plain(struct http_conn *c)
{
	struct iovec	 iov[FLUSH_PIECES];
	struct msghdr	 msg = { .msg_iov = iov };
	struct piece	*piece;
	unsigned char	 count = 0;	/* fits msg_iovlen without a cast, int on the BSDs, size_t on Linux */
	ssize_t		 n;

	for (piece = c->out; piece != NULL && count < FLUSH_PIECES; piece = piece->next) {
		iov[count].iov_base = piece->bytes.p + piece->sent;
		iov[count].iov_len = piece->bytes.len - piece->sent;
		count++;
	}
	msg.msg_iovlen = count;
	n = sendmsg(c->fd, &msg, MSG_NOSIGNAL);
	if (n > 0)
		written(c, (size_t)n);
	return n;
}

/* The next record's bytes: where they lie if one piece fills it or is the last, else gathered from several. */
static struct str
next_record(struct http_conn *c)
{
	struct piece	*piece = c->out;
	char		*record = c->listener->server->record;
	size_t		 n = piece->bytes.len - piece->sent, have = 0;

	if (n >= TLS_RECORD || piece->next == NULL)
		return (struct str){ piece->bytes.p + piece->sent, n };
	for (; piece != NULL && have < TLS_RECORD; piece = piece->next) {
		n = piece->bytes.len - piece->sent;
		if (n > TLS_RECORD - have)
			n = TLS_RECORD - have;
		memcpy(record + have, piece->bytes.p + piece->sent, n);
		have += n;
	}
	return (struct str){ record, have };
}

/* So many records that a socket's buffer is likely full; what is left then waits like what the kernel refused. */
static ssize_t
send_tls(struct http_conn *c)
{
	struct str	record;
	ssize_t		n, all = 0;
	int		i;

	for (i = 0; i < FLUSH_RECORDS && c->out != NULL; i++) {
		record = next_record(c);
		n = tls_write(c->tls, record.p, record.n);
		if (n < 0)
			return all > 0 && errno == EAGAIN ? all : n;
		written(c, (size_t)n);
		all += n;
	}
	return all;
}

bool
answer_flush(struct http_conn *c)
{
	struct http_server	*s = c->listener->server;
	ssize_t			 n = c->tls == NULL ? send_plain(c) : send_tls(c);

	if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
		return false;
	if (n > 0)
		access_written(c);
	if (c->out != NULL && (!c->blocked || c->out_done - c->out_renewed >= CONN_WRITE_STEP)) {
		c->deadline_ms = loop_now_ms(s->loop) + s->limits.write_timeout_ms;
		c->out_renewed = c->out_done;
	}
	c->blocked = c->out != NULL;
	return true;
}
