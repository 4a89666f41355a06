/*
 * The log: one event, one line, one write, whatever the message holds and wherever it goes.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"

#define LINE_MAX_BYTES	4096
#define START_LEN	24	/* the time */

/*
 * Our own syslog() in place of libc's: the only way to see the level. glibc's hardened builds call the second name.
 * Levels are RFC 5424's numbers, the same on every system.
 */
void	syslog(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void	__syslog_chk(int level, int flag, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int	sys_level;
static char	sys_text[2 * LINE_MAX_BYTES];

void
syslog(int level, const char *fmt, ...)
{
	va_list ap;

	sys_level = level;
	va_start(ap, fmt);
	vsnprintf(sys_text, sizeof(sys_text), fmt, ap);
	va_end(ap);
}

void
__syslog_chk(int level, int flag, const char *fmt, ...)
{
	va_list ap;

	(void)flag;
	sys_level = level;
	va_start(ap, fmt);
	vsnprintf(sys_text, sizeof(sys_text), fmt, ap);
	va_end(ap);
}

struct place {
	char	dir[64];
	char	path[80];
	char	moved[80];
};

static int
setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -1;
	snprintf(p->dir, sizeof(p->dir), "/tmp/ringd-test-log.XXXXXX");
	if (mkdtemp(p->dir) == NULL)
		return -1;
	snprintf(p->path, sizeof(p->path), "%s/log", p->dir);
	snprintf(p->moved, sizeof(p->moved), "%s/log.0", p->dir);
	*state = p;
	log_set_role("worker 2");
	return log_open(LOG_TO_FILE, p->path, LEVEL_INFO);
}

static int
teardown(void **state)
{
	struct place *p = *state;

	log_open(LOG_TO_STDERR, NULL, LEVEL_INFO);
	log_context_set(NULL);
	unlink(p->path);
	unlink(p->moved);
	rmdir(p->dir);
	free(p);
	return 0;
}

/* The whole file, NUL-terminated. */
static const char *
content(const char *path)
{
	static char	text[16 * LINE_MAX_BYTES];
	int		fd = open(path, O_RDONLY);
	ssize_t		n;

	assert_true(fd >= 0);
	n = read(fd, text, sizeof(text) - 1);
	assert_true(n >= 0);
	close(fd);
	text[n] = '\0';
	return text;
}

/* After the time: level, role, pid and the sentence. */
static void
assert_last_line(const char *path, const char *level_and_role, const char *sentence)
{
	char		expected[2 * LINE_MAX_BYTES];
	const char	*text = content(path), *line;
	size_t		 n = strlen(text);

	assert_true(n > START_LEN);
	assert_int_equal(text[n - 1], '\n');
	for (line = text + n - 1; line > text && line[-1] != '\n'; line--)
		;
	snprintf(expected, sizeof(expected), " %s[%ld]: %s\n", level_and_role, (long)getpid(), sentence);
	assert_string_equal(line + START_LEN, expected);
}

static void
line_has_its_form(void **state)
{
	struct place	*p = *state;
	struct str	 time;
	int64_t		 ms;

	log_info("%s app=%d", "key made", 7);
	assert_last_line(p->path, "info worker 2", "key made app=7");
	time = (struct str){ content(p->path), START_LEN };
	assert_true(clock_parse_rfc3339(time, &ms));
	assert_int_equal(time.p[19], '.');
	assert_in_range(clock_real_ms() - ms, 0, 5000);
}

static void
fields_cannot_be_mistaken(void **state)
{
	struct place *p = *state;

	log_event(LEVEL_INFO, "stored", LOG_INT("rows", -3), LOG_INT("least", INT64_MIN), LOG_INT("most", INT64_MAX), LOG_INT("zero", 0),
	    LOG_MS("us", 7), LOG_MS("tens", 12340), LOG_MS("second", 1000000), LOG_C("a", "plain-1.2/3"), LOG_C("b", "two words"),
	    LOG_C("c", "x\" admin=yes \\"), LOG_C("d", ""), LOG_C("e", NULL), LOG_C("f", "-"), LOG_C("g", "1\n2"),
	    LOG_C("h", "k=v"), LOG_MS("ms", 1234567), LOG_MS("none", -5), LOG_STR("i", STR("\xc3\xa4")));
	assert_last_line(p->path, "info worker 2", "stored rows=-3 least=-9223372036854775808 most=9223372036854775807 zero=0 "
	    "us=0.007 tens=12.340 second=1000.000 a=plain-1.2/3 b=\"two words\" "
	    "c=\"x\\\" admin=yes \\\\\" d=\"\" e=- f=\"-\" g=\"1\\x0a2\" h=\"k=v\" ms=1234.567 none=0.000 i=\xc3\xa4");
	log_event(LEVEL_DEBUG, "not wanted", LOG_INT("x", 1));
	assert_null(strstr(content(p->path), "not wanted"));
}

static void
lines_say_whose_they_are(void **state)
{
	struct log_context	 c = { "0190aaaa-0000-7000-8000-000000000001", "req-1" }, none = { "", "" };
	struct place		*p = *state;

	log_context_set(&c);
	c.app[0] = 'x';			/* set by value */
	log_info("a");
	assert_last_line(p->path, "info worker 2", "a app=0190aaaa-0000-7000-8000-000000000001 request_id=req-1");
	log_event(LEVEL_WARN, "b", LOG_INT("n", 1));
	assert_last_line(p->path, "warn worker 2", "b n=1 app=0190aaaa-0000-7000-8000-000000000001 request_id=req-1");
	log_context_set(&none);
	log_info("c");
	assert_last_line(p->path, "info worker 2", "c");
	log_context_set(&c);
	log_context_set(NULL);
	log_info("d");
	assert_last_line(p->path, "info worker 2", "d");
}

/* Arguments of a line that is switched off are not even looked at. */
static void
what_is_off_costs_nothing(void **state)
{
	int looked = 0;

	(void)state;
	log_debug("%d", ++looked);
	log_event(LEVEL_DEBUG, "x", LOG_INT("n", ++looked));
	assert_int_equal(looked, 0);
	log_info("%d", ++looked);
	log_event(LEVEL_INFO, "x", LOG_INT("n", ++looked));
	assert_int_equal(looked, 2);
}

static void
numbers_are_masked(void **state)
{
	struct place *p = *state;

	log_info("call from %s", "+15550142233");
	assert_last_line(p->path, "info worker 2", "call from +1555...233");
	log_event(LEVEL_INFO, "failed", LOG_C("error", "Key (phone)=(+15550142233) exists"));
	assert_last_line(p->path, "info worker 2", "failed error=\"Key (phone)=(+1555...233) exists\"");
	log_set_style(LOG_AS_TEXT, false);
	log_info("call from %s", "+15550142233");
	assert_last_line(p->path, "info worker 2", "call from +15550142233");
	log_set_style(LOG_AS_TEXT, true);
}

/* Whatever the offset at which a line of nothing but numbers is cut, no number comes through. */
static void
no_number_survives_a_cut(void **state)
{
	struct place	*p = *state;
	static char	 message[4 * LINE_MAX_BYTES];
	size_t		 n, lead, digits;
	const char	*text;

	for (lead = 0; lead < 80; lead++) {
		/* The second takes three times the room of what is left of it: there the message is cut, not the line. */
		const char *unit = lead % 2 == 0 ? "+155501422331234 " : "+1-5-5-5-0-1-4-2-2-3-3-1-2-3-4 ";
		size_t len = strlen(unit);

		memset(message, 'x', lead / 2);
		for (n = lead / 2; n + len < sizeof(message); n += len)
			memcpy(message + n, unit, len);
		message[n] = '\0';
		assert_int_equal(truncate(p->path, 0), 0);
		log_info("%s", message);
		text = strstr(content(p->path), "]: ");
		assert_non_null(text);
		assert_null(strstr(text, "-5"));
		for (digits = 0; *text != '\0'; text++) {
			digits = *text >= '0' && *text <= '9' ? digits + 1 : 0;
			assert_true(digits <= 4);
		}
	}
}

static void
levels_have_names_and_a_threshold(void **state)
{
	struct place	*p = *state;
	size_t		 n;

	log_error("a");
	assert_last_line(p->path, "error worker 2", "a");
	log_warn("b");
	assert_last_line(p->path, "warn worker 2", "b");
	log_info("c");
	assert_last_line(p->path, "info worker 2", "c");
	log_debug("d");
	assert_last_line(p->path, "info worker 2", "c");
	assert_false(log_may(LEVEL_DEBUG));
	log_set_level(LEVEL_DEBUG);
	assert_true(log_may(LEVEL_DEBUG));
	log_debug("d");
	assert_last_line(p->path, "debug worker 2", "d");
	log_set_level(LEVEL_ERROR);
	n = strlen(content(p->path));
	log_warn("e");
	assert_int_equal(strlen(content(p->path)), n);
	log_error("f");
	assert_last_line(p->path, "error worker 2", "f");
}

static void
errno_is_shown_and_kept(void **state)
{
	struct place	*p = *state;
	char		 expected[200];

	errno = ENOENT;
	log_errno("open %s", "x");
	assert_int_equal(errno, ENOENT);
	snprintf(expected, sizeof(expected), "open x: %s", strerror(ENOENT));
	assert_last_line(p->path, "error worker 2", expected);
	close(log_fd());		/* writing fails now, and the caller must not notice */
	errno = EXDEV;
	log_info("lost");
	assert_int_equal(errno, EXDEV);
	log_debug("not wanted");
	assert_int_equal(errno, EXDEV);
}

static void
input_cannot_break_the_line(void **state)
{
	struct place *p = *state;

	log_info("agent=%s", "x\n2026-01-27T10:30:00.000Z error master[1]: forged\r\t\x1b[2J\x01\x1f\x7f" "end");
	assert_last_line(p->path, "info worker 2", "agent=x\\x0a2026-01-27T10:30:00.000Z error master[1]: forged"
	    "\\x0d\\x09\\x1b[2J\\x01\\x1f\\x7fend");
	log_info("%s", "\xc3\xa4 \xe2\x82\xac \xff \xe2\x82");	/* bytes that are no character */
	assert_last_line(p->path, "info worker 2", "\xc3\xa4 \xe2\x82\xac \\xff \\xe2\\x82");
	log_info("%s", "\xc2\x9b" "2J \xe2\x80\xa8 \xe2\x80\xae");	/* an 8-bit CSI, a line separator, a change of direction */
	assert_last_line(p->path, "info worker 2", "\\xc2\\x9b2J \\xe2\\x80\\xa8 \\xe2\\x80\\xae");
	log_set_role("a\nb");
	log_info("x");
	assert_last_line(p->path, "info a\\x0ab", "x");
	log_set_role("a role with a name that is far too long to be one");
	log_info("x");
	assert_last_line(p->path, "info a role with a name that is far ", "x");
}

/* A message of `unit` over and over: the line is at most the limit, ends in "...", and no unit is cut in two. */
static void
check_cut(const char *path, const char *unit, const char *written)
{
	static char	 message[3 * LINE_MAX_BYTES];
	const char	*text;
	size_t		 n = 0, start, len = strlen(unit);

	for (n = 0; n + len < sizeof(message); n += len)
		memcpy(message + n, unit, len);
	message[n] = '\0';
	assert_int_equal(truncate(path, 0), 0);
	log_info("%s", message);
	text = content(path);
	n = strlen(text);
	assert_in_range(n, LINE_MAX_BYTES - strlen(written), LINE_MAX_BYTES);
	assert_string_equal(text + n - 4, "...\n");
	assert_ptr_equal(strchr(text, '\n'), text + n - 1);
	start = (size_t)(strstr(text, "]: ") + 3 - text);
	assert_int_equal((n - 4 - start) % strlen(written), 0);
	assert_memory_equal(text + n - 4 - strlen(written), written, strlen(written));
}

static void
long_lines_are_cut(void **state)
{
	struct place	*p = *state;
	static char	 message[LINE_MAX_BYTES];
	const char	*text;
	size_t		 n, room;

	check_cut(p->path, "a", "a");
	check_cut(p->path, "\n", "\\x0a");
	check_cut(p->path, "\xc3\xa4", "\xc3\xa4");
	check_cut(p->path, "\xe2\x82\xac", "\xe2\x82\xac");
	check_cut(p->path, "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80");
	assert_int_equal(truncate(p->path, 0), 0);
	log_info("%s", "");
	room = LINE_MAX_BYTES - strlen(content(p->path));
	memset(message, 'm', sizeof(message));
	for (n = room; n <= room + 1; n++) {		/* exactly full, and one too many */
		assert_int_equal(truncate(p->path, 0), 0);
		log_info("%.*s", (int)n, message);
		text = content(p->path);
		assert_int_equal(strlen(text), LINE_MAX_BYTES);
		assert_string_equal(text + LINE_MAX_BYTES - 4, n == room ? "mmm\n" : "...\n");
	}
}

static void
file_is_private_appended_and_closed_on_exec(void **state)
{
	struct place	*p = *state;
	struct stat	 st;

	log_info("first");
	assert_int_equal(log_open(LOG_TO_FILE, p->path, LEVEL_INFO), 0);
	log_info("second");
	assert_non_null(strstr(content(p->path), "first\n"));
	assert_last_line(p->path, "info worker 2", "second");
	assert_int_equal(fstat(log_fd(), &st), 0);
	assert_int_equal(st.st_mode & 0777 & ~0640U, 0);
	assert_int_equal(fcntl(log_fd(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

static void
failed_open_keeps_the_old(void **state)
{
	struct place	*p = *state;
	char		 path[2000];
	int		 fd = log_fd();

	snprintf(path, sizeof(path), "%s/no/such/dir", p->dir);
	assert_int_equal(log_open(LOG_TO_FILE, path, LEVEL_DEBUG), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(log_open(LOG_TO_FILE, NULL, LEVEL_DEBUG), -1);
	assert_int_equal(errno, EINVAL);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(log_open(LOG_TO_FILE, path, LEVEL_DEBUG), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(log_fd(), fd);
	assert_false(log_may(LEVEL_DEBUG));
	log_info("still here");
	assert_last_line(p->path, "info worker 2", "still here");
}

static void
reopen_follows_a_rotation(void **state)
{
	struct place	*p = *state;
	int		 fd = log_fd();

	log_info("before");
	assert_int_equal(rename(p->path, p->moved), 0);
	log_info("between");
	assert_int_equal(log_reopen(), 0);
	log_info("after");
	assert_last_line(p->moved, "info worker 2", "between");
	assert_last_line(p->path, "info worker 2", "after");
	assert_null(strstr(content(p->path), "before"));
	assert_int_equal(log_fd(), fd);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(unlink(p->path), 0);
	assert_int_equal(mkdir(p->path, 0700), 0);	/* cannot be opened for writing */
	assert_int_equal(log_reopen(), -1);
	assert_int_equal(errno, EISDIR);
	assert_int_equal(log_fd(), fd);
	assert_true(fcntl(fd, F_GETFD) >= 0);
	assert_int_equal(rmdir(p->path), 0);
}

/* Standard error as a datagram socket: each write is one datagram, so two writes for a line would show. */
static void
one_write_a_line(void **state)
{
	char	got[LINE_MAX_BYTES + 1];
	int	pair[2], saved = dup(STDERR_FILENO);
	ssize_t	n;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	assert_true(dup2(pair[1], STDERR_FILENO) >= 0);
	log_open(LOG_TO_STDERR, NULL, LEVEL_INFO);
	assert_int_equal(log_fd(), -1);
	assert_int_equal(log_reopen(), 0);
	log_info("to %s", "stderr");
	dup2(saved, STDERR_FILENO);
	close(saved);
	n = recv(pair[0], got, sizeof(got) - 1, MSG_DONTWAIT);
	assert_true(n > START_LEN);
	got[n] = '\0';
	assert_string_equal(strstr(got, "]: "), "]: to stderr\n");
	assert_int_equal(recv(pair[0], got, sizeof(got) - 1, MSG_DONTWAIT), -1);
	close(pair[0]);
	close(pair[1]);
}

static void
syslog_gets_levels_of_its_own(void **state)
{
	(void)state;
	assert_int_equal(log_open(LOG_TO_SYSLOG, NULL, LEVEL_DEBUG), 0);
	assert_int_equal(log_fd(), -1);
	assert_int_equal(log_reopen(), 0);
	log_error("a=%d%%s", 1);
	assert_int_equal(sys_level, 3);
	assert_string_equal(sys_text, "worker 2: a=1%s");
	errno = ENOENT;
	log_errno("b");
	assert_int_equal(sys_level, 3);
	log_warn("c");
	assert_int_equal(sys_level, 4);
	log_info("d\n");
	assert_int_equal(sys_level, 6);
	assert_string_equal(sys_text, "worker 2: d\\x0a");
	log_debug("e");
	assert_int_equal(sys_level, 7);
	log_set_level(LEVEL_INFO);
	log_debug("f");
	assert_string_equal(sys_text, "worker 2: e");
}

/* Reads what is there, and counts lines; of those about lost ones, their numbers. */
static size_t
read_lines(int fd, unsigned long *lost)
{
	static char all[1 << 20];
	size_t n = 0, lines = 0;
	unsigned long some;
	ssize_t got;

	while (n < sizeof(all) - 1 && (got = read(fd, all + n, sizeof(all) - 1 - n)) > 0)
		n += (size_t)got;
	all[n] = '\0';
	assert_true(n == 0 || all[n - 1] == '\n');
	for (char *line = all, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		char *told = strstr(line, "log lines were lost, nobody took them in time lines=");

		if (told != NULL && told < end && sscanf(strstr(told, "lines="), "lines=%lu", &some) == 1)
			*lost += some;
		else
			lines++;
	}
	return lines;
}

/* A full pipe stops nobody: what finds no room is counted, and told when there is room again. */
static void
nobody_waits_for_a_reader(void **state)
{
	struct place *p = *state;
	unsigned long lost = 0;
	char text[1000];
	size_t come;
	int fd;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	unlink(p->path);
	assert_int_equal(mkfifo(p->path, 0600), 0);
	assert_int_equal(log_open(LOG_TO_FILE, p->path, LEVEL_INFO), -1);	/* nobody reads it: and nobody waits for that either */
	fd = open(p->path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(log_open(LOG_TO_FILE, p->path, LEVEL_INFO), 0);
	alarm(10);
	for (int i = 0; i < 500; i++)
		log_info("%s", text);
	alarm(0);
	come = read_lines(fd, &lost);
	assert_in_range(come, 10, 400);
	log_info("after");
	assert_int_equal(read_lines(fd, &lost), 1);
	assert_int_equal(come + lost, 500);
	log_info("and once only");
	lost = 0;
	assert_int_equal(read_lines(fd, &lost), 1);
	assert_int_equal(lost, 0);
	close(fd);
	assert_int_equal(log_open(LOG_TO_STDERR, NULL, LEVEL_INFO), 0);
}

/* A stream socket may take a part of a line: the next one begins on a line of its own. */
static void
a_torn_line_is_ended(void **state)
{
	char text[3000], all[1 << 17];
	unsigned long lost = 0;
	int pair[2], saved = dup(STDERR_FILENO), sent = 0, small = 4608;
	size_t n = 0;
	ssize_t got;

	(void)state;
	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	dup2(pair[1], STDERR_FILENO);
	assert_int_equal(log_open(LOG_TO_STDERR, NULL, LEVEL_INFO), 0);
	alarm(10);
	for (sent = 0; sent < 40; sent++)
		log_info("%s", text);
	alarm(0);
	assert_int_equal(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
	while ((got = read(pair[0], all + n, sizeof(all) - n)) > 0)
		n += (size_t)got;
	assert_in_range(n, 1, 40 * 3000);
	log_info("the end");
	dup2(saved, STDERR_FILENO);
	close(saved);
	got = read(pair[0], all + n, sizeof(all) - n - 1);
	assert_true(got > 0);
	all[n + (size_t)got] = '\0';
	if (all[n] == '\n')		/* what was torn ends here */
		n++;
	assert_non_null(strstr(all + n, "log lines were lost, nobody took them in time lines="));
	assert_int_equal(sscanf(strstr(all + n, "lines="), "lines=%lu", &lost), 1);
	assert_in_range(lost, 1, 39);
	assert_non_null(strstr(all + n, ": the end\n"));
	assert_int_equal(log_open(LOG_TO_STDERR, NULL, LEVEL_INFO), 0);
	close(pair[0]);
	close(pair[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(line_has_its_form, setup, teardown),
		cmocka_unit_test_setup_teardown(fields_cannot_be_mistaken, setup, teardown),
		cmocka_unit_test_setup_teardown(lines_say_whose_they_are, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_off_costs_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers_are_masked, setup, teardown),
		cmocka_unit_test_setup_teardown(no_number_survives_a_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(levels_have_names_and_a_threshold, setup, teardown),
		cmocka_unit_test_setup_teardown(errno_is_shown_and_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(input_cannot_break_the_line, setup, teardown),
		cmocka_unit_test_setup_teardown(long_lines_are_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(file_is_private_appended_and_closed_on_exec, setup, teardown),
		cmocka_unit_test_setup_teardown(failed_open_keeps_the_old, setup, teardown),
		cmocka_unit_test_setup_teardown(reopen_follows_a_rotation, setup, teardown),
		cmocka_unit_test_setup_teardown(one_write_a_line, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_waits_for_a_reader, setup, teardown),
		cmocka_unit_test(a_torn_line_is_ended),
		cmocka_unit_test_setup_teardown(syslog_gets_levels_of_its_own, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
