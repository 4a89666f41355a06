/*
 * args: reads the command line by the table. Never guesses: an unknown word or option is an error with the nearest
 * known one. Options may stand before or after the words; "--" ends them.
 */
#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/suggest.h"
#include "ctl/args.h"
#include "ctl/args_value.h"

struct parser {
	struct args			*a;
	const struct command_table	*table;
	const char *const		*argv;
	int				 argc, at;
	const char			*noun;
	int64_t				 now;
	char				*err;
	bool				 help;
};

static bool
noun_takes_verb(const struct command_table *t, const char *noun)
{
	for (size_t i = 0; i < t->ncommands; i++)
		if (strcmp(t->commands[i].noun, noun) == 0)
			return t->commands[i].verb != NULL;
	return false;
}

static const struct command *
find_command(const struct command_table *t, const char *noun, const char *verb)
{
	const struct command *c;

	for (size_t i = 0; i < t->ncommands; i++) {
		c = &t->commands[i];
		if (strcmp(c->noun, noun) == 0 && (c->verb == NULL || (verb != NULL && strcmp(c->verb, verb) == 0)))
			return c;
	}
	return NULL;
}

static bool
wrong_word(struct parser *p, const char *noun, const char *word)
{
	const struct command	*c;
	struct suggest		 s;
	char			 where[64];

	suggest_begin(&s, str_c(word));
	for (size_t i = 0; i < p->table->ncommands; i++) {
		c = &p->table->commands[i];
		if (noun == NULL)
			suggest_offer(&s, c->noun);
		else if (strcmp(c->noun, noun) == 0)
			suggest_offer(&s, c->verb);
	}
	snprintf(where, sizeof(where), "%s%s", noun != NULL ? " " : "", noun != NULL ? noun : "");
	if (s.best != NULL)
		snprintf(p->err, ARGS_ERROR_SIZE, "unknown command '%.40s%s%.40s', did you mean '%s'?",
		    noun != NULL ? noun : "", noun != NULL ? " " : "", word, s.best);
	else
		snprintf(p->err, ARGS_ERROR_SIZE, "unknown command '%.40s%s%.40s'; 'ringctl help%s' lists them",
		    noun != NULL ? noun : "", noun != NULL ? " " : "", word, where);
	return false;
}

static bool
take_noun(struct parser *p, const char *word)
{
	if (find_command(p->table, word, NULL) == NULL && !noun_takes_verb(p->table, word))
		return wrong_word(p, NULL, word);
	p->noun = p->a->noun = word;
	p->a->command = find_command(p->table, word, NULL);
	return true;
}

static bool
take_word(struct parser *p, const char *word)
{
	struct args *a = p->a;

	if (p->noun == NULL)
		return take_noun(p, word);
	if (a->command == NULL) {
		a->command = find_command(p->table, p->noun, word);
		return a->command != NULL || wrong_word(p, p->noun, word);
	}
	a->words[a->nwords++] = word;
	return true;
}

static const struct option *
find_option(const struct option *list, size_t n, const char *name, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(list[i].name) == len && memcmp(list[i].name, name, len) == 0)
			return &list[i];
	return NULL;
}

/* value is what stands after '=', or NULL: then it is the next word. */
static bool
take_value(struct parser *p, const struct option *o, struct option_value *v, const char *value)
{
	char		 expected[128];
	const char	*want;

	if (o->type == OPTION_FLAG) {
		if (value != NULL) {
			snprintf(p->err, ARGS_ERROR_SIZE, "option '--%s' takes no value", o->name);
			return false;
		}
		v->given = true;
		v->number = 1;
		return true;
	}
	if (value == NULL && p->at < p->argc)
		value = p->argv[p->at++];
	if (value == NULL) {
		snprintf(p->err, ARGS_ERROR_SIZE, "option '--%s' needs a value", o->name);
		return false;
	}
	want = args_read_value(o, value, p->now, &v->number, expected, sizeof(expected));
	if (want != NULL) {
		/* The value itself is not repeated for text: it may be an address with a password. */
		if (o->type == OPTION_TEXT || o->type == OPTION_TEXTS || o->type == OPTION_URL)
			snprintf(p->err, ARGS_ERROR_SIZE, "option '--%s': expected %s", o->name, want);
		else
			snprintf(p->err, ARGS_ERROR_SIZE, "option '--%s': '%.40s' is wrong, expected %s", o->name,
			    value, want);
		return false;
	}
	if (o->type == OPTION_TEXTS) {
		if (v->ntexts == ARGS_TEXTS_MAX) {
			snprintf(p->err, ARGS_ERROR_SIZE, "option '--%s' may be given %d times at most", o->name, ARGS_TEXTS_MAX);
			return false;
		}
		v->texts[v->ntexts++] = value;
	}
	v->given = true;
	v->text = value;
	return true;
}

