/*
 * log: how talkative the running daemon is, for all of it, one module, one app, or one module's work for one app.
 */
#include <sys/types.h>

#include <stdio.h>

#include "base/count.h"
#include "base/log.h"
#include "ctl/admin.h"
#include "ctl/nouns.h"

#define BODY_MAX	1024

static const struct table_column columns[] = {
	{ "module", "module", COLUMN_TEXT, false },
	{ "app", "app", COLUMN_TEXT, false },
	{ "level", "level", COLUMN_TEXT, false },
	{ "until", "until", COLUMN_TEXT, false },
};

/* The configuration's level first, as a row for anything; then what differs from it. */
static int
show(struct ctl *c, struct admin_reply *r)
{
	struct json	overrides = json_get(r->data, "overrides"), o;
	struct table	t;
	int		code;

	table_init(&t, columns, COUNT(columns));
	table_cell(&t, STR_NONE);
	table_cell(&t, STR_NONE);
	table_cell(&t, admin_cell(json_get(r->data, "level"), &r->arena));
	table_cell(&t, STR_NONE);
	for (o = json_first(overrides); json_type(o) != JSON_ABSENT; o = json_next(o))
		for (size_t i = 0; i < COUNT(columns); i++)
			table_cell(&t, admin_cell(json_get(o, columns[i].name), &r->arena));
	code = ctl_show(c, &t, "");
	table_free(&t);
	return code;
}

static int
ask_and_show(struct ctl *c, const struct args *a, struct str body)
{
	const char		*address;
	struct admin_reply	 r;
	int			 code = admin_address(c, a, &address);

	if (code != CTL_OK)
		return code;
	code = admin_ask(address, "/log", body, ADMIN_TIMEOUT_MS, &r);
	if (code == CTL_OK)
		code = json_type(json_get(r.data, "overrides")) == JSON_ARRAY ? show(c, &r) :
		    admin_fail(address, "/log", &r);
	admin_free(&r);
	return code;
}

/* The members that say of what; an id needs no database, which may be just what is looked into. */
static int
put_of_what(struct ctl *c, const struct args *a, struct json_out *j)
{
	const char	*module = args_text(a, "module"), *name = args_text(a, "app");
	struct ctl_app	 app;
	struct uuid	 id;
	int		 code;

	if (module != NULL)
		json_kstr(j, "module", str_c(module));
	if (name == NULL)
		return CTL_OK;
	if (uuid_parse(str_c(name), &id)) {
		uuid_format(app.id, id);
	} else {
		code = ctl_find_app(c, name, &app);
		if (code != CTL_OK)
			return code;
	}
	json_kstr(j, "app", str_c(app.id));
	return CTL_OK;
}

/* Whoever makes a log say less could hide something. */
static void
note(struct ctl *c, const struct args *a, const char *level)
{
	char for_ms[CTL_I64_SIZE];

	ctl_audit_installation(c, level != NULL ? "log.set" : "log.reset", NULL, "level", level, "module", args_text(a, "module"),
	    "app", args_text(a, "app"), "for_ms",
	    level != NULL && args_given(a, "for") ? ctl_i64(for_ms, args_number(a, "for")) : NULL, NULL);
}

/* level absent: takes back. */
static int
change(struct ctl *c, const struct args *a, struct str level)
{
	struct json_out	j;
	struct buf	b;
	int		code;

	buf_init(&b, BODY_MAX);
	json_out_init(&j, &b);
	json_obj(&j);
	json_kstr(&j, "level", level);
	code = put_of_what(c, a, &j);
	if (level.p != NULL && args_given(a, "for"))
		json_kint(&j, "for_ms", args_number(a, "for"));
	json_obj_end(&j);
	if (code == CTL_OK && (code = ask_and_show(c, a, buf_as_str(&b))) == CTL_OK)
		note(c, a, level.p);
	buf_free(&b);
	return code;
}

int
ctl_log_show(struct ctl *c, const struct args *a)
{
	return ask_and_show(c, a, STR_NONE);
}

int
ctl_log_set(struct ctl *c, const struct args *a)
{
	struct str	level = str_c(args_word(a, 0));
	enum log_level	known;

	if (!log_level_parse(level, &known))
		return ctl_fail(CTL_USAGE, "'%.*s' is no level: expected error, warn, info or debug", STR_ARG(level));
	return change(c, a, level);
}

int
ctl_log_reset(struct ctl *c, const struct args *a)
{
	return change(c, a, STR_NONE);
}
