/*
 * server, exchanges: what a client gets for what it sends, whatever the pace and the grouping of the bytes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "server_rig.h"

#define GET(path)	"GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define SECRET		"hk_0123456789012345678901234567890123456789012abcdef"

static void
head_and_keep_alive(void **state)
{
	struct rig	rig = rig_defaults();
	struct client	c;

	(void)state;
	rig_start(&rig);
	c = client_open(&rig);
	client_send(&c, GET("/hello"));
	assert_int_equal(client_answer(&c), 200);
	assert_string_equal(c.body, "{\"hello\":true}");
	assert_non_null(strstr(c.head, "\r\nDate: "));
	assert_non_null(strstr(c.head, " GMT\r\n"));
	assert_non_null(strstr(c.head, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(c.head, "\r\nContent-Length: 14\r\n"));
	assert_non_null(strstr(c.head, "\r\nCache-Control: no-store\r\n"));
	assert_non_null(strstr(c.head, "\r\nX-Content-Type-Options: nosniff\r\n"));
	assert_null(strstr(c.head, "Server:"));
	assert_null(strstr(c.head, "Connection:"));
	client_send(&c, GET("/cached"));
	assert_int_equal(client_answer(&c), 200);
	assert_non_null(strstr(c.head, "cache-control: max-age=60\r\n"));
	assert_null(strstr(c.head, "no-store"));
	client_send(&c, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_int_equal(client_answer(&c), 200);
	assert_non_null(strstr(c.head, "\r\nConnection: close\r\n"));
	assert_int_equal(client_answer(&c), CLIENT_EOF);
	client_close(&c);
	rig_end(&rig);
}

static void
http_1_0(void **state)
{
	struct rig	rig = rig_defaults();
	struct client	c;

	(void)state;
	rig_start(&rig);
	c = client_open(&rig);
	client_send(&c, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	assert_int_equal(client_answer(&c), 200);
	assert_non_null(strstr(c.head, "\r\nConnection: keep-alive\r\n"));
	client_send(&c, "GET /hello HTTP/1.0\r\n\r\n");
	assert_int_equal(client_answer(&c), 200);
	assert_int_equal(client_answer(&c), CLIENT_EOF);
	client_close(&c);
	rig_end(&rig);
}

static void
pipelining_keeps_the_order(void **state)
{
	struct rig	rig = rig_defaults();
	struct client	c;
	struct buf	all;
	char		text[64];
	int		i;

	(void)state;
	rig.limits.requests_per_connection = 10000;
	rig_start(&rig);
	c = client_open(&rig);
	client_send(&c, GET("/slow/80") GET("/param/a") GET("/slow/20") GET("/slow/0") GET("/param/b"));
	assert_int_equal(client_answer(&c), 200);
	assert_string_equal(c.body, "slow");
	assert_int_equal(client_answer(&c), 200);
	assert_string_equal(c.body, "a");
	for (i = 0; i < 2; i++) {
		assert_int_equal(client_answer(&c), 200);
		assert_string_equal(c.body, "slow");
	}
	assert_int_equal(client_answer(&c), 200);
	assert_string_equal(c.body, "b");
	buf_init(&all, 1024 * 1024);
	for (i = 0; i < 2000; i++)		/* more than one read buffer, and cut anywhere */
		buf_printf(&all, "GET /param/%d HTTP/1.1\r\nHost: x\r\n\r\n", i);
	client_send_bytes(&c, all.p, all.len);
	for (i = 0; i < 2000; i++) {
		snprintf(text, sizeof(text), "%d", i);
		assert_int_equal(client_answer(&c), 200);
		assert_string_equal(c.body, text);
	}
	all.len = 0;
	for (i = 0; i < 420; i++)		/* one read, but more answer bytes than are made in one go */
		buf_puts(&all, GET("/param/xyz"));
	client_send_bytes(&c, all.p, all.len);
	for (i = 0; i < 420; i++)
		assert_int_equal(client_answer(&c), 200);
	buf_free(&all);
	client_close(&c);
	rig_end(&rig);
}

