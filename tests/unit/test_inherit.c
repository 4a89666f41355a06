/*
 * What is handed over by number: the numbers' own form, with values nobody should believe, and the sockets behind them.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <netinet/in.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/count.h"
#include "proc/handover.h"
#include "proc/listen.h"

static void
handover_there_and_back(void **state)
{
	struct handover h = { .link_fd = 5, .pid_fd = 4, .must_connect = true, .n = INHERIT_MAX }, again;
	char text[HANDOVER_TEXT_SIZE];

	(void)state;
	for (int i = 0; i < INHERIT_MAX; i++) {
		h.listener[i].fd = 1048000 + i;		/* the longest there are */
		h.listener[i].lent = i >= INHERIT_MAX / 2;
	}
	handover_print(&h, text);
	assert_true(handover_parse(&again, text));
	assert_int_equal(again.link_fd, 5);
	assert_int_equal(again.pid_fd, 4);
	assert_true(again.must_connect);
	assert_int_equal(again.n, INHERIT_MAX);
	for (int i = 0; i < INHERIT_MAX; i++) {
		assert_int_equal(again.listener[i].fd, h.listener[i].fd);
		assert_int_equal(again.listener[i].lent, h.listener[i].lent);
	}
	h = (struct handover){ .link_fd = 3, .pid_fd = -1 };
	handover_print(&h, text);
	assert_string_equal(text, "1:3::0::");
	assert_true(handover_parse(&again, text));
	assert_int_equal(again.pid_fd, -1);
	assert_int_equal(again.n, 0);
}

static void
handover_of_strangers(void **state)
{
	static const char *const bad[] = {
		"", ":", ":::::", "1", "1:3::0:", "1:3::0:::", "2:3::0::", "01:3::0::", " 1:3::0::", "1:3::0:: ", "1:::0::",
		"1:2::0::", "1:0::0::", "1:-1::0::", "1:3:3:0::", "1:3:2:0::", "1:3:x:0::", "1:3::2::", "1:3::::", "1:3::yes::",
		"1:3::0:4,:", "1:3::0:,4:", "1:3::0:4,4:", "1:3::0:4:4", "1:3::0:3:", "1:3:4:0:4:", "1:3::0:4 5:", "1:3::0:1048577:",
		"1:99999999999999999999::0::", "1:0x3::0::", "1:3::0:4\n:",
		"1:3::0:4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35:36",
	};
	struct handover h;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (handover_parse(&h, bad[i]))
			fail_msg("taken: \"%s\"", bad[i]);
	assert_true(handover_parse(&h, "1:3:4:1:5,6:7"));
}

static void
listen_fds(void **state)
{
	static const struct { const char *pid, *fds; int n; } cases[] = {
		{ NULL, NULL, 0 }, { "100", NULL, 0 }, { NULL, "1", 0 }, { "100", "1", 1 }, { "100", "0", 0 }, { "100", "32", 32 },
		{ "101", "1", 0 }, { "100", "33", -1 }, { "100", "-1", -1 }, { "100", "", -1 }, { "", "1", -1 }, { "100", "1 ", -1 },
		{ "100", "0x1", -1 }, { "100", "99999999999999999999", -1 }, { "abc", "1", -1 }, { "-100", "1", -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(inherit_count(cases[i].pid, cases[i].fds, 100), cases[i].n);
}

static int
tcp(int family, int type, bool listening)
{
	struct sockaddr_storage ss;
	struct sockaddr_in *in = (struct sockaddr_in *)&ss;
	int fd = socket(family, type, 0);

	memset(&ss, 0, sizeof(ss));
	ss.ss_family = (sa_family_t)family;
	in->sin_addr.s_addr = family == AF_INET ? htonl(INADDR_LOOPBACK) : 0;
	assert_true(fd != -1);
	if (family == AF_INET6)
		((struct sockaddr_in6 *)&ss)->sin6_addr.s6_addr[15] = 1;
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, family == AF_INET ? sizeof(*in) : sizeof(struct sockaddr_in6)), 0);
	if (listening)
		assert_int_equal(listen(fd, 5), 0);
	return fd;
}

