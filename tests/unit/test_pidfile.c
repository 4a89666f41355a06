/*
 * The pid file: one holder, known to the second; the lock and not the number counts; no link is followed.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
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

#include "os/pidfile.h"

struct place {
	char	dir[64];
	char	file[96];
	char	other[96];
};

static int
make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -1;
	snprintf(p->dir, sizeof(p->dir), "/tmp/test_pidfile.XXXXXX");
	if (mkdtemp(p->dir) == NULL)
		return -1;
	snprintf(p->file, sizeof(p->file), "%s/ringd.pid", p->dir);
	snprintf(p->other, sizeof(p->other), "%s/other", p->dir);
	*state = p;
	return 0;
}

static int
remove_place(void **state)
{
	struct place *p = *state;

	unlink(p->file);
	unlink(p->other);
	rmdir(p->dir);
	free(p);
	return 0;
}

static void
write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void
assert_content(const char *path, const char *expected)
{
	char text[64] = "";
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	(void)!fgets(text, sizeof(text), f);
	fclose(f);
	assert_string_equal(text, expected);
}

static void
holds_our_pid_and_goes_away(void **state)
{
	struct place *p = *state;
	struct pidfile pf;
	char expected[32];
	pid_t owner;

	assert_int_equal(pidfile_take(&pf, p->file, &owner), 0);
	assert_int_equal(pidfile_write(&pf), 0);
	snprintf(expected, sizeof(expected), "%ld\n", (long)getpid());
	assert_content(p->file, expected);
	pidfile_remove(&pf);
	assert_int_equal(access(p->file, F_OK), -1);
	pidfile_remove(&pf);	/* harmless */
}

static void
second_learns_who_holds_it(void **state)
{
	struct place *p = *state;
	struct pidfile first, second;
	pid_t owner;

	assert_int_equal(pidfile_take(&first, p->file, &owner), 0);
	assert_int_equal(pidfile_take(&second, p->file, &owner), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	assert_int_equal(owner, 0);	/* nothing written yet */
	assert_int_equal(pidfile_write(&first), 0);
	assert_int_equal(pidfile_take(&second, p->file, &owner), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	assert_int_equal(owner, getpid());
	assert_int_equal(second.fd, -1);
	pidfile_remove(&second);	/* holds nothing, must not remove the first one's */
	assert_int_equal(access(p->file, F_OK), 0);
	pidfile_remove(&first);
}

static void
leftover_number_is_no_holder(void **state)
{
	struct place *p = *state;
	struct pidfile pf;
	pid_t owner;

	write_text(p->file, "1234567890123\n");
	assert_int_equal(pidfile_take(&pf, p->file, &owner), 0);
	assert_content(p->file, "1234567890123\n");
	assert_int_equal(pidfile_write(&pf), 0);
	pidfile_remove(&pf);
	write_text(p->file, "1\n");
	assert_int_equal(pidfile_take(&pf, p->file, &owner), 0);
	pidfile_remove(&pf);
}

static void
strange_content_is_no_owner(void **state)
{
	struct place *p = *state;
	struct pidfile first, second;
	pid_t owner;

	write_text(p->file, "-5 and some more text that is longer than a number\n");
	assert_int_equal(pidfile_take(&first, p->file, &owner), 0);
	assert_int_equal(pidfile_take(&second, p->file, &owner), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	assert_int_equal(owner, 0);
	pidfile_remove(&first);
}

static void
link_is_not_followed(void **state)
{
	struct place *p = *state;
	struct pidfile pf;
	pid_t owner;

	write_text(p->other, "precious\n");
	assert_int_equal(symlink(p->other, p->file), 0);
	assert_int_equal(pidfile_take(&pf, p->file, &owner), -1);
	assert_content(p->other, "precious\n");
	assert_int_equal(unlink(p->other), 0);
	assert_int_equal(pidfile_take(&pf, p->file, &owner), -1);
	assert_int_equal(access(p->other, F_OK), -1);	/* nor made through it */
}

static void
only_a_plain_file_will_do(void **state)
{
	struct place *p = *state;
	struct pidfile pf;
	pid_t owner;

	assert_int_equal(mkfifo(p->file, 0600), 0);
	assert_int_equal(pidfile_take(&pf, p->file, &owner), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(pidfile_take(&pf, p->dir, &owner), -1);
}

static void
another_ones_file_is_left_alone(void **state)
{
	struct place *p = *state;
	struct pidfile pf;
	pid_t owner;

	assert_int_equal(pidfile_take(&pf, p->file, &owner), 0);
	assert_int_equal(pidfile_write(&pf), 0);
	assert_int_equal(rename(p->file, p->other), 0);
	write_text(p->file, "77\n");
	pidfile_remove(&pf);
	assert_content(p->file, "77\n");
}

/* What a signaller asks: who holds it? Never a number that only happens to be alive. */
static void
holder_is_who_has_the_lock(void **state)
{
	struct place *p = *state;
	struct pidfile pf;
	pid_t owner;

	assert_int_equal(pidfile_holder(p->file), 0);
	write_text(p->file, "1\n");
	assert_int_equal(pidfile_holder(p->file), 0);
	write_text(p->file, "nonsense\n");
	assert_int_equal(pidfile_holder(p->file), 0);
	assert_int_equal(pidfile_take(&pf, p->file, &owner), 0);
	assert_int_equal(pidfile_holder(p->file), 0);		/* has not said who it is */
	assert_int_equal(pidfile_write(&pf), 0);
	assert_int_equal(pidfile_holder(p->file), getpid());
	pidfile_remove(&pf);
	assert_int_equal(symlink(p->other, p->file), 0);
	assert_int_equal(pidfile_holder(p->file), -1);
}

/* As at an upgrade: two processes have one lock; the one that goes leaves everything to the other. */
static void
the_lock_is_passed_on(void **state)
{
	struct place *p = *state;
	struct pidfile old, new, third;
	pid_t owner;

	assert_int_equal(pidfile_take(&old, p->file, &owner), 0);
	assert_int_equal(pidfile_write(&old), 0);
	assert_int_equal(pidfile_adopt(&new, dup(old.fd), p->other), -1);
	assert_int_equal(new.fd, -1);
	assert_int_equal(pidfile_adopt(&new, dup(old.fd), p->file), 0);
	pidfile_let_go(&old);
	pidfile_let_go(&old);	/* harmless */
	assert_int_equal(access(p->file, F_OK), 0);
	assert_int_equal(pidfile_take(&third, p->file, &owner), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	assert_int_equal(pidfile_write(&new), 0);
	pidfile_remove(&new);
	assert_int_equal(access(p->file, F_OK), -1);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, make_place, remove_place)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(holds_our_pid_and_goes_away),
		TEST(holder_is_who_has_the_lock),
		TEST(the_lock_is_passed_on),
		TEST(second_learns_who_holds_it),
		TEST(leftover_number_is_no_holder),
		TEST(strange_content_is_no_owner),
		TEST(link_is_not_followed),
		TEST(only_a_plain_file_will_do),
		TEST(another_ones_file_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
