/*
 * table: layout of rows. Columns are as wide as their widest cell; when the terminal is narrower, those that may shrink
 * give way, widest first, never below what is still readable. What an administrator copies (ids) never shrinks.
 */
#include <sys/types.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "ctl/display.h"
#include "ctl/table.h"
#include "ctl/tone.h"

#define GAP		2	/* blanks between columns */
#define NARROWEST	8	/* no column shrinks below */
#define SHOWN_SIZE	48

void
table_init(struct table *t, const struct table_column *columns, size_t ncolumns)
{
	*t = (struct table){ .columns = columns, .ncolumns = ncolumns };
	arena_init(&t->arena, TABLE_BYTES);
}

void
table_free(struct table *t)
{
	arena_free(&t->arena);
	free(t->cells);
	t->cells = NULL;
	t->ncells = t->cap = 0;
}

void
table_cell(struct table *t, struct str value)
{
	struct str	*cells;
	size_t		 cap;

	if (t->failed)
		return;
	if (t->ncells == t->cap) {
		cap = t->cap == 0 ? 64 : t->cap * 2;
		cells = realloc(t->cells, cap * sizeof(*cells));
		if (cells == NULL) {
			t->failed = true;
			return;
		}
		t->cells = cells;
		t->cap = cap;
	}
	t->cells[t->ncells] = arena_str(&t->arena, value);
	if (value.p != NULL && t->cells[t->ncells].p == NULL)
		t->failed = true;
	t->ncells++;
}

size_t
table_rows(const struct table *t)
{
	return t->ncells / t->ncolumns;
}

struct str
table_get(const struct table *t, size_t row, size_t column)
{
	return t->cells[row * t->ncolumns + column];
}

static bool
is_true(struct str s)
{
	return s.n > 0 && (s.p[0] == 't' || s.p[0] == '1');
}

/* Milliseconds for people: 0.25s, 12.3s, 2:03, 1:02:03. */
static struct str
duration_text(struct str digits, char out[SHOWN_SIZE])
{
	int64_t	ms, s;
	int	n;

	if (!num_i64(digits, 0, INT64_MAX, &ms))
		return digits;
	s = ms / 1000;
	if (ms < 10000)
		n = snprintf(out, SHOWN_SIZE, "%lld.%02llds", (long long)s, (long long)(ms % 1000 / 10));
	else if (s < 60)
		n = snprintf(out, SHOWN_SIZE, "%lld.%llds", (long long)s, (long long)(ms % 1000 / 100));
	else if (s < 3600)
		n = snprintf(out, SHOWN_SIZE, "%lld:%02lld", (long long)(s / 60), (long long)(s % 60));
	else
		n = snprintf(out, SHOWN_SIZE, "%lld:%02lld:%02lld", (long long)(s / 3600), (long long)(s / 60 % 60),
		    (long long)(s % 60));
	return (struct str){ out, (size_t)n };
}

static struct str
shown(const struct table *t, size_t row, size_t column, char scratch[SHOWN_SIZE])
{
	struct str v = table_get(t, row, column);

	if (v.p == NULL)
		return STR("-");
	switch (t->columns[column].type) {
	case COLUMN_BOOL:
		return is_true(v) ? STR("yes") : STR("no");
	case COLUMN_MS:
		return duration_text(v, scratch);
	default:
		return v;
	}
}

static void
shrink(const struct table *t, size_t *width, size_t room)
{
	size_t	total, widest;

	for (;;) {
		total = 0;
		widest = t->ncolumns;
		for (size_t c = 0; c < t->ncolumns; c++) {
			if (t->columns[c].title == NULL)
				continue;
			total += width[c] + (total > 0 ? GAP : 0);
			if (t->columns[c].shrinks && width[c] > NARROWEST &&
			    (widest == t->ncolumns || width[c] > width[widest]))
				widest = c;
		}
		if (total <= room || widest == t->ncolumns)
			return;
		width[widest]--;
	}
}

static size_t *
measure(const struct table *t, const struct table_style *style)
{
	size_t	*width = calloc(t->ncolumns, sizeof(*width));
	char	 scratch[SHOWN_SIZE];
	size_t	 w;

	if (width == NULL)
		return NULL;
	for (size_t c = 0; c < t->ncolumns; c++) {
		if (t->columns[c].title == NULL)
			continue;
		width[c] = display_width(str_c(t->columns[c].title));
		for (size_t r = 0; r < table_rows(t); r++) {
			w = display_width(shown(t, r, c, scratch));
			if (w > width[c])
				width[c] = w;
		}
	}
	if (style->width > 0)
		shrink(t, width, style->width);
	return width;
}

