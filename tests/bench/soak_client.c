/*
 * soak_client: clients of four kinds in one process, counting every request that did not get the answer it should have.
 * A keep-alive connection that the server announced to close, or that it ended while nothing was asked on it, is no
 * failure; a refused connection, a reset, an end before the whole answer, another status than 200 and silence are.
 * usage: soak_client PORT REQUESTS SECONDS KEY HOOK_PATH BODIES KEEP ONESHOT SENDERS SLEEPY
 * Prints "progress N" once a second on standard error, and one JSON object at the end.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"

#define CONNS_MAX	1024
#define HEAD_MAX	4096
#define TIMEOUT_MS	15000
#define THINK_MS	2500
#define RECONNECT_MS	2		/* after a failure, so that a dead server is not hammered */
#define LATENCY_MAX	TIMEOUT_MS

enum kind { KEEP, ONESHOT, SENDER, SLEEPY };
enum phase { CLOSED, CONNECTING, SENDING, READING, THINKING, FINISHED };
enum failure { REFUSED, RESET, CUT, SILENT, STATUS, FAILURES };

struct conn {
	enum kind	 kind;
	enum phase	 phase;
	int		 fd;
	const char	*out;
	size_t		 out_len, sent;
	char		 in[HEAD_MAX + 1];
	size_t		 in_len;
	long long	 body_left;	/* -1: the head is not complete */
	bool		 last;		/* the server announced the end */
	bool		 reused;	/* had an answer before */
	int		 status;
	int64_t		 began_ms, due_ms;
};

static const char *const kinds[] = { "keep_alive", "one_shot", "webhooks", "sleepy" };
static const char *const failures[] = { "refused", "reset", "cut", "silent", "status" };
static struct conn	 conns[CONNS_MAX];
static struct pollfd	 polls[CONNS_MAX];
static size_t		 nconns;
static uint64_t		 served[4], failed[FAILURES], announced, closed_idle, connects, started, wanted, latency[LATENCY_MAX + 1];
static int		 last_status;
static struct sockaddr_in server;
static char		 keep[512], once[512];
static char		**bodies;
static size_t		*body_len, nbodies, next_body;
static uint64_t		 random_state = 88172645463325252ULL;

static uint64_t
some(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % below;
}

static void
drop(struct conn *c)
{
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
	c->phase = CLOSED;
	c->reused = false;
}

static void
fail(struct conn *c, enum failure f)
{
	failed[f]++;
	fprintf(stderr, "failed: %s, %s, phase %d, %zu bytes of answer, %s connection, status %d, errno %d\n", kinds[c->kind],
	    failures[f], (int)c->phase, c->in_len, c->reused ? "reused" : "new", c->status, errno);
	drop(c);
	c->due_ms = clock_mono_ms() + RECONNECT_MS;
}

static bool
begin_connect(struct conn *c)
{
	int on = 1;

	if (c->kind == SENDER ? next_body >= nbodies || started >= wanted : started >= wanted) {
		c->phase = FINISHED;
		return false;
	}
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1) {
		perror("soak_client: socket");
		exit(1);
	}
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	connects++;
	c->began_ms = clock_mono_ms();
	c->phase = CONNECTING;
	if (connect(c->fd, (struct sockaddr *)&server, sizeof(server)) == -1 && errno != EINPROGRESS)
		fail(c, REFUSED);
	return c->phase == CONNECTING;
}

/* false: there is nothing left to ask. */
static bool
begin_request(struct conn *c)
{
	if (started >= wanted || (c->kind == SENDER && next_body >= nbodies)) {
		drop(c);
		c->phase = FINISHED;
		return false;
	}
	started++;
	if (c->kind == SENDER) {
		c->out = bodies[next_body];
		c->out_len = body_len[next_body++];
	} else {
		c->out = c->kind == ONESHOT ? once : keep;
		c->out_len = strlen(c->out);
	}
	c->sent = c->in_len = 0;
	c->body_left = -1;
	c->last = false;
	c->status = 0;
	c->began_ms = clock_mono_ms();
	c->phase = SENDING;
	return true;
}

static void
put(struct conn *c)
{
	ssize_t n = send(c->fd, c->out + c->sent, c->out_len - c->sent, MSG_NOSIGNAL);

	if (n == -1) {
		if (errno != EAGAIN && errno != EINTR)
			fail(c, RESET);
		return;
	}
	c->sent += (size_t)n;
	if (c->sent == c->out_len)
		c->phase = READING;
}

