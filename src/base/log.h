/*
 * log: one event, one line: time, level, role[pid], a sentence, then key=value pairs. Never prints a secret (their type
 * does not fit a format), never lets input break a line (control bytes are written \xNN), keeps errno.
 * The only file with a global.
 */
#ifndef RINGD_LOG_H
#define RINGD_LOG_H

#include <stdbool.h>

enum log_level { LEVEL_ERROR, LEVEL_WARN, LEVEL_INFO, LEVEL_DEBUG };
enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG, LOG_TO_FILE };

/* Opens the target; path only for LOG_TO_FILE (opened append, 0640, close-on-exec). -1 with errno, old target kept. */
int	log_open(enum log_target target, const char *path, enum log_level level);
int	log_reopen(void);			/* the same file again, after rotation; no-op for others */
void	log_set_level(enum log_level level);
void	log_set_role(const char *role);		/* copied; "master", "worker 2", "reaper" */
bool	log_wants(enum log_level level);
int	log_fd(void);				/* the file's descriptor, or -1: a child keeps it open */

void	log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	log_errno(const char *fmt, ...) __attribute__((format(printf, 1, 2)));	/* error, with ": strerror(errno)" */
void	log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
