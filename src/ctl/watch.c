/*
 * watch: follows an app's calls by asking once a second: the database is the only truth, and a terminal needs no
 * more. On a terminal the picture is drawn again; into a pipe goes one line per change, tab-separated or JSON, oldest
 * first.
 */
#include <sys/types.h>

#include <stdio.h>

#include "base/clock.h"
#include "ctl/calls.h"
#include "ctl/display.h"
#include "ctl/stop.h"

#define EVERY_MS	1000
#define SCREEN_CLEAR	"\033[H\033[2J"
#define NAME_WIDTH	40
#define LINE_BYTES	((size_t)1024 * 1024)

struct watcher {
	struct ctl		*c;
	const struct table	*rows;		/* what `print` takes its row from */
	int			 code;
};

/* The row of `t` with this id, or its number of rows. */
static size_t
find(const struct table *t, struct str id)
{
	size_t row;

	for (row = 0; row < table_rows(t); row++)
		if (str_eq(table_get(t, row, CALLS_ID), id))
			break;
	return row;
}

void
calls_changes(const struct table *before, const struct table *now, void (*fn)(void *arg, size_t row), void *arg)
{
	size_t old;

	for (size_t row = table_rows(now); row-- > 0;) {
		old = find(before, table_get(now, row, CALLS_ID));
		if (old == table_rows(before) ||
		    !str_eq(table_get(before, old, CALLS_UPDATED), table_get(now, row, CALLS_UPDATED)))
			fn(arg, row);
	}
}

static void
print(void *arg, size_t row)
{
	struct watcher	*w = arg;
	struct json_out	 j;
	struct buf	 b;

	if (w->code != CTL_OK)
		return;
	buf_init(&b, LINE_BYTES);
	if (w->c->json) {
		json_out_init(&j, &b);
		table_row_json(w->rows, row, &j);
		buf_putc(&b, '\n');
	} else
		table_line(w->rows, row, &b);
	w->code = ctl_print(&b);
	buf_free(&b);
}

/* What was active and is not in the list any more: shown as it ended. */
static int
print_ended(struct ctl *c, const struct calls_query *q, const struct table *before, const struct table *now)
{
	struct watcher	w = { .c = c, .code = CTL_OK };
	struct table	one;

	for (size_t row = table_rows(before); row-- > 0 && w.code == CTL_OK;) {
		if (find(now, table_get(before, row, CALLS_ID)) < table_rows(now))
			continue;
		w.code = calls_read_one(c, q, table_get(before, row, CALLS_ID), &one);
		w.rows = &one;
		if (w.code == CTL_OK && table_rows(&one) > 0 && str_eq(table_get(&one, 0, CALLS_STATUS), STR("ended")))
			print(&w, 0);
		table_free(&one);
	}
	return w.code;
}

static int
print_changes(struct ctl *c, const struct calls_query *q, const struct table *before, const struct table *now)
{
	struct watcher w = { .c = c, .rows = now, .code = CTL_OK };

	if (q->active)
		w.code = print_ended(c, q, before, now);
	calls_changes(before, now, print, &w);
	return w.code;
}

/* As many lines as the screen has: what scrolls away at the top would be the newest. */
static void
cut_to_screen(struct buf *b)
{
	size_t most = ctl_screen_lines(), lines = 1;

	for (size_t i = 0; i < b->len; i++)
		if (b->p[i] == '\n' && ++lines > most)
			b->len = i;
}

static int
draw(struct ctl *c, const struct calls_query *q, const struct table *now)
{
	struct table_style	style = ctl_style(c);
	char			when[CLOCK_RFC3339_SIZE];
	struct buf		b;
	int			code;

	buf_init(&b, TABLE_BYTES);
	clock_rfc3339(when, clock_real_ms());
	buf_puts(&b, SCREEN_CLEAR);
	buf_puts(&b, q->active ? "active calls of " : "calls of ");
	display_put(&b, str_c(q->app.name), NAME_WIDTH);
	buf_printf(&b, ", %s (Ctrl-C ends)\n\n", when);
	table_text(now, &b, &style);
	cut_to_screen(&b);
	code = ctl_print(&b);
	buf_free(&b);
	return code;
}

int
calls_watch(struct ctl *c, const struct calls_query *q)
{
	struct table	before = { .ncolumns = CALLS_COLUMNS }, now;	/* no calls before the first look */
	struct stop	stop;
	int		code;

	stop_begin(&stop);
	do {
		code = calls_read(c, q, &now);
		if (code == CTL_OK && now.failed)
			code = ctl_fail(CTL_FAILED, "out of memory");
		if (code == CTL_OK)
			code = c->out_tty && !c->json ? draw(c, q, &now) :
			    print_changes(c, q, &before, &now);
		table_free(&before);
		before = now;
	} while (code == CTL_OK && !stop_wait(&stop, EVERY_MS));
	table_free(&before);
	stop_end(&stop);
	return code;
}
