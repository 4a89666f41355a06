/*
 * title on the BSDs: setproctitle() puts the program's name in front by itself. FreeBSD declares it in unistd.h, the others
 * in stdlib.h.
 *
 * Reviewed against the manual pages; compiled on Linux with the prototype written by hand, not with those headers; never run.
 */
#include <sys/types.h>

#include <stdlib.h>
#include <unistd.h>

#include "os/title.h"

void
title_init(struct title *t, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	t->area = NULL;
	t->size = 0;
}

void
title_set(const struct title *t, const char *text)
{
	(void)t;
	setproctitle("%s", text);
}
