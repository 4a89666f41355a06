/*
 * progress: how far a long command is, on standard error: a bar on a terminal, a line now and then elsewhere.
 */
#ifndef RINGD_CTL_PROGRESS_H
#define RINGD_CTL_PROGRESS_H

#include <stddef.h>

#define PROGRESS_BAR_US		100000		/* how often a bar is drawn, and a line written */
#define PROGRESS_LINE_US	5000000

/* From the beginning of the line: [####......] 40/100 */
void	progress_bar(size_t done, size_t total);
void	progress_clear(void);			/* the line is empty again */

#endif
