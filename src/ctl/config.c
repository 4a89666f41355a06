/*
 * config: the daemon's configuration, read by the daemon's own code; and what ringctl says of itself.
 */
#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/count.h"
#include "ctl/commands.h"
#include "ctl/nouns.h"
#include "version.h"

#define HELP_BYTES	65536

static const struct table_column key_columns[] = {
	{ "key", "key", COLUMN_TEXT, false },
	{ "type", "type", COLUMN_TEXT, false },
	{ "default", "default", COLUMN_TEXT, true },
	{ "bounds", "bounds", COLUMN_TEXT, true },
	{ "change", "change", COLUMN_TEXT, false },
	{ "meaning", "help", COLUMN_TEXT, true },
};

int
ctl_config_check(struct ctl *c, const struct args *a)
{
	static const struct table_column columns[] = {
		{ "configuration", "path", COLUMN_TEXT, false },
		{ "good", "good", COLUMN_BOOL, false },
	};
	struct table	t;
	int		code = ctl_conf(c);

	(void)a;
	if (code != CTL_OK)
		return code;
	if (!c->json)
		return printf("%s: good\n", c->config_path) < 0 || fflush(stdout) != 0 ? CTL_FAILED : CTL_OK;
	table_init(&t, columns, COUNT(columns));
	table_cell(&t, str_c(c->config_path));
	table_cell(&t, STR("true"));
	code = ctl_show_record(c, &t);
	table_free(&t);
	return code;
}

/* One line of conf_print_keys: as many cells as there are columns, whatever the line has. */
static void
add_key(struct table *t, struct str line)
{
	struct str one;

	for (size_t i = 0; i < COUNT(key_columns); i++) {
		if (i + 1 == COUNT(key_columns)) {
			one = line;
			line = STR_NONE;
		} else if (!str_cut(&line, '\t', &one))
			one = STR_NONE;
		table_cell(t, str_eq(one, STR("-")) ? STR_NONE : one);
	}
}

int
ctl_config_keys(struct ctl *c, const struct args *a)
{
	char		*text = NULL;
	size_t		 size = 0;
	FILE		*out = open_memstream(&text, &size);
	struct str	 rest, line;
	struct table	 t;
	int		 code;

	(void)a;
	if (out == NULL)
		return ctl_fail(CTL_FAILED, "out of memory");
	conf_print_keys(out);
	if (fclose(out) != 0) {
		free(text);
		return ctl_fail(CTL_FAILED, "out of memory");
	}
	table_init(&t, key_columns, COUNT(key_columns));
	rest = (struct str){ text, size };
	while (str_cut(&rest, '\n', &line))
		if (line.n > 0)
			add_key(&t, line);
	code = ctl_show(c, &t, "no keys");
	table_free(&t);
	free(text);
	return code;
}

int
ctl_help(struct ctl *c, const struct args *a)
{
	struct buf	b;
	int		code;

	(void)c;
	buf_init(&b, HELP_BYTES);
	if (help_text(&ctl_commands, args_word(a, 0), &b))
		code = ctl_print(&b);
	else
		code = ctl_fail(CTL_USAGE, "no command '%.40s'; 'ringctl help' lists them", args_word(a, 0));
	buf_free(&b);
	return code;
}

int
ctl_version(struct ctl *c, const struct args *a)
{
	static const struct table_column columns[] = {
		{ "ringctl", "version", COLUMN_TEXT, false },
		{ "schema", "schema_version", COLUMN_NUMBER, false },
	};
	char		schema[CTL_I64_SIZE];
	struct table	t;
	int		code;

	(void)a;
	table_init(&t, columns, COUNT(columns));
	table_cell(&t, STR(RINGD_VERSION));
	table_cell(&t, str_c(ctl_i64(schema, SCHEMA_VERSION)));
	code = ctl_show_record(c, &t);
	table_free(&t);
	return code;
}