static void
last_request_of_a_connection(void **state)
{
	struct rig	rig = rig_defaults();
	struct client	c;

	(void)state;
	rig.limits.requests_per_connection = 3;
	rig_start(&rig);
	c = client_open(&rig);
	client_send(&c, GET("/hello") GET("/hello") GET("/hello") GET("/hello"));
	assert_int_equal(client_answer(&c), 200);
	assert_int_equal(client_answer(&c), 200);
	assert_null(strstr(c.head, "Connection:"));
	assert_int_equal(client_answer(&c), 200);
	assert_non_null(strstr(c.head, "\r\nConnection: close\r\n"));
	assert_int_equal(client_answer(&c), CLIENT_EOF);
	client_close(&c);
	rig_end(&rig);
}

static void
answers_without_body(void **state)
{
	struct rig	rig = rig_defaults();
	struct client	c;

	(void)state;
	rig_start(&rig);
	c = client_open(&rig);
	client_send(&c, "HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n" GET("/none") GET("/same") GET("/param/z"));
	assert_int_equal(client_answer_to(&c, true), 200);
	assert_non_null(strstr(c.head, "\r\nContent-Length: 14\r\n"));
	assert_int_equal(client_answer(&c), 204);
	assert_null(strstr(c.head, "Content-Length"));
	assert_int_equal(client_answer(&c), 304);
	assert_null(strstr(c.head, "Content-Length"));
	assert_int_equal(client_answer(&c), 200);
	assert_string_equal(c.body, "z");
	client_close(&c);
	rig_end(&rig);
}

static void
byte_by_byte(void **state)
{
	static const char	request[] = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n" GET("/param/after");
	struct rig		rig = rig_defaults();
	struct client		c;
	size_t			i;

	(void)state;
	rig_start(&rig);
	c = client_open(&rig);
	for (i = 0; i < sizeof(request) - 1; i++) {
		client_send_bytes(&c, request + i, 1);
		nap_ms(1);
	}
	assert_int_equal(client_answer(&c), 200);
	assert_string_equal(c.body, "hello world");
	assert_int_equal(client_answer(&c), 200);
	assert_string_equal(c.body, "after");
	client_close(&c);
	rig_end(&rig);
}

static void
half_close_is_still_answered(void **state)
{
	struct rig	rig = rig_defaults();
	struct client	c;

	(void)state;
	rig_start(&rig);
	c = client_open(&rig);
	client_send(&c, GET("/slow/1500") GET("/param/second"));
	assert_int_equal(shutdown(c.fd, SHUT_WR), 0);
	assert_int_equal(client_answer(&c), 200);
	assert_string_equal(c.body, "slow");
	assert_int_equal(client_answer(&c), 200);
	assert_string_equal(c.body, "second");
	assert_int_equal(client_answer(&c), CLIENT_EOF);
	client_close(&c);
	c = client_open(&rig);		/* half a request is not */
	client_send(&c, "GET /hello HTTP/1.1\r\nHo");
	assert_int_equal(shutdown(c.fd, SHUT_WR), 0);
	assert_int_equal(client_answer(&c), CLIENT_EOF);
	client_close(&c);
	rig_end(&rig);
	assert_in_range(rig.cpu_ms, 0, RIG_CPU_MS);	/* the end of the input is looked at once */
}