static bool
wrong_option(struct parser *p, const char *name, size_t len)
{
	const struct command	*c = p->a->command;
	struct suggest		 s;

	suggest_begin(&s, (struct str){ name, len });
	for (size_t i = 0; i < p->table->nglobals; i++)
		suggest_offer(&s, p->table->globals[i].name);
	for (size_t i = 0; c != NULL && i < c->noptions; i++)
		suggest_offer(&s, c->options[i].name);
	snprintf(p->err, ARGS_ERROR_SIZE, "unknown option '--%.*s'%s%s%s%s%s%s", (int)(len < 40 ? len : 40), name,
	    c != NULL ? " for '" : "", c != NULL ? c->noun : "", c != NULL && c->verb != NULL ? " " : "",
	    c != NULL && c->verb != NULL ? c->verb : "", c != NULL ? "'" : "",
	    s.best != NULL ? ", did you mean --" : "");
	if (s.best != NULL)
		snprintf(p->err + strlen(p->err), ARGS_ERROR_SIZE - strlen(p->err), "%s?", s.best);
	return false;
}

static bool
take_long(struct parser *p, const char *name)
{
	const struct command	*c = p->a->command;
	const char		*equals = strchr(name, '=');
	size_t			 len = equals != NULL ? (size_t)(equals - name) : strlen(name);
	const struct option	*o;

	if (len == 4 && memcmp(name, "help", 4) == 0) {
		p->help = true;
		return true;
	}
	if (c != NULL && (o = find_option(c->options, c->noptions, name, len)) != NULL)
		return take_value(p, o, &p->a->option[o - c->options], equals != NULL ? equals + 1 : NULL);
	if ((o = find_option(p->table->globals, p->table->nglobals, name, len)) != NULL)
		return take_value(p, o, &p->a->global[o - p->table->globals], equals != NULL ? equals + 1 : NULL);
	return wrong_option(p, name, len);
}

/* Letters belong to the global options only; "-fFILE" and "-f FILE" are both fine. */
static bool
take_letter(struct parser *p, const char *text)
{
	const struct option *o;

	if (strcmp(text, "h") == 0) {
		p->help = true;
		return true;
	}
	for (size_t i = 0; i < p->table->nglobals; i++) {
		o = &p->table->globals[i];
		if (o->letter == text[0] && (o->type != OPTION_FLAG || text[1] == '\0'))
			return take_value(p, o, &p->a->global[i], text[1] != '\0' ? text + 1 : NULL);
	}
	snprintf(p->err, ARGS_ERROR_SIZE, "unknown option '-%.40s'", text);
	return false;
}

static void
set_defaults(struct option_value *v, const struct option *list, size_t n, int64_t now)
{
	char scratch[128];

	for (size_t i = 0; i < n; i++) {
		if (v[i].given || list[i].def == NULL)
			continue;
		v[i].text = list[i].def;
		if (args_read_value(&list[i], list[i].def, now, &v[i].number, scratch, sizeof(scratch)) != NULL)
			abort();	/* the table itself is wrong */
	}
}

/* Everything is read: is it enough, and not too much? */
static bool
complete(struct parser *p)
{
	struct args		*a = p->a;
	const struct command	*c = a->command;
	const char		*verb;

	if (p->noun == NULL)
		snprintf(p->err, ARGS_ERROR_SIZE, "what to do? 'ringctl help' lists the commands");
	else if (c == NULL)
		snprintf(p->err, ARGS_ERROR_SIZE, "'%s' needs a verb; 'ringctl help %s' lists them", p->noun, p->noun);
	if (c == NULL)
		return false;
	verb = c->verb != NULL ? c->verb : "";
	if (a->nwords < c->least || (c->most >= 0 && a->nwords > c->most)) {
		snprintf(p->err, ARGS_ERROR_SIZE, "too %s words: ringctl %s%s%s %s",
		    a->nwords < c->least ? "few" : "many", c->noun, c->verb != NULL ? " " : "", verb, c->words);
		return false;
	}
	set_defaults(a->option, c->options, c->noptions, p->now);
	return true;
}

enum args_result
args_parse(struct args *a, const struct command_table *table, int argc, const char *const *argv, int64_t now_ms,
    char err[ARGS_ERROR_SIZE])
{
	struct parser	 p = { .a = a, .table = table, .argv = argv, .argc = argc, .now = now_ms, .err = err };
	bool		 options = true, ok = true;
	const char	*word;

	*a = (struct args){ .table = table };
	err[0] = '\0';
	a->words = calloc((size_t)argc + 1, sizeof(*a->words));
	if (a->words == NULL) {
		snprintf(err, ARGS_ERROR_SIZE, "out of memory");
		return ARGS_WRONG;
	}
	while (ok && p.at < argc) {
		word = argv[p.at++];
		if (options && strcmp(word, "--") == 0)
			options = false;
		else if (options && word[0] == '-' && word[1] == '-')
			ok = take_long(&p, word + 2);
		else if (options && word[0] == '-' && word[1] != '\0')
			ok = take_letter(&p, word + 1);
		else
			ok = take_word(&p, word);
	}
	if (ok && p.help)
		return ARGS_HELP;
	set_defaults(a->global, table->globals, table->nglobals, now_ms);
	return ok && complete(&p) ? ARGS_OK : ARGS_WRONG;
}

void
args_free(struct args *a)
{
	free(a->words);
	a->words = NULL;
	a->nwords = 0;
}
