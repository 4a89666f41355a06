/*
 * exotel_fields: reads one value, whatever of its spellings came, or says that it is absent. Never guesses: a number
 * whose country cannot be known stays as it is, a time that cannot be true is none.
 */
#include <sys/types.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "providers/exotel_fields.h"
#include "providers/text.h"

#define YEAR_2000_MS	INT64_C(946684800000)
#define YEAR_2100_MS	INT64_C(4102444800000)
#define LENGTH_MAX_S	(INT64_C(366) * 86400)
#define AHEAD_MS	(INT64_C(15) * 60 * 1000)	/* by how much Exotel's clock may be before ours */
#define LEGS_TEXT_MAX	65536
#define INDIA		91
#define E164_MIN	7
#define E164_MAX	15

static const struct json absent = { NULL, 0 };

/* Not there, null, "" or "null". */
static bool
is_nothing(struct json v)
{
	enum json_type t = json_type(v);

	return t == JSON_ABSENT || t == JSON_NULL || (t == JSON_STRING && (json_raw(v).n == 0 || str_ieq(json_raw(v), STR("null"))));
}

void
exotel_reader_begin(struct exotel_reader *r, struct arena *a, struct json root, const struct exotel_place *place,
    int64_t received_ms)
{
	const struct json_limits lim = { .depth = 8, .tokens = 4096 };
	struct json_error e;
	struct json legs = json_get(root, "Legs");
	struct str text;

	*r = (struct exotel_reader){ .arena = a, .root = root, .place = place, .received_ms = received_ms, .legs = legs };
	if (json_type(legs) != JSON_STRING)
		return;
	r->legs = absent;
	text = exotel_token(r, legs, LEGS_TEXT_MAX);
	if (text.n == 0 || text.p[0] != '[')
		return;
	if (json_parse(&r->legs_doc, a, text, &lim, &e))
		r->legs = json_root(&r->legs_doc);
	else if (e.fault == JSON_NO_MEMORY)
		r->failed = true;
}

struct json
exotel_get(const struct exotel_reader *r, const char *a, const char *b)
{
	struct json v = json_get(r->root, a);

	if (is_nothing(v) && b != NULL)
		v = json_get(r->root, b);
	return is_nothing(v) ? absent : v;
}

bool
exotel_has(const struct exotel_reader *r, const char *name)
{
	return !is_nothing(json_get(r->root, name));
}

struct json
exotel_leg(struct exotel_reader *r, size_t i, const char *name)
{
	char flat[64];
	struct json v, inner;

	if (json_type(r->legs) != JSON_ARRAY) {
		snprintf(flat, sizeof(flat), "Legs[%zu][%s]", i, name);
		return exotel_get(r, flat, NULL);
	}
	for (v = json_first(r->legs); i > 0 && json_type(v) != JSON_ABSENT; i--)
		v = json_next(v);
	inner = json_get(v, "Leg");		/* as GET .../Calls/<Sid> has it */
	v = json_get(json_type(inner) == JSON_OBJECT ? inner : v, name);
	return is_nothing(v) ? absent : v;
}

struct str
exotel_text(struct exotel_reader *r, struct json v, size_t max)
{
	return text_cut(exotel_token(r, v, SIZE_MAX), max);
}

struct str
exotel_token(struct exotel_reader *r, struct json v, size_t max)
{
	struct str s = is_nothing(v) ? STR_NONE : text_scalar(r->arena, v, &r->failed);

	return s.n <= max ? s : STR_NONE;
}

struct str
exotel_word(struct exotel_reader *r, const char *prefix, struct json v)
{
	struct str s = json_type(v) == JSON_STRING ? exotel_token(r, v, SIZE_MAX) : STR_NONE;

	return text_word(r->arena, prefix, s, '-', EXOTEL_WORD_MAX, &r->failed);
}

/* ---- numbers */

static struct str
with_code(struct exotel_reader *r, int64_t code, struct str national)
{
	char out[EXOTEL_NUMBER_MAX + 8];
	struct str s;

	if (code > 0)
		snprintf(out, sizeof(out), "+%lld%.*s", (long long)code, STR_ARG(national));
	else
		snprintf(out, sizeof(out), "+%.*s", STR_ARG(national));
	s = arena_str(r->arena, str_c(out));
	r->failed = r->failed || s.p == NULL;
	return s;
}

/* The digits of s without what people put between them, into out; 0: something else is in it. */
static size_t
only_digits(char out[EXOTEL_NUMBER_MAX], struct str s)
{
	size_t i, n = 0;

	for (i = 0; i < s.n && n < EXOTEL_NUMBER_MAX; i++) {
		if (s.p[i] >= '0' && s.p[i] <= '9')
			out[n++] = s.p[i];
		else if (strchr(" -.()", s.p[i]) == NULL || s.p[i] == '\0')
			return 0;
	}
	return n;
}

