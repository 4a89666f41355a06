/*
 * redirect: Host and target, already held to their grammar by the guard, become a Location. Reads no body and serves
 * nothing else: what came in the clear is not acted upon.
 */
#include <sys/types.h>

#include <string.h>

#include "http/redirect.h"

#define TARGET_MAX	((size_t)8192)
#define LOCATION_MAX	(TARGET_MAX + 1024)	/* names are short */

/* Without the port; an IPv6 address keeps its brackets. */
static struct str
host_alone(struct str host)
{
	size_t n = host.n;

	while (n > 0 && host.p[n - 1] >= '0' && host.p[n - 1] <= '9')
		n--;
	if (n > 1 && host.p[n - 1] == ':' && (host.p[0] != '[' || host.p[n - 2] == ']'))
		host.n = n - 1;
	return host;
}

static void
redirect(struct http_request *rq, void *ctx)
{
	const struct http_redirect	*to = ctx;
	struct str			 host = host_alone(http_header(rq, "Host"));
	struct buf			 b;

	if (host.n == 0) {
		to->error(rq, 400, "bad_request", "Without a Host header there is no address to go to");
		return;
	}
	if (rq->path.n + rq->query.n > TARGET_MAX) {
		to->error(rq, 414, "url_too_long", "The request target is too long to be redirected");
		return;
	}
	buf_init(&b, LOCATION_MAX);
	buf_puts(&b, "https://");
	buf_str(&b, host);
	if (to->port != 443)
		buf_printf(&b, ":%d", to->port);
	buf_str(&b, str_starts(rq->path, STR("/")) ? rq->path : STR("/"));
	if (rq->query.p != NULL) {
		buf_putc(&b, '?');
		buf_str(&b, rq->query);
	}
	buf_putc(&b, '\0');
	if (b.failed) {
		to->error(rq, 414, "url_too_long", "Host and request target are too long to be redirected");
	} else {
		http_add_header(rq, "Location", b.p);
		http_answer(rq, 308, NULL, NULL);
	}
	buf_free(&b);
}

void
http_redirect_routes(struct http_routes *rs, struct http_redirect *to)
{
	*rs = (struct http_routes){ .error = to->error, .any = redirect, .ctx = to };
}
