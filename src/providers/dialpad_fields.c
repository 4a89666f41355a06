/*
 * dialpad_fields: reads one value, whatever of its spellings came, or says that it is absent. Never guesses a unit,
 * never lets a number pass through a double, never hands on text without a bound.
 */
#include <sys/types.h>

#include "base/clock.h"
#include "base/num.h"
#include "providers/dialpad_fields.h"
#include "providers/text.h"

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

struct str
dialpad_text(struct dialpad_reader *r, struct json v, size_t max)
{
	return text_cut(text_scalar(r->arena, v, &r->failed), max);
}

struct str
dialpad_token(struct dialpad_reader *r, struct json v, size_t max)
{
	struct str	s = text_scalar(r->arena, v, &r->failed);

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
	return text_all_digits(s) && num_i64(s, 1, INT64_MAX, &n) ? s : STR_NONE;
}

struct str
dialpad_word(struct dialpad_reader *r, const char *prefix, struct json v, bool dots)
{
	struct str	s = json_type(v) == JSON_STRING ? text_scalar(r->arena, v, &r->failed) : STR_NONE;

	return text_word(r->arena, prefix, s, dots ? '.' : '_', DIALPAD_WORD_MAX, &r->failed);
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
