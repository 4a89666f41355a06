/*
 * server_rig: a real server in a process of its own on a loopback port, and blunt clients: raw sockets that send any
 * bytes at any pace and read answers one by one. The child exits 0 only when it drained cleanly, so the sanitizers'
 * verdict on it reaches the test.
 */
#ifndef RINGD_TESTS_SERVER_RIG_H
#define RINGD_TESTS_SERVER_RIG_H

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "http/server.h"

#define RIG_BIG		(4u * 1024 * 1024)
#define RIG_WAIT_S	5	/* a client waits no longer for anything */
#define RIG_DRAIN_MS	2500
#define RIG_LIFE_S	60
#define RIG_CPU_MS	500	/* a child that waits uses less, even under sanitizers; one that spins for 1 s more */

struct rig {
	struct http_limits	 limits;
	bool			 proxy_protocol;
	bool			 trust_loopback;
	int			 receive_buffer, send_buffer;	/* 0 = the system's */
	rlim_t			 descriptors;		/* 0 = as they are */
	char			*access_file;		/* log with access lines; NULL = errors to stderr only */
	const char		*unix_path;

	int			 listen_fd;
	uint16_t		 port;
	pid_t			 pid;
	struct loop		*loop;			/* the child's */
	struct http_server	*server;
	char			 told[512];		/* the child's: what its owner was told of requests */
	struct http_stats	 told_stats;
	size_t			 told_connections;	/* times */

	long			 cpu_ms;		/* what the child used, after rig_join */
};

struct client {
	int		fd;
	struct buf	in;		/* read, not yet handed out */
	char		head[4096];
	char		*body;		/* NUL-terminated; until the next answer */
	size_t		body_len;
};

#define CLIENT_EOF	0	/* client_answer: the server closed */
#define CLIENT_RESET	(-1)
#define CLIENT_SILENT	(-2)	/* nothing came in RIG_WAIT_S */

/* ---- the server's side ---- */

static inline void
rig_text(struct http_request *rq, int status, const char *type, const char *text)
{
	struct buf body;

	buf_init(&body, 4096);
	buf_puts(&body, text);
	http_answer(rq, status, type, &body);
}

static inline void
rig_error(struct http_request *rq, int status, const char *code, const char *message)
{
	struct buf body;

	buf_init(&body, 4096);
	buf_printf(&body, "{\"code\":\"%s\",\"error\":\"%s\"}", code, message);
	http_answer(rq, status, "application/json", &body);
}

static inline void
rig_hello(struct http_request *rq, void *ctx)
{
	(void)ctx;
	rig_text(rq, 200, "application/json", "{\"hello\":true}");
}

static inline void
rig_cached(struct http_request *rq, void *ctx)
{
	(void)ctx;
	http_add_header(rq, "cache-control", "max-age=60");
	rig_text(rq, 200, "application/json", "{}");
}

static inline void
rig_param(struct http_request *rq, void *ctx)
{
	char text[64];

	(void)ctx;
	snprintf(text, sizeof(text), "%.*s", STR_ARG(rq->param[0]));
	rig_text(rq, 200, "text/plain", text);
}

static inline void
rig_none(struct http_request *rq, void *ctx)
{
	(void)ctx;
	rig_text(rq, 204, NULL, "never seen");
}

static inline void
rig_same(struct http_request *rq, void *ctx)
{
	(void)ctx;
	rig_text(rq, 304, NULL, "never seen");
}

static inline void
rig_overflow(struct http_request *rq, void *ctx)
{
	struct buf body;

	(void)ctx;
	buf_init(&body, 8);
	buf_puts(&body, "more than eight bytes");
	http_answer(rq, 200, "text/plain", &body);
}

struct rig_later {
	struct http_request	*rq;
	struct timer		*timer;
};

static inline void
rig_later(void *arg)
{
	struct rig_later *later = arg;

	timer_free(later->timer);
	rig_text(later->rq, 200, "text/plain", "slow");
	free(later);
}

static inline void
rig_slow(struct http_request *rq, void *ctx)
{
	struct rig		*rig = ctx;
	struct rig_later	*later = calloc(1, sizeof(*later));
	int64_t			 ms = 0;

	if (later == NULL || !num_i64(rq->param[0], 0, 10000, &ms))
		abort();
	later->rq = rq;
	later->timer = timer_new(rig->loop, rig_later, later);
	timer_set(later->timer, ms);
}

