/*
 * json_pretty: moves blanks, reads nothing: a payload must look exactly like what came, sixteen-digit ids included.
 */
#include <sys/types.h>

#include <stdint.h>

#include "ctl/display.h"
#include "ctl/json_pretty.h"

#define INDENT		2
#define INDENT_MAX	64	/* deeper levels move no further right */

static void
new_line(struct buf *out, size_t depth)
{
	buf_putc(out, '\n');
	for (size_t i = 0; i < (depth < INDENT_MAX ? depth : INDENT_MAX) * INDENT; i++)
		buf_putc(out, ' ');
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* From an opening quote on; returns how many bytes the string has, quotes included. */
static size_t
string_length(struct str s)
{
	size_t i;

	for (i = 1; i < s.n && s.p[i] != '"'; i++)
		if (s.p[i] == '\\')
			i++;
	return i < s.n ? i + 1 : s.n;
}

/* The next byte at or after i that is no blank; 0 at the end. */
static char
following(struct str s, size_t i)
{
	while (i < s.n && is_blank(s.p[i]))
		i++;
	return i < s.n ? s.p[i] : '\0';
}

void
json_pretty(struct buf *out, struct str text)
{
	size_t	depth = 0, n;
	char	c, next;

	for (size_t i = 0; i < text.n; i += n) {
		c = text.p[i];
		n = 1;
		if (is_blank(c))
			continue;
		if (c == '"')
			n = string_length((struct str){ text.p + i, text.n - i });
		if ((c == '}' || c == ']') && depth > 0)
			new_line(out, --depth);
		buf_put(out, text.p + i, n);
		next = following(text, i + 1);
		if ((c == '{' && next == '}') || (c == '[' && next == ']')) {
			/* An empty one stays on its line. */
			buf_putc(out, next);
			while (text.p[i + n] != next)
				n++;
			n++;
		} else if (c == '{' || c == '[')
			new_line(out, ++depth);
		else if (c == ',')
			new_line(out, depth);
		else if (c == ':')
			buf_putc(out, ' ');
	}
}

void
text_for_terminal(struct buf *out, struct str text)
{
	struct str line;

	while (str_cut(&text, '\n', &line)) {
		display_put(out, line, SIZE_MAX);
		if (text.p != NULL)
			buf_putc(out, '\n');
	}
}
