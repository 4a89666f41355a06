/*
 * detach: leaving the terminal without leaving whoever typed the command in the dark. Private to proc/.
 */
#ifndef RINGD_DETACH_H
#define RINGD_DETACH_H

/*
 * Forks twice, into a session of its own and "/". Returns in the daemon the descriptor for detach_report(), or -1 with
 * errno in the process that called. That process otherwise never returns: it waits for the report, prints its text to
 * standard error and exits with its code.
 */
int	detach(void);
/* A report: one byte of exit code and a text, cut to fit, in one write. */
void	detach_say(int fd, int code, const char *text);
void	detach_report(int fd, int code, const char *text);	/* and closes fd */

#define DETACH_TEXT_MAX	1024	/* of a report's text */

#endif
