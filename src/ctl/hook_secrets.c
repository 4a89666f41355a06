/*
 * hook_secrets: which of a hook's two secrets events still use, and the end of one that none uses any more. What an event
 * used stands with it, so the answer is a count, not a guess.
 */
#include <sys/types.h>

#include <stdio.h>

#include "base/count.h"
#include "ctl/hook.h"
#include "ctl/nouns.h"

enum { HOOK, APP_ID, APP, NAME, STATE, FACTS };		/* the statement's columns, then what is only shown */

static const struct table_column columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ NULL, "app_id", COLUMN_TEXT, false },
	{ "app", "app", COLUMN_TEXT, true },
	{ "name", "name", COLUMN_TEXT, true },
	{ "secrets", "state", COLUMN_STATE, false },
	{ "new, 24 h", "current", COLUMN_NUMBER, false },
	{ "old, 24 h", "previous", COLUMN_NUMBER, false },
	{ "other, 24 h", "other", COLUMN_NUMBER, false },
	{ "old last used", "previous_used_at", COLUMN_TEXT, false },
	{ "rotated", "rotated_at", COLUMN_TEXT, false },
	{ "old until", "previous_until", COLUMN_TEXT, false },
};

#define EMPTY	"there are no hooks"

static struct dbs_result *
ask(struct ctl *c, const char *app, const char *hook, int64_t idle_ms)
{
	char idle[CTL_I64_SIZE];

	return ctl_query(c, CTL_HOOK_SECRETS, 3, (const char *const[]){ app, hook, ctl_i64(idle, idle_ms) }, "hook secrets");
}

int
ctl_hook_secrets(struct ctl *c, const struct args *a)
{
	struct ctl_app		 app;
	struct dbs_result	*r;
	struct table		 t;
	int			 code = args_word(a, 0) != NULL ? ctl_find_app(c, args_word(a, 0), &app) : ctl_db(c);

	if (code != CTL_OK)
		return code;
	r = ask(c, args_word(a, 0) != NULL ? app.id : NULL, NULL, args_number(a, "idle"));
	if (r == NULL)
		return CTL_FAILED;
	table_init(&t, columns, COUNT(columns));
	ctl_fill(&t, r);
	code = ctl_show(c, &t, EMPTY);
	table_free(&t);
	dbs_clear(r);
	return code;
}

/* "idle" becomes "ended", if nothing used it in this very moment. CTL_NOT_FOUND: something did. */
static int
end_previous(struct ctl *c, const struct dbs_result *r, int row, int64_t idle_ms)
{
	char	app[UUID_TEXT_SIZE], hook[UUID_TEXT_SIZE], idle[CTL_I64_SIZE];
	int	code;

	snprintf(app, sizeof(app), "%.*s", STR_ARG(dbs_text(r, row, APP_ID)));
	snprintf(hook, sizeof(hook), "%.*s", STR_ARG(dbs_text(r, row, HOOK)));
	code = ctl_begin(c, "hook rotate");
	if (code == CTL_OK) {
		code = ctl_run(c, CTL_HOOK_END_PREVIOUS, 3, (const char *const[]){ app, hook, ctl_i64(idle, idle_ms) }, "hook rotate");
		if (code == CTL_OK)
			code = ctl_audit(c, app, "hook.end_secret", hook, NULL);
		code = ctl_end(c, code, "hook rotate");
	}
	return code;
}

/* One row, with what became of it. CTL_NOT_FOUND: its old secret stays. */
static int
end_one(struct ctl *c, const struct dbs_result *r, int row, int64_t idle_ms, struct table *t)
{
	struct str	state = dbs_text(r, row, STATE);
	int		code = str_eq(state, STR("one")) ? CTL_OK : CTL_NOT_FOUND;

	if (str_eq(state, STR("idle"))) {
		code = end_previous(c, r, row, idle_ms);
		state = code == CTL_OK ? STR("ended") : STR("used");
	}
	for (int col = 0; col < (int)COUNT(columns); col++)
		table_cell(t, col == STATE ? state : col == (int)COUNT(columns) - 1 && str_eq(state, STR("ended")) ? STR_NONE :
		    dbs_text(r, row, col));
	return code;
}

int
hook_end_idle(struct ctl *c, const struct args *a)
{
	int64_t			 idle_ms = args_number(a, "idle");
	const char		*hook = args_word(a, 1);
	struct ctl_app		 app;
	struct dbs_result	*r;
	struct table		 t;
	struct uuid		 u;
	int			 kept = 0, code = args_word(a, 0) != NULL ? ctl_find_app(c, args_word(a, 0), &app) : ctl_db(c);

	if (code != CTL_OK)
		return code;
	if (hook != NULL && !uuid_parse(str_c(hook), &u))
		return ctl_fail(CTL_USAGE, "HOOKID is an id such as 'ringctl hook list APP' shows");
	r = ask(c, args_word(a, 0) != NULL ? app.id : NULL, hook, idle_ms);
	if (r == NULL)
		return CTL_FAILED;
	if (hook != NULL && dbs_rows(r) == 0) {
		dbs_clear(r);
		return ctl_fail(CTL_NOT_FOUND, "app '%s' has no hook %s", app.name, hook);
	}
	table_init(&t, columns, COUNT(columns));
	for (int row = 0; row < dbs_rows(r) && code != CTL_FAILED; row++) {
		code = end_one(c, r, row, idle_ms, &t);
		kept += code == CTL_NOT_FOUND;
	}
	if (code != CTL_FAILED)
		code = ctl_show(c, &t, EMPTY);
	if (code == CTL_OK && kept > 0)
		code = ctl_fail(CTL_FAILED, "%d old secret%s still used, or not out of use for long enough", kept, kept == 1 ? " is" : "s are");
	table_free(&t);
	dbs_clear(r);
	return code;
}
