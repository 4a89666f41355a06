/*
 * log: whether a line is wanted, and where it goes. Never waits for a slow reader, never changes errno: it is called
 * between a failing call and the code that looks at why. What a line looks like is log_line.c's business.
 * The state is this process's own; children inherit the master's at fork and set their role. Only the table of levels
 * is shared: it is copied when its version has changed, and only the copy is looked at.
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
#include "base/count.h"
#include "base/log.h"
#include "base/log_line.h"
#include "base/log_out.h"

#define LOG_ROLE_MAX	32
#define LOG_PATH_MAX	1024
#define LOG_TEXT_MAX	(LOG_LINE_MAX + LOG_LINE_MAX / 2)	/* masked numbers are shorter: more of it may fit */
#define LOG_IDENT	"ringd"

static const _Atomic uint32_t never_changed;

struct log_gate log_gate = { &never_changed, 0, LEVEL_INFO };

static struct {
	enum log_target		 target;
	enum log_format		 format;
	enum log_level		 level;
	bool			 show_numbers;
	int			 fd;			/* LOG_TO_FILE only */
	char			 path[LOG_PATH_MAX];
	char			 role[LOG_ROLE_MAX];
	struct log_context	 context;
	struct log_levels	*shared;
	struct log_override	 override[LOG_OVERRIDES];	/* the shared table as we last saw it */
	size_t			 noverrides;
	int64_t			 stale_ms;		/* monotonic: one of them ends then */
} state = { .level = LEVEL_INFO, .fd = -1, .role = LOG_IDENT, .stale_ms = INT64_MAX };

static int
open_file(const char *path)
{
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);	/* it may be a named pipe */
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
	log_out_begin(target == LOG_TO_FILE ? fd : STDERR_FILENO);
	log_set_level(level);
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
	log_out_begin(state.fd);
	return 0;
}

void
log_set_style(enum log_format format, bool mask_numbers)
{
	state.format = format;
	state.show_numbers = !mask_numbers;
}

void
log_set_role(const char *role)
{
	snprintf(state.role, sizeof(state.role), "%s", role);
}

int
log_fd(void)
{
	return state.fd;
}

/* ---- levels */

static const char *const level_names[] = { "error", "warn", "info", "debug" };

const char *
log_level_name(enum log_level level)
{
	return level_names[level];
}

bool
log_level_parse(struct str name, enum log_level *out)
{
	for (size_t i = 0; i < COUNT(level_names); i++)
		if (str_eq(name, str_c(level_names[i]))) {
			*out = (enum log_level)i;
			return true;
		}
	return false;
}

static void
look_at_levels(void)
{
	state.noverrides = 0;
	if (state.shared != NULL)
		state.noverrides = log_levels_read(state.shared, state.override, clock_mono_ms(), &log_gate.seen);
	log_gate.most = (int)state.level;
	state.stale_ms = INT64_MAX;
	for (size_t i = 0; i < state.noverrides; i++) {
		if (state.override[i].level > log_gate.most)
			log_gate.most = state.override[i].level;
		if (state.override[i].until_ms < state.stale_ms)
			state.stale_ms = state.override[i].until_ms;
	}
}

void
log_set_level(enum log_level level)
{
	state.level = level;
	look_at_levels();
}

enum log_level
log_base_level(void)
{
	return state.level;
}

void
log_share_levels(struct log_levels *t)
{
	state.shared = t;
	log_gate.version = t != NULL ? &t->version : &never_changed;
	log_gate.seen = 0;
	look_at_levels();
}

struct log_levels *
log_shared_levels(void)
{
	return state.shared;
}

/* "src/db/pipe.c" is of module db, "src/main.c" of main. */
static void
module_of(const char *file, char out[LOG_MODULE_SIZE])
{
	const char *end = strrchr(file, '/'), *begin = end;
	size_t n;

	while (begin != NULL && begin > file && begin[-1] != '/')
		begin--;
	if (begin == NULL || (end - begin == 3 && memcmp(begin, "src", 3) == 0)) {
		begin = end != NULL ? end + 1 : file;
		end = begin + strcspn(begin, ".");
	}
	n = (size_t)(end - begin);
	n = n < LOG_MODULE_SIZE ? n : LOG_MODULE_SIZE - 1;
	memcpy(out, begin, n);
	out[n] = '\0';
}

