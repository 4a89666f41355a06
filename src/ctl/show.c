/*
 * show: standard output. JSON is one document and a newline; text is laid out for the terminal's width, but only when
 * there is a terminal: what goes into a pipe is never cut.
 */
#include <sys/types.h>
#include <sys/ioctl.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/num.h"
#include "ctl/ctl.h"

#define WIDTH_MAX	10000

static size_t
terminal_width(void)
{
	const char	*columns = getenv("COLUMNS");
	struct winsize	 size;
	int64_t		 n;

	if (columns != NULL && num_i64(str_c(columns), 1, WIDTH_MAX, &n))
		return (size_t)n;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

size_t
ctl_screen_lines(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : SIZE_MAX;
}

struct table_style
ctl_style(const struct ctl *c)
{
	return (struct table_style){ .width = c->out_tty ? terminal_width() : 0, .colour = c->colour };
}

void
ctl_fill(struct table *t, const struct dbs_result *r)
{
	for (int row = 0; row < dbs_rows(r); row++)
		for (size_t column = 0; column < t->ncolumns; column++)
			table_cell(t, dbs_text(r, row, (int)column));
}

int
ctl_print(const struct buf *b)
{
	if (b->failed)
		return ctl_fail(CTL_FAILED, "the answer is too large for memory");
	if (fwrite(buf_as_str(b).p, 1, b->len, stdout) != b->len || fflush(stdout) != 0)
		return ctl_fail(CTL_FAILED, "standard output: %s", strerror(errno));
	return CTL_OK;
}

static int
show(struct ctl *c, const struct table *t, bool record)
{
	struct table_style	style = ctl_style(c);
	struct json_out		j;
	struct buf		b;
	int			code;

	buf_init(&b, TABLE_BYTES * 2);
	if (t->failed)
		b.failed = true;
	else if (c->json) {
		json_out_init(&j, &b);
		if (record)
			table_row_json(t, 0, &j);
		else
			table_json(t, &j);
		buf_putc(&b, '\n');
	} else if (record)
		table_record(t, 0, &b, &style);
	else
		table_text(t, &b, &style);
	code = ctl_print(&b);
	buf_wipe_free(&b);	/* a new key may be in it */
	return code;
}

int
ctl_show(struct ctl *c, const struct table *t, const char *empty)
{
	if (!c->json && !t->failed && table_rows(t) == 0) {
		fprintf(stderr, "%s\n", empty);
		return CTL_OK;
	}
	return show(c, t, false);
}

int
ctl_show_record(struct ctl *c, const struct table *t)
{
	return show(c, t, true);
}

int
ctl_list_of_app(struct ctl *c, const struct args *a, enum ctl_stmt stmt, const struct table_column *columns, size_t n, const char *what,
    const char *empty)
{
	struct dbs_result *r;
	struct ctl_app app;
	struct table t;
	int code = ctl_find_app(c, args_word(a, 0), &app);

	if (code != CTL_OK)
		return code;
	r = ctl_query(c, stmt, 1, (const char *const[]){ app.id }, what);
	if (r == NULL)
		return CTL_FAILED;
	table_init(&t, columns, n);
	ctl_fill(&t, r);
	code = ctl_show(c, &t, empty);
	table_free(&t);
	dbs_clear(r);
	return code;
}

const char *
ctl_i64(char out[CTL_I64_SIZE], int64_t v)
{
	snprintf(out, CTL_I64_SIZE, "%lld", (long long)v);
	return out;
}
