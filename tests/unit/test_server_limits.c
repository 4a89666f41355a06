/*
 * server, limits: what a client cannot take, be it time, connections, descriptors or memory; and draining.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>

#include "server_rig.h"

#define GET(path)	"GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define SHORT_MS	300
#define SWEPT_MS	1000	/* a deadline of SHORT_MS and the sweep after it are over by then */

static void
header_and_idle_time(void **state)
{
	struct rig	rig = rig_defaults();
	struct client	silent, slow, idle;
	char		text[512];

	(void)state;
	rig.limits.header_timeout_ms = SHORT_MS;
	rig.limits.idle_timeout_ms = SHORT_MS;
	rig_start(&rig);
	silent = client_open(&rig);
	slow = client_open(&rig);
	idle = client_open(&rig);
	client_send(&slow, "GET /hello HTTP/1.1\r\nHost:");
	client_send(&idle, GET("/hello"));
	assert_int_equal(client_answer(&idle), 200);
	nap_ms(SWEPT_MS);
	assert_int_equal(rig_get(&rig, "/stats", text), 200);
	assert_non_null(strstr(text, "open=2 "));	/* this one and the slow one, lingering */
	assert_int_equal(client_answer(&silent), CLIENT_EOF);
	assert_int_equal(client_answer(&idle), CLIENT_EOF);
	assert_int_equal(client_answer(&slow), 408);
	assert_non_null(strstr(slow.body, "\"request_timeout\""));
	assert_int_equal(client_answer(&slow), CLIENT_EOF);
	client_close(&silent);
	client_close(&slow);
	client_close(&idle);
	rig_end(&rig);
}

/* Of a later request too: its head has header_timeout, not what is left of idle_timeout. */
static void
header_time_of_a_later_request(void **state)
{
	struct rig	rig = rig_defaults();
	struct client	c;
	long		before;

	(void)state;
	rig.limits.header_timeout_ms = SHORT_MS;
	rig_start(&rig);
	c = client_open(&rig);
	client_send(&c, GET("/hello"));
	assert_int_equal(client_answer(&c), 200);
	nap_ms(SWEPT_MS);
	before = now_ms();
	client_send(&c, "GET /hello HTTP/1.1\r\nHost:");
	assert_int_equal(client_answer(&c), 408);
	assert_in_range(now_ms() - before, SHORT_MS - 50, SWEPT_MS);
	client_close(&c);
	rig_end(&rig);
}

/* After a last answer the client may end its part in peace, but neither for ever nor without end. */
static void
lingering_has_an_end(void **state)
{
	static char	part[1000000];
	struct rig	rig = rig_defaults();
	struct client	quiet, chatty;
	char		text[512];
	int		i;

	(void)state;
	rig_start(&rig);
	quiet = client_open(&rig);
	chatty = client_open(&rig);
	client_send(&quiet, "GET /hello HTTP/1.0\r\n\r\n");
	client_send(&chatty, "GET /hello HTTP/1.0\r\n\r\n");
	assert_int_equal(client_answer(&quiet), 200);
	assert_int_equal(client_answer(&chatty), 200);
	for (i = 0; i < 20 && send(chatty.fd, part, sizeof(part), MSG_NOSIGNAL) > 0; i++)
		nap_ms(20);
	assert_in_range(i, 4, 12);	/* what is in flight adds to the limit */
	assert_int_equal(rig_get(&rig, "/stats", text), 200);
	assert_non_null(strstr(text, "open=2 "));
	nap_ms(2700);
	assert_int_equal(rig_get(&rig, "/stats", text), 200);
	assert_non_null(strstr(text, "open=1 "));
	client_close(&quiet);
	client_close(&chatty);
	rig_end(&rig);
}

