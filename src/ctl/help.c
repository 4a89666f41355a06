/*
 * help: the table of commands as text.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "ctl/commands.h"

#define HELP_AT		32	/* column where explanations begin */

static void
put_two(struct buf *out, size_t indent, const char *left, const char *right)
{
	size_t used = indent + strlen(left);

	buf_printf(out, "%*s%s", (int)indent, "", left);
	if (used + 2 > HELP_AT) {
		buf_putc(out, '\n');
		used = 0;
	}
	buf_printf(out, "%*s%s\n", (int)(HELP_AT - used), "", right);
}

static void
put_options(struct buf *out, const struct option *o, size_t n)
{
	char left[128], letter[8];

	for (size_t i = 0; i < n; i++) {
		letter[0] = '\0';
		if (o[i].letter != '\0')
			snprintf(letter, sizeof(letter), "-%c, ", o[i].letter);
		snprintf(left, sizeof(left), "%s--%s%s%s", letter, o[i].name, o[i].type == OPTION_FLAG ? "" : " ",
		    o[i].choices != NULL ? o[i].choices : o[i].value != NULL ? o[i].value : "");
		put_two(out, 6, left, o[i].help);
	}
}

static void
put_command(struct buf *out, const struct command *c)
{
	buf_printf(out, "  ringctl %s%s%s%s%s%s\n", c->noun, c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "",
	    c->noptions > 0 ? " [options]" : "", c->words[0] != '\0' ? " " : "", c->words);
	buf_printf(out, "      %s%s\n", c->help, c->secret_once ? "; what is secret is shown this once" : "");
	put_options(out, c->options, c->noptions);
}

static void
put_all(const struct command_table *t, struct buf *out)
{
	const struct command	*c;
	char			 left[128];

	buf_puts(out, "usage: ringctl [-f FILE] [--database URL] [--json] NOUN [VERB] ...\n\n");
	for (size_t i = 0; i < t->ncommands; i++) {
		c = &t->commands[i];
		snprintf(left, sizeof(left), "%s%s%s%s%s", c->noun, c->verb != NULL ? " " : "",
		    c->verb != NULL ? c->verb : "", c->words[0] != '\0' ? " " : "", c->words);
		put_two(out, 2, left, c->help);
	}
	buf_puts(out, "\n");
	put_options(out, t->globals, t->nglobals);
	buf_puts(out, "\nAPP is an id or a name. 'ringctl help NOUN' shows the options; ringctl(8) the rest.\n");
}

bool
help_text(const struct command_table *t, const char *noun, struct buf *out)
{
	bool found = noun == NULL;

	if (noun == NULL)
		put_all(t, out);
	for (size_t i = 0; noun != NULL && i < t->ncommands; i++)
		if (strcmp(t->commands[i].noun, noun) == 0) {
			put_command(out, &t->commands[i]);
			found = true;
		}
	return found;
}
