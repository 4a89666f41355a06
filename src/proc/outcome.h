/*
 * outcome: tells how a start, reload or upgrade goes, in one place and to everybody who may ask: the log, the service
 * manager, the scoreboard, and a file beside the pid file that ringctl reads. Private to proc/.
 */
#ifndef RINGD_OUTCOME_H
#define RINGD_OUTCOME_H

#include "base/report.h"

struct master;

void	outcome_begin(struct master *m, enum report_what what);
void	outcome_change(void *master, const char *line);		/* conf_diff()'s, of a struct master */
void	outcome_done(struct master *m, const char *text);	/* text: what serves now */
void	outcome_failed(struct master *m, const char *why);	/* the serving generation goes on */
void	outcome_forget(struct master *m);			/* at the end: the file is removed */

#endif
