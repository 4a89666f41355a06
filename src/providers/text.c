/*
 * text: see text.h.
 */
#include <sys/types.h>

#include "providers/text.h"

bool
text_all_digits(struct str s)
{
	size_t	i;

	for (i = 0; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		continue;
	return s.n > 0 && i == s.n;
}

struct str
text_scalar(struct arena *a, struct json v, bool *failed)
{
	struct str	s;

	switch (json_type(v)) {
	case JSON_STRING:
		s = json_text(v, a);
		if (s.p == NULL)
			*failed = true;
		break;
	case JSON_NUMBER:
		s = json_raw(v);
		if (!text_all_digits(s))
			return STR_NONE;
		break;
	default:
		return STR_NONE;
	}
	return s.n > 0 ? s : STR_NONE;
}

struct str
text_cut(struct str s, size_t max)
{
	if (s.n <= max)
		return s;
	s.n = max;
	while (s.n > 0 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80)
		s.n--;
	return s;
}

static char
word_byte(char c, char also)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == also ? c : '_';
}

struct str
text_word(struct arena *a, const char *prefix, struct str s, char also, size_t max, bool *failed)
{
	size_t	n = strlen(prefix), i;
	char	*out;

	if (s.p == NULL)
		return STR_NONE;
	out = arena_alloc(a, max);
	if (out == NULL) {
		*failed = true;
		return STR_NONE;
	}
	memcpy(out, prefix, n);
	for (i = 0; i < s.n && n < max; i++)
		out[n++] = word_byte(s.p[i], also);
	return (struct str){ out, n };
}