static void
found_by_address(void **state)
{
	struct inherited in = { .n = 0 };
	char why[INHERIT_WHY_SIZE];
	const struct inherited_socket *s;
	int fd = tcp(AF_INET, SOCK_STREAM, true);

	(void)state;
	assert_true(inherit_add(&in, fd, true, why));
	assert_ptr_equal(strstr(in.socket[0].address, "127.0.0.1:"), in.socket[0].address);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_null(inherit_take(NULL, in.socket[0].address));
	assert_null(inherit_take(&in, "127.0.0.1:1"));
	assert_null(inherit_take(&in, "unix:/tmp"));
	assert_null(inherit_take(&in, "nonsense"));
	s = inherit_take(&in, in.socket[0].address);
	assert_non_null(s);
	assert_int_equal(s->fd, fd);
	assert_true(s->lent);
	assert_null(inherit_take(&in, in.socket[0].address));	/* only once */
	inherit_close_rest(&in);
	assert_int_not_equal(fcntl(fd, F_GETFD), -1);
	close(fd);
}

static void
what_does_not_listen_is_refused(void **state)
{
	struct inherited in = { .n = 0 };
	char why[INHERIT_WHY_SIZE];
	int fds[] = { tcp(AF_INET, SOCK_STREAM, false), tcp(AF_INET, SOCK_DGRAM, false), open("/dev/null", O_RDWR), 999,
	    socket(AF_UNIX, SOCK_STREAM, 0), socket(AF_UNIX, SOCK_SEQPACKET, 0) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	(void)state;
	/* Without a name, or with one in Linux's abstract space: no configuration can mean it. */
	assert_int_equal(bind(fds[4], (struct sockaddr *)&un, sizeof(un.sun_family)), 0);
	assert_int_equal(listen(fds[4], 1), 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "/tmp/test_inherit.%ld", (long)getpid());
	assert_int_equal(bind(fds[5], (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(fds[5], 1), 0);
	unlink(un.sun_path);
	for (size_t i = 0; i < COUNT(fds); i++) {
		assert_false(inherit_add(&in, fds[i], false, why));
		assert_non_null(strstr(why, "not a listening stream socket"));
		if (fds[i] != 999)
			close(fds[i]);
	}
	assert_int_equal(in.n, 0);
}

/* A file of another's socket is removed neither when we fail nor when it was lent; after listeners_own() it is ours. */
static void
files_of_others(void **state)
{
	static const struct service_user none;
	char dir[] = "/tmp/test_inherit.XXXXXX", path[80], address[90], why[LISTEN_WHY_SIZE];
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct conf c = { .listen[0].address = address, .nlisten = 1 };
	struct listeners l;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	snprintf(address, sizeof(address), "unix:%s", path);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	for (int round = 0; round < 4; round++) {
		bool lent = round == 1, owned = round == 1 || round == 2;
		struct inherited in = { .n = 0 };
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
		assert_int_equal(listen(fd, 5), 0);
		assert_true(inherit_add(&in, fd, lent, why));
		if (round < 3) {
			assert_true(listeners_open(&l, &c, NULL, &in, &none, why));
			assert_int_equal(l.http[0].fd, fd);
			if (owned)
				listeners_own(&l);
			listeners_close(&l, NULL);
		} else {		/* nobody wanted it */
			inherit_close_rest(&in);
			assert_int_equal(access(path, F_OK), 0);
			inherit_remove_rest(&in);
		}
		assert_int_equal(access(path, F_OK), round < 2 ? 0 : -1);
		assert_int_equal(fcntl(fd, F_GETFD), -1);
		unlink(path);
	}
	rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handover_there_and_back),
		cmocka_unit_test(handover_of_strangers),
		cmocka_unit_test(listen_fds),
		cmocka_unit_test(found_by_address),
		cmocka_unit_test(what_does_not_listen_is_refused),
		cmocka_unit_test(files_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
