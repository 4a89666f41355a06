/*
 * args: the command line as data. A table of commands says which options and words each takes; the parser here, the
 * help (help.c) and the completion (complete.c) read the same table, so they cannot disagree. Pure: touches neither
 * files nor environment, and is given the time.
 */
#ifndef RINGD_CTL_ARGS_H
#define RINGD_CTL_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARGS_OPTIONS_MAX	24	/* of one command, and of the global ones */
#define ARGS_TEXTS_MAX		32	/* of one option that may be given again */
#define ARGS_ERROR_SIZE		256

enum option_type {
	OPTION_FLAG,		/* takes no value */
	OPTION_TEXT,
	OPTION_TEXTS,		/* may be given again: each adds one */
	OPTION_FILE,		/* a path: completed by the shell */
	OPTION_DIR,
	OPTION_URL,		/* http:// or https:// */
	OPTION_NUMBER,		/* min..max */
	OPTION_DURATION,	/* 30s 24h 90d; number = milliseconds, min..max */
	OPTION_PAST,		/* RFC 3339, or a duration back from now; number = ms since 1970 */
	OPTION_FUTURE,		/* RFC 3339, or a duration from now on */
	OPTION_CHOICE,		/* one of choices */
	OPTION_CHOICES,		/* some of choices, with commas */
};

struct option {
	const char		*name;		/* without -- */
	char			 letter;	/* '-f'; 0 = none */
	enum option_type	 type;
	const char		*value;		/* what help calls the value; NULL for flags and choices */
	const char		*choices;	/* "jwt|seed" */
	int64_t			 min, max;
	const char		*def;		/* text of the default; NULL = none */
	const char		*help;
};

struct ctl;
struct args;

struct command {
	const char		*noun;
	const char		*verb;		/* NULL: the noun stands alone */
	const char		*words;		/* for help: "APP [KEYID]"; in capitals what the user fills in */
	int			 least, most;	/* how many words; most -1 = any number */
	const struct option	*options;
	size_t			 noptions;
	bool			 secret_once;	/* help says that what is shown is shown once */
	const char		*help;
	int			(*run)(struct ctl *ctl, const struct args *args);	/* returns the exit code */
};

struct command_table {
	const struct command	*commands;
	size_t			 ncommands;
	const struct option	*globals;
	size_t			 nglobals;
};

struct option_value {
	bool		 given;		/* by the user; a default leaves it false */
	const char	*text;		/* NULL when neither given nor defaulted */
	int64_t		 number;
	const char	*texts[ARGS_TEXTS_MAX];	/* of OPTION_TEXTS: all of them; text is the last */
	int		 ntexts;
};

struct args {
	const char		*noun;		/* known to the table; NULL when none was given */
	const struct command	*command;	/* NULL when a verb is missing */
	const char		**words;	/* what is left after noun and verb; owned, the texts are argv's */
	int			 nwords;
	struct option_value	 option[ARGS_OPTIONS_MAX];	/* in the order of command->options */
	struct option_value	 global[ARGS_OPTIONS_MAX];
	const struct command_table *table;
};

enum args_result {
	ARGS_OK,
	ARGS_HELP,		/* --help: for args->command when set, else for the whole */
	ARGS_WRONG,		/* err says what, where and what was expected */
};

/* argv[0] is the first word after the program's name. args_free in every case. */
enum args_result args_parse(struct args *a, const struct command_table *table, int argc, const char *const *argv,
		    int64_t now_ms, char err[ARGS_ERROR_SIZE]);
void		 args_free(struct args *a);

/* By name, of the command or else the global ones. A name the table does not have is a fault of the program: aborts. */
const struct option_value *args_option(const struct args *a, const char *name);
bool		 args_given(const struct args *a, const char *name);
const char	*args_text(const struct args *a, const char *name);	/* NULL when not given and without default */
int64_t		 args_number(const struct args *a, const char *name);	/* 0 when not given and without default */
const char	*args_word(const struct args *a, int i);		/* NULL when there are fewer */

#endif
