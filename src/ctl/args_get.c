/*
 * args_get: what the commands ask of a parsed command line, by the names of the table.
 */
#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "ctl/args.h"

const struct option_value *
args_option(const struct args *a, const char *name)
{
	const struct command *c = a->command;

	for (size_t i = 0; c != NULL && i < c->noptions; i++)
		if (strcmp(c->options[i].name, name) == 0)
			return &a->option[i];
	for (size_t i = 0; i < a->table->nglobals; i++)
		if (strcmp(a->table->globals[i].name, name) == 0)
			return &a->global[i];
	abort();
}

bool
args_given(const struct args *a, const char *name)
{
	return args_option(a, name)->given;
}

const char *
args_text(const struct args *a, const char *name)
{
	return args_option(a, name)->text;
}

int64_t
args_number(const struct args *a, const char *name)
{
	return args_option(a, name)->number;
}

const char *
args_word(const struct args *a, int i)
{
	return i < a->nwords ? a->words[i] : NULL;
}
