/*
 * dialpad_manage: what is asked of the running daemon about one app's connection. It writes the wish down and sees to it by
 * itself; here it is only waited for, by looking at the row, so that stopping to wait changes nothing.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/count.h"
#include "ctl/admin.h"
#include "ctl/hook.h"
#include "ctl/nouns.h"

#define PATH_SIZE		128
#define WORD_SIZE		32
#define LOOK_US			200000
#define REFRESH_TIMEOUT_MS	((int64_t)15 * 60 * 1000)	/* the daemon has its own, shorter one */

static const struct table_column refreshed_columns[] = {
	{ "app", "app_id", COLUMN_TEXT, false },
	{ "token", "state", COLUMN_STATE, false },
	{ "trouble", "trouble", COLUMN_TEXT, true },
};

static const struct table_column disconnected_columns[] = {
	{ "app", "app_id", COLUMN_TEXT, false },
	{ "state", "state", COLUMN_STATE, false },
	{ "trouble", "trouble", COLUMN_TEXT, true },
};

static const struct table_column rotated_columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ "app", "app_id", COLUMN_TEXT, false },
	{ "state", "state", COLUMN_STATE, false },
	{ "old secret until", "previous_until", COLUMN_TEXT, false },
	{ "trouble", "trouble", COLUMN_TEXT, true },
};

struct outcome {
	char	word[WORD_SIZE];
	char	why[256];
};

/* The daemon's word on it. CTL_OK, or the failure has been told. */
static int
ask(struct ctl *c, const struct args *a, const char *path, int64_t timeout_ms, struct outcome *o)
{
	struct admin_reply	 r;
	const char		*address;
	struct str		 word;
	int			 code = admin_address(c, a, &address);

	if (code != CTL_OK)
		return code;
	code = admin_ask(address, path, STR(""), timeout_ms, &r);
	if (code == CTL_OK) {
		word = json_text(json_get(r.data, "outcome"), &r.arena);
		if (word.p == NULL)
			code = admin_fail(address, path, &r);
		snprintf(o->word, sizeof(o->word), "%.*s", STR_ARG(word));
		snprintf(o->why, sizeof(o->why), "%.*s", STR_ARG(json_text(json_get(r.data, "why"), &r.arena)));
	}
	admin_free(&r);
	return code;
}

/* The same about a change, which the daemon makes and notes in its own name: who asked for it stands in the audit log before. */
static int
ask_for(struct ctl *c, const struct args *a, const struct ctl_app *app, const char *action, const char *subject, const char *path,
    struct outcome *o)
{
	int code = ctl_audit(c, app->id, action, subject, "asked", "ringd", NULL);

	return code == CTL_OK ? ask(c, a, path, ADMIN_TIMEOUT_MS, o) : code;
}

/* What a word that is no success means. */
static int
fail(const struct ctl_app *app, const struct outcome *o)
{
	return ctl_fail(strcmp(o->word, "not_connected") == 0 ? CTL_NOT_FOUND : CTL_FAILED, "app '%s': %s", app->name,
	    o->why[0] != '\0' ? o->why : o->word);
}

static int
show(struct ctl *c, const struct table_column *columns, size_t n, const struct str *cells)
{
	struct table	t;
	int		code;

	table_init(&t, columns, n);
	for (size_t i = 0; i < n; i++)
		table_cell(&t, cells[i]);
	code = ctl_show_record(c, &t);
	table_free(&t);
	return code;
}

int
ctl_dialpad_refresh(struct ctl *c, const struct args *a)
{
	char		path[PATH_SIZE];
	struct outcome	o;
	struct ctl_app	app;
	int		code = ctl_find_app(c, args_word(a, 0), &app);

	if (code != CTL_OK)
		return code;
	snprintf(path, sizeof(path), "/dialpad/refresh?app=%s", app.id);
	code = ask(c, a, path, REFRESH_TIMEOUT_MS, &o);
	if (code != CTL_OK)
		return code;
	if (strcmp(o.word, "renewed") != 0)
		return fail(&app, &o);
	return show(c, refreshed_columns, COUNT(refreshed_columns), (const struct str[]){ str_c(app.id), str_c(o.word), STR_NONE });
}

/* ---- waiting */

/* A row of CTL_DIALPAD_STATE, or gone. */
struct state {
	bool	gone, rotating;
	char	word[WORD_SIZE], trouble[512], webhook[32], until[64];
};

static int
look(struct ctl *c, const struct ctl_app *app, struct state *s)
{
	struct dbs_result *r = ctl_query(c, CTL_DIALPAD_STATE, 1, (const char *const[]){ app->id }, "looking at the connection");

	memset(s, 0, sizeof(*s));
	if (r == NULL)
		return CTL_FAILED;
	s->gone = dbs_rows(r) == 0;
	if (!s->gone) {
		snprintf(s->word, sizeof(s->word), "%.*s", STR_ARG(dbs_text(r, 0, 0)));
		snprintf(s->trouble, sizeof(s->trouble), "%.*s", STR_ARG(dbs_text(r, 0, 1)));
		s->rotating = str_eq(dbs_text(r, 0, 2), STR("t"));
		snprintf(s->webhook, sizeof(s->webhook), "%.*s", STR_ARG(dbs_text(r, 0, 3)));
		snprintf(s->until, sizeof(s->until), "%.*s", STR_ARG(dbs_text(r, 0, 4)));
	}
	dbs_clear(r);
	return CTL_OK;
}