static inline void
rig_big(struct http_request *rq, void *ctx)
{
	struct buf	body;
	size_t		i;

	(void)ctx;
	buf_init(&body, RIG_BIG);
	buf_reserve(&body, RIG_BIG);
	for (i = 0; i < RIG_BIG; i++)
		body.p[i] = (char)('a' + i % 23);
	body.len = RIG_BIG;
	http_answer(rq, 200, "text/plain", &body);
}

static inline void
rig_echo(struct http_request *rq, void *ctx)
{
	struct buf body;

	(void)ctx;
	buf_init(&body, rq->body.n + 1);
	buf_str(&body, rq->body);
	http_answer(rq, 200, "text/plain", &body);
}

static inline void
rig_who(struct http_request *rq, void *ctx)
{
	char client[ADDR_TEXT_SIZE], peer[ADDR_TEXT_SIZE], text[256];

	(void)ctx;
	addr_text(client, &rq->client);
	addr_text(peer, &rq->peer);
	snprintf(text, sizeof(text), "%s %s %s %s", client, peer, rq->https ? "https" : "http", rq->id);
	rig_text(rq, 200, "text/plain", text);
}

static inline void
rig_stats(struct http_request *rq, void *ctx)
{
	const struct http_stats	*s = http_server_stats(((struct rig *)ctx)->server);
	char			 text[256];

	snprintf(text, sizeof(text), "open=%zu busy=%zu requests=%llu refused=%llu", s->open, s->busy,
	    (unsigned long long)s->requests, (unsigned long long)s->refused);
	rig_text(rq, 200, "text/plain", text);
}

static inline const char *
rig_admit(void *arg, const struct http_request *rq)
{
	(void)arg;
	return strcmp(rq->route->name, "closed") == 0 ? "Not for you" : NULL;
}

static inline void
rig_finished(void *arg, const struct http_request *rq, int status, size_t bytes, int64_t now_us)
{
	struct rig	*rig = arg;
	int64_t		 us = now_us - rq->started_us;
	size_t		 n = strlen(rig->told);

	snprintf(rig->told + n, sizeof(rig->told) - n, "%s:%d:%zu:%s ", rq->route != NULL ? rq->route->name : "none",
	    status, bytes, us < 0 ? "negative" : us < 1000000 ? "fast" : "slow");
}

static inline void
rig_connections(void *arg, const struct http_stats *stats)
{
	struct rig *rig = arg;

	rig->told_stats = *stats;
	rig->told_connections++;
}

/* What the owner was told since the last time. */
static inline void
rig_told(struct http_request *rq, void *ctx)
{
	struct rig	*rig = ctx;
	char		 text[sizeof(rig->told)];

	memcpy(text, rig->told, sizeof(text));
	rig->told[0] = '\0';
	rig_text(rq, 200, "text/plain", text);
}

static inline void
rig_told_connections(struct http_request *rq, void *ctx)
{
	const struct rig	*rig = ctx;
	char			 text[256];

	snprintf(text, sizeof(text), "open=%zu accepted=%llu times=%zu", rig->told_stats.open,
	    (unsigned long long)rig->told_stats.accepted, rig->told_connections);
	rig_text(rq, 200, "text/plain", text);
}

static const struct http_route rig_routes[] = {
	{ "/told", ROUTE_GET, rig_told, "told", 0, false },
	{ "/connections", ROUTE_GET, rig_told_connections, "connections", 0, false },
	{ "/closed", ROUTE_POST, rig_echo, "closed", 1024 * 1024, false },
	{ "/hello", ROUTE_GET, rig_hello, "hello", 0, false },
	{ "/cached", ROUTE_GET, rig_cached, "cached", 0, false },
	{ "/param/{}", ROUTE_GET, rig_param, "param", 0, false },
	{ "/none", ROUTE_GET, rig_none, "none", 0, false },
	{ "/same", ROUTE_GET, rig_same, "same", 0, false },
	{ "/overflow", ROUTE_GET, rig_overflow, "overflow", 0, false },
	{ "/slow/{}", ROUTE_GET, rig_slow, "slow", 0, false },
	{ "/big", ROUTE_GET, rig_big, "big", 0, false },
	{ "/echo", ROUTE_POST, rig_echo, "echo", 1024 * 1024, false },
	{ "/hooks/{}", ROUTE_POST, rig_echo, "hooks", 1024, true },
	{ "/ignore", ROUTE_POST, rig_echo, "ignore", 0, false },
	{ "/who", ROUTE_GET, rig_who, "who", 0, false },
	{ "/stats", ROUTE_GET, rig_stats, "stats", 0, false },
};

