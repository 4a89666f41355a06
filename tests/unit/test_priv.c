/*
 * Looking up the service user, giving it a file, and (when the tests run as root) becoming it without a way back.
 */
#include <sys/types.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "os/priv.h"

static void
nobody_named(void **state)
{
	struct service_user u;
	char why[PRIV_WHY_SIZE] = "";

	(void)state;
	assert_true(priv_lookup(&u, NULL, NULL, why));
	assert_string_equal(u.name, "");
	assert_false(priv_drop(&u, why));
}

static void
unknown_names(void **state)
{
	struct service_user u;
	char why[PRIV_WHY_SIZE] = "";

	(void)state;
	assert_false(priv_lookup(&u, "no-such-user-here", NULL, why));
	assert_non_null(strstr(why, "no-such-user-here"));
	assert_false(priv_lookup(&u, "nobody", "no-such-group-here", why));
	assert_non_null(strstr(why, "no-such-group-here"));
}

static void
root_is_refused(void **state)
{
	struct service_user u;
	char why[PRIV_WHY_SIZE] = "";

	(void)state;
	assert_false(priv_lookup(&u, "root", NULL, why));
	assert_non_null(strstr(why, "root"));
	assert_string_equal(u.name, "");
}

static void
file_with_two_names_or_behind_a_link_is_not_given(void **state)
{
	struct service_user me = { "me", getuid(), getgid() };
	char dir[] = "/tmp/test_priv.XXXXXX", file[64], second[64], why[PRIV_WHY_SIZE];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/log", dir);
	snprintf(second, sizeof(second), "%s/second", dir);
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	assert_true(fd != -1);
	assert_true(priv_give_file(fd, file, &me, why));
	assert_int_equal(link(file, second), 0);
	assert_false(priv_give_file(fd, file, &me, why));
	assert_int_equal(unlink(file), 0);
	assert_int_equal(symlink(second, file), 0);
	assert_false(priv_give_file(fd, file, &me, why));
	assert_int_equal(unlink(file), 0);
	assert_false(priv_give_file(fd, file, &me, why));
	close(fd);
	unlink(second);
	rmdir(dir);
}

/* In the child: 0 when everything of root is gone. */
static int
drop_and_look(void)
{
	struct service_user u;
	char why[PRIV_WHY_SIZE];
	gid_t groups[64] = { 0 };
	int n;

	if (setgroups(1, groups) == -1)	/* what root's login shell would have */
		return 5;
	if (!priv_lookup(&u, "nobody", NULL, why) || !priv_drop(&u, why))
		return 1;
	if (priv_is_root() || !priv_have_ids(u.uid, u.gid) || priv_have_ids(0, 0))
		return 2;
	n = getgroups(64, groups);
	for (int i = 0; i < n; i++)
		if (groups[i] == 0)
			return 3;
	return setuid(0) == -1 && seteuid(0) == -1 ? 0 : 4;
}

static void
drop_is_for_good(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (!priv_is_root())
		skip();
	pid = fork();
	if (pid == 0)
		_exit(drop_and_look());
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_named),
		cmocka_unit_test(unknown_names),
		cmocka_unit_test(root_is_refused),
		cmocka_unit_test(file_with_two_names_or_behind_a_link_is_not_given),
		cmocka_unit_test(drop_is_for_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
