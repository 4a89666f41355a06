/*
 * conf_fault: the one form of every configuration error, "file:line:column: message". Must never be handed a secret:
 * who calls it decides what is shown.
 */
#include <sys/types.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf_fault.h"

bool
conf_fault(const struct conf_report *r, struct conf_place at, const char *fmt, ...)
{
	char	*out = r->err->text;
	size_t	 size = sizeof(r->err->text);
	va_list	 ap;
	int	 n;

	if (at.line == 0)
		at = (struct conf_place){ 1, 1 };
	n = snprintf(out, size, "%s:%zu:%zu: ", r->file, at.line, at.column);
	if (n < 0 || (size_t)n >= size)
		return false;
	va_start(ap, fmt);
	vsnprintf(out + n, size - (size_t)n, fmt, ap);
	va_end(ap);
	return false;
}

void
conf_show(char out[CONF_SHOWN_SIZE], struct str value)
{
	size_t	n = value.n > CONF_SHOWN_MAX ? CONF_SHOWN_MAX : value.n;

	/* A cut must not leave half of a UTF-8 character behind. */
	while (n < value.n && n > 0 && ((unsigned char)value.p[n] & 0xc0) == 0x80)
		n--;
	for (size_t i = 0; i < n; i++) {
		unsigned char	c = (unsigned char)value.p[i];

		out[i] = c < 0x20 || c == 0x7f ? '?' : value.p[i];
	}
	memcpy(out + n, n < value.n ? "..." : "", n < value.n ? 4 : 1);
}
