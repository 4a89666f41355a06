/*
 * ringctl: the administrator's hand on ringd. Reads the command line by the table in commands.c and runs one command.
 * Talks to the database as its owner and to the daemon's admin listener; never to a provider, except to play one
 * (fire).
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"

#define COMPLETION_BYTES	65536

static int
complete(int nwords, const char *const *words)
{
	struct buf	b;
	int		code;

	buf_init(&b, COMPLETION_BYTES);
	complete_words(&ctl_commands, nwords, words, &b);
	code = ctl_print(&b);
	buf_free(&b);
	return code;
}

static int
print_help(const struct args *a)
{
	struct buf	b;
	int		code;

	buf_init(&b, COMPLETION_BYTES);
	help_text(&ctl_commands, a->noun, &b);
	code = ctl_print(&b);
	buf_free(&b);
	return code;
}

int
main(int argc, char **argv)
{
	const char *const	*words = (const char *const *)argv + (argc > 0);
	int			 nwords = argc > 0 ? argc - 1 : 0, code = CTL_USAGE;
	char			 err[ARGS_ERROR_SIZE];
	struct args		 a;
	struct ctl		 c;

	if (nwords > 0 && strcmp(words[0], "--complete") == 0)
		return complete(nwords - 1, words + 1);
	switch (args_parse(&a, &ctl_commands, nwords, words, clock_real_ms(), err)) {
	case ARGS_HELP:
		code = print_help(&a);
		break;
	case ARGS_WRONG:
		code = ctl_fail(CTL_USAGE, "%s", err);
		break;
	case ARGS_OK:
		ctl_init(&c, &a);
		code = a.command->run(&c, &a);
		ctl_close(&c);
		break;
	}
	args_free(&a);
	return code;
}