static struct str
skipping(struct str s, size_t n)
{
	return (struct str){ s.p + n, s.n - n };
}

/* Exotel writes 09812345678 or 9812345678 for +919812345678. */
static struct str
from_local(struct exotel_reader *r, struct str d, struct str as_it_came)
{
	int64_t country = r->place->country;
	bool trunk = d.p[0] == '0';

	if (trunk && d.n > 2 && d.p[1] == '0')
		return d.p[2] != '0' && d.n - 2 >= E164_MIN && d.n - 2 <= E164_MAX ? with_code(r, 0, skipping(d, 2)) : as_it_came;
	if (country == 0)
		return as_it_came;
	if (country == INDIA) {
		if (trunk && d.n == 11)
			return with_code(r, INDIA, skipping(d, 1));
		if (d.n == 10 && d.p[0] >= '6')			/* only mobile numbers come without the 0 */
			return with_code(r, INDIA, d);
		return d.n == 12 && str_starts(d, STR("91")) ? with_code(r, 0, d) : as_it_came;
	}
	return trunk && d.n >= 1 + E164_MIN && d.n <= 12 ? with_code(r, country, skipping(d, 1)) : as_it_came;
}

struct str
exotel_number(struct exotel_reader *r, struct json v)
{
	struct str s = str_trim(exotel_text(r, v, EXOTEL_NUMBER_MAX)), user;
	char digits[EXOTEL_NUMBER_MAX];
	bool plus = s.n > 0 && s.p[0] == '+';
	size_t n;

	if (s.n == 0)
		return STR_NONE;
	if (s.n > 4 && str_ieq((struct str){ s.p, 4 }, STR("sip:"))) {
		s = skipping(s, 4);
		return str_cut(&s, '@', &user) && user.n > 0 ? user : STR_NONE;
	}
	n = only_digits(digits, plus ? skipping(s, 1) : s);
	if (n == 0)
		return s;
	if (plus)
		return n >= E164_MIN && n <= E164_MAX ? with_code(r, 0, (struct str){ digits, n }) : s;
	return from_local(r, (struct str){ digits, n }, s);
}

/* ---- times */

static bool
take_word(struct str *s, struct str *word)
{
	while (s->n > 0 && s->p[0] == ' ')
		*s = skipping(*s, 1);
	return s->n > 0 && str_cut(s, ' ', word);
}

/* "Wed, 23 Oct 2019 15:31:59" to "2019-10-23T15:31:59". */
static bool
from_mail_date(struct str s, char out[32])
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct str day, month, year, time;
	unsigned number = 0, i;

	if (!take_word(&s, &day))
		return false;
	if (day.p[day.n - 1] == ',' && !take_word(&s, &day))
		return false;
	if (!take_word(&s, &month) || !take_word(&s, &year) || !take_word(&s, &time))
		return false;
	for (i = 0; i < 12 && month.n == 3; i++)
		if (memcmp(months + 3 * i, month.p, 3) == 0)
			number = i + 1;
	if (number == 0 || day.n > 2 || year.n != 4 || time.n != 8 || s.n > 0)
		return false;
	snprintf(out, 32, "%.*s-%02u-%s%.*sT%.*s", STR_ARG(year), number, day.n < 2 ? "0" : "", STR_ARG(day), STR_ARG(time));
	return true;
}

static bool
read_time(const struct exotel_place *place, struct str s, int64_t *ms)
{
	char out[48];

	if (s.n >= 32 || s.n < 19)
		return false;
	if (s.p[4] == '-' && (s.p[10] == ' ' || s.p[10] == 'T')) {
		snprintf(out, sizeof(out), "%.10sT%.*s", s.p, (int)s.n - 11, s.p + 11);
		if (clock_parse_rfc3339(str_c(out), ms))
			return true;		/* it names its zone */
	} else if (!from_mail_date(s, out))
		return false;
	snprintf(out + strlen(out), sizeof(out) - strlen(out), "Z");
	if (!clock_parse_rfc3339(str_c(out), ms))
		return false;
	*ms -= place->utc_offset_ms;
	return true;
}

int64_t
exotel_time(struct exotel_reader *r, struct json v)
{
	int64_t ms;

	if (json_type(v) != JSON_STRING || !read_time(r->place, str_trim(json_raw(v)), &ms))
		return LEG_NONE;
	return ms >= YEAR_2000_MS && ms < YEAR_2100_MS && ms <= r->received_ms + AHEAD_MS ? ms : LEG_NONE;
}

int64_t
exotel_length(struct json v)
{
	int64_t s;

	return json_i64(v, &s) && s >= 0 && s <= LENGTH_MAX_S ? s * 1000 : LEG_NONE;
}
