/*
 * display: how wide, and how harmless. An escape sequence in a caller's name must not reach the administrator's
 * terminal, and an override of the writing direction must not make one column look like another.
 */
#include <sys/types.h>

#include <stdint.h>
#include <stdio.h>

#include "base/count.h"
#include "base/utf8.h"
#include "ctl/display.h"

#define CUT_MARK	"\xe2\x80\xa6"	/* one column wide: the ellipsis */

struct range {
	uint32_t	from, to;
};

/* Two columns: East Asian wide and full width forms, and the common emoji. */
static const struct range wide[] = {
	{ 0x1100, 0x115f }, { 0x2e80, 0x303e }, { 0x3041, 0x4dbf }, { 0x4e00, 0xa4cf }, { 0xa960, 0xa97f },
	{ 0xac00, 0xd7a3 }, { 0xf900, 0xfaff }, { 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 },
	{ 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
};

/* No column of their own: they sit on the character before. */
static const struct range combining[] = {
	{ 0x300, 0x36f }, { 0x483, 0x489 }, { 0x591, 0x5bd }, { 0x610, 0x61a }, { 0x64b, 0x65f }, { 0x93c, 0x93c },
	{ 0x941, 0x948 }, { 0x94d, 0x94d }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x200c, 0x200d },
	{ 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f }, { 0xe0100, 0xe01ef },
};

/* Written as \uNNNN: they move text about or hide in it. */
static const struct range unsafe[] = {
	{ 0x80, 0x9f }, { 0xad, 0xad }, { 0x61c, 0x61c }, { 0x200b, 0x200b }, { 0x200e, 0x200f }, { 0x2028, 0x202e },
	{ 0x2060, 0x206f }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb },
};

static bool
within(uint32_t c, const struct range *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (c >= r[i].from && c <= r[i].to)
			return true;
	return false;
}

/* One character at the front of s; 0 when the bytes are not UTF-8 (NUL is unsafe anyway). */
static size_t
decode(struct str s, uint32_t *c)
{
	static const unsigned char	first_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	size_t				n;

	if (!utf8_next(s.p, s.n, &n))
		return 0;
	*c = (unsigned char)s.p[0] & first_bits[n];
	for (size_t i = 1; i < n; i++)
		*c = *c << 6 | ((unsigned char)s.p[i] & 0x3f);
	return n;
}

struct glyph {
	char		escape[12];	/* used when shown.p == NULL */
	struct str	shown;
	size_t		width, bytes;
};

static void
next_glyph(struct str s, struct glyph *g)
{
	uint32_t	c = 0;
	int		n;

	g->bytes = decode(s, &c);
	if (g->bytes == 0 || c < 0x20 || c == 0x7f)
		n = snprintf(g->escape, sizeof(g->escape), "\\x%02x", (unsigned char)s.p[0]);
	else if (within(c, unsafe, COUNT(unsafe)))
		n = snprintf(g->escape, sizeof(g->escape), "\\u%04x", (unsigned)c);
	else {
		g->shown = (struct str){ s.p, g->bytes };
		g->width = within(c, combining, COUNT(combining)) ? 0 :
		    within(c, wide, COUNT(wide)) ? 2 : 1;
		return;
	}
	if (g->bytes == 0)
		g->bytes = 1;
	g->shown = (struct str){ g->escape, (size_t)n };
	g->width = (size_t)n;
}

size_t
display_width(struct str s)
{
	struct glyph	g;
	size_t		width = 0;

	for (; s.n > 0; s.p += g.bytes, s.n -= g.bytes) {
		next_glyph(s, &g);
		width += g.width;
	}
	return width;
}

size_t
display_put(struct buf *out, struct str s, size_t most)
{
	struct glyph	g;
	size_t		used = 0;
	bool		cut = display_width(s) > most;

	if (most == 0)
		return 0;
	for (; s.n > 0; s.p += g.bytes, s.n -= g.bytes) {
		next_glyph(s, &g);
		if (used + g.width > (cut ? most - 1 : most))
			break;
		buf_str(out, g.shown);
		used += g.width;
	}
	if (!cut)
		return used;
	buf_puts(out, CUT_MARK);
	return used + 1;
}