static void
answered(struct conn *c)
{
	int64_t now = clock_mono_ms(), took = now - c->began_ms;

	if (c->status != 200) {
		last_status = c->status;
		fail(c, STATUS);
		return;
	}
	served[c->kind]++;
	latency[took < LATENCY_MAX ? took : LATENCY_MAX]++;
	if (c->last && c->kind != ONESHOT)
		announced++;
	if (c->last) {
		drop(c);
		c->due_ms = now;
	} else if (c->kind == SLEEPY) {
		c->phase = THINKING;
		c->reused = true;
		c->due_ms = now + (int64_t)some(THINK_MS);
	} else {
		c->reused = true;
		if (begin_request(c))
			put(c);
	}
}

/* The head is complete up to end. */
static void
take_head(struct conn *c, char *end)
{
	char *length;

	end[2] = '\0';
	length = strcasestr(c->in, "\r\ncontent-length:");
	c->last = strcasestr(c->in, "\r\nconnection: close\r\n") != NULL;
	c->status = c->in_len > 12 ? atoi(c->in + 9) : 0;
	c->body_left = (length != NULL ? atoll(length + 17) : 0) - (long long)(c->in_len - (size_t)(end + 4 - c->in));
}

static void
get(struct conn *c)
{
	static char	 waste[65536];
	bool		 head = c->body_left < 0;
	char		*end;
	ssize_t		 n = head ? recv(c->fd, c->in + c->in_len, HEAD_MAX - c->in_len, 0) : recv(c->fd, waste, sizeof(waste), 0);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		fail(c, n == 0 ? CUT : RESET);
		return;
	}
	if (head) {
		c->in_len += (size_t)n;
		c->in[c->in_len] = '\0';
		if ((end = strstr(c->in, "\r\n\r\n")) != NULL)
			take_head(c, end);
	} else {
		c->body_left -= n;
	}
	if (c->body_left == 0)
		answered(c);
}

static void
connected(struct conn *c)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1 || error != 0) {
		errno = error;
		fail(c, REFUSED);
	} else if (begin_request(c)) {
		put(c);
	}
}

/* Nobody asked anything, and yet there is something to read: the end. */
static void
disturbed(struct conn *c)
{
	closed_idle++;
	drop(c);
	c->due_ms = clock_mono_ms();
}

/*
 * An idle connection may be closed by either side at any time (RFC 9112, 9.3), so whoever uses one again looks at it first, as
 * libcurl does. Without it whatever happened since poll() counts as a failure of the server's: a millisecond for each of
 * a thousand closes.
 */
