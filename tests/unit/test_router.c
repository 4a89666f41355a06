/*
 * router: which route a method and path find, what lands in param[], and 404 against 405 with Allow.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/count.h"
#include "http/router.h"

static const struct http_route table[] = {
	{ .pattern = "/", .methods = ROUTE_GET, .name = "root" },
	{ .pattern = "/api/calls", .methods = ROUTE_GET, .name = "list" },
	{ .pattern = "/api/calls/active", .methods = ROUTE_GET, .name = "active" },
	{ .pattern = "/api/calls/{}", .methods = ROUTE_GET | 1u << HTTP_DELETE, .name = "one" },
	{ .pattern = "/hooks/{}/{}", .methods = ROUTE_POST, .name = "hook" },
	{ .pattern = "/hooks/{}/{}", .methods = ROUTE_GET, .name = "hook_get" },
	{ .pattern = "/a/{}/b/{}/{}/{}", .methods = ROUTE_GET, .name = "four" },
	{ .pattern = "/five/{}/{}/{}/{}/{}", .methods = ROUTE_GET, .name = "five" },
	{ .pattern = "/all", .name = "all", .methods = ROUTE_GET | ROUTE_POST | 1u << HTTP_PUT | 1u << HTTP_PATCH |
	    1u << HTTP_DELETE | 1u << HTTP_OPTIONS },
	{ .pattern = "/head", .methods = 1u << HTTP_HEAD, .name = "head" },
};

static const struct http_routes routes = { .route = table, .count = COUNT(table) };

struct found {
	struct http_request	rq;
	const char		*name;
	int			status;
	char			allow[64];
};

static struct found
find(enum http_method method, const char *path)
{
	struct found			 f = { .rq = { .method = method, .path = str_c(path) } };
	const struct http_route		*r = router_find(&routes, &f.rq, &f.status, f.allow);

	f.name = r != NULL ? r->name : "";
	return f;
}

static void
check(enum http_method method, const char *path, const char *name)
{
	assert_string_equal(find(method, path).name, name);
}

static void
test_literal_and_wild(void **state)
{
	struct found f;

	(void)state;
	check(HTTP_GET, "/", "root");
	check(HTTP_GET, "/api/calls", "list");
	check(HTTP_GET, "/api/calls/active", "active");
	check(HTTP_HEAD, "/api/calls/active", "active");
	check(HTTP_HEAD, "/head", "head");
	f = find(HTTP_GET, "/api/calls/17");
	assert_string_equal(f.name, "one");
	assert_true(str_eq(f.rq.param[0], STR("17")));
	assert_null(f.rq.param[1].p);
	f = find(HTTP_POST, "/hooks/dialpad/x%2Fy");
	assert_string_equal(f.name, "hook");
	assert_true(str_eq(f.rq.param[0], STR("dialpad")));
	assert_true(str_eq(f.rq.param[1], STR("x%2Fy")));
	check(HTTP_GET, "/hooks/exotel/x", "hook_get");
	f = find(HTTP_GET, "/a/1/b/2/3/4");
	assert_string_equal(f.name, "four");
	assert_true(str_eq(f.rq.param[3], STR("4")));
}

static void
check_404(const char *path)
{
	struct found f = find(HTTP_GET, path);

	assert_string_equal(f.name, "");
	assert_int_equal(f.status, 404);
	assert_string_equal(f.allow, "");
}

static void
test_unknown_is_404(void **state)
{
	(void)state;
	check_404("/x");
	check_404("//");
	check_404("");
	check_404("/api");
	check_404("/api/calls/");
	check_404("/api//calls");
	check_404("//api/calls");
	check_404("/api/calls/active/");
	check_404("/api/calls/1/2");
	check_404("/API/calls");
	check_404("/api/%63alls");
	check_404("/api/callsx");
	check_404("/api/call");
	check_404("/hooks//x");
	check_404("/hooks/x/");
	check_404("/five/1/2/3/4/5");		/* more segments than there are params */
}

static void
check_405(enum http_method method, const char *path, const char *allow)
{
	struct found f = find(method, path);

	assert_string_equal(f.name, "");
	assert_int_equal(f.status, 405);
	assert_string_equal(f.allow, allow);
}

static void
test_other_methods_are_405(void **state)
{
	(void)state;
	check_405(HTTP_POST, "/api/calls", "GET, HEAD, OPTIONS");
	check_405(HTTP_OPTIONS, "/api/calls", "GET, HEAD, OPTIONS");
	check_405(HTTP_OTHER, "/api/calls", "GET, HEAD, OPTIONS");
	check_405(HTTP_PUT, "/hooks/a/b", "GET, HEAD, POST, OPTIONS");
	check_405(HTTP_POST, "/api/calls/1", "GET, HEAD, DELETE, OPTIONS");
	check_405(HTTP_DELETE, "/api/calls/active", "GET, HEAD, OPTIONS");	/* the wider pattern does not take it */
	check_405(HTTP_OTHER, "/all", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
	check_405(HTTP_GET, "/head", "HEAD, OPTIONS");
	check_405(HTTP_OPTIONS, "*", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_literal_and_wild),
		cmocka_unit_test(test_unknown_is_404),
		cmocka_unit_test(test_other_methods_are_405),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
