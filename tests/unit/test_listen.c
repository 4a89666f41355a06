/*
 * Listening sockets of a generation: shared by name with the one before, all or none, and no Unix socket taken away
 * from somebody who answers.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <fcntl.h>
#include <poll.h>
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
#include "proc/families.h"
#include "proc/listen.h"

static const struct service_user none;

struct place {
	char	dir[64];
	char	path[96], address[112];		/* of one socket */
	char	admin[112];
};

static int
make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -1;
	*state = p;
	snprintf(p->dir, sizeof(p->dir), "/tmp/test_listen.XXXXXX");
	if (mkdtemp(p->dir) == NULL)
		return -1;
	snprintf(p->path, sizeof(p->path), "%s/http", p->dir);
	snprintf(p->address, sizeof(p->address), "unix:%s", p->path);
	snprintf(p->admin, sizeof(p->admin), "unix:%s/admin", p->dir);
	return 0;
}

static int
remove_place(void **state)
{
	struct place *p = *state;

	unlink(p->path);
	unlink(p->admin + 5);
	rmdir(p->dir);
	free(p);
	return 0;
}

/* A connection's descriptor or -1. */
static int
connect_to(const char *path)
{
	struct sockaddr_un un;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(&un, 0, sizeof(un));
	un.sun_family = AF_UNIX;
	memcpy(un.sun_path, path, strlen(path));
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0)
		return fd;
	close(fd);
	return -1;
}

static unsigned
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return (unsigned)st.st_mode & 0777;
}

static void
opened_with_the_right_modes_and_removed(void **state)
{
	struct place *p = *state;
	struct conf c = { .listen[0].address = p->address, .nlisten = 1, .admin[0].address = p->admin, .nadmin = 1 };
	struct listeners l;
	char why[LISTEN_WHY_SIZE] = "";
	mode_t before = umask(027);
	int fd;

	assert_true(listeners_open(&l, &c, NULL, NULL, &none, why));
	assert_int_equal(umask(before), 027);
	assert_int_equal(mode_of(p->path), 0660);
	assert_int_equal(mode_of(p->admin + 5), 0666);
	assert_true((fcntl(l.http[0].fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(l.http[0].fd, F_GETFD) & FD_CLOEXEC) != 0);
	fd = connect_to(p->path);
	assert_true(fd != -1);
	close(fd);
	listeners_close(&l, NULL);
	assert_int_equal(access(p->path, F_OK), -1);
	assert_int_equal(access(p->admin + 5, F_OK), -1);
}

static void
same_address_keeps_its_socket(void **state)
{
	struct place *p = *state;
	struct conf one = { .listen[0].address = p->address, .nlisten = 1 };
	struct conf two = { .listen[0].address = p->admin, .listen[1].address = p->address, .nlisten = 2 };
	struct listeners first, second;
	char why[LISTEN_WHY_SIZE] = "";
	int fd;

	assert_true(listeners_open(&first, &one, NULL, NULL, &none, why));
	assert_true(listeners_open(&second, &two, &first, NULL, &none, why));
	assert_int_equal(second.http[1].fd, first.http[0].fd);
	assert_int_not_equal(second.http[0].fd, first.http[0].fd);
	listeners_close(&first, &second);
	fd = connect_to(p->path);
	assert_true(fd != -1);
	close(fd);
	listeners_close(&second, NULL);
	assert_int_equal(access(p->path, F_OK), -1);
}

static void
failure_undoes_what_is_new_and_only_that(void **state)
{
	struct place *p = *state;
	struct conf one = { .listen[0].address = p->address, .nlisten = 1 };
	struct conf two = { .listen[0].address = p->address, .listen[1].address = p->admin,
	    .listen[2].address = (char[]){ "unix:/nonexistent/socket" }, .nlisten = 3 };
	struct listeners first, second;
	char why[LISTEN_WHY_SIZE] = "";
	int fd;

	assert_true(listeners_open(&first, &one, NULL, NULL, &none, why));
	assert_false(listeners_open(&second, &two, &first, NULL, &none, why));
	assert_non_null(strstr(why, "unix:/nonexistent/socket"));
	assert_int_equal(second.nhttp, 0);
	assert_int_equal(access(p->admin + 5, F_OK), -1);
	fd = connect_to(p->path);
	assert_true(fd != -1);
	close(fd);
	listeners_close(&first, NULL);
}

static void
socket_of_the_living_is_left_alone(void **state)
{
	struct place *p = *state;
	struct conf c = { .listen[0].address = p->address, .nlisten = 1 };
	struct listeners l, again;
	char why[LISTEN_WHY_SIZE] = "";
	int fd;

	assert_true(listeners_open(&l, &c, NULL, NULL, &none, why));
	assert_false(listeners_open(&again, &c, NULL, NULL, &none, why));
	assert_non_null(strstr(why, "answers"));
	fd = connect_to(p->path);
	assert_true(fd != -1);
	close(fd);
	listeners_close_fds(&l);	/* as if killed: the file stays, nobody answers */
	assert_int_equal(access(p->path, F_OK), 0);
	poll(NULL, 0, 20);		/* a file system's clock may tick slowly, and the next file gets the same inode */
	assert_true(listeners_open(&again, &c, NULL, NULL, &none, why));
	listeners_close(&l, NULL);	/* is not the file that we made: stays */
	assert_int_equal(access(p->path, F_OK), 0);
	listeners_close(&again, NULL);
	assert_int_equal(access(p->path, F_OK), -1);
}

static void
a_file_is_never_removed(void **state)
{
	struct place *p = *state;
	struct conf c = { .listen[0].address = p->address, .nlisten = 1 };
	struct listeners l;
	char why[LISTEN_WHY_SIZE] = "";
	int fd = open(p->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd != -1);
	close(fd);
	assert_false(listeners_open(&l, &c, NULL, NULL, &none, why));
	assert_non_null(strstr(why, "not a socket"));
	assert_int_equal(access(p->path, F_OK), 0);
}

static void
bad_addresses_are_named(void **state)
{
	static const char *const bad[] = {
		"127.0.0.1", "example.org:80", "*:80", "localhost:80", "127.0.0.1:0", "127.0.0.1:65536", "1.2.3:80", ":80", "",
	};
	struct listeners l;
	char why[LISTEN_WHY_SIZE], address[32];
	struct conf c = { .listen[0].address = address, .nlisten = 1 };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		snprintf(address, sizeof(address), "%s", bad[i]);
		assert_false(listeners_open(&l, &c, NULL, NULL, &none, why));
		assert_non_null(strstr(why, "expected an IP address"));
	}
}

