/*
 * access: the line per request. Never the query (it may hold personal data or a token), never a header; the path is
 * written so that no byte of it can pass for a field: what is not plain visible ASCII becomes \xNN. Where a route says
 * that its path holds a secret, the pattern stands for it; elsewhere a segment long enough to be a secret in the wrong
 * place is left out.
 *
 * The line is written when the answer's last byte is, because only then it is known how long that took; until then what
 * it needs is kept in a struct access, and the request and its memory are gone.
 */
#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/conn.h"

#define ACCESS_PATH_MAX		256	/* bytes of the path that are shown */
#define ACCESS_PATH_SIZE	(ACCESS_PATH_MAX * 4 + 4)
#define ACCESS_SEGMENT_MAX	40	/* a UUID is shorter, a token is longer */

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

static void
show_path(char out[ACCESS_PATH_SIZE], struct str path)
{
	size_t i = 0, n;

	if (path.n == 0)
		*out++ = '-';
	while (i < path.n && i < ACCESS_PATH_MAX) {
		n = segment_length((struct str){ path.p + i, path.n - i });
		if (n > ACCESS_SEGMENT_MAX) {
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

/* What the line needs, out of the request. NULL without memory: then there is none. */
static struct access *
line_new(const struct http_request *rq)
{
	const char	*method = rq->path.n != 0 ? http_method_name(rq->method) : "-";
	char		 path[ACCESS_PATH_SIZE];
	struct access	*a;
	size_t		 size;

	show_path(path, rq->route != NULL && rq->route->secret_path ? str_c(rq->route->pattern) : rq->path);
	size = strlen(method) + strlen(path) + 2;
	a = malloc(sizeof(*a) + size);
	if (a == NULL)
		return NULL;
	http_resume(rq);
	*a = (struct access){ .context = *log_context(), .started_us = rq->started_us, .complete_us = rq->complete_us,
	    .wait_us = rq->db_wait_us, .run_us = rq->db_run_us, .client = rq->client, .step = rq->step,
	    .route = rq->route != NULL ? rq->route->name : NULL };
	snprintf(a->what, size, "%s %s", method, path);
	return a;
}

void
access_answered(struct http_conn *c, const struct http_request *rq, int status, size_t bytes)
{
	struct http_server	*s = c->listener->server;
	int64_t			 now_us = clock_mono_us();
	struct access		*a;

	server_finished(s, rq, status, bytes, now_us);
	if (!s->access_log || (a = line_new(rq)) == NULL)
		return;
	a->status = status;
	a->bytes = bytes;
	a->answered_us = now_us;
	a->end = c->out_done + c->out_bytes;
	*c->lines_end = a;
	c->lines_end = &a->next;
}

/* wrote: false when the client was gone before it had everything. */
static void
say(const struct access *a, int64_t now_us, bool wrote)
{
	const struct log_field	write = LOG_MS("write", now_us - a->answered_us), lost = LOG_STR("write", STR_NONE);
	char			client[ADDR_TEXT_SIZE];

	addr_text(client, &a->client);
	log_context_set(&a->context);
	log_event(LEVEL_INFO, a->what, LOG_INT("status", a->status), LOG_INT("bytes", a->bytes),
	    LOG_MS("ms", now_us - a->started_us), LOG_MS("parse", a->complete_us - a->started_us),
	    LOG_MS("wait", a->wait_us), LOG_MS("db", a->run_us), wrote ? write : lost, LOG_C("client", client),
	    LOG_C("step", a->step), LOG_C("route", a->route));
}

/* The lines whose bytes end at `end` or before. */
static void
say_up_to(struct http_conn *c, uint64_t end, bool wrote)
{
	int64_t		 now_us;
	struct access	*a;

	if (c->lines == NULL)
		return;
	now_us = clock_mono_us();
	while ((a = c->lines) != NULL && a->end <= end) {
		c->lines = a->next;
		say(a, now_us, wrote);
		free(a);
	}
	if (c->lines == NULL)
		c->lines_end = &c->lines;
	log_context_set(NULL);
}

void
access_written(struct http_conn *c)
{
	say_up_to(c, c->out_done, true);
}

void
access_dropped(struct http_conn *c)
{
	say_up_to(c, UINT64_MAX, false);
}
