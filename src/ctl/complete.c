/*
 * complete: what the shell may offer, from the table of commands. Asks neither files nor the database: a completion
 * must be instant and must not need a password.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "ctl/commands.h"

struct completion {
	const struct command_table	*t;
	struct buf			*out;
	const char			*start;		/* what the user has typed of the last word */
	const char			*noun;
	const struct command		*command;
	const struct option		*pending;	/* an option whose value comes next */
	int				 words;		/* after noun and verb */
};

static void
offer(struct completion *c, const char *word)
{
	struct str line = str_c(word), rest;

	if (strncmp(word, c->start, strlen(c->start)) != 0)
		return;
	/* The same noun stands on several lines of the table. */
	rest = buf_as_str(c->out);
	for (struct str had; str_cut(&rest, '\n', &had);)
		if (str_eq(had, line))
			return;
	buf_str(c->out, line);
	buf_putc(c->out, '\n');
}

static const struct option *
option_named(const struct option *list, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++) {
		if (strncmp(word, "--", 2) == 0 && strcmp(list[i].name, word + 2) == 0)
			return &list[i];
		if (word[0] == '-' && word[1] != '\0' && word[1] == list[i].letter && word[2] == '\0')
			return &list[i];
	}
	return NULL;
}

/* Takes a word that is complete. */
static void
pass(struct completion *c, const char *word)
{
	const struct option *o = NULL;

	if (c->pending != NULL) {
		c->pending = NULL;
		return;
	}
	if (word[0] == '-') {
		if (c->command != NULL)
			o = option_named(c->command->options, c->command->noptions, word);
		if (o == NULL)
			o = option_named(c->t->globals, c->t->nglobals, word);
		c->pending = o != NULL && o->type != OPTION_FLAG ? o : NULL;
		return;
	}
	if (c->command != NULL) {
		c->words++;
		return;
	}
	for (size_t i = 0; i < c->t->ncommands; i++) {
		const struct command *k = &c->t->commands[i];

		if ((c->noun == NULL && k->verb == NULL && strcmp(k->noun, word) == 0) ||
		    (c->noun != NULL && k->verb != NULL && strcmp(k->noun, c->noun) == 0 && strcmp(k->verb, word) == 0))
			c->command = k;
	}
	c->noun = c->noun == NULL ? word : c->noun;
}

static void
offer_value(struct completion *c)
{
	struct str	rest = str_c(c->pending->choices), one;
	char		word[64];

	if (c->pending->type == OPTION_FILE || c->pending->type == OPTION_DIR) {
		buf_puts(c->out, c->pending->type == OPTION_FILE ? ":file\n" : ":dir\n");
		return;
	}
	while (str_cut(&rest, '|', &one)) {
		snprintf(word, sizeof(word), "%.*s", STR_ARG(one));
		offer(c, word);
	}
}

static void
offer_options(struct completion *c, const struct option *list, size_t n)
{
	char word[64];

	for (size_t i = 0; i < n; i++) {
		snprintf(word, sizeof(word), "--%s", list[i].name);
		offer(c, word);
	}
}

static void
offer_nouns_or_verbs(struct completion *c, bool verbs)
{
	for (size_t i = 0; i < c->t->ncommands; i++) {
		const struct command *k = &c->t->commands[i];

		if (!verbs)
			offer(c, k->noun);
		else if (strcmp(k->noun, c->noun) == 0 && k->verb != NULL)
			offer(c, k->verb);
	}
}

void
complete_words(const struct command_table *t, int nwords, const char *const *words, struct buf *out)
{
	struct completion c = { .t = t, .out = out, .start = nwords > 0 ? words[nwords - 1] : "" };

	for (int i = 0; i + 1 < nwords; i++)
		pass(&c, words[i]);
	if (c.pending != NULL)
		offer_value(&c);
	else if (c.start[0] == '-') {
		if (c.command != NULL)
			offer_options(&c, c.command->options, c.command->noptions);
		offer_options(&c, t->globals, t->nglobals);
	} else if (c.command == NULL)
		offer_nouns_or_verbs(&c, c.noun != NULL);
	else if (strcmp(c.command->noun, "help") == 0 && c.words == 0)
		offer_nouns_or_verbs(&c, false);
}
