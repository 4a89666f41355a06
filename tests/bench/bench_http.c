/*
 * bench_http: the HTTP core alone. One process, one loop, one route with a fixed answer; no database, no JSON, no log.
 * What a load tool measures here is the ceiling of every route, in plain or, given a certificate, over TLS.
 * usage: bench_http PORT [BODY_BYTES [CERTIFICATE KEY]]
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "http/server.h"
#include "net/tls.h"
#include "net/tls_tickets.h"

#define BODY_MAX	(1024 * 1024)
#define BACKLOG		1024
#define FILE_MAX	65536

static char	body_bytes[BODY_MAX];
static size_t	body_size = 1024;

static void
fixed(struct http_request *rq, void *ctx)
{
	struct buf body;

	(void)ctx;
	buf_init(&body, BODY_MAX);
	buf_put(&body, body_bytes, body_size);
	http_answer(rq, 200, "application/json", &body);
}

static void
error_answer(struct http_request *rq, int status, const char *code, const char *message)
{
	(void)code;
	(void)message;
	http_answer(rq, status, NULL, NULL);
}

static int
listen_on(uint16_t port)
{
	struct sockaddr_in	sin = { .sin_family = AF_INET, .sin_port = htons(port) };
	int			on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 || listen(fd, BACKLOG) == -1) {
		perror("bench_http: listen");
		exit(1);
	}
	return fd;
}

static struct str
content(const char *path, char *out)
{
	FILE	*f = fopen(path, "r");
	size_t	 n = f != NULL ? fread(out, 1, FILE_MAX, f) : 0;

	if (n == 0) {
		perror(path);
		exit(1);
	}
	fclose(f);
	return (struct str){ out, n };
}

static struct tls_server *
tls_with(const char *certificate, const char *key)
{
	static char		 chain_bytes[FILE_MAX], key_bytes[FILE_MAX];
	const struct tls_files	 files = { content(certificate, chain_bytes), content(key, key_bytes), STR_NONE };
	const struct tls_options o = { .files = &files, .nfiles = 1, .min_version = TLS_1_2, .tickets = tls_tickets_new(),
	    .ticket_lifetime_s = 3600 };
	char			 why[TLS_WHY_SIZE];
	struct tls_server	*tls = tls_server_new(&o, why);

	if (tls == NULL) {
		fprintf(stderr, "bench_http: %s\n", why);
		exit(1);
	}
	return tls;
}

static void
stop(void *arg)
{
	loop_stop(arg);
}

int
main(int argc, char **argv)
{
	static const struct http_route	route = { "/", ROUTE_GET, fixed, "fixed", 0, false };
	const struct http_routes	routes = { .route = &route, .count = 1, .error = error_answer };
	struct http_listen		what = { .routes = &routes };
	const struct http_limits	limits = {
		.header_bytes = 16384, .header_count = 64, .url_bytes = 8192, .body_bytes = BODY_MAX, .body_memory = (size_t)1024 * BODY_MAX,
		.handshake_timeout_ms = 10000, .header_timeout_ms = 10000, .body_timeout_ms = 30000, .idle_timeout_ms = 600000,
		.write_timeout_ms = 30000, .connections = 100000, .reserve_fds = 16,
		.requests_per_connection = SIZE_MAX,
	};
	struct loop		*l = loop_new();
	struct http_server	*s;
	int64_t			 port, size = (int64_t)body_size;

	if (argc < 2 || argc == 4 || argc > 5 || !num_i64(str_c(argv[1]), 1, UINT16_MAX, &port) ||
	    (argc > 2 && !num_i64(str_c(argv[2]), 0, BODY_MAX, &size))) {
		fprintf(stderr, "usage: bench_http PORT [BODY_BYTES [CERTIFICATE KEY]]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	if (argc == 5)
		what.tls = tls_with(argv[3], argv[4]);
	body_size = (size_t)size;
	memset(body_bytes, 'x', sizeof(body_bytes));
	s = l != NULL ? http_server_new(l, &limits, NULL, 0, false) : NULL;
	what.fd = listen_on((uint16_t)port);
	if (s == NULL || !http_server_listen(s, &what) ||
	    !loop_on_signal(l, SIGTERM, stop, l) || !loop_on_signal(l, SIGINT, stop, l))
		return 1;
	loop_run(l);
	printf("requests=%llu accepted=%llu handshakes=%llu resumed=%llu\n", (unsigned long long)http_server_stats(s)->requests,
	    (unsigned long long)http_server_stats(s)->accepted, (unsigned long long)http_server_stats(s)->handshakes,
	    (unsigned long long)http_server_stats(s)->handshakes_resumed);
	http_server_free(s);
	loop_free(l);
	return 0;
}
