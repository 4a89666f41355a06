/*
 * log: one event, one line, one write. Never waits for a slow reader, never lets input end a line or start a new one,
 * never changes errno: it is called between a failing call and the code that looks at why.
 * The state is this process's own; children inherit the master's at fork and set their role.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define LOG_LINE_MAX	4096	/* newline included; a pipe takes this much in one piece on Linux */
#define LOG_ROLE_MAX	32
#define LOG_PATH_MAX	1024
#define LOG_IDENT	"ringd"

static struct {
	enum log_target	target;
	enum log_level	level;
	int		fd;			/* LOG_TO_FILE only */
	char		path[LOG_PATH_MAX];
	char		role[LOG_ROLE_MAX];
} state = { LOG_TO_STDERR, LEVEL_INFO, -1, "", LOG_IDENT };

/* A line being written. `safe` is the last place where it can be cut and "..." still fits, between two characters. */
struct line {
	char	p[LOG_LINE_MAX];
	size_t	n;
	size_t	safe;
	bool	full;
};

static int
open_file(const char *path)
{
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

int
log_open(enum log_target target, const char *path, enum log_level level)
{
	int fd = -1;

	if (target == LOG_TO_FILE) {
		if (path == NULL || strlen(path) >= sizeof(state.path)) {
			errno = path == NULL ? EINVAL : ENAMETOOLONG;
			return -1;
		}
		fd = open_file(path);
		if (fd < 0)
			return -1;
	}
	if (state.target == LOG_TO_SYSLOG && target != LOG_TO_SYSLOG)
		closelog();
	if (state.fd >= 0)
		close(state.fd);
	if (target == LOG_TO_SYSLOG)
		openlog(LOG_IDENT, LOG_PID | LOG_NDELAY, LOG_DAEMON);	/* now: a sandboxed child cannot */
	if (target == LOG_TO_FILE && path != state.path)
		memcpy(state.path, path, strlen(path) + 1);
	state.fd = fd;
	state.target = target;
	state.level = level;
	return 0;
}

/* The new file takes the old one's descriptor, so no moment is without one and log_fd() stays true. */
int
log_reopen(void)
{
	int fd, saved;

	if (state.target != LOG_TO_FILE)
		return 0;
	fd = open_file(state.path);
	if (fd < 0)
		return -1;
	if (dup3(fd, state.fd, O_CLOEXEC) < 0) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	close(fd);
	return 0;
}

void
log_set_level(enum log_level level)
{
	state.level = level;
}

void
log_set_role(const char *role)
{
	snprintf(state.role, sizeof(state.role), "%s", role);
}

bool
log_wants(enum log_level level)
{
	return level <= state.level;
}

int
log_fd(void)
{
	return state.fd;
}

static bool
line_room(const struct line *l, size_t n)
{
	return l->n + n <= LOG_LINE_MAX - 1;	/* the newline's place */
}

/* Adds text with its control bytes as \xNN; a line that gets too long ends in "..." and takes no more. */
static void
line_put(struct line *l, const char *text)
{
	static const char	hex[] = "0123456789abcdef";
	unsigned char		c;

	for (; *text != '\0' && !l->full; text++) {
		c = (unsigned char)*text;
		if ((c & 0xc0) != 0x80 && line_room(l, 3))
			l->safe = l->n;
		if (!line_room(l, c < 0x20 || c == 0x7f ? 4 : 1)) {
			memcpy(l->p + l->safe, "...", 3);
			l->n = l->safe + 3;
			l->full = true;
		} else if (c < 0x20 || c == 0x7f) {
			l->p[l->n++] = '\\';
			l->p[l->n++] = 'x';
			l->p[l->n++] = hex[c >> 4];
			l->p[l->n++] = hex[c & 0x0f];
		} else {
			l->p[l->n++] = (char)c;
		}
	}
}

static void
line_start(struct line *l, enum log_level level)
{
	static const char *const	names[] = { "error", "warn", "info", "debug" };
	char				time[CLOCK_RFC3339_SIZE], pid[32];

	clock_rfc3339(time, clock_real_ms());
	snprintf(pid, sizeof(pid), "[%ld]: ", (long)getpid());
	line_put(l, time);
	line_put(l, " ");
	line_put(l, names[level]);
	line_put(l, " ");
	line_put(l, state.role);
	line_put(l, pid);
}

static void
line_send(struct line *l, enum log_level level)
{
	static const int	priority[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
	int			fd = state.target == LOG_TO_FILE ? state.fd : STDERR_FILENO;
	ssize_t			n;

	if (state.target == LOG_TO_SYSLOG) {
		syslog(priority[level], "%.*s", (int)l->n, l->p);
		return;
	}
	l->p[l->n++] = '\n';
	do {
		n = write(fd, l->p, l->n);
	} while (n < 0 && errno == EINTR);
}

static void
emit(enum log_level level, bool with_errno, const char *fmt, va_list ap)
{
	char		text[LOG_LINE_MAX + 1];	/* a byte more than a line, so that a cut shows */
	struct line	line;
	int		saved = errno;

	if (log_wants(level)) {
		line.n = line.safe = 0;
		line.full = false;
		if (state.target != LOG_TO_SYSLOG) {
			line_start(&line, level);
		} else {		/* it has its own time, level and pid */
			line_put(&line, state.role);
			line_put(&line, ": ");
		}
		if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
			snprintf(text, sizeof(text), "%s", fmt);
		line_put(&line, text);
		if (with_errno) {
			line_put(&line, ": ");
			line_put(&line, strerror(saved));
		}
		line_send(&line, level);
	}
	errno = saved;
}

void
log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(LEVEL_ERROR, false, fmt, ap);
	va_end(ap);
}

void
log_errno(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(LEVEL_ERROR, true, fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(LEVEL_WARN, false, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(LEVEL_INFO, false, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(LEVEL_DEBUG, false, fmt, ap);
	va_end(ap);
}
