/*
 * secret_in: reads one short secret. Copies of it are wiped; the terminal's echo is off while it is typed.
 */
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/hash.h"
#include "ctl/ctl.h"
#include "ctl/secret_in.h"

#define SECRET_BYTES	16384

/* Up to the end, or to the first line's end on a terminal. Bytes read, or -1 with errno (EFBIG: too long). */
static ssize_t
read_all(int fd, char *out, size_t size, bool line)
{
	size_t	n = 0;
	ssize_t	got;

	for (;;) {
		if (n == size) {
			errno = EFBIG;
			return -1;
		}
		got = read(fd, out + n, size - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -1 : (ssize_t)n;
		n += (size_t)got;
		if (line && out[n - 1] == '\n')
			return (ssize_t)n;
	}
}

static ssize_t
read_terminal(char *out, size_t size, const char *what)
{
	struct termios	before, quiet;
	ssize_t		n;

	if (tcgetattr(STDIN_FILENO, &before) != 0)
		return -1;
	quiet = before;
	quiet.c_lflag &= (tcflag_t)~ECHO;
	/* Asked only when nothing shows any more, and nothing that was typed too early is left. */
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) != 0)
		return -1;
	fprintf(stderr, "%s: ", what);
	n = read_all(STDIN_FILENO, out, size, true);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	return n;
}

static struct str
trim(const char *p, size_t n)
{
	while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r' || p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	return str_trim((struct str){ p, n });
}

int
secret_in(struct secret *out, const char *file, const char *what)
{
	char		 text[SECRET_BYTES];
	const char	*where = file != NULL ? file : "standard input";
	ssize_t		 n = -1;
	struct str	 value;
	int		 fd, code = CTL_OK, failure;

	if (file == NULL)
		n = isatty(STDIN_FILENO) == 1 ? read_terminal(text, sizeof(text), what) :
		    read_all(STDIN_FILENO, text, sizeof(text), false);
	else if ((fd = open(file, O_RDONLY | O_CLOEXEC)) >= 0) {
		n = read_all(fd, text, sizeof(text), false);
		failure = errno;
		close(fd);
		errno = failure;
	}
	value = n > 0 ? trim(text, (size_t)n) : STR_NONE;
	if (n < 0)
		code = ctl_fail(CTL_USAGE, "%s: %s", where, strerror(errno));
	else if (value.n == 0)
		code = ctl_fail(CTL_USAGE, "%s: expected the %s, found nothing", where, what);
	else if (!secret_set(out, value))
		code = ctl_fail(CTL_FAILED, "out of memory");
	hash_wipe(text, sizeof(text));
	return code;
}

bool
secret_terminal(void)
{
	return isatty(STDIN_FILENO) == 1;
}

int
secret_ask(struct secret *out, const char *what)
{
	char	text[SECRET_BYTES];
	ssize_t	n = read_terminal(text, sizeof(text), what);
	int	code = CTL_OK;

	if (n < 0)
		code = ctl_fail(CTL_USAGE, "%s: %s", what, strerror(errno));
	else if (!secret_set(out, n > 0 ? trim(text, (size_t)n) : STR("")))
		code = ctl_fail(CTL_FAILED, "out of memory");
	hash_wipe(text, sizeof(text));
	return code;
}
