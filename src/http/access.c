/*
 * access: the line per request. Never the query (it may hold personal data or a token), never a header; the path is
 * written so that no byte of it can pass for another field: what is not plain visible ASCII becomes \xNN. Where a
 * route says that its path holds a secret, the pattern stands for it; where no route matched (a wrong method, a slip in
 * the address) nobody can say, so there every segment long enough to be one is left out.
 */
#include <sys/types.h>

#include "base/log.h"
#include "http/conn.h"

#define ACCESS_PATH_MAX		256	/* bytes of the path that are shown */
#define ACCESS_PATH_SIZE	(ACCESS_PATH_MAX * 4 + 4)
#define ACCESS_SEGMENT_MAX	40	/* a UUID is shorter, a token is longer */

static const char *
method_name(enum http_method method)
{
	static const char *const names[] = {
		[HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD", [HTTP_POST] = "POST", [HTTP_PUT] = "PUT",
		[HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS", [HTTP_OTHER] = "OTHER",
	};

	return names[method];
}

/* How long the segment is that begins at the front of path. */
static size_t
segment_length(struct str path)
{
	const char *slash = memchr(path.p, '/', path.n);

	return slash != NULL ? (size_t)(slash - path.p) : path.n;
}

static char *
put_escaped(char *out, char c)
{
	static const char	hex[] = "0123456789abcdef";
	unsigned char		byte = (unsigned char)c;

	if (byte > 0x20 && byte < 0x7f && byte != '\\') {
		*out++ = c;
		return out;
	}
	*out++ = '\\';
	*out++ = 'x';
	*out++ = hex[byte >> 4];
	*out++ = hex[byte & 15];
	return out;
}

/* hide_long: a segment over ACCESS_SEGMENT_MAX is shown as {}. */
static void
show_path(char out[ACCESS_PATH_SIZE], struct str path, bool hide_long)
{
	size_t i = 0, n;

	if (path.n == 0)
		*out++ = '-';
	while (i < path.n && i < ACCESS_PATH_MAX) {
		n = segment_length((struct str){ path.p + i, path.n - i });
		if (hide_long && n > ACCESS_SEGMENT_MAX) {
			memcpy(out, "{}", 2);
			out += 2;
			i += n;
			continue;
		}
		do
			out = put_escaped(out, path.p[i++]);
		while (i < path.n && i < ACCESS_PATH_MAX && path.p[i - 1] != '/');
	}
	if (i < path.n) {
		memcpy(out, "...", 3);
		out += 3;
	}
	*out = '\0';
}

void
access_log(const struct http_request *rq, int status, size_t bytes, int64_t us)
{
	char	 path[ACCESS_PATH_SIZE], client[ADDR_TEXT_SIZE];

	if (rq->route != NULL && rq->route->secret_path)
		show_path(path, str_c(rq->route->pattern), false);
	else
		show_path(path, rq->path, rq->route == NULL);
	addr_text(client, &rq->client);
	log_info("%s %s status=%d bytes=%zu ms=%lld.%03d client=%s id=%s app=%s step=%s route=%s",
	    rq->path.n != 0 ? method_name(rq->method) : "-", path, status, bytes, (long long)(us / 1000),
	    (int)(us % 1000), client, rq->id, rq->app[0] != '\0' ? rq->app : "-", rq->step != NULL ? rq->step : "-",
	    rq->route != NULL ? rq->route->name : "-");
}
