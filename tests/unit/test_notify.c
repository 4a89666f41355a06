/*
 * What a service manager hears, on a real datagram socket: by path and by abstract name, and never a line too many.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/count.h"
#include "os/notify.h"

struct manager {
	int	fd;
	char	path[80];	/* as in NOTIFY_SOCKET */
};

static int
open_manager(struct manager *m)
{
	struct sockaddr_un un;
	size_t len = strlen(m->path);

	memset(&un, 0, sizeof(un));
	un.sun_family = AF_UNIX;
	memcpy(un.sun_path, m->path, len);
	if (m->path[0] == '@')
		un.sun_path[0] = '\0';
	m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	len += offsetof(struct sockaddr_un, sun_path) + (m->path[0] == '@' ? 0 : 1);
	return m->fd != -1 && bind(m->fd, (struct sockaddr *)&un, (socklen_t)len) == 0 ? 0 : -1;
}

static int
make_manager(void **state)
{
	struct manager *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return -1;
	*state = m;
	snprintf(m->path, sizeof(m->path), "/tmp/test_notify.%ld", (long)getpid());
	return open_manager(m);
}

static int
remove_manager(void **state)
{
	struct manager *m = *state;

	unlink(m->path);
	close(m->fd);
	free(m);
	return 0;
}

static void
assert_heard(const struct manager *m, const char *expected)
{
	char text[2048];
	ssize_t n = recv(m->fd, text, sizeof(text) - 1, 0);

	assert_true(n > 0);
	text[n] = '\0';
	assert_string_equal(text, expected);
}

static void
assert_silence(const struct manager *m)
{
	char byte;

	assert_int_equal(recv(m->fd, &byte, 1, 0), -1);
}

static void
ready_and_stopping(void **state)
{
	struct manager *m = *state;
	struct notify n;

	assert_true(notify_init(&n, m->path));
	notify_ready(&n, "generation 1, 4 workers");
	assert_heard(m, "READY=1\nSTATUS=generation 1, 4 workers");
	notify_ready(&n, "");
	assert_heard(m, "READY=1");
	notify_stopping(&n, "draining");
	assert_heard(m, "STOPPING=1\nSTATUS=draining");
	assert_silence(m);
}

static void
reloading_tells_the_monotonic_time(void **state)
{
	struct manager *m = *state;
	struct notify n;
	char text[256];
	long long us;
	int64_t before = clock_mono_us();
	ssize_t len;

	assert_true(notify_init(&n, m->path));
	notify_reloading(&n);
	len = recv(m->fd, text, sizeof(text) - 1, 0);
	assert_true(len > 0);
	text[len] = '\0';
	assert_int_equal(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=", &us), 1);
	assert_true(us >= before && us <= clock_mono_us());
}

static void
text_cannot_add_a_line(void **state)
{
	struct manager *m = *state;
	struct notify n;

	assert_true(notify_init(&n, m->path));
	notify_ready(&n, "line 3: bad\nMAINPID=1\r\t\x7f.");
	assert_heard(m, "READY=1\nSTATUS=line 3: bad MAINPID=1   .");
}

static void
long_text_is_cut(void **state)
{
	struct manager *m = *state;
	struct notify n;
	char text[4 * NOTIFY_TEXT_MAX], heard[2 * NOTIFY_TEXT_MAX];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_true(notify_init(&n, m->path));
	notify_ready(&n, text);
	assert_int_equal(recv(m->fd, heard, sizeof(heard), 0), NOTIFY_TEXT_MAX - 1);
	assert_memory_equal(heard, "READY=1\nSTATUS=xxx", 18);
}

static void
successor_and_watchdog(void **state)
{
	struct manager *m = *state;
	struct notify n;

	assert_true(notify_init(&n, m->path));
	notify_successor(&n, 4711, "generation 1");
	assert_heard(m, "MAINPID=4711\nREADY=1\nSTATUS=generation 1");
	notify_alive(&n);
	assert_heard(m, "WATCHDOG=1");
	assert_silence(m);
}

static void
watchdog_period(void **state)
{
	static const struct { const char *usec, *pid; int64_t ms; } cases[] = {
		{ "30000000", NULL, 15000 }, { "30000000", "7", 15000 }, { "30000000", "8", 0 }, { NULL, "7", 0 },
		{ "1", NULL, 1 }, { "0", NULL, 0 }, { "-1", NULL, 0 }, { "", NULL, 0 }, { "3s", NULL, 0 }, { "2000", "", 0 },
		{ "2000", "x", 0 }, { "99999999999999999999", NULL, 0 }, { "86400000001", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(notify_watchdog_ms(cases[i].usec, cases[i].pid, 7), cases[i].ms);
}

static void
nobody_asked(void **state)
{
	struct manager *m = *state;
	struct notify n;

	assert_true(notify_init(&n, NULL));
	notify_ready(&n, "x");
	assert_true(notify_init(&n, ""));
	notify_stopping(&n, "x");
	assert_silence(m);
	assert_true(notify_init(&n, "/nonexistent/socket"));
	notify_ready(&n, "x");		/* a manager that went away is no fault of ours */
}

static void
bad_addresses_are_refused(void **state)
{
	struct notify n;
	char path[sizeof(n.address.sun_path) + 1];

	(void)state;
	assert_false(notify_init(&n, "relative/path"));
	assert_false(notify_init(&n, "vsock:2:1234"));
	assert_false(notify_init(&n, "/"));
	assert_false(notify_init(&n, "@"));
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_false(notify_init(&n, path));
	path[sizeof(path) - 2] = '\0';
	assert_true(notify_init(&n, path));
}

/* Only Linux has abstract names. Elsewhere the bind fails and there is nothing to listen on. */
static void
abstract_name(void **state)
{
	struct manager m;
	struct notify n;

	(void)state;
	snprintf(m.path, sizeof(m.path), "@test_notify.%ld", (long)getpid());
	if (open_manager(&m) == -1)
		skip();
	assert_true(notify_init(&n, m.path));
	notify_ready(&n, "abstract");
	assert_heard(&m, "READY=1\nSTATUS=abstract");
	close(m.fd);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, make_manager, remove_manager)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ready_and_stopping),
		TEST(successor_and_watchdog),
		TEST(watchdog_period),
		TEST(reloading_tells_the_monotonic_time),
		TEST(text_cannot_add_a_line),
		TEST(long_text_is_cut),
		TEST(nobody_asked),
		cmocka_unit_test(bad_addresses_are_refused),
		cmocka_unit_test(abstract_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