static inline void
rig_stop(void *arg)
{
	loop_stop(arg);
}

static inline void
rig_drain(void *arg)
{
	struct rig *rig = arg;

	http_server_drain(rig->server, RIG_DRAIN_MS, rig_stop, rig->loop);
}

static inline int
rig_serve(struct rig *rig)
{
	struct http_routes	routes = { .route = rig_routes, .count = sizeof(rig_routes) / sizeof(rig_routes[0]),
	    .error = rig_error, .ctx = rig };
	struct http_listen	what = { .fd = rig->listen_fd, .proxy_protocol = rig->proxy_protocol, .routes = &routes };
	struct http_owner	owner = { rig_admit, rig_finished, rig_connections, rig };
	struct rlimit		rl = { rig->descriptors, rig->descriptors };
	struct addr_net		loopback;
	size_t			open;

	log_open(rig->access_file != NULL ? LOG_TO_FILE : LOG_TO_STDERR, rig->access_file,
	    rig->access_file != NULL ? LEVEL_INFO : LEVEL_ERROR);
	if (rig->descriptors != 0 && setrlimit(RLIMIT_NOFILE, &rl) == -1)
		return 1;
	if (!addr_parse_net(&loopback, STR("127.0.0.0/8")) || (rig->loop = loop_new()) == NULL)
		return 1;
	rig->server = http_server_new(rig->loop, &rig->limits, &loopback, rig->trust_loopback ? 1 : 0,
	    rig->access_file != NULL);
	if (rig->server == NULL)
		return 1;
	http_server_set_owner(rig->server, &owner);
	if (!http_server_listen(rig->server, &what) ||
	    !loop_on_signal(rig->loop, SIGTERM, rig_drain, rig))
		return 1;
	loop_run(rig->loop);
	open = http_server_stats(rig->server)->open;
	http_server_free(rig->server);
	loop_free(rig->loop);
	return open == 0 ? 0 : 3;
}

/* ---- the test's side ---- */

static inline struct rig
rig_defaults(void)
{
	return (struct rig){ .limits = {
		.header_bytes = 8192, .header_count = 32, .url_bytes = 2048, .body_bytes = 1024 * 1024, .body_memory = 3 * 1024 * 1024,
		.header_timeout_ms = 4000, .body_timeout_ms = 4000, .idle_timeout_ms = 4000, .write_timeout_ms = 4000,
		.connections = 100, .reserve_fds = 8, .requests_per_connection = 1000,
	} };
}

