/*
 * request: looking things up in a request and adding to its answer. Everything but http_answer(), which needs the
 * connection. Never lets a byte into an answer's head that could end a line there.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "base/count.h"
#include "base/log.h"
#include "http/chars.h"
#include "http/request.h"

struct str
http_header(const struct http_request *rq, const char *name)
{
	struct str	wanted = str_c(name);
	size_t		i;

	for (i = 0; i < rq->nheaders; i++)
		if (str_ieq(rq->headers[i].name, wanted))
			return rq->headers[i].value;
	return STR_NONE;
}

void
http_add_header(struct http_request *rq, const char *name, const char *value)
{
	const char	*c;
	bool		 good = *name != '\0';

	for (c = name; *c != '\0'; c++)
		good = good && char_is(*c, CHAR_TOKEN);
	for (c = value; *c != '\0'; c++)
		good = good && char_is(*c, CHAR_VALUE);
	if (!good) {
		log_event(LEVEL_ERROR, "answer header left out: not a token or a control byte in its value", LOG_C("name", name));
		return;
	}
	buf_puts(&rq->extra, name);
	buf_puts(&rq->extra, ": ");
	buf_puts(&rq->extra, value);
	buf_puts(&rq->extra, "\r\n");
}

void
http_resume(const struct http_request *rq)
{
	struct log_context c;

	_Static_assert(sizeof(c.app) == sizeof(rq->app) && sizeof(c.request_id) == sizeof(rq->id), "copied whole");
	memcpy(c.app, rq->app, sizeof(c.app));
	memcpy(c.request_id, rq->id, sizeof(c.request_id));
	log_context_set(&c);
}

void
http_set_app(struct http_request *rq, const char *app)
{
	snprintf(rq->app, sizeof(rq->app), "%s", app);
	http_resume(rq);
}

const char *
http_reason(int status)
{
	static const struct {
		int		status;
		const char	*reason;
	} known[] = {
		{ 100, "Continue" }, { 101, "Switching Protocols" },
		{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 204, "No Content" },
		{ 206, "Partial Content" },
		{ 301, "Moved Permanently" }, { 302, "Found" }, { 303, "See Other" }, { 304, "Not Modified" },
		{ 307, "Temporary Redirect" }, { 308, "Permanent Redirect" },
		{ 400, "Bad Request" }, { 401, "Unauthorized" }, { 402, "Payment Required" }, { 403, "Forbidden" },
		{ 404, "Not Found" }, { 405, "Method Not Allowed" }, { 406, "Not Acceptable" },
		{ 408, "Request Timeout" }, { 409, "Conflict" }, { 410, "Gone" }, { 411, "Length Required" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" }, { 414, "URI Too Long" }, { 415, "Unsupported Media Type" },
		{ 416, "Range Not Satisfiable" }, { 417, "Expectation Failed" }, { 421, "Misdirected Request" },
		{ 422, "Unprocessable Content" }, { 425, "Too Early" }, { 426, "Upgrade Required" },
		{ 428, "Precondition Required" }, { 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" }, { 501, "Not Implemented" }, { 502, "Bad Gateway" },
		{ 503, "Service Unavailable" }, { 504, "Gateway Timeout" }, { 505, "HTTP Version Not Supported" },
	};
	size_t i;

	for (i = 0; i < COUNT(known); i++)
		if (known[i].status == status)
			return known[i].reason;
	return "Unknown";
}

const char *
http_method_name(enum http_method method)
{
	static const char *const names[] = {
		[HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD", [HTTP_POST] = "POST", [HTTP_PUT] = "PUT",
		[HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS", [HTTP_OTHER] = "OTHER",
	};

	return names[method];
}

bool
request_id_valid(struct str id)
{
	size_t i;

	if (id.n < 1 || id.n >= HTTP_ID_SIZE)
		return false;
	for (i = 0; i < id.n; i++) {
		char ch = id.p[i];

		if (!((ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '.' ||
		    ch == '_' || ch == '-'))
			return false;
	}
	return true;
}

/* Undoes '+' and %XX into the arena; false when malformed, holding a NUL, or without memory. */
static bool
query_decode(struct arena *a, struct str raw, struct str *out)
{
	char	*to = arena_alloc(a, raw.n + 1);
	size_t	 i, n = 0;
	char	 c;

	if (to == NULL)
		return false;
	for (i = 0; i < raw.n; i++) {
		c = raw.p[i] == '+' ? ' ' : raw.p[i];
		if (c == '%') {
			if (raw.n - i < 3 || !char_is(raw.p[i + 1], CHAR_HEX) || !char_is(raw.p[i + 2], CHAR_HEX))
				return false;
			c = (char)(char_hex(raw.p[i + 1]) << 4 | char_hex(raw.p[i + 2]));
			i += 2;
		}
		if (c == '\0')
			return false;
		to[n++] = c;
	}
	*out = (struct str){ to, n };
	return true;
}

int
http_query_next(struct arena *a, struct str *rest, struct str *name, struct str *value)
{
	struct str piece, key;

	while (str_cut(rest, '&', &piece)) {
		if (piece.n == 0)
			continue;
		str_cut(&piece, '=', &key);
		if (piece.p == NULL)
			piece = STR("");
		return query_decode(a, key, name) && query_decode(a, piece, value) ? 1 : -1;
	}
	return 0;
}

const char *
http_error_code(int status)
{
	switch (status) {
	case 408:
		return "request_timeout";
	case 413:
		return "body_too_large";
	case 414:
		return "url_too_long";
	case 417:
		return "expectation_failed";
	case 431:
		return "headers_too_large";
	case 501:
		return "not_implemented";
	case 503:
		return "unavailable";
	case 505:
		return "version_not_supported";
	default:
		return "bad_request";
	}
}
