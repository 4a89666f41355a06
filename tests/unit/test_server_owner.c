/*
 * What a server asks and tells its owner: whether a route may be used, each finished request once, connections as they
 * come and go.
 */
#include <sys/types.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "server_rig.h"

#define ENOUGH_MS	5000

static void
each_request_is_told_once(void **state)
{
	struct rig	rig = rig_defaults();
	struct client	c;
	char		told[512];

	(void)state;
	rig_start(&rig);
	c = client_open(&rig);
	client_send(&c, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\nHEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n"
	    "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\nPOST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
	    "GET /overflow HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\n");
	assert_int_equal(client_answer(&c), 200);
	assert_int_equal(client_answer_to(&c, true), 200);
	assert_int_equal(client_answer(&c), 404);
	assert_int_equal(client_answer(&c), 405);
	assert_int_equal(client_answer(&c), 500);
	assert_int_equal(client_answer(&c), 204);
	assert_int_equal(client_answer(&c), 400);
	assert_int_equal(client_answer(&c), CLIENT_EOF);
	client_close(&c);
	assert_int_equal(rig_get(&rig, "/told", told), 200);
	assert_non_null(strstr(told, "hello:200:14:fast hello:200:0:fast none:404:"));
	assert_non_null(strstr(told, " none:405:"));
	assert_non_null(strstr(told, " overflow:500:"));
	assert_non_null(strstr(told, " none:204:0:fast "));
	assert_non_null(strstr(told, " none:400:"));
	/* And itself, which was answered after it was asked. */
	assert_int_equal(rig_get(&rig, "/told", told), 200);
	assert_int_equal(strncmp(told, "told:200:", 9), 0);
	assert_null(strchr(told + 9, '/'));
	rig_end(&rig);
}

static void
a_client_who_leaves_is_told_as_499(void **state)
{
	struct rig	rig = rig_defaults();
	struct client	c;
	char		told[512] = "";
	long		end = now_ms() + ENOUGH_MS;

	(void)state;
	rig_start(&rig);
	c = client_open(&rig);
	client_send(&c, "GET /slow/300 HTTP/1.1\r\nHost: x\r\n\r\n");
	/* Closing with bytes unread resets, so the server knows at once. */
	client_send(&c, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger)), 0);
	while (strstr(told, "busy=2 ") == NULL && now_ms() < end)
		assert_int_equal(rig_get(&rig, "/stats", told), 200);
	client_close(&c);
	told[0] = '\0';
	while (strstr(told, "slow:") == NULL && now_ms() < end)
		assert_int_equal(rig_get(&rig, "/told", told), 200);
	assert_non_null(strstr(told, "slow:499:0:"));
	/* Its handler answers later, into the void: nobody counts that. */
	nap_ms(400);
	assert_int_equal(rig_get(&rig, "/told", told), 200);
	assert_null(strstr(told, "slow:"));
	rig_end(&rig);
}

static void
who_is_not_admitted_sends_no_body(void **state)
{
	struct rig	rig = rig_defaults();
	struct client	c;
	char		told[512];

	(void)state;
	rig_start(&rig);
	c = client_open(&rig);
	/* The answer comes before a body does, and ends the connection. */
	client_send(&c, "POST /closed HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
	assert_int_equal(client_answer(&c), 403);
	assert_non_null(strstr(c.body, "\"code\":\"forbidden\""));
	assert_non_null(strstr(c.body, "Not for you"));
	assert_non_null(strstr(c.head, "Connection: close"));
	client_close(&c);
	c = client_open(&rig);
	client_send(&c, "POST /closed HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(client_answer(&c), 403);
	assert_int_equal(client_answer(&c), 200);
	client_close(&c);
	assert_int_equal(rig_get(&rig, "/told", told), 200);
	assert_int_equal(strncmp(told, "closed:403:", 11), 0);
	rig_end(&rig);
}

static void
connections_are_told_as_they_come_and_go(void **state)
{
	struct rig	rig = rig_defaults();
	struct client	held[3];
	char		text[512] = "";
	long		end = now_ms() + ENOUGH_MS;

	(void)state;
	rig_start(&rig);
	for (int i = 0; i < 3; i++) {
		held[i] = client_open(&rig);
		client_send(&held[i], "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
		assert_int_equal(client_answer(&held[i]), 200);
	}
	assert_int_equal(rig_get(&rig, "/connections", text), 200);
	assert_string_equal(text, "open=4 accepted=4 times=4");
	client_close(&held[1]);
	client_close(&held[2]);
	/* One more is accepted with each look, and the look before it may still be open. */
	while (strstr(text, "open=2 ") == NULL && now_ms() < end)
		assert_int_equal(rig_get(&rig, "/connections", text), 200);
	assert_non_null(strstr(text, "open=2 "));
	client_close(&held[0]);
	rig_end(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_request_is_told_once),
		cmocka_unit_test(a_client_who_leaves_is_told_as_499),
		cmocka_unit_test(who_is_not_admitted_sends_no_body),
		cmocka_unit_test(connections_are_told_as_they_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
