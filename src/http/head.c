/*
 * head: from fields to a request. One pass over the headers picks out the few that frame or route a request; each is
 * then held to its strict grammar, because a lenient reading of any of them is where two servers begin to disagree.
 * Never guesses, never repairs: what is not exactly right is refused with the status RFC 9110 and 9112 name.
 */
#include <sys/types.h>

#include "base/count.h"
#include "http/chars.h"
#include "http/head.h"
#include "http/request.h"
#include "http/target.h"

#define LENGTH_DIGITS	18	/* of a Content-Length: any such number fits 64 bits */

struct fields {			/* the headers that matter here */
	struct str	host, length, coding, expect;
	bool		close, keep_alive;
};

void
head_begin(struct http_request *rq)
{
	rq->method = HTTP_OTHER;
	rq->path = STR("");
	rq->query = STR_NONE;
	rq->minor = 1;
	rq->headers = NULL;
	rq->nheaders = 0;
	rq->body = STR("");
	rq->keep_alive = false;
}

char *
head_room(struct http_request *rq, size_t n, size_t nheaders)
{
	rq->headers = arena_alloc(&rq->arena, nheaders * sizeof(*rq->headers) + n + 1);
	return rq->headers != NULL ? (char *)(rq->headers + nheaders) : NULL;
}

char *
head_body_room(struct http_request *rq, size_t n)
{
	char *p = arena_alloc(&rq->arena, n + 1);

	if (p != NULL)
		rq->body = (struct str){ p, n };
	return p;
}

void
head_add(struct http_request *rq, struct str name, struct str value)
{
	rq->headers[rq->nheaders++] = (struct http_header){ name, str_trim(value) };
}

void
head_close(struct http_request *rq)
{
	rq->keep_alive = false;
}

static bool
fail(struct head_fault *f, int status, const char *why)
{
	*f = (struct head_fault){ status, why };
	return false;
}

static enum http_method
method_of(struct str name)
{
	static const struct str known[] = {
		[HTTP_GET] = { "GET", 3 }, [HTTP_HEAD] = { "HEAD", 4 }, [HTTP_POST] = { "POST", 4 },
		[HTTP_PUT] = { "PUT", 3 }, [HTTP_PATCH] = { "PATCH", 5 }, [HTTP_DELETE] = { "DELETE", 6 },
		[HTTP_OPTIONS] = { "OPTIONS", 7 },
	};
	size_t i;

	for (i = 0; i < COUNT(known); i++)
		if (str_eq(name, known[i]))
			return (enum http_method)i;
	return HTTP_OTHER;
}

/* One Connection header: a list of tokens, empty elements allowed. Naming a field that frames or routes the request is
 * an attempt to have an intermediary drop it. */
static bool
connection(struct fields *h, struct str list, struct head_fault *f)
{
	struct str	option;
	size_t		i;

	while (str_cut(&list, ',', &option)) {
		option = str_trim(option);
		for (i = 0; i < option.n; i++)
			if (!char_is(option.p[i], CHAR_TOKEN))
				return fail(f, 400, "Connection is not a list of tokens");
		if (str_ieq(option, STR("close")))
			h->close = true;
		else if (str_ieq(option, STR("keep-alive")))
			h->keep_alive = true;
		else if (str_ieq(option, STR("host")) || str_ieq(option, STR("content-length")) ||
		    str_ieq(option, STR("transfer-encoding")))
			return fail(f, 400, "Connection names a header that is not its to name");
	}
	return true;
}

static bool
once(struct str *slot, struct str value, struct head_fault *f, const char *why)
{
	if (slot->p != NULL)
		return fail(f, 400, why);
	*slot = value;
	return true;
}

static bool
take(struct fields *h, const struct http_header *hd, struct head_fault *f)
{
	switch (hd->name.n) {		/* most headers are none of ours: their length says so */
	case 4:
		if (str_ieq(hd->name, STR("Host")))
			return once(&h->host, hd->value, f, "more than one Host");
		return true;
	case 6:
		if (str_ieq(hd->name, STR("Expect")))
			return once(&h->expect, hd->value, f, "more than one Expect");
		return true;
	case 10:
		if (str_ieq(hd->name, STR("Connection")))
			return connection(h, hd->value, f);
		return true;
	case 14:
		if (str_ieq(hd->name, STR("Content-Length")))
			return once(&h->length, hd->value, f, "more than one Content-Length");
		if (str_ieq(hd->name, STR("Content_Length")))
			return fail(f, 400, "Content_Length: others may read it as Content-Length");
		return true;
	case 17:
		if (str_ieq(hd->name, STR("Transfer-Encoding")))
			return once(&h->coding, hd->value, f, "more than one Transfer-Encoding");
		if (str_ieq(hd->name, STR("Transfer_Encoding")))
			return fail(f, 400, "Transfer_Encoding: others may read it as Transfer-Encoding");
		return true;
	default:
		return true;
	}
}

static bool
content_length(struct str s, uint64_t *length, struct head_fault *f)
{
	size_t i;

	*length = 0;
	if (s.n == 0)
		return fail(f, 400, "Content-Length is empty");
	for (i = 0; i < s.n; i++)
		if (!char_is(s.p[i], CHAR_DIGIT))
			return fail(f, 400, "Content-Length is not a number");
	if (s.n > LENGTH_DIGITS)
		return fail(f, 400, "Content-Length is too long");
	for (i = 0; i < s.n; i++)
		*length = *length * 10 + (uint64_t)(s.p[i] - '0');
	return true;
}

static bool
framing(const struct fields *h, int minor, struct head_body *body, struct head_fault *f)
{
	*body = (struct head_body){ .chunked = h->coding.p != NULL };
	if (body->chunked && h->length.p != NULL)
		return fail(f, 400, "both Content-Length and Transfer-Encoding");
	if (body->chunked && minor == 0)
		return fail(f, 400, "Transfer-Encoding in HTTP/1.0");
	if (body->chunked && !str_ieq(h->coding, STR("chunked")))
		return fail(f, 501, "Transfer-Encoding other than chunked");
	if (h->length.p != NULL && !content_length(h->length, &body->length, f))
		return false;
	if (h->expect.p != NULL && !str_ieq(h->expect, STR("100-continue")))
		return fail(f, 417, "Expect other than 100-continue");
	body->expects = h->expect.p != NULL && minor == 1 && (body->chunked || body->length > 0);
	return true;
}

bool
head_check(struct http_request *rq, struct str method, struct str target, int minor, struct head_body *body,
    struct head_fault *fault)
{
	struct fields	h = { .close = false };
	size_t		i;

	rq->minor = minor;
	rq->method = method_of(method);
	if (rq->method == HTTP_OTHER)
		return fail(fault, 501, "method not implemented");
	for (i = 0; i < rq->nheaders; i++)
		if (!take(&h, &rq->headers[i], fault))
			return false;
	if (!framing(&h, minor, body, fault))
		return false;
	if (h.host.p == NULL && minor == 1)
		return fail(fault, 400, "no Host");
	if (h.host.p != NULL && !target_authority_valid(h.host))
		return fail(fault, 400, "Host is not a name or address with an optional port");
	fault->why = target_split(rq, target, h.host);
	if (fault->why != NULL)
		return fail(fault, 400, fault->why);
	rq->keep_alive = !h.close && (minor == 1 || h.keep_alive);
	return true;
}
