/*
 * log: one event, one line, one write: a sentence, then fields; as text or as a JSON object. Never prints a secret
 * (their type fits neither a format nor a field), never lets input break a line or pass for a field, masks telephone
 * numbers, keeps errno. Which app and which request a line belongs to is said once, by whoever takes up the request's
 * work, and stands in every line until the loop's next callback. The only file with a global.
 *
 * The module of a line is the folder of its source file. Level by module and app: see log_levels.h.
 */
#ifndef RINGD_LOG_H
#define RINGD_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/log_levels.h"
#include "base/str.h"
#include "base/uuid.h"

enum log_level { LEVEL_ERROR, LEVEL_WARN, LEVEL_INFO, LEVEL_DEBUG };
enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG, LOG_TO_FILE };
enum log_format { LOG_AS_TEXT, LOG_AS_JSON };

#define LOG_LINE_MAX	4096	/* newline included; a pipe takes this much in one piece on Linux */

/* Opens the target; path only for LOG_TO_FILE (opened append, 0640, close-on-exec). -1 with errno, old target kept. */
int	log_open(enum log_target target, const char *path, enum log_level level);
int	log_reopen(void);			/* the same file again, after rotation; no-op for others */
void	log_set_level(enum log_level level);
void	log_set_style(enum log_format format, bool mask_numbers);	/* at first: text, masked */
void	log_set_role(const char *role);		/* copied; "master", "worker 2", "reaper" */
int	log_fd(void);				/* the file's descriptor, or -1: a child keeps it open */
const char *log_level_name(enum log_level level);
bool	log_level_parse(struct str name, enum log_level *out);

/* The table of levels by module and app, in memory shared with whoever may change it; before the first fork. */
void	log_share_levels(struct log_levels *t);
struct log_levels *log_shared_levels(void);	/* NULL: there is none */
enum log_level log_base_level(void);		/* where nothing else is said */

/* Whose work is being done; both may be "". Set by value: nothing has to outlive it. */
struct log_context {
	char	app[40];
	char	request_id[65];
};
void	log_context_set(const struct log_context *c);	/* NULL: nobody's */
const struct log_context *log_context(void);
void	log_about_app(struct uuid app);		/* an app's, and no request's */

/* A field of a line. Values are shown quoted where they could be mistaken for anything else; absent text is "-", in
 * JSON null. Names are ours, plain, and none of: time level role pid module app request_id msg cut. */
enum log_type { LOG_TYPE_STR, LOG_TYPE_INT, LOG_TYPE_MS };
struct log_field {
	const char	*name;
	enum log_type	 type;
	struct str	 text;
	int64_t		 number;
};
#define LOG_STR(name, s)	{ (name), LOG_TYPE_STR, (s), 0 }
#define LOG_C(name, c)		{ (name), LOG_TYPE_STR, str_c(c), 0 }
#define LOG_INT(name, v)	{ (name), LOG_TYPE_INT, STR_NONE, (int64_t)(v) }
#define LOG_MS(name, us)	{ (name), LOG_TYPE_MS, STR_NONE, (us) }	/* microseconds, shown as 1.234 */

/* log_event(LEVEL_WARN, "events not stored", LOG_C("error", text), LOG_INT("rows", n)): one field at least. */
#define log_event(level, sentence, ...)							\
	(log_may(level) ? log_fields(__FILE__, (level), (sentence), (const struct log_field[]){ __VA_ARGS__ },	\
	    sizeof((const struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field)) : (void)0)
/* A sentence without fields, as printf. Arguments are looked at only if the line may be wanted. */
#define log_error(...)	LOG_SAY(LEVEL_ERROR, false, __VA_ARGS__)
#define log_errno(...)	LOG_SAY(LEVEL_ERROR, true, __VA_ARGS__)		/* error, with ": strerror(errno)" */
#define log_warn(...)	LOG_SAY(LEVEL_WARN, false, __VA_ARGS__)
#define log_info(...)	LOG_SAY(LEVEL_INFO, false, __VA_ARGS__)
#define log_debug(...)	LOG_SAY(LEVEL_DEBUG, false, __VA_ARGS__)

/* The rest serves the macros. */
#define LOG_SAY(level, with_errno, ...)							\
	(log_may(level) ? log_sentence(__FILE__, (level), (with_errno), __VA_ARGS__) : (void)0)

void	log_fields(const char *file, enum log_level level, const char *sentence, const struct log_field *f, size_t n);
void	log_sentence(const char *file, enum log_level level, bool with_errno, const char *fmt, ...)
	    __attribute__((format(printf, 4, 5)));

struct log_gate {
	const _Atomic uint32_t	*version;	/* of the shared table */
	uint32_t		 seen;		/* what we know of it */
	int			 most;		/* the most talkative level that anything may have */
};
extern struct log_gate log_gate;

/* Whether it is worth a closer look: what is switched off costs this and no more. */
static inline bool
log_may(enum log_level level)
{
	return (int)level <= log_gate.most ||
	    atomic_load_explicit(log_gate.version, memory_order_relaxed) != log_gate.seen;
}

#endif
