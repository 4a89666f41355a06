/*
 * metrics_text: writes families and samples. Numbers are whole or cut to the unit they were counted in, never through a
 * double, so what is printed is what was counted.
 */
#include <sys/types.h>

#include <string.h>

#include "proc/metrics_text.h"

#define NUMBER_SIZE	32

/* What the format escapes: backslash and line feed, in a label's value the quote too. */
static void
put_escaped(struct buf *b, const char *text, bool quote)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n') {
			buf_put(b, "\\n", 2);
			continue;
		}
		if (*text == '\\' || (quote && *text == '"'))
			buf_putc(b, '\\');
		buf_putc(b, *text);
	}
}

void
metrics_family(struct metrics_text *t, const char *name, const char *type, const char *help)
{
	t->name = name;
	t->type = type;
	t->help = help;
	t->headed = false;
}

static void
put_head(struct metrics_text *t)
{
	if (t->headed)
		return;
	t->headed = true;
	buf_puts(t->b, "# HELP ");
	buf_puts(t->b, t->name);
	buf_putc(t->b, ' ');
	put_escaped(t->b, t->help, false);
	buf_puts(t->b, "\n# TYPE ");
	buf_puts(t->b, t->name);
	buf_putc(t->b, ' ');
	buf_puts(t->b, t->type);
	buf_putc(t->b, '\n');
}

static void
put_label(struct buf *b, char before, const struct metrics_label *l)
{
	buf_putc(b, before);
	buf_puts(b, l->name);
	buf_put(b, "=\"", 2);
	put_escaped(b, l->value, true);
	buf_putc(b, '"');
}

/* Everything before the value. le NULL: none. */
static void
put_sample(struct metrics_text *t, const char *suffix, const struct metrics_label *labels, size_t n, const char *le)
{
	const struct metrics_label bound = { "le", le };

	put_head(t);
	buf_puts(t->b, t->name);
	buf_puts(t->b, suffix);
	for (size_t i = 0; i < n; i++)
		put_label(t->b, i == 0 ? '{' : ',', &labels[i]);
	if (le != NULL)
		put_label(t->b, n == 0 ? '{' : ',', &bound);
	if (n > 0 || le != NULL)
		buf_putc(t->b, '}');
	buf_putc(t->b, ' ');
}

static void
put_whole(struct buf *b, uint64_t v)
{
	buf_i64(b, v <= INT64_MAX ? (int64_t)v : INT64_MAX);
}

/* v / unit as a decimal fraction without zeros at its end. */
static void
put_scaled(struct buf *b, uint64_t v, int64_t unit)
{
	uint64_t part = v % (uint64_t)unit;

	put_whole(b, v / (uint64_t)unit);
	if (part != 0)
		buf_putc(b, '.');
	for (; part != 0; part = part * 10 % (uint64_t)unit)
		buf_putc(b, (char)('0' + part * 10 / (uint64_t)unit));
}

void
metrics_count(struct metrics_text *t, const struct metrics_label *labels, size_t n, uint64_t value)
{
	put_sample(t, "", labels, n, NULL);
	put_whole(t->b, value);
	buf_putc(t->b, '\n');
}

void
metrics_gauge(struct metrics_text *t, const struct metrics_label *labels, size_t n, int64_t v, int64_t unit)
{
	put_sample(t, "", labels, n, NULL);
	if (v < 0)
		buf_puts(t->b, "NaN");
	else
		put_scaled(t->b, (uint64_t)v, unit);
	buf_putc(t->b, '\n');
}

void
metrics_histogram(struct metrics_text *t, const struct metrics_label *labels, size_t n, const struct score_totals *h,
    const struct score_bounds *bounds, int64_t unit)
{
	char		space[NUMBER_SIZE];
	struct buf	le = { .p = space, .cap = sizeof(space), .max = sizeof(space) };
	uint64_t	below = 0;

	for (size_t i = 0; i < bounds->n; i++) {
		below += h->bucket[i];
		le.len = 0;
		put_scaled(&le, (uint64_t)bounds->at[i], unit);
		buf_putc(&le, '\0');
		put_sample(t, "_bucket", labels, n, space);
		put_whole(t->b, below);
		buf_putc(t->b, '\n');
	}
	put_sample(t, "_bucket", labels, n, "+Inf");
	put_whole(t->b, h->count);
	buf_putc(t->b, '\n');
	put_sample(t, "_sum", labels, n, NULL);
	put_scaled(t->b, h->sum, unit);
	buf_putc(t->b, '\n');
	put_sample(t, "_count", labels, n, NULL);
	put_whole(t->b, h->count);
	buf_putc(t->b, '\n');
}