static bool
is_gone(const struct state *s)
{
	return s->gone;
}

static bool
is_told(const struct state *s)
{
	return s->gone || !s->rotating;
}

static int
wait_until(struct ctl *c, const struct ctl_app *app, bool (*done)(const struct state *s), int64_t ms, struct state *s)
{
	int64_t	end = clock_mono_ms() + ms;
	int	code;

	while ((code = look(c, app, s)) == CTL_OK && !done(s) && clock_mono_ms() < end)
		usleep(LOOK_US);
	return code;
}

static struct str
or_none(const char *text)
{
	return text[0] != '\0' ? str_c(text) : STR_NONE;
}

static int
show_disconnected(struct ctl *c, const struct ctl_app *app, const struct state *s)
{
	return show(c, disconnected_columns, COUNT(disconnected_columns), (const struct str[]){ str_c(app->id),
	    s->gone ? STR("disconnected") : str_c(s->word), or_none(s->trouble) });
}

/* In the caller's transaction. There may be no hook; there must be a connection. */
static int
forget_rows(struct ctl *c, const struct ctl_app *app)
{
	static const enum ctl_stmt	statements[] = { CTL_FORGET_HOOK, CTL_FORGET_LOOKUP, CTL_FORGET_GAPS, CTL_FORGET };
	int				code = CTL_OK;

	for (size_t i = 0; i < COUNT(statements) && code != CTL_FAILED; i++)
		code = ctl_run(c, statements[i], 1, (const char *const[]){ app->id }, "dialpad disconnect");
	if (code == CTL_OK)
		code = ctl_audit(c, app->id, "dialpad.forget", NULL, NULL);
	return code == CTL_NOT_FOUND ? ctl_fail(CTL_NOT_FOUND, "app '%s': the app is not connected with Dialpad", app->name) : code;
}

static int
forget(struct ctl *c, const struct ctl_app *app)
{
	const struct state	s = { .gone = true };
	int			code = ctl_begin(c, "dialpad disconnect");

	if (code == CTL_OK)
		code = ctl_end(c, forget_rows(c, app), "dialpad disconnect");
	return code == CTL_OK ? show_disconnected(c, app, &s) : code;
}

int
ctl_dialpad_disconnect(struct ctl *c, const struct args *a)
{
	char		path[PATH_SIZE];
	struct state	before, s;
	struct outcome	o;
	struct ctl_app	app;
	int		code = ctl_find_app(c, args_word(a, 0), &app);

	if (code == CTL_OK && args_given(a, "forget"))
		return forget(c, &app);
	if (code != CTL_OK || (code = look(c, &app, &before)) != CTL_OK)
		return code;
	snprintf(path, sizeof(path), "/dialpad/disconnect?app=%s", app.id);
	code = ask_for(c, a, &app, "dialpad.disconnect", NULL, path, &o);
	if (code != CTL_OK)
		return code;
	if (strcmp(o.word, "disconnecting") != 0)
		return fail(&app, &o);
	code = wait_until(c, &app, is_gone, args_number(a, "wait"), &s);
	if (code == CTL_OK)
		code = show_disconnected(c, &app, &s);
	if (code == CTL_OK && s.gone && strcmp(before.word, "needs_reconnect") == 0 && before.webhook[0] != '\0')
		ctl_warn("Dialpad did not take the tokens any more: webhook %s may still stand there; what it sends is refused", before.webhook);
	if (code == CTL_OK && !s.gone)
		code = ctl_fail(CTL_FAILED, "app '%s' is not disconnected yet; ringd goes on by itself", app.name);
	return code;
}

int
dialpad_rotate(struct ctl *c, const struct args *a, const struct ctl_app *app)
{
	char		path[PATH_SIZE];
	struct outcome	o;
	struct state	s;
	int		code;

	snprintf(path, sizeof(path), "/dialpad/rotate?app=%s&overlap=%lld", app->id, (long long)args_number(a, "overlap"));
	code = ask_for(c, a, app, "hook.rotate", args_word(a, 1), path, &o);
	if (code != CTL_OK)
		return code;
	if (strcmp(o.word, "rotating") != 0)
		return fail(app, &o);
	code = wait_until(c, app, is_told, args_number(a, "wait"), &s);
	if (code == CTL_OK)
		code = show(c, rotated_columns, COUNT(rotated_columns), (const struct str[]){ str_c(args_word(a, 1)), str_c(app->id),
		    is_told(&s) ? STR("rotated") : STR("untold"), or_none(s.until), or_none(s.trouble) });
	if (code == CTL_OK && !is_told(&s))
		code = ctl_fail(CTL_FAILED, "Dialpad has not been told yet; ringd goes on by itself, and both secrets stay good");
	return code;
}