static bool
has_ended(const struct conn *c)
{
	char byte;

	return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void
serve(struct conn *c, short revents, int64_t now)
{
	if (c->phase == CLOSED && now >= c->due_ms) {
		(void)begin_connect(c);
	} else if (c->phase == CONNECTING && revents != 0) {
		connected(c);
	} else if (c->phase == THINKING && (revents != 0 || (now >= c->due_ms && has_ended(c)))) {
		disturbed(c);
	} else if (c->phase == THINKING && now >= c->due_ms) {
		if (begin_request(c))
			put(c);
	} else if (c->phase == SENDING && revents != 0) {
		put(c);
	} else if (c->phase == READING && revents != 0) {
		get(c);
	} else if ((c->phase == SENDING || c->phase == READING || c->phase == CONNECTING) &&
	    now - c->began_ms > TIMEOUT_MS) {
		fail(c, SILENT);
	}
}

static bool
turn(void)
{
	int64_t now = clock_mono_ms();
	bool busy = false;

	for (size_t i = 0; i < nconns; i++) {
		struct conn *c = &conns[i];

		polls[i].fd = c->fd;
		polls[i].events = c->phase == CONNECTING || c->phase == SENDING ? POLLOUT : POLLIN;
		polls[i].revents = 0;
		busy = busy || c->phase != FINISHED;
	}
	if (!busy)
		return false;
	(void)poll(polls, (nfds_t)nconns, 1);
	now = clock_mono_ms();
	for (size_t i = 0; i < nconns; i++)
		serve(&conns[i], polls[i].revents, now);
	return true;
}

/* One request a line, its body; made whole here so that sending is all that is left to do. */
static void
read_bodies(const char *file, const char *path)
{
	FILE *f = fopen(file, "r");
	char *line = NULL;
	size_t cap = 0, room = 0;
	ssize_t n;

	if (f == NULL) {
		perror(file);
		exit(1);
	}
	while ((n = getline(&line, &cap, f)) > 1) {
		if (nbodies == room) {
			room = room * 2 + 1024;
			bodies = realloc(bodies, room * sizeof(*bodies));
			body_len = realloc(body_len, room * sizeof(*body_len));
			if (bodies == NULL || body_len == NULL)
				exit(1);
		}
		n = asprintf(&bodies[nbodies], "POST %s HTTP/1.1\r\nHost: soak\r\nContent-Type: application/jwt\r\n"
		    "Content-Length: %zd\r\n\r\n%.*s", path, n - 1, (int)n - 1, line);
		if (n < 0)
			exit(1);
		body_len[nbodies++] = (size_t)n;
	}
	free(line);
	fclose(f);
}

static void
add_conns(enum kind kind, const char *count)
{
	for (int i = atoi(count); i > 0 && nconns < CONNS_MAX; i--)
		conns[nconns++] = (struct conn){ .kind = kind, .fd = -1 };
}

static int64_t
percentile(double share)
{
	uint64_t all = 0, upto = 0;
	int64_t ms = 0;

	for (size_t i = 0; i <= LATENCY_MAX; i++)
		all += latency[i];
	while (ms < LATENCY_MAX && (double)(upto += latency[ms]) < share * (double)all)
		ms++;
	return ms;
}

static void
print_outcome(int64_t ms)
{
	uint64_t all = 0, bad = 0;

	for (size_t i = 0; i < 4; i++)
		all += served[i];
	for (size_t i = 0; i < FAILURES; i++)
		bad += failed[i];
	printf("{\"requests\": %llu, \"failed\": %llu, \"seconds\": %.1f, \"per_second\": %.0f, \"connections\": %llu, "
	    "\"closes_announced\": %llu, \"closed_while_idle\": %llu, \"p50_ms\": %lld, \"p99_ms\": %lld, \"p100_ms\": %lld, "
	    "\"last_bad_status\": %d", (unsigned long long)(all + bad), (unsigned long long)bad, (double)ms / 1000,
	    (double)all * 1000 / (double)ms, (unsigned long long)connects, (unsigned long long)announced,
	    (unsigned long long)closed_idle, (long long)percentile(0.5), (long long)percentile(0.99),
	    (long long)percentile(1.0), last_status);
	for (size_t i = 0; i < 4; i++)
		printf(", \"%s\": %llu", kinds[i], (unsigned long long)served[i]);
	for (size_t i = 0; i < FAILURES; i++)
		printf(", \"failed_%s\": %llu", failures[i], (unsigned long long)failed[i]);
	printf("}\n");
}

int
main(int argc, char **argv)
{
	int64_t began = clock_mono_ms(), told = began, end;

	if (argc != 11) {
		fprintf(stderr, "usage: soak_client PORT REQUESTS SECONDS KEY HOOK_PATH BODIES KEEP ONESHOT SENDERS SLEEPY\n");
		return 2;
	}
	server.sin_family = AF_INET;
	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server.sin_port = htons((uint16_t)atoi(argv[1]));
	wanted = strtoull(argv[2], NULL, 10);
	end = began + atoll(argv[3]) * 1000;
	snprintf(keep, sizeof(keep), "GET /api/calls/active HTTP/1.1\r\nHost: soak\r\nx-app-api-key: %s\r\n\r\n", argv[4]);
	snprintf(once, sizeof(once), "GET /api/calls/active HTTP/1.1\r\nHost: soak\r\nx-app-api-key: %s\r\n"
	    "Connection: close\r\n\r\n", argv[4]);
	read_bodies(argv[6], argv[5]);
	for (int k = 0; k < 4; k++)
		add_conns((enum kind)k, argv[7 + k]);
	while (turn()) {
		if (clock_mono_ms() >= end)
			wanted = 0;		/* what is under way is still finished */
		if (clock_mono_ms() - told >= 1000) {
			told += 1000;
			fprintf(stderr, "progress %llu\n", (unsigned long long)started);
		}
	}
	print_outcome(clock_mono_ms() - began);
	return 0;
}
