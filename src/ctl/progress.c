/*
 * progress: only what is drawn; when, and whether there is a terminal, is for the command to know.
 */
#include <sys/types.h>

#include <stdio.h>

#include "ctl/progress.h"

#define BAR_WIDTH	30

void
progress_bar(size_t done, size_t total)
{
	size_t full = total == 0 ? BAR_WIDTH : done >= total ? BAR_WIDTH : done * BAR_WIDTH / total;

	fputs("\r[", stderr);
	for (size_t i = 0; i < BAR_WIDTH; i++)
		fputc(i < full ? '#' : '.', stderr);
	fprintf(stderr, "] %zu/%zu ", done, total);
}

void
progress_clear(void)
{
	fputs("\r\033[K", stderr);
	fflush(stderr);
}
