/*
 * router: one walk over a fixed table, pattern against path, segment by segment. Compares the path as it was sent:
 * what is percent-encoded without need does not match, so no two spellings of a path reach a handler. Allocates
 * nothing.
 */
#include <sys/types.h>

#include "base/count.h"
#include "http/router.h"

#define METHOD_BIT(m)	(1u << (m))

/* Cuts the segment before the next '/', or the last one. */
static struct str
segment(struct str *s)
{
	struct str head = STR_NONE;

	str_cut(s, '/', &head);
	return head;
}

static bool
pattern_fits(const char *pattern, struct str path, struct str param[HTTP_PARAMS])
{
	struct str	rest = str_c(pattern), want, have;
	size_t		n = 0;

	while (rest.p != NULL && path.p != NULL) {
		want = segment(&rest);
		have = segment(&path);
		if (!str_eq(want, STR("{}"))) {
			if (!str_eq(want, have))
				return false;
		} else {
			if (have.n == 0 || n == HTTP_PARAMS)
				return false;
			param[n++] = have;
		}
	}
	return rest.p == NULL && path.p == NULL;
}

static void
allow_text(char allow[64], unsigned methods)
{
	static const char *const name[] = {
		[HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD", [HTTP_POST] = "POST", [HTTP_PUT] = "PUT",
		[HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS",
	};
	size_t i, n, at = 0;

	if ((methods & METHOD_BIT(HTTP_GET)) != 0)
		methods |= METHOD_BIT(HTTP_HEAD);
	methods |= METHOD_BIT(HTTP_OPTIONS);
	for (i = 0; i < COUNT(name); i++) {
		if ((methods & METHOD_BIT(i)) == 0)
			continue;
		if (at > 0) {
			memcpy(allow + at, ", ", 2);
			at += 2;
		}
		n = strlen(name[i]);
		memcpy(allow + at, name[i], n);		/* all of them are 46 bytes */
		at += n;
	}
	allow[at] = '\0';
}

static unsigned
table_methods(const struct http_routes *rs)
{
	unsigned	methods = 0;
	size_t		i;

	for (i = 0; i < rs->count; i++)
		methods |= rs->route[i].methods;
	return methods;
}

const struct http_route *
router_find(const struct http_routes *rs, struct http_request *rq, int *status, char allow[64])
{
	enum http_method	 method = rq->method == HTTP_HEAD ? HTTP_GET : rq->method;
	const char		*pattern = NULL;
	unsigned		 methods = 0;
	size_t			 i;

	for (i = 0; i < HTTP_PARAMS; i++)
		rq->param[i] = STR_NONE;
	*allow = '\0';
	*status = 404;
	if (str_eq(rq->path, STR("*"))) {
		*status = 405;
		allow_text(allow, table_methods(rs));
		return NULL;
	}
	for (i = 0; i < rs->count; i++) {
		const struct http_route *r = &rs->route[i];

		if (pattern == NULL ? !pattern_fits(r->pattern, rq->path, rq->param) : strcmp(pattern, r->pattern) != 0)
			continue;
		if ((r->methods & (METHOD_BIT(method) | METHOD_BIT(rq->method))) != 0)
			return r;
		pattern = r->pattern;
		methods |= r->methods;
	}
	if (pattern != NULL) {
		*status = 405;
		allow_text(allow, methods);
	}
	return NULL;
}
