/*
 * access: the line per request. Never the query (it may hold personal data or a token), never a header; the path is
 * written so that no byte of it can pass for another field: what is not plain visible ASCII becomes \xNN.
 */
#include <sys/types.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/conn.h"

#define ACCESS_PATH_MAX	256	/* bytes of the path that are shown */

static const char *
method_name(enum http_method method)
{
	static const char *const names[] = {
		[HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD", [HTTP_POST] = "POST", [HTTP_PUT] = "PUT",
		[HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS", [HTTP_OTHER] = "OTHER",
	};

	return names[method];
}

static void
escape_path(char out[ACCESS_PATH_MAX * 4 + 4], struct str path)
{
	static const char	 hex[] = "0123456789abcdef";
	size_t			 i;

	for (i = 0; i < path.n && i < ACCESS_PATH_MAX; i++) {
		unsigned char byte = (unsigned char)path.p[i];

		if (byte > 0x20 && byte < 0x7f && byte != '\\') {
			*out++ = (char)byte;
			continue;
		}
		*out++ = '\\';
		*out++ = 'x';
		*out++ = hex[byte >> 4];
		*out++ = hex[byte & 15];
	}
	if (path.n == 0)
		*out++ = '-';
	if (path.n > ACCESS_PATH_MAX) {
		memcpy(out, "...", 3);
		out += 3;
	}
	*out = '\0';
}

void
access_log(const struct http_request *rq, int status, size_t bytes)
{
	char	 path[ACCESS_PATH_MAX * 4 + 4], client[ADDR_TEXT_SIZE];
	int64_t	 us = clock_mono_us() - rq->started_us;

	escape_path(path, rq->route != NULL && rq->route->secret_path ? str_c(rq->route->pattern) : rq->path);
	addr_text(client, &rq->client);
	log_info("%s %s status=%d bytes=%zu ms=%lld.%03d client=%s id=%s app=%s step=%s route=%s",
	    rq->path.n != 0 ? method_name(rq->method) : "-", path, status, bytes, (long long)(us / 1000),
	    (int)(us % 1000), client, rq->id, rq->app[0] != '\0' ? rq->app : "-", rq->step != NULL ? rq->step : "-",
	    rq->route != NULL ? rq->route->name : "-");
}
