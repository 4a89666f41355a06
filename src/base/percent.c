/*
 * percent: see percent.h. A blank is %20 everywhere: good in a query and in a form alike, which '+' is not.
 */
#include <sys/types.h>

#include "base/percent.h"

static bool
unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
	    c == '_' || c == '~';
}

void
percent_encode(struct buf *b, struct str s)
{
	static const char	hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n; i++) {
		unsigned char	c = (unsigned char)s.p[i];

		if (unreserved(s.p[i])) {
			buf_putc(b, s.p[i]);
			continue;
		}
		buf_putc(b, '%');
		buf_putc(b, hex[c >> 4]);
		buf_putc(b, hex[c & 15]);
	}
}

void
percent_pair(struct buf *b, const char *name, struct str value)
{
	if (value.p == NULL)
		return;
	if (b->len > 0 && b->p[b->len - 1] != '?')
		buf_putc(b, '&');
	buf_puts(b, name);
	buf_putc(b, '=');
	percent_encode(b, value);
}
