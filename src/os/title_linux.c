/*
 * title on Linux: the kernel shows the bytes where the arguments lie, so the text is written over them, and the
 * environment behind them makes room by moving away. Wiping its old place has a second use: values that came by !env
 * are no longer in /proc/<pid>/environ of the processes that talk to the world.
 */
#include <sys/types.h>
#include <sys/prctl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/title.h"

void
title_init(struct title *t, int argc, char **argv)
{
	char *end;

	t->area = NULL;
	t->size = 0;
	if (argc < 1 || argv[0] == NULL)
		return;
	end = argv[0];
	for (int i = 0; i < argc && argv[i] == end; i++)
		end = argv[i] + strlen(argv[i]) + 1;
	for (size_t i = 0; environ != NULL && environ[i] == end; i++)
		end = environ[i] + strlen(environ[i]) + 1;
	t->area = argv[0];
	t->size = (size_t)(end - argv[0]);
}

/* A copy of the environment on the heap, there for the rest of the process. */
static char **
copy_environ(void)
{
	size_t n = 0;
	char **copy;

	while (environ != NULL && environ[n] != NULL)
		n++;
	copy = calloc(n + 1, sizeof(*copy));
	for (size_t i = 0; copy != NULL && i < n; i++) {
		copy[i] = strdup(environ[i]);
		if (copy[i] == NULL)
			return NULL;	/* the process goes on without a title; nothing was changed */
	}
	return copy;
}

void
title_set(const struct title *t, const char *text)
{
	char title[TITLE_SIZE];
	char **copy;

	snprintf(title, sizeof(title), "ringd: %s", text);
	(void)prctl(PR_SET_NAME, title, 0, 0, 0);
	if (t->size < 2)
		return;
	copy = copy_environ();
	if (copy == NULL)
		return;
	environ = copy;
	memset(t->area, 0, t->size);
	snprintf(t->area, t->size, "%s", title);
}