static inline void
rig_start(struct rig *rig)
{
	struct sockaddr_in	sin = { .sin_family = AF_INET };
	struct sockaddr_un	sun = { .sun_family = AF_UNIX };
	socklen_t		len = sizeof(sin);

	rig->listen_fd = socket(rig->unix_path != NULL ? AF_UNIX : AF_INET,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_not_equal(rig->listen_fd, -1);
	if (rig->send_buffer != 0) {	/* with segments as on a network: loopback's are so large that windows open in leaps */
		assert_int_equal(setsockopt(rig->listen_fd, SOL_SOCKET, SO_SNDBUF, &rig->send_buffer, sizeof(rig->send_buffer)), 0);
		assert_int_equal(setsockopt(rig->listen_fd, IPPROTO_TCP, TCP_MAXSEG, &(int){ 1400 }, sizeof(int)), 0);
	}
	if (rig->receive_buffer != 0)
		assert_int_equal(setsockopt(rig->listen_fd, SOL_SOCKET, SO_RCVBUF, &rig->receive_buffer,
		    sizeof(rig->receive_buffer)), 0);
	if (rig->unix_path != NULL) {
		snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", rig->unix_path);
		assert_int_equal(bind(rig->listen_fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	} else {
		sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		assert_int_equal(bind(rig->listen_fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
		assert_int_equal(getsockname(rig->listen_fd, (struct sockaddr *)&sin, &len), 0);
		rig->port = ntohs(sin.sin_port);
	}
	assert_int_equal(listen(rig->listen_fd, 64), 0);
	fflush(NULL);
	rig->pid = fork();
	assert_int_not_equal(rig->pid, -1);
	if (rig->pid == 0) {
		alarm(RIG_LIFE_S);	/* a failed test leaves it behind */
		exit(rig_serve(rig));
	}
	close(rig->listen_fd);
}

static inline void
rig_term(struct rig *rig)
{
	assert_int_equal(kill(rig->pid, SIGTERM), 0);
}

/* Waits for the child; it must have ended by itself and content. */
static inline void
rig_join(struct rig *rig)
{
	struct rusage	before, after;
	int		status = -1;

	getrusage(RUSAGE_CHILDREN, &before);
	assert_int_equal(waitpid(rig->pid, &status, 0), rig->pid);
	getrusage(RUSAGE_CHILDREN, &after);
	rig->cpu_ms = (long)(after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec -
	    before.ru_stime.tv_sec) * 1000 + (long)(after.ru_utime.tv_usec - before.ru_utime.tv_usec +
	    after.ru_stime.tv_usec - before.ru_stime.tv_usec) / 1000;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static inline void
rig_end(struct rig *rig)
{
	rig_term(rig);
	rig_join(rig);
}

static inline long
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static inline void
nap_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

static inline struct client
client_open(const struct rig *rig)
{
	struct sockaddr_in	sin = { .sin_family = AF_INET, .sin_port = htons(rig->port) };
	struct sockaddr_un	sun = { .sun_family = AF_UNIX };
	struct timeval		tv = { RIG_WAIT_S, 0 };
	struct client		c = { .fd = socket(rig->unix_path != NULL ? AF_UNIX : AF_INET, SOCK_STREAM, 0) };

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_not_equal(c.fd, -1);
	if (rig->unix_path != NULL) {
		snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", rig->unix_path);
		assert_int_equal(connect(c.fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	} else {
		assert_int_equal(connect(c.fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	}
	assert_int_equal(setsockopt(c.fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	assert_int_equal(setsockopt(c.fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
	buf_init(&c.in, 64u * 1024 * 1024);
	return c;
}

static inline void
client_close(struct client *c)
{
	close(c->fd);
	buf_free(&c->in);
	free(c->body);
	c->body = NULL;
}

static inline void
client_send_bytes(struct client *c, const char *p, size_t n)
{
	assert_int_equal(send(c->fd, p, n, MSG_NOSIGNAL), (ssize_t)n);
}

static inline void
client_send(struct client *c, const char *text)
{
	client_send_bytes(c, text, strlen(text));
}

/* More bytes into c->in: > 0, or one of the CLIENT_ words. */
static inline int
client_more(struct client *c)
{
	char	bytes[65536];
	ssize_t	n = recv(c->fd, bytes, sizeof(bytes), 0);

	if (n == 0)
		return CLIENT_EOF;
	if (n < 0)
		return errno == EAGAIN ? CLIENT_SILENT : CLIENT_RESET;
	buf_put(&c->in, bytes, (size_t)n);
	return 1;
}

/* Reads the next answer: its status, or a CLIENT_ word. head_only: an answer to HEAD. */
static inline int
client_answer_to(struct client *c, bool head_only)
{
	char	*end, *length;
	size_t	 head_len, body_len = 0;
	int	 r;

	free(c->body);
	c->body = NULL;
	c->body_len = 0;
	for (;;) {
		end = c->in.len > 3 ? memmem(c->in.p, c->in.len, "\r\n\r\n", 4) : NULL;
		if (end != NULL)
			break;
		if ((r = client_more(c)) <= 0)
			return r;
	}
	head_len = (size_t)(end - c->in.p) + 4;
	assert_true(head_len < sizeof(c->head));
	memcpy(c->head, c->in.p, head_len);
	c->head[head_len] = '\0';
	buf_consume(&c->in, head_len);
	length = strstr(c->head, "\r\nContent-Length: ");
	if (length != NULL && !head_only)
		body_len = (size_t)strtoul(length + 18, NULL, 10);
	while (c->in.len < body_len)
		if ((r = client_more(c)) <= 0)
			return r;
	c->body = calloc(1, body_len + 1);
	assert_non_null(c->body);
	if (body_len > 0)
		memcpy(c->body, c->in.p, body_len);
	c->body_len = body_len;
	buf_consume(&c->in, body_len);
	assert_memory_equal(c->head, "HTTP/1.1 ", 9);
	return (int)strtol(c->head + 9, NULL, 10);
}

static inline int
client_answer(struct client *c)
{
	return client_answer_to(c, false);
}

/* One request on a connection of its own; the body's text lands in out. */
static inline int
rig_get(const struct rig *rig, const char *path, char out[512])
{
	struct client	c = client_open(rig);
	char		request[512];
	int		status;

	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
	client_send(&c, request);
	status = client_answer(&c);
	snprintf(out, 512, "%s", c.body != NULL ? c.body : "");
	client_close(&c);
	return status;
}

#endif