static void
reset_while_a_handler_works(void **state)
{
	struct rig	rig = rig_defaults();
	struct linger	hard = { 1, 0 };
	struct client	c;
	char		text[512];

	(void)state;
	rig_start(&rig);
	c = client_open(&rig);
	client_send(&c, GET("/slow/300"));
	nap_ms(50);
	assert_int_equal(rig_get(&rig, "/stats", text), 200);
	assert_non_null(strstr(text, "busy=2"));
	assert_int_equal(setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
	client_close(&c);
	nap_ms(100);
	assert_int_equal(rig_get(&rig, "/stats", text), 200);
	assert_non_null(strstr(text, "busy=1"));
	nap_ms(300);			/* the handler answers nobody */
	assert_int_equal(rig_get(&rig, "/hello", text), 200);
	rig_end(&rig);
}

static void
big_answer_to_a_slow_reader(void **state)
{
	struct rig	rig = rig_defaults();
	struct client	c;
	size_t		i;

	(void)state;
	rig.limits.write_timeout_ms = 1500;
	rig_start(&rig);
	c = client_open(&rig);
	client_send(&c, GET("/big") GET("/param/after"));
	nap_ms(300);
	assert_int_equal(client_answer(&c), 200);
	assert_int_equal(c.body_len, RIG_BIG);
	for (i = 0; i < RIG_BIG; i++)
		if (c.body[i] != (char)('a' + i % 23))
			fail_msg("byte %zu is wrong", i);
	assert_int_equal(client_answer(&c), 200);
	assert_string_equal(c.body, "after");
	client_close(&c);
	rig_end(&rig);
}

static void
expect_continue(void **state)
{
	struct rig	rig = rig_defaults();
	struct client	c;

	(void)state;
	rig_start(&rig);
	c = client_open(&rig);
	client_send(&c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
	assert_int_equal(client_answer(&c), 100);
	client_send(&c, "ok");
	assert_int_equal(client_answer(&c), 200);
	assert_string_equal(c.body, "ok");
	client_send(&c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nis");
	assert_int_equal(client_answer(&c), 200);	/* the body was there: no invitation */
	client_send(&c, "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
	assert_int_equal(client_answer(&c), 404);	/* the body is not wanted */
	assert_int_equal(client_answer(&c), CLIENT_EOF);
	client_close(&c);
	rig_end(&rig);
}

static void
routes_and_methods(void **state)
{
	struct rig	rig = rig_defaults();
	struct client	c;

	(void)state;
	rig_start(&rig);
	c = client_open(&rig);
	client_send(&c, GET("/nowhere") "DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n"
	    "OPTIONS /hello HTTP/1.1\r\nHost: x\r\n\r\n" GET("/overflow")
	    "POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" GET("/param/alive"));
	assert_int_equal(client_answer(&c), 404);
	assert_non_null(strstr(c.body, "\"not_found\""));
	assert_int_equal(client_answer(&c), 405);
	assert_non_null(strstr(c.head, "\r\nAllow: GET, HEAD, OPTIONS\r\n"));
	assert_int_equal(client_answer(&c), 204);
	assert_non_null(strstr(c.head, "\r\nAllow: GET, HEAD, OPTIONS\r\n"));
	assert_int_equal(client_answer(&c), 500);
	assert_non_null(strstr(c.body, "\"internal_error\""));
	assert_int_equal(client_answer(&c), 200);
	assert_string_equal(c.body, "");	/* a route with body_max 0 sees none */
	assert_int_equal(client_answer(&c), 200);
	assert_string_equal(c.body, "alive");
	client_close(&c);
	rig_end(&rig);
}

/* The client is still sending when the answer comes: it must be able to read it. */
static void
early_answer_is_not_eaten_by_a_reset(void **state)
{
	static char	bytes[60000];
	struct rig	rig = rig_defaults();
	struct client	c;
	const char	*head;
	int		i, part;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	rig_start(&rig);
	for (i = 0; i < 4; i++) {
		c = client_open(&rig);
		head = i % 2 == 0 ? "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n" :
		    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 7000000\r\n\r\n";
		memcpy(bytes, head, strlen(head));
		if (i < 2)		/* all at once, or in parts that come after the answer */
			client_send_bytes(&c, bytes, sizeof(bytes));
		for (part = 0; i >= 2 && part < 6; part++, nap_ms(30))
			client_send_bytes(&c, bytes + part * 10000, 10000);
		assert_int_equal(client_answer(&c), i % 2 == 0 ? 404 : 413);
		assert_non_null(strstr(c.head, "\r\nConnection: close\r\n"));
		assert_int_equal(client_answer(&c), CLIENT_EOF);
		client_close(&c);
	}
	c = client_open(&rig);
	client_send(&c, "POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "0\r\n\r\n" GET("/hello"));
	assert_int_equal(client_answer(&c), 404);
	assert_int_equal(client_answer(&c), CLIENT_EOF);
	client_close(&c);
	c = client_open(&rig);
	client_send(&c, GET("/hello") "GET /he\001llo HTTP/1.1\r\nHost: x\r\n\r\n" GET("/hello"));
	assert_int_equal(client_answer(&c), 200);
	assert_int_equal(client_answer(&c), 400);
	assert_non_null(strstr(c.body, "\"bad_request\""));
	assert_int_equal(client_answer(&c), CLIENT_EOF);
	client_close(&c);
	rig_end(&rig);
}

static void
request_ids_and_forwarding(void **state)
{
	struct rig	rig = rig_defaults();
	struct client	c;
	char		first[80], text[512];

	(void)state;
	rig.trust_loopback = true;
	rig_start(&rig);
	c = client_open(&rig);
	client_send(&c, "GET /who HTTP/1.1\r\nHost: x\r\nX-Request-Id: Abc-1._z\r\n"
	    "X-Forwarded-For: 6.6.6.6, 192.0.2.7\r\nX-Forwarded-Proto: https\r\n\r\n");
	assert_int_equal(client_answer(&c), 200);
	assert_string_equal(c.body, "192.0.2.7 127.0.0.1 https Abc-1._z");
	assert_non_null(strstr(c.head, "\r\nX-Request-Id: Abc-1._z\r\n"));
	client_send(&c, "GET /who HTTP/1.1\r\nHost: x\r\nX-Request-Id: a b\r\n\r\n");
	assert_int_equal(client_answer(&c), 200);
	assert_int_equal(sscanf(c.body, "127.0.0.1 127.0.0.1 http %79s", first), 1);
	assert_int_equal(strlen(first), 16);
	assert_int_equal(strspn(first, "0123456789abcdef"), 16);
	client_close(&c);
	assert_int_equal(rig_get(&rig, "/who", text), 200);
	assert_null(strstr(text, first));
	rig_end(&rig);
}

static void
proxy_protocol_header(void **state)
{
	struct rig	rig = rig_defaults();
	struct client	c;
	int		status;

	(void)state;
	rig.proxy_protocol = true;
	rig.limits.header_timeout_ms = 60000;
	rig_start(&rig);
	c = client_open(&rig);
	client_send(&c, "PROXY TCP4 198.51.100.9 203.0");
	nap_ms(50);
	client_send(&c, ".113.1 4000 80\r\n" GET("/who") GET("/param/x"));
	assert_int_equal(client_answer(&c), 200);
	assert_memory_equal(c.body, "198.51.100.9 198.51.100.9 ", 26);
	assert_int_equal(client_answer(&c), 200);
	client_send(&c, GET("/who"));		/* later requests too */
	assert_int_equal(client_answer(&c), 200);
	assert_memory_equal(c.body, "198.51.100.9 ", 13);
	client_close(&c);
	c = client_open(&rig);
	client_send(&c, GET("/who"));
	status = client_answer(&c);
	assert_true(status == CLIENT_EOF || status == CLIENT_RESET);
	assert_int_equal(c.in.len, 0);		/* closed, without a word */
	client_close(&c);
	rig_end(&rig);
}

static void
unix_socket(void **state)
{
	struct rig	rig = rig_defaults();
	char		dir[] = "/tmp/ringd-test-XXXXXX", path[64], text[512];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	rig.unix_path = path;
	rig_start(&rig);
	assert_int_equal(rig_get(&rig, "/who", text), 200);
	assert_memory_equal(text, "unix unix http ", 15);
	rig_end(&rig);
	unlink(path);
	rmdir(dir);
}

static void
access_line(void **state)
{
	struct rig	rig = rig_defaults();
	char		path[] = "/tmp/ringd-test-XXXXXX", text[4096] = "";
	struct client	c;
	FILE		*f;
	int		fd = mkstemp(path);

	(void)state;
	assert_int_not_equal(fd, -1);
	close(fd);
	rig.access_file = path;
	rig_start(&rig);
	c = client_open(&rig);
	client_send(&c, "GET /hello?token=sesame HTTP/1.1\r\nHost: x\r\nX-Request-Id: line-1\r\n\r\n");
	assert_int_equal(client_answer(&c), 200);
	client_send(&c, "POST /hooks/" SECRET " HTTP/1.1\r\nHost: x\r\n\r\n" GET("/hooks/" SECRET)
	    GET("/hoks/" SECRET "/") GET("/%0a/01890000-0000-7000-8000-000000000000/x"));
	assert_int_equal(client_answer(&c), 200);
	assert_int_equal(client_answer(&c), 405);
	assert_int_equal(client_answer(&c), 404);
	assert_int_equal(client_answer(&c), 404);
	client_close(&c);
	rig_end(&rig);
	assert_non_null(f = fopen(path, "r"));
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	fclose(f);
	unlink(path);
	assert_non_null(strstr(text, "GET /hello status=200 bytes=14 ms="));
	assert_non_null(strstr(text, " wait=0.000 db=0.000 write="));
	assert_non_null(strstr(text, " client=127.0.0.1 step=- route=hello request_id=line-1\n"));
	assert_null(strstr(text, "sesame"));
	assert_non_null(strstr(text, "POST /hooks/{} status=200 "));
	assert_non_null(strstr(text, "GET /hooks/{} status=405 "));
	assert_non_null(strstr(text, "GET /hoks/{}/ status=404 "));
	assert_non_null(strstr(text, "GET /%0a/01890000-0000-7000-8000-000000000000/x status=404 "));
	assert_null(strstr(text, SECRET));
}

static void
read_log(const char *path, char *text, size_t size)
{
	FILE	*f = fopen(path, "r");
	size_t	n;

	assert_non_null(f);
	n = fread(text, 1, size - 1, f);
	text[n] = '\0';
	fclose(f);
}

/* Its line comes when the last byte is written, and says how long that took. */
static void
access_line_of_a_slow_reader(void **state)
{
	struct rig	rig = rig_defaults();
	char		path[] = "/tmp/ringd-test-XXXXXX", text[4096];
	struct client	c;
	char		*write;
	int		fd = mkstemp(path);

	(void)state;
	assert_int_not_equal(fd, -1);
	close(fd);
	rig.access_file = path;
	rig_start(&rig);
	c = client_open(&rig);
	client_send(&c, GET("/hello") GET("/big"));
	assert_int_equal(client_answer(&c), 200);
	nap_ms(200);
	read_log(path, text, sizeof(text));
	assert_non_null(strstr(text, "GET /hello status=200"));
	assert_null(strstr(text, "GET /big"));
	assert_int_equal(client_answer(&c), 200);
	client_close(&c);
	rig_end(&rig);
	read_log(path, text, sizeof(text));
	unlink(path);
	assert_non_null(strstr(text, "GET /big status=200 bytes=4194304 "));
	write = strstr(strstr(text, "GET /big"), "write=");
	assert_non_null(write);
	assert_true(strtod(write + 6, NULL) >= 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(head_and_keep_alive),
		cmocka_unit_test(http_1_0),
		cmocka_unit_test(pipelining_keeps_the_order),
		cmocka_unit_test(last_request_of_a_connection),
		cmocka_unit_test(answers_without_body),
		cmocka_unit_test(byte_by_byte),
		cmocka_unit_test(half_close_is_still_answered),
		cmocka_unit_test(reset_while_a_handler_works),
		cmocka_unit_test(big_answer_to_a_slow_reader),
		cmocka_unit_test(expect_continue),
		cmocka_unit_test(routes_and_methods),
		cmocka_unit_test(early_answer_is_not_eaten_by_a_reset),
		cmocka_unit_test(request_ids_and_forwarding),
		cmocka_unit_test(proxy_protocol_header),
		cmocka_unit_test(unix_socket),
		cmocka_unit_test(access_line),
		cmocka_unit_test(access_line_of_a_slow_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
