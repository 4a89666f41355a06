/*
 * str: comparing and cutting slices. Never writes to or allocates anything; every byte, NUL included, is data.
 * Letters are ASCII only: a locale must not decide whether two header names are the same.
 */
#include <sys/types.h>

#include "base/str.h"

static unsigned char
lower(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 'A' && u <= 'Z' ? (unsigned char)(u + ('a' - 'A')) : u;
}

bool
str_eq(struct str a, struct str b)
{
	if ((a.p == NULL) != (b.p == NULL) || a.n != b.n)
		return false;
	return a.n == 0 || memcmp(a.p, b.p, a.n) == 0;
}

bool
str_ieq(struct str a, struct str b)
{
	size_t i;

	if ((a.p == NULL) != (b.p == NULL) || a.n != b.n)
		return false;
	for (i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

int
str_cmp(struct str a, struct str b)
{
	size_t	n = a.n < b.n ? a.n : b.n;
	int	order;

	if (a.p == NULL || b.p == NULL)
		return (a.p != NULL) - (b.p != NULL);
	order = n > 0 ? memcmp(a.p, b.p, n) : 0;
	if (order == 0)
		order = (a.n > b.n) - (a.n < b.n);
	return order;
}

bool
str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

struct str
str_trim(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

bool
str_cut(struct str *s, char sep, struct str *head)
{
	const char *at;

	if (s->p == NULL)
		return false;
	at = s->n > 0 ? memchr(s->p, sep, s->n) : NULL;
	if (at == NULL) {
		*head = *s;
		*s = STR_NONE;
		return true;
	}
	*head = (struct str){ s->p, (size_t)(at - s->p) };
	*s = (struct str){ at + 1, s->n - head->n - 1 };
	return true;
}
