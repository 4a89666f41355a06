/*
 * dialpad_fields: reads one value, whatever of its spellings came, or says that it is absent. Never guesses a unit,
 * never lets a number pass through a double, never hands on text without a bound.
 */
#include <sys/types.h>

#include "base/clock.h"
#include "base/num.h"
#include "providers/dialpad_fields.h"

#define YEAR_2000_MS	INT64_C(946684800000)
#define YEAR_2100_MS	INT64_C(4102444800000)
#define LENGTH_MAX_MS	(INT64_C(366) * 86400 * 1000)

struct json
dialpad_get(const struct dialpad_reader *r, const char *name)
{
	struct json	v = json_get(r->inner, name);

	if (json_type(v) != JSON_ABSENT && json_type(v) != JSON_NULL)
		return v;
	v = json_get(r->outer, name);
	return json_type(v) == JSON_NULL ? (struct json){ NULL, 0 } : v;
}

static bool
all_digits(struct str s)
{
	size_t	i;

	for (i = 0; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		continue;
	return s.n > 0 && i == s.n;
}

/* The whole text, empty as absent. */
static struct str
scalar(struct dialpad_reader *r, struct json v)
{
	struct str	s;

	switch (json_type(v)) {
	case JSON_STRING:
		s = json_text(v, r->arena);
		if (s.p == NULL)
			r->failed = true;
		break;
	case JSON_NUMBER:
		s = json_raw(v);
		if (!all_digits(s))
			return STR_NONE;
		break;
	default:
		return STR_NONE;
	}
	return s.n > 0 ? s : STR_NONE;
}

struct str
dialpad_text(struct dialpad_reader *r, struct json v, size_t max)
{
	struct str	s = scalar(r, v);

	if (s.n <= max)
		return s;
	s.n = max;
	while (s.n > 0 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80)
		s.n--;
	return s;
}

struct str
dialpad_token(struct dialpad_reader *r, struct json v, size_t max)
{
	struct str	s = scalar(r, v);

	if (s.n > max || str_eq(s, STR("0")) || str_eq(s, STR("null")))
		return STR_NONE;
	return s;
}

struct str
dialpad_call_id(struct json v)
{
	struct str	s = json_raw(v);
	int64_t		n;

	if (json_type(v) != JSON_NUMBER && json_type(v) != JSON_STRING)
		return STR_NONE;
	while (s.n > 0 && s.p[0] == '0') {
		s.p++;
		s.n--;
	}
	return all_digits(s) && num_i64(s, 1, INT64_MAX, &n) ? s : STR_NONE;
}

static char
word_byte(char c, bool dots)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (dots && c == '.'))
		return c;
	return '_';
}

struct str
dialpad_word(struct dialpad_reader *r, const char *prefix, struct json v, bool dots)
{
	size_t		n = strlen(prefix), i;
	struct str	s = json_type(v) == JSON_STRING ? scalar(r, v) : STR_NONE;
	char		*out;

	if (s.p == NULL)
		return STR_NONE;
	out = arena_alloc(r->arena, DIALPAD_WORD_MAX);
	if (out == NULL) {
		r->failed = true;
		return STR_NONE;
	}
	memcpy(out, prefix, n);
	for (i = 0; i < s.n && n < DIALPAD_WORD_MAX; i++)
		out[n++] = word_byte(s.p[i], dots);
	return (struct str){ out, n };
}

int64_t
dialpad_time(struct json v)
{
	int64_t	ms;

	if (!json_i64(v, &ms) && (json_type(v) != JSON_STRING || !clock_parse_rfc3339(json_raw(v), &ms)))
		return LEG_NONE;
	return ms >= YEAR_2000_MS && ms < YEAR_2100_MS ? ms : LEG_NONE;
}

int64_t
dialpad_length(struct json v)
{
	int64_t	ms;

	return json_i64(v, &ms) && ms >= 0 && ms <= LENGTH_MAX_MS ? ms : LEG_NONE;
}