/* A handler may take longer than every one of these times. */
static void
body_time(void **state)
{
	static char	part[40000];
	struct rig	rig = rig_defaults();
	struct client	stuck, steady, waiting;
	int		i;

	(void)state;
	memset(part, 'x', sizeof(part));
	rig.limits.header_timeout_ms = SHORT_MS;
	rig.limits.idle_timeout_ms = SHORT_MS;
	rig.limits.body_timeout_ms = 800;
	rig_start(&rig);
	stuck = client_open(&rig);
	steady = client_open(&rig);
	waiting = client_open(&rig);
	client_send(&waiting, GET("/slow/2200"));
	client_send(&stuck, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n123");
	client_send(&steady, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 240000\r\n\r\n");
	for (i = 0; i < 6; i++) {		/* twice the body's time in all, but 64K in each */
		nap_ms(i == 0 ? 0 : 280);
		client_send_bytes(&steady, part, sizeof(part));
	}
	assert_int_equal(client_answer(&steady), 200);
	assert_int_equal(steady.body_len, 240000);
	assert_int_equal(client_answer(&stuck), 408);
	assert_int_equal(client_answer(&stuck), CLIENT_EOF);
	assert_int_equal(client_answer(&waiting), 200);
	client_close(&stuck);
	client_close(&steady);
	client_close(&waiting);
	rig_end(&rig);
}

static void
reader_that_never_reads(void **state)
{
	struct rig	rig = rig_defaults();
	struct client	c;
	char		text[512];

	(void)state;
	rig.limits.write_timeout_ms = SHORT_MS;
	rig_start(&rig);
	c = client_open(&rig);
	client_send(&c, GET("/big") GET("/big") GET("/big"));
	nap_ms(100);
	assert_int_equal(rig_get(&rig, "/stats", text), 200);
	assert_non_null(strstr(text, "open=2 "));
	assert_non_null(strstr(text, "requests=2 "));	/* this one, and one big: while it waits no second is made */
	nap_ms(SWEPT_MS);
	assert_int_equal(rig_get(&rig, "/stats", text), 200);
	assert_non_null(strstr(text, "open=1 "));
	client_close(&c);
	rig_end(&rig);
}

/* Each moment a little, and never to an end: an answer may not be kept for so long. */
static void
reader_that_hardly_reads(void **state)
{
	static char	part[2000];
	struct rig	rig = rig_defaults();
	struct client	c;
	char		text[512];

	(void)state;
	rig.limits.write_timeout_ms = 2000;
	rig.send_buffer = 8192;	/* small, so that the server sees many of the little steps */
	rig_start(&rig);
	c = client_open(&rig);
	assert_int_equal(setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &(int){ 8192 }, sizeof(int)), 0);
	client_send(&c, GET("/big"));
	for (int i = 0; i < 50; i++) {		/* 20 kB a second, and at least 32 are asked */
		nap_ms(100);
		(void)!recv(c.fd, part, sizeof(part), MSG_DONTWAIT);
	}
	assert_int_equal(rig_get(&rig, "/stats", text), 200);
	assert_non_null(strstr(text, "open=1 "));
	client_close(&c);
	rig_end(&rig);
}

/* While a handler works the server takes in one read buffer and no more; the rest stays with the client. */
static void
pipelined_bytes_are_held_back(void **state)
{
	static const char	request[] = GET("/param/p");
	struct rig		rig = rig_defaults();
	struct client		c;
	struct buf		all;
	size_t			sent = 0, i;
	ssize_t			n;

	(void)state;
	rig.receive_buffer = 8192;
	rig.limits.requests_per_connection = 1000000;
	rig_start(&rig);
	c = client_open(&rig);
	client_send(&c, GET("/slow/600"));
	nap_ms(50);
	buf_init(&all, 32 * 1024 * 1024);
	while (all.len < 16 * 1024 * 1024)
		buf_puts(&all, request);
	assert_int_equal(fcntl(c.fd, F_SETFL, O_NONBLOCK), 0);
	for (i = 0; i < 30; i++, nap_ms(10))
		while ((n = send(c.fd, all.p + sent, all.len - sent, MSG_NOSIGNAL)) > 0)
			sent += (size_t)n;
	assert_true(sent < all.len);
	assert_int_equal(fcntl(c.fd, F_SETFL, 0), 0);
	assert_int_equal(client_answer(&c), 200);
	for (i = 0; i < sent / (sizeof(request) - 1) && i < 5000; i++) {
		assert_int_equal(client_answer(&c), 200);
		assert_string_equal(c.body, "p");
	}
	buf_free(&all);
	client_close(&c);
	rig_end(&rig);
}

static void
connection_limit(void **state)
{
	struct rig	rig = rig_defaults();
	struct client	c[3], later;
	char		text[512];
	long		before;
	int		i;

	(void)state;
	rig.limits.connections = 3;
	rig_start(&rig);
	for (i = 0; i < 3; i++) {
		c[i] = client_open(&rig);
		client_send(&c[i], GET("/hello"));
		assert_int_equal(client_answer(&c[i]), 200);
	}
	later = client_open(&rig);		/* in the kernel's queue */
	client_send(&later, GET("/stats"));
	nap_ms(1300);				/* the pause's own second changes nothing */
	client_send(&c[2], GET("/stats"));
	assert_int_equal(client_answer(&c[2]), 200);
	assert_non_null(strstr(c[2].body, "open=3 "));
	before = now_ms();
	client_close(&c[0]);
	assert_int_equal(client_answer(&later), 200);
	assert_in_range(now_ms() - before, 0, 400);	/* at once, not when the second is over */
	assert_non_null(strstr(later.body, "open=3 "));
	client_close(&later);
	client_close(&c[1]);
	client_close(&c[2]);
	assert_int_equal(rig_get(&rig, "/hello", text), 200);
	rig_end(&rig);
	assert_in_range(rig.cpu_ms, 0, RIG_CPU_MS);	/* a full house is not a busy one */
}

static void
descriptor_reserve(void **state)
{
	struct rig	rig = rig_defaults();
	struct client	c[40];
	size_t		i, open = 0, before = 0;

	(void)state;
	rig.descriptors = 48;
	rig.limits.reserve_fds = 20;
	rig_start(&rig);
	for (i = 0; i < 40; i++)
		c[i] = client_open(&rig);
	client_send(&c[0], GET("/stats"));
	assert_int_equal(client_answer(&c[0]), 200);
	assert_int_equal(sscanf(c[0].body, "open=%zu", &before), 1);
	assert_in_range(before, 5, 28);		/* 48 - 20, less what the process itself has open */
	nap_ms(2500);
	client_send(&c[0], GET("/stats"));
	assert_int_equal(client_answer(&c[0]), 200);
	assert_int_equal(sscanf(c[0].body, "open=%zu", &open), 1);
	assert_int_equal(open, before);		/* trying again every second does not eat the reserve */
	for (i = 0; i < 20; i++)
		client_close(&c[i]);
	client_send(&c[39], GET("/hello"));
	assert_int_equal(client_answer(&c[39]), 200);
	for (i = 20; i < 40; i++)
		client_close(&c[i]);
	rig_end(&rig);
	assert_in_range(rig.cpu_ms, 0, RIG_CPU_MS);
}

static void
drain(void **state)
{
	struct rig	rig = rig_defaults();
	struct client	busy, idle, late, half, other;
	long		before;

	(void)state;
	rig_start(&rig);
	busy = client_open(&rig);
	idle = client_open(&rig);
	late = client_open(&rig);
	half = client_open(&rig);
	client_send(&busy, GET("/slow/700"));
	client_send(&idle, GET("/hello"));
	client_send(&late, GET("/hello"));
	client_send(&half, "GET /hello HTTP/1.1\r\nHo");
	assert_int_equal(client_answer(&idle), 200);
	assert_int_equal(client_answer(&late), 200);
	before = now_ms();
	rig_term(&rig);
	nap_ms(200);
	other = client_open(&rig);			/* for another process at the same listener */
	client_send(&late, GET("/param/late"));		/* was on its way already */
	assert_int_equal(client_answer(&late), 200);
	assert_string_equal(late.body, "late");
	assert_non_null(strstr(late.head, "\r\nConnection: close\r\n"));
	assert_int_equal(client_answer(&late), CLIENT_EOF);
	client_send(&half, "st: x\r\n\r\n");
	assert_int_equal(client_answer(&half), 200);
	assert_int_equal(client_answer(&busy), 200);
	assert_non_null(strstr(busy.head, "\r\nConnection: close\r\n"));
	assert_int_equal(client_answer(&busy), CLIENT_EOF);
	assert_int_equal(client_answer(&idle), CLIENT_EOF);
	client_close(&busy);
	client_close(&idle);
	client_close(&late);
	client_close(&half);
	rig_join(&rig);
	assert_in_range(now_ms() - before, 900, 2200);
	assert_in_range(rig.cpu_ms, 0, RIG_CPU_MS);
	client_close(&other);
}

static void
drain_does_not_wait_for_ever(void **state)
{
	struct rig	rig = rig_defaults();
	struct client	c;

	(void)state;
	rig_start(&rig);
	c = client_open(&rig);
	client_send(&c, "GET /hello HTTP/1.1\r\nHo");
	nap_ms(50);
	rig_term(&rig);
	assert_int_equal(client_answer(&c), CLIENT_EOF);	/* cut before its own header_timeout */
	rig_join(&rig);
	client_close(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_and_idle_time),
		cmocka_unit_test(header_time_of_a_later_request),
		cmocka_unit_test(lingering_has_an_end),
		cmocka_unit_test(body_time),
		cmocka_unit_test(reader_that_never_reads),
		cmocka_unit_test(reader_that_hardly_reads),
		cmocka_unit_test(pipelined_bytes_are_held_back),
		cmocka_unit_test(connection_limit),
		cmocka_unit_test(descriptor_reserve),
		cmocka_unit_test(drain),
		cmocka_unit_test(drain_does_not_wait_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