static void
pad(struct buf *out, size_t n)
{
	while (n-- > 0)
		buf_putc(out, ' ');
}

static void
put_cell(struct buf *out, struct str text, size_t width, bool right, bool last, const char *tone)
{
	size_t w = display_width(text);

	if (right && w < width)
		pad(out, width - w);
	buf_puts(out, tone);
	w = display_put(out, text, width);
	if (tone[0] != '\0')
		buf_puts(out, TONE_END);
	if (last)
		buf_putc(out, '\n');
	else
		pad(out, (right || w > width ? 0 : width - w) + GAP);
}

/* row SIZE_MAX is the heading. */
static void
put_row(const struct table *t, size_t row, const size_t *width, struct buf *out, const struct table_style *style)
{
	const struct table_column	*column;
	const char			*tone;
	char				 scratch[SHOWN_SIZE];
	struct str			 text;
	size_t				 last = t->ncolumns - 1;
	bool				 right;

	while (last > 0 && t->columns[last].title == NULL)
		last--;
	for (size_t c = 0; c <= last; c++) {
		column = &t->columns[c];
		if (column->title == NULL)
			continue;
		text = row == SIZE_MAX ? str_c(column->title) : shown(t, row, c, scratch);
		tone = !style->colour ? "" : row == SIZE_MAX ? TONE_HEADING :
		    column->type == COLUMN_STATE ? tone_of(text) : "";
		right = column->type == COLUMN_NUMBER || column->type == COLUMN_MS;
		put_cell(out, text, width[c], right, c == last, tone);
	}
}

void
table_line(const struct table *t, size_t row, struct buf *out)
{
	char	scratch[SHOWN_SIZE];
	bool	first = true;

	for (size_t c = 0; c < t->ncolumns; c++) {
		if (t->columns[c].title == NULL)
			continue;
		if (!first)
			buf_putc(out, '\t');
		first = false;
		display_put(out, shown(t, row, c, scratch), SIZE_MAX);
	}
	buf_putc(out, '\n');
}

void
table_text(const struct table *t, struct buf *out, const struct table_style *style)
{
	size_t *width = measure(t, style);

	if (width == NULL) {
		out->failed = true;
		return;
	}
	put_row(t, SIZE_MAX, width, out, style);
	for (size_t r = 0; r < table_rows(t); r++)
		put_row(t, r, width, out, style);
	free(width);
}

void
table_record(const struct table *t, size_t row, struct buf *out, const struct table_style *style)
{
	char	 scratch[SHOWN_SIZE];
	size_t	 widest = 0, w;

	for (size_t c = 0; c < t->ncolumns; c++)
		if (t->columns[c].title != NULL && (w = display_width(str_c(t->columns[c].title))) > widest)
			widest = w;
	for (size_t c = 0; c < t->ncolumns; c++) {
		if (t->columns[c].title == NULL)
			continue;
		put_cell(out, str_c(t->columns[c].title), widest, false, false, style->colour ? TONE_HEADING : "");
		put_cell(out, shown(t, row, c, scratch), SIZE_MAX, false, true,
		    style->colour && t->columns[c].type == COLUMN_STATE ? tone_of(table_get(t, row, c)) : "");
	}
}

static void
put_value(struct json_out *j, enum column_type type, struct str v)
{
	if (v.p == NULL)
		json_null(j);
	else if (type == COLUMN_NUMBER || type == COLUMN_MS || type == COLUMN_JSON)
		json_raw_value(j, v);
	else if (type == COLUMN_BOOL)
		json_boolean(j, is_true(v));
	else
		json_str(j, v);
}

void
table_members(const struct table *t, size_t row, struct json_out *j)
{
	for (size_t c = 0; c < t->ncolumns; c++) {
		if (t->columns[c].name == NULL)
			continue;
		json_key(j, t->columns[c].name);
		put_value(j, t->columns[c].type, table_get(t, row, c));
	}
}

void
table_row_json(const struct table *t, size_t row, struct json_out *j)
{
	json_obj(j);
	table_members(t, row, j);
	json_obj_end(j);
}

void
table_json(const struct table *t, struct json_out *j)
{
	json_arr(j);
	for (size_t r = 0; r < table_rows(t); r++)
		table_row_json(t, r, j);
	json_arr_end(j);
}