/* What "*" and "localhost" became; the second family is there only on a machine that has it. */
static void
names_for_two_addresses_become_two_listeners(void **state)
{
	struct conf *c = calloc(1, sizeof(*c));
	char why[FAMILIES_WHY_SIZE] = "";
	size_t per;

	(void)state;
	assert_non_null(c);
	c->listen[0].address = strdup("*:80");
	c->listen[0].insecure = true;
	c->listen[1].address = strdup("192.0.2.1:81");
	c->nlisten = 2;
	c->admin[0].address = strdup("unix:/run/admin.sock");
	c->admin[1].address = strdup("localhost:82");
	c->nadmin = 2;
	assert_true(families_expand(c, why));
	per = c->nlisten - 1;
	assert_true(per == 1 || per == 2);
	assert_string_equal(c->listen[0].address, "0.0.0.0:80");
	assert_string_equal(c->listen[per].address, "192.0.2.1:81");
	assert_false(c->listen[per].insecure);
	assert_string_equal(c->admin[0].address, "unix:/run/admin.sock");
	assert_string_equal(c->admin[1].address, "127.0.0.1:82");
	assert_int_equal(c->nadmin, 1 + per);
	if (per == 2) {
		assert_string_equal(c->listen[1].address, "[::]:80");
		assert_true(c->listen[1].insecure);
		assert_string_equal(c->admin[2].address, "[::1]:82");
	}
	assert_true(families_expand(c, why));	/* nothing left to do */
	assert_int_equal(c->nlisten, 1 + per);
	conf_free(c);
}

static void
too_many_after_the_split(void **state)
{
	struct conf *c = calloc(1, sizeof(*c));
	char why[FAMILIES_WHY_SIZE] = "", text[32];
	bool two;

	(void)state;
	assert_non_null(c);
	for (c->nlisten = 0; c->nlisten < CONF_MAX_LISTEN - 1; c->nlisten++) {
		snprintf(text, sizeof(text), "127.0.0.1:%zu", 100 + c->nlisten);
		c->listen[c->nlisten].address = strdup(text);
	}
	c->admin[0].address = strdup("localhost:82");
	c->nadmin = 1;
	c->listen[c->nlisten++].address = strdup("*:80");
	two = families_expand(c, why) == false;		/* one family only: 16 stay 16 */
	assert_int_equal(c->nlisten, CONF_MAX_LISTEN);
	if (two)
		assert_non_null(strstr(why, "*:80"));
	else
		assert_string_equal(c->listen[CONF_MAX_LISTEN - 1].address, "0.0.0.0:80");
	conf_free(c);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, make_place, remove_place)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(opened_with_the_right_modes_and_removed),
		TEST(same_address_keeps_its_socket),
		TEST(failure_undoes_what_is_new_and_only_that),
		TEST(socket_of_the_living_is_left_alone),
		TEST(a_file_is_never_removed),
		TEST(bad_addresses_are_named),
		cmocka_unit_test(names_for_two_addresses_become_two_listeners),
		cmocka_unit_test(too_many_after_the_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
