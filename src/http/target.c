/*
 * target: the request target and the authority, held to RFC 3986 as far as a server with fixed routes needs it. User
 * information, an authority differing from Host, malformed percent escapes and an escaped NUL never pass: each is a
 * way to make the checker and the handler see different names.
 *
 * A path keeps to RFC 3986; a query may also hold the brackets, braces, '\', '^', '`' and '|' browsers send as they
 * are.
 */
#include <sys/types.h>

#include "http/chars.h"
#include "http/request.h"
#include "http/target.h"
#include "net/addr.h"

#define HOST_BYTES	255	/* of a DNS name */
#define PORT_DIGITS	5

static bool
port_valid(struct str port)
{
	unsigned	value = 0;
	size_t		i;

	for (i = 0; i < port.n; i++) {
		if (i == PORT_DIGITS || !char_is(port.p[i], CHAR_DIGIT))
			return false;
		value = value * 10 + (unsigned)(port.p[i] - '0');
	}
	return value <= UINT16_MAX;
}

/* Cuts an authority at the colon of its port; port stays absent without one. */
static void
authority_cut(struct str s, struct str *name, struct str *port)
{
	size_t i = 0;

	*name = s;
	*port = STR_NONE;
	if (s.n > 0 && s.p[0] == '[')
		while (i < s.n && s.p[i] != ']')
			i++;
	while (i < s.n && s.p[i] != ':')
		i++;
	if (i < s.n) {
		*name = (struct str){ s.p, i };
		*port = (struct str){ s.p + i + 1, s.n - i - 1 };
	}
}

bool
target_authority_valid(struct str s)
{
	struct str	name, port;
	struct addr	a;
	size_t		i;

	authority_cut(s, &name, &port);
	if (name.n == 0 || name.n > HOST_BYTES || !port_valid(port))
		return false;
	if (name.p[0] == '[')
		return addr_parse_ip(&a, name);
	for (i = 0; i < name.n; i++)
		if (!char_is(name.p[i], CHAR_HOST))
			return false;
	return true;
}

/* The same server: equal names, and equal ports when a missing or empty one is the scheme's own. */
static bool
authority_agrees(struct str a, struct str b, struct str own_port)
{
	struct str a_name, a_port, b_name, b_port;

	authority_cut(a, &a_name, &a_port);
	authority_cut(b, &b_name, &b_port);
	if (a_port.n == 0)
		a_port = own_port;
	if (b_port.n == 0)
		b_port = own_port;
	return str_ieq(a_name, b_name) && str_eq(a_port, b_port);
}

static const char *
path_fault(struct str path)
{
	size_t i;

	for (i = 0; i < path.n; i++) {
		if (!char_is(path.p[i], CHAR_PATH))
			return "path holds a byte that must be percent-encoded";
		if (path.p[i] != '%')
			continue;
		if (path.n - i < 3 || !char_is(path.p[i + 1], CHAR_HEX) || !char_is(path.p[i + 2], CHAR_HEX))
			return "malformed percent escape in the path";
		if (path.p[i + 1] == '0' && path.p[i + 2] == '0')
			return "escaped NUL in the path";
	}
	return NULL;
}

static bool
scheme_cut(struct str *s, struct str scheme)
{
	if (s->n < scheme.n || !str_ieq((struct str){ s->p, scheme.n }, scheme))
		return false;
	*s = (struct str){ s->p + scheme.n, s->n - scheme.n };
	return true;
}

/* Takes "http://authority" off an absolute-form target. */
static const char *
absolute_cut(struct str *target, struct str host)
{
	struct str	own_port = STR("80"), authority;
	size_t		i = 0;

	if (!scheme_cut(target, STR("http://"))) {
		own_port = STR("443");
		if (!scheme_cut(target, STR("https://")))
			return "request target is neither a path nor an http address";
	}
	while (i < target->n && target->p[i] != '/' && target->p[i] != '?')
		i++;
	authority = (struct str){ target->p, i };
	*target = (struct str){ target->p + i, target->n - i };
	if (!target_authority_valid(authority))
		return "request target names no valid server";
	if (host.p != NULL && !authority_agrees(authority, host, own_port))
		return "request target and Host name different servers";
	return NULL;
}

const char *
target_split(struct http_request *rq, struct str target, struct str host)
{
	const char *fault;

	if (rq->method == HTTP_OPTIONS && str_eq(target, STR("*"))) {
		rq->path = target;
		return NULL;
	}
	if (target.n > 0 && target.p[0] != '/' && (fault = absolute_cut(&target, host)) != NULL)
		return fault;
	str_cut(&target, '?', &rq->path);
	rq->query = target;
	if (rq->path.n == 0)
		rq->path = STR("/");
	return path_fault(rq->path);
}
