/*
 * usage: what each client (browser key) of an app has used of the call ribbon in a month, for whoever writes the bill. As CSV it
 * goes into a spreadsheet, so a client's name must not be taken for a formula there.
 */
#include <sys/types.h>

#include <string.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/month.h"
#include "ctl/nouns.h"

static const struct table_column columns[] = {
	{ "month", "month", COLUMN_TEXT, false },
	{ NULL, "app_id", COLUMN_TEXT, false },
	{ "app", "app", COLUMN_TEXT, true },
	{ "key", "key_id", COLUMN_TEXT, false },
	{ "client", "client", COLUMN_TEXT, true },
	{ "used", "used", COLUMN_NUMBER, false },
	{ "refused", "refused", COLUMN_NUMBER, false },
	{ "of", "limit", COLUMN_NUMBER, false },
};

/* Would a spreadsheet compute it? Some do so for the full-width signs too. */
static bool
is_formula(struct str v)
{
	static const char *const begins[] = { "=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20" };

	for (size_t i = 0; i < COUNT(begins); i++)
		if (str_starts(v, str_c(begins[i])))
			return true;
	return false;
}

/* RFC 4180: quoted where it has to be. A text that a spreadsheet would compute is led by an apostrophe. */
static void
csv_cell(struct buf *b, const struct table_column *c, struct str v)
{
	bool formula = c->type == COLUMN_TEXT && is_formula(v), quote = formula;

	for (size_t i = 0; i < v.n && !quote; i++)
		quote = memchr(",\"\r\n", v.p[i], 4) != NULL;
	if (quote)
		buf_putc(b, '"');
	if (formula)
		buf_putc(b, '\'');
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == '"')
			buf_putc(b, '"');
		buf_putc(b, v.p[i]);
	}
	if (quote)
		buf_putc(b, '"');
}

static int
show_csv(const struct table *t)
{
	struct buf	b;
	int		code;

	buf_init(&b, TABLE_BYTES * 2);
	b.failed = t->failed;
	for (size_t col = 0; col < t->ncolumns; col++) {
		buf_puts(&b, col > 0 ? "," : "");
		buf_puts(&b, t->columns[col].name);
	}
	buf_puts(&b, "\r\n");
	for (size_t row = 0; row < table_rows(t); row++) {
		for (size_t col = 0; col < t->ncolumns; col++) {
			buf_puts(&b, col > 0 ? "," : "");
			csv_cell(&b, &t->columns[col], table_get(t, row, col));
		}
		buf_puts(&b, "\r\n");
	}
	code = ctl_print(&b);
	buf_free(&b);
	return code;
}

int
ctl_usage(struct ctl *c, const struct args *a)
{
	struct ctl_app		 app = { .id = "" };
	char			 month[MONTH_SIZE];
	struct dbs_result	*r;
	struct table		 t;
	int			 code;

	month_of(month, clock_real_ms());
	if (args_given(a, "month") && !month_parse(month, str_c(args_text(a, "month"))))
		return ctl_fail(CTL_USAGE, "option '--month': expected one such as 2026-11");
	if (args_given(a, "csv") && c->json)
		return ctl_fail(CTL_USAGE, "--csv and --json are two different things to ask for");
	code = args_word(a, 0) != NULL ? ctl_find_app(c, args_word(a, 0), &app) : ctl_db(c);
	if (code != CTL_OK)
		return code;
	r = ctl_query(c, CTL_USED, 2, (const char *const[]){ app.id[0] != '\0' ? app.id : NULL, month }, "usage");
	if (r == NULL)
		return CTL_FAILED;
	table_init(&t, columns, COUNT(columns));
	ctl_fill(&t, r);
	code = args_given(a, "csv") ? show_csv(&t) : ctl_show(c, &t, "there was no client in this month");
	table_free(&t);
	dbs_clear(r);
	return code;
}
