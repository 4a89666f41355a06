/*
 * gap: spans in which events may have been lost, and asking for one. ringctl only writes down what is wanted; the courier
 * of the running daemon does it, and goes on when nobody waits for it any more.
 */
#include <sys/types.h>

#include <stdio.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/num.h"
#include "ctl/nouns.h"
#include "ctl/progress.h"
#include "ctl/stop.h"

#define LOOK_MS		500

static const struct table_column columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ NULL, "app_id", COLUMN_TEXT, false },
	{ "app", "app", COLUMN_TEXT, true },
	{ "reason", "reason", COLUMN_TEXT, false },
	{ "state", "state", COLUMN_STATE, false },
	{ "from", "from_at", COLUMN_TEXT, false },
	{ "to", "to_at", COLUMN_TEXT, false },
	{ NULL, "reached_at", COLUMN_TEXT, false },
	{ "calls", "seen", COLUMN_NUMBER, false },
	{ "with news", "found", COLUMN_NUMBER, false },
	{ "attempts", "attempts", COLUMN_NUMBER, false },
	{ NULL, "next_try_at", COLUMN_TEXT, false },
	{ NULL, "created_at", COLUMN_TEXT, false },
	{ NULL, "done_at", COLUMN_TEXT, false },
	{ "trouble", "last_error", COLUMN_TEXT, true },
};

int
ctl_gap_list(struct ctl *c, const struct args *a)
{
	struct ctl_app		 app = { .id = "" };
	struct dbs_result	*r;
	char			 limit[CTL_I64_SIZE];
	struct table		 t;
	int			 code = args_word(a, 0) != NULL ? ctl_find_app(c, args_word(a, 0), &app) : CTL_OK;

	if (code != CTL_OK)
		return code;
	ctl_i64(limit, args_number(a, "limit"));
	r = ctl_query(c, CTL_GAPS, 3, (const char *const[]){ app.id[0] != '\0' ? app.id : NULL, args_given(a, "open") ? "t" : "f",
	    limit }, "gap list");
	if (r == NULL)
		return CTL_FAILED;
	table_init(&t, columns, COUNT(columns));
	ctl_fill(&t, r);
	code = ctl_show(c, &t, args_given(a, "open") ? "nothing waits to be asked for" : "no lost events are known of");
	table_free(&t);
	dbs_clear(r);
	return code;
}

/* ---- repair */

struct wanted {
	struct ctl	*c;
	struct ctl_app	 app;
	char		 id[UUID_TEXT_SIZE];
};

static int
show(const struct wanted *w)
{
	struct dbs_result	*r = ctl_query(w->c, CTL_GAP, 2, (const char *const[]){ w->app.id, w->id }, "gap repair");
	struct table		 t;
	int			 code;

	if (r == NULL)
		return CTL_FAILED;
	table_init(&t, columns, COUNT(columns));
	ctl_fill(&t, r);
	code = dbs_rows(r) == 1 ? ctl_show_record(w->c, &t) : ctl_fail(CTL_FAILED, "the gap is gone");
	table_free(&t);
	dbs_clear(r);
	return code;
}

/* Columns: state, per cent, calls, calls with news, error. */
static void
show_progress(const struct wanted *w, const struct dbs_result *r, int64_t *shown_us)
{
	int64_t	now = clock_mono_us(), per_cent = 0;

	if (now - *shown_us < (w->c->err_tty ? PROGRESS_BAR_US : PROGRESS_LINE_US))
		return;
	*shown_us = now;
	num_i64(dbs_text(r, 0, 1), 0, 100, &per_cent);
	if (w->c->err_tty) {
		progress_bar((size_t)per_cent, 100);
		fprintf(stderr, "%.*s calls, %.*s with news ", STR_ARG(dbs_text(r, 0, 2)), STR_ARG(dbs_text(r, 0, 3)));
		fflush(stderr);
	} else
		fprintf(stderr, "gap: %lld%%, %.*s calls, %.*s with news %.*s\n", (long long)per_cent, STR_ARG(dbs_text(r, 0, 2)),
		    STR_ARG(dbs_text(r, 0, 3)), STR_ARG(dbs_text(r, 0, 4)));
}

