/*
 * audit: what was done, by whom: the log itself, and the heads of its chains to be noted elsewhere.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "base/count.h"
#include "ctl/audit.h"
#include "ctl/nouns.h"

static const struct table_column show_columns[] = {
	{ NULL, "app_id", COLUMN_TEXT, false },
	{ "app", "app", COLUMN_TEXT, true },
	{ "seq", "seq", COLUMN_NUMBER, false },
	{ "at", "at", COLUMN_TEXT, false },
	{ "actor", "actor", COLUMN_TEXT, false },
	{ "action", "action", COLUMN_TEXT, false },
	{ "subject", "subject", COLUMN_TEXT, false },
	{ "detail", "detail", COLUMN_TEXT, true },
	{ NULL, "request_id", COLUMN_TEXT, false },
	{ NULL, "db_role", COLUMN_TEXT, false },
	{ NULL, "hash", COLUMN_TEXT, false },
};

static const struct table_column head_columns[] = {
	{ "app", "app", COLUMN_TEXT, true },
	{ "id", "app_id", COLUMN_TEXT, false },
	{ "head", "head", COLUMN_TEXT, false },
};

int
audit_chain(struct ctl *c, const struct args *a, struct ctl_app *app)
{
	*app = (struct ctl_app){ .id = "" };
	if (args_word(a, 0) == NULL)
		return ctl_db(c);
	if (strcmp(args_word(a, 0), INSTALLATION_APP) != 0)
		return ctl_find_app(c, args_word(a, 0), app);
	snprintf(app->id, sizeof(app->id), "%s", INSTALLATION_APP);
	snprintf(app->name, sizeof(app->name), "the installation");
	return ctl_db(c);
}

static int
show_rows(struct ctl *c, struct dbs_result *r, const struct table_column *columns, size_t ncolumns, const char *empty)
{
	struct table	t;
	int		code;

	if (r == NULL)
		return CTL_FAILED;
	table_init(&t, columns, ncolumns);
	ctl_fill(&t, r);
	code = ctl_show(c, &t, empty);
	table_free(&t);
	dbs_clear(r);
	return code;
}

int
ctl_audit_show(struct ctl *c, const struct args *a)
{
	char		 since[CTL_I64_SIZE], limit[CTL_I64_SIZE];
	struct ctl_app	 app;
	int		 code = audit_chain(c, a, &app);

	if (code != CTL_OK)
		return code;
	ctl_i64(limit, args_number(a, "limit"));
	ctl_i64(since, args_number(a, "since"));
	return show_rows(c, ctl_query(c, CTL_AUDIT_SHOW, 4, (const char *const[]){ app.id[0] != '\0' ? app.id : NULL,
	    args_given(a, "since") ? since : NULL, args_text(a, "action"), limit }, "audit show"), show_columns, COUNT(show_columns),
	    "nothing of the kind is in the audit log");
}

int
ctl_audit_head(struct ctl *c, const struct args *a)
{
	struct ctl_app	 app;
	int		 code = audit_chain(c, a, &app);

	if (code != CTL_OK)
		return code;
	return show_rows(c, ctl_query(c, CTL_AUDIT_HEADS, 1, (const char *const[]){ app.id[0] != '\0' ? app.id : NULL }, "audit head"),
	    head_columns, COUNT(head_columns), "the audit log is empty");
}
