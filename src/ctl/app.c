/*
 * app: tenants. A new one comes with its first API key, which is shown here and stored as a hash only.
 */
#include <sys/types.h>

#include <string.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/hash.h"
#include "ctl/keys.h"
#include "ctl/nouns.h"

#define NAME_MAX_CHARS	200	/* create_app() in the schema has the same limit */

static const struct table_column created_columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ "name", "name", COLUMN_TEXT, false },
	{ "API key", "api_key", COLUMN_TEXT, false },
};

static const struct table_column list_columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ "name", "name", COLUMN_TEXT, true },
	{ "state", "state", COLUMN_STATE, false },
	{ "created", "created_at", COLUMN_TEXT, false },
	{ "keys", "keys", COLUMN_NUMBER, false },
	{ "hooks", "hooks", COLUMN_NUMBER, false },
};

static bool
name_fits(const char *name)
{
	size_t chars = 0;

	for (const char *p = name; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
		chars += ((unsigned char)*p & 0xc0) != 0x80;
	}
	return name[strspn(name, " ")] != '\0' && chars <= NAME_MAX_CHARS;
}

static void
warn_if_taken(struct ctl *c, const char *name)
{
	const char *const	 params[] = { name };
	struct dbs_result	*r = dbs_query(c->db, stmt_ctl.stmt[CTL_APP_BY_NAME].sql, 1, params);

	if (r != NULL && dbs_rows(r) > 0)
		ctl_warn("there is an app called '%s' already: from now on only ids tell them apart", name);
	dbs_clear(r);
}

static int
insert(struct ctl *c, const char *id, const char *name, char key[TOKEN_SIZE])
{
	const char *const	params[] = { id, name };
	const struct key_wish	wish = { .kind = "server", .scopes = "read", .note = "made with the app" };
	char			key_id[UUID_TEXT_SIZE];
	int			code = ctl_run(c, CTL_APP_INSERT, 2, params, "app create");

	if (code == CTL_OK)
		code = ctl_key_store(c, id, &wish, key_id, key);
	return code != CTL_OK ? code : ctl_audit(c, id, "app.create", key_id, "name", name, NULL);
}

int
ctl_app_create(struct ctl *c, const struct args *a)
{
	const char	*name = args_word(a, 0);
	struct table	 t;
	char		 id[UUID_TEXT_SIZE], key[TOKEN_SIZE];
	int		 code;

	if (!name_fits(name))
		return ctl_fail(CTL_USAGE, "an app needs a name of 1 to %d characters, no control characters",
		    NAME_MAX_CHARS);
	code = ctl_db(c);
	if (code != CTL_OK)
		return code;
	warn_if_taken(c, name);
	uuid_format(id, uuid_v7(clock_real_ms()));
	code = ctl_begin(c, "app create");
	if (code == CTL_OK)
		code = ctl_end(c, insert(c, id, name, key), "app create");
	if (code == CTL_OK) {
		table_init(&t, created_columns, COUNT(created_columns));
		table_cell(&t, str_c(id));
		table_cell(&t, str_c(name));
		table_cell(&t, str_c(key));
		code = ctl_show_record(c, &t);
		table_free(&t);
	}
	hash_wipe(key, sizeof(key));
	return code;
}

int
ctl_app_list(struct ctl *c, const struct args *a)
{
	struct dbs_result	*r;
	struct table		 t;
	int			 code = ctl_db(c);

	(void)a;
	if (code != CTL_OK)
		return code;
	r = ctl_query(c, CTL_APP_LIST, 0, NULL, "app list");
	if (r == NULL)
		return CTL_FAILED;
	table_init(&t, list_columns, COUNT(list_columns));
	ctl_fill(&t, r);
	code = ctl_show(c, &t, "no apps yet: 'ringctl app create NAME' makes one");
	table_free(&t);
	dbs_clear(r);
	return code;
}

/* In the caller's transaction. */
static int
store_active(struct ctl *c, const struct ctl_app *app, bool active)
{
	int code = ctl_run(c, CTL_APP_SET_ACTIVE, 2, (const char *const[]){ app->id, active ? "true" : "false" }, "changing the app");

	return code != CTL_OK ? code : ctl_audit(c, app->id, active ? "app.enable" : "app.disable", NULL, NULL);
}

static int
set_active(struct ctl *c, const struct args *a, bool active)
{
	static const struct table_column columns[] = {
		{ "id", "id", COLUMN_TEXT, false },
		{ "name", "name", COLUMN_TEXT, false },
		{ "state", "state", COLUMN_STATE, false },
	};
	struct ctl_app	app;
	struct table	t;
	int		code = ctl_find_app(c, args_word(a, 0), &app);

	if (code != CTL_OK || (code = ctl_begin(c, "changing the app")) != CTL_OK)
		return code;
	code = ctl_end(c, store_active(c, &app, active), "changing the app");
	if (code != CTL_OK)
		return code;
	table_init(&t, columns, COUNT(columns));
	table_cell(&t, str_c(app.id));
	table_cell(&t, str_c(app.name));
	table_cell(&t, active ? STR("active") : STR("disabled"));
	code = ctl_show_record(c, &t);
	table_free(&t);
	return code;
}

int
ctl_app_disable(struct ctl *c, const struct args *a)
{
	return set_active(c, a, false);
}

int
ctl_app_enable(struct ctl *c, const struct args *a)
{
	return set_active(c, a, true);
}