/* What is said of an app counts more than what is said of a module, and both together most. */
static bool
wanted(enum log_level level, const char *module)
{
	int rank, best = -1, allowed = (int)state.level;

	for (size_t i = 0; i < state.noverrides; i++) {
		const struct log_override *o = &state.override[i];

		if ((o->module[0] != '\0' && strcmp(o->module, module) != 0) ||
		    (o->app[0] != '\0' && strcmp(o->app, state.context.app) != 0))
			continue;
		rank = 2 * (o->app[0] != '\0') + (o->module[0] != '\0');
		if (rank >= best)
			allowed = o->level;
		best = rank > best ? rank : best;
	}
	return (int)level <= allowed;
}

/* ---- whose */

void
log_context_set(const struct log_context *c)
{
	if (c != NULL) {
		state.context = *c;
	} else {
		state.context.app[0] = '\0';
		state.context.request_id[0] = '\0';
	}
}

void
log_about_app(struct uuid app)
{
	struct log_context c = { "", "" };

	uuid_format(c.app, app);
	log_context_set(&c);
}

const struct log_context *
log_context(void)
{
	return &state.context;
}

/* ---- lines */

static bool
send_line(char *line, size_t n, enum log_level level)
{
	static const int priority[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

	if (state.target == LOG_TO_SYSLOG) {
		syslog(priority[level], "%.*s", (int)n, line);
		return true;
	}
	line[n++] = '\n';
	return log_out_line(state.target == LOG_TO_FILE ? state.fd : STDERR_FILENO, line, n);
}

/* The rest of a record that has its sentence and its fields; then the line. */
static bool
emit(struct log_record *r, const char *module)
{
	char line[LOG_LINE_MAX];
	size_t n;

	r->role = state.role;
	r->pid = (long)getpid();
	r->time_ms = clock_real_ms();
	r->module = module;
	if (r->context == NULL)
		r->context = &state.context;
	r->mask = !state.show_numbers;
	if (state.format == LOG_AS_JSON)
		n = log_line_json(line, r);
	else
		n = log_line_text(line, r, state.target == LOG_TO_SYSLOG);
	return send_line(line, n, r->level);
}

/* Before the next line that finds room: how many did not. */
static void
tell_lost(void)
{
	static const struct log_context nobody = { "", "" };
	uint64_t lost = log_out_lost();
	const struct log_field f = LOG_INT("lines", lost);
	struct log_record r = { .level = LEVEL_WARN, .sentence = STR("log lines were lost, nobody took them in time"), .field = &f,
	    .nfields = 1, .context = &nobody };

	if (emit(&r, "base"))
		log_out_told(lost);
	else
		log_out_told(1);	/* this one is no loss */
}

/* The closer look that log_may() asks for. */
static bool
begin(const char *file, enum log_level level, char module[LOG_MODULE_SIZE])
{
	if (atomic_load_explicit(log_gate.version, memory_order_relaxed) != log_gate.seen ||
	    (state.stale_ms != INT64_MAX && clock_mono_ms() >= state.stale_ms))
		look_at_levels();
	module_of(file, module);
	if (!wanted(level, module))
		return false;
	if (log_out_lost() > 0)
		tell_lost();
	return true;
}

void
log_fields(const char *file, enum log_level level, const char *sentence, const struct log_field *f, size_t n)
{
	struct log_record r = { .level = level, .sentence = str_c(sentence), .field = f, .nfields = n };
	char module[LOG_MODULE_SIZE];
	int saved = errno;

	if (begin(file, level, module))
		emit(&r, module);
	errno = saved;
}

/* Nothing that a number could be part of may stand at the cut: half a number would not be recognised. */
static size_t
cut(const char *text, size_t n)
{
	while (n > 0 && strchr("+0123456789-.() %", text[n - 1]) != NULL)
		n--;
	return n;
}

void
log_sentence(const char *file, enum log_level level, bool with_errno, const char *fmt, ...)
{
	struct log_record r = { .level = level };
	char text[LOG_TEXT_MAX], module[LOG_MODULE_SIZE];
	int saved = errno, n;
	va_list ap;

	if (begin(file, level, module)) {
		va_start(ap, fmt);
		n = vsnprintf(text, sizeof(text), fmt, ap);
		va_end(ap);
		r.sentence = n < 0 ? str_c(fmt) : (struct str){ text, (size_t)n };
		r.sentence_cut = n >= (int)sizeof(text);
		if (r.sentence_cut)
			r.sentence.n = cut(text, sizeof(text) - 1);
		r.error = with_errno ? strerror(saved) : NULL;
		emit(&r, module);
	}
	errno = saved;
}