/* One look. CTL_OK with *done when it is over, well. */
static int
look(const struct wanted *w, bool *done, int64_t *shown_us)
{
	struct dbs_result	*r = ctl_query(w->c, CTL_GAP_PROGRESS, 2, (const char *const[]){ w->app.id, w->id }, "gap repair");
	int			 code = CTL_OK;

	if (r == NULL)
		return CTL_FAILED;
	if (dbs_rows(r) == 0)
		code = ctl_fail(CTL_FAILED, "the gap is gone");
	else if (str_eq(dbs_text(r, 0, 0), STR("failed")))
		code = ctl_fail(CTL_FAILED, "failed: %.*s", STR_ARG(dbs_text(r, 0, 4)));
	else if (str_eq(dbs_text(r, 0, 0), STR("done")))
		*done = true;
	else
		show_progress(w, r, shown_us);
	dbs_clear(r);
	return code;
}

static int
wait_until_done(const struct wanted *w)
{
	int64_t		shown_us = clock_mono_us();
	bool		done = false;
	struct stop	stop;
	int		code = CTL_OK;

	stop_begin(&stop);
	while (code == CTL_OK && !done) {
		code = look(w, &done, &shown_us);
		if (code == CTL_OK && !done && stop_wait(&stop, LOOK_MS)) {
			if (w->c->err_tty)
				progress_clear();
			code = ctl_fail(CTL_FAILED, "not waiting any longer; the courier goes on: 'ringctl gap list' shows how far it is");
		}
	}
	stop_end(&stop);
	if (w->c->err_tty && done)
		progress_clear();
	return code;
}

/* In the caller's transaction. */
static int
insert(const struct wanted *w, int64_t from, int64_t to)
{
	char	from_ms[CTL_I64_SIZE], to_ms[CTL_I64_SIZE], from_text[CLOCK_RFC3339_SIZE], to_text[CLOCK_RFC3339_SIZE];
	int	code = ctl_run(w->c, CTL_GAP_INSERT, 4,
	    (const char *const[]){ w->app.id, w->id, ctl_i64(from_ms, from), ctl_i64(to_ms, to) }, "gap repair");

	clock_rfc3339(from_text, from);
	clock_rfc3339(to_text, to);
	return code != CTL_OK ? code : ctl_audit(w->c, w->app.id, "gap.repair", w->id, "from", from_text, "to", to_text, NULL);
}

int
ctl_gap_repair(struct ctl *c, const struct args *a)
{
	int64_t		now = clock_real_ms(), from = args_number(a, "from"), to = args_given(a, "to") ? args_number(a, "to") : now;
	struct wanted	w = { .c = c };
	int		code;

	if (!args_given(a, "from"))
		return ctl_fail(CTL_USAGE, "which span? --from T is needed");
	if (to > now)
		return ctl_fail(CTL_USAGE, "--to is in the future");
	if (from >= to)
		return ctl_fail(CTL_USAGE, "--from is not before --to");
	code = ctl_find_app(c, args_word(a, 0), &w.app);
	if (code != CTL_OK)
		return code;
	uuid_format(w.id, uuid_v7(now));
	code = ctl_begin(c, "gap repair");
	if (code == CTL_OK)
		code = ctl_end(c, insert(&w, from, to), "gap repair");
	if (code == CTL_NOT_FOUND)
		code = ctl_fail(CTL_FAILED, "%s is not connected with Dialpad: 'ringctl dialpad connect-url' makes a link", w.app.name);
	if (code == CTL_OK && args_given(a, "wait"))
		code = wait_until_done(&w);
	return code == CTL_OK ? show(&w) : code;
}
