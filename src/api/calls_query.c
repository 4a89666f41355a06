/*
 * calls_query: see calls_query.h. Pure but for the digest functions: no I/O, no clock.
 */
#include <sys/types.h>
#include <stdio.h>
#include <string.h>

#include "api/calls_query.h"
#include "base/clock.h"
#include "base/count.h"
#include "base/hash.h"
#include "base/num.h"
#include "base/utf8.h"
#include "http/request.h"

#define NUMBER_DIGITS_MIN	7	/* shorter ones are extensions and stay as they are */
#define VALUE_MAX		256

struct problem {
	const char	**code;
	char		*message;
	size_t		 n;
};

static bool
wrong(struct problem *p, const char *code, const char *name, struct str value, const char *expected)
{
	*p->code = code;
	snprintf(p->message, p->n, "%s is \"%.*s\"; expected %s", name, (int)(value.n < 64 ? value.n : 64),
	    value.p != NULL ? value.p : "", expected);
	return false;
}

/* Blanks, dashes, dots and brackets out; a leading blank is a '+' that was not percent-encoded; 00 is +. */
static struct str
normal_number(struct arena *a, struct str s)
{
	char out[VALUE_MAX + 2];
	size_t i, n = 0, digits = 0;
	bool plus = s.n > 0 && (s.p[0] == '+' || s.p[0] == ' ');

	for (i = 0; i < s.n && n < VALUE_MAX; i++) {
		if (strchr(" -.()+/", s.p[i]) != NULL)
			continue;
		if (s.p[i] < '0' || s.p[i] > '9')
			return arena_str(a, s);		/* "blocked", "anonymous": compared as they are */
		out[1 + n++] = s.p[i];
		digits++;
	}
	if (!plus && n > 2 && out[1] == '0' && out[2] == '0') {
		memmove(out + 1, out + 3, n - 2);
		n -= 2;
		plus = true;
	}
	if (n == 0)
		return (struct str){ "", 0 };
	out[0] = '+';
	if (plus || digits >= NUMBER_DIGITS_MIN)
		return arena_str(a, (struct str){ out, n + 1 });
	return arena_str(a, (struct str){ out + 1, n });
}

static struct str
lower(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);
	size_t i;

	if (p == NULL)
		return STR_NONE;
	for (i = 0; i < s.n; i++)
		p[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]);
	return (struct str){ p, s.n };
}

static bool
is_utf8(struct str s)
{
	size_t at, len;

	for (at = 0; at < s.n; at += len)
		if (!utf8_next(s.p + at, s.n - at, &len))
			return false;
	return true;
}

static bool
number_in(struct problem *p, const char *name, struct str value, int64_t min, int64_t max, const char *code, int64_t *out)
{
	char expected[120];

	if (num_i64(value, min, max, out))
		return true;
	snprintf(expected, sizeof(expected), "a whole number from %lld to %lld%s", (long long)min, (long long)max,
	    strcmp(name, "offset") == 0 ? "; use cursor to go further" : "");
	return wrong(p, code, name, value, expected);
}

static bool
one_of(struct problem *p, const char *name, struct str value, const char *const *words, const char *expected, struct str *out)
{
	for (; *words != NULL; words++)
		if (str_eq(value, str_c(*words))) {
			*out = str_c(*words);
			return true;
		}
	return wrong(p, "invalid_parameter", name, value, expected);
}

static bool
time_of(struct problem *p, const char *name, struct str value, int64_t *us)
{
	int64_t ms;

	if (!clock_parse_rfc3339(value, &ms))
		return wrong(p, "invalid_parameter", name, value, "a time such as 2026-01-27T10:30:00Z or a date");
	*us = ms * 1000;
	return true;
}

static bool
take(struct calls_query *q, struct arena *a, const struct conf *c, struct problem *p, bool only_active, struct str name, struct str value)
{
	static const char *const statuses[] = { "ringing", "active", "ended", NULL };
	static const char *const directions[] = { "inbound", "outbound", NULL };
	static const char *const booleans[] = { "true", "false", NULL };
	struct str word;

	if (value.n > VALUE_MAX)
		return wrong(p, "invalid_parameter", "a value", value, "at most 256 bytes");
	if (!is_utf8(name) || !is_utf8(value))
		return wrong(p, "invalid_parameter", "a parameter", STR("?"), "UTF-8 text");
	if (str_eq(name, STR("limit")))
		return number_in(p, "limit", value, 1, c->api_max_limit, "invalid_limit", &q->limit);
	if (str_eq(name, STR("offset")))
		return number_in(p, "offset", value, 0, c->api_max_offset, "invalid_offset", &q->offset);
	if (str_eq(name, STR("cursor"))) {
		q->cursor_text = value;
		return true;
	}
	if (only_active)
		return wrong(p, "unknown_parameter", "a parameter", name, "limit, offset or cursor");
	if (str_eq(name, STR("status")))
		return one_of(p, "status", value, statuses, "ringing, active or ended", &q->status);
	if (str_eq(name, STR("direction")))
		return one_of(p, "direction", value, directions, "inbound or outbound", &q->direction);
	if (str_eq(name, STR("has_recording"))) {
		if (!one_of(p, "has_recording", value, booleans, "true or false", &word))
			return false;
		q->has_recording = str_eq(word, STR("true"));
		return true;
	}
	if (str_eq(name, STR("phone_number"))) {
		q->number = normal_number(a, value);
		return q->number.n > 0 || wrong(p, "invalid_parameter", "phone_number", value, "a number such as +15551234567");
	}
	if (str_eq(name, STR("agent"))) {
		q->agent = memchr(value.p, '@', value.n) != NULL ? lower(a, value) : value;
		return q->agent.n > 0 || wrong(p, "invalid_parameter", "agent", value, "an agent's id or email address");
	}
	if (str_eq(name, STR("from")))
		return time_of(p, "from", value, &q->from_us);
	if (str_eq(name, STR("to")))
		return time_of(p, "to", value, &q->to_us);
	return wrong(p, "unknown_parameter", "a parameter", name,
	    "status, direction, phone_number, agent, has_recording, from, to, limit, offset or cursor");
}

static enum calls_by
leading_filter(const struct calls_query *q)
{
	if (q->number.p != NULL)
		return CALLS_BY_NUMBER;
	if (q->agent.p != NULL)
		return memchr(q->agent.p, '@', q->agent.n) != NULL ? CALLS_BY_AGENT_EMAIL : CALLS_BY_AGENT_ID;
	if (q->status.p != NULL)
		return CALLS_BY_STATUS;
	if (q->has_recording >= 0)
		return CALLS_BY_RECORDING;
	return q->direction.p != NULL ? CALLS_BY_DIRECTION : CALLS_BY_TIME;
}

bool
calls_query_parse(struct calls_query *q, struct arena *a, struct str query, const struct conf *c, bool only_active,
    const char **code, char *message, size_t n)
{
	struct problem p = { code, message, n };
	struct str name, value, seen[16];
	size_t nseen = 0, i;
	int more;

	*q = (struct calls_query){ .limit = c->api_default_limit, .has_recording = -1, .from_us = INT64_MIN, .to_us = INT64_MAX,
	    .after_us = INT64_MAX, .total = -1 };
	while ((more = http_query_next(a, &query, &name, &value)) == 1) {
		for (i = 0; i < nseen; i++)
			if (str_eq(seen[i], name))
				return wrong(&p, "invalid_parameter", "a repeated parameter", name, "each at most once");
		if (!take(q, a, c, &p, only_active, name, value))
			return false;
		if (nseen < COUNT(seen))
			seen[nseen++] = name;
	}
	if (more < 0)
		return wrong(&p, "malformed_query", "the query string", STR("?"), "well-formed %XX escapes");
	if (q->cursor_text.p != NULL && q->offset != 0)
		return wrong(&p, "invalid_offset", "offset", STR("given with cursor"), "one of the two");
	q->by = only_active ? CALLS_BY_ACTIVE : leading_filter(q);
	memset(q->after_id.b, 0xff, sizeof(q->after_id.b));
	return true;
}

/* ---- the cursor: version, started_at, id, total, capped, then half a MAC over them, the tenant and the filters */

#define CURSOR_VERSION	1
#define CURSOR_BODY	(1 + 8 + 16 + 4 + 1)
#define CURSOR_MAC	16
#define CURSOR_BYTES	(CURSOR_BODY + CURSOR_MAC)

static void
put_be(unsigned char *to, uint64_t v, size_t n)
{
	for (; n-- > 0; v >>= 8)
		to[n] = (unsigned char)v;
}

static uint64_t
get_be(const unsigned char *from, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *from++;
	return v;
}

static void
cursor_mac(unsigned char mac[SHA256_SIZE], const unsigned char *body, const struct calls_query *q, const struct secret *key,
    const char *app)
{
	unsigned char fixed[8 + 8 + 1 + 1], digest[SHA256_SIZE];
	struct str parts[7];

	put_be(fixed, (uint64_t)q->from_us, 8);
	put_be(fixed + 8, (uint64_t)q->to_us, 8);
	fixed[16] = (unsigned char)(q->has_recording + 1);
	fixed[17] = q->by == CALLS_BY_ACTIVE;
	parts[0] = str_c(app);
	parts[1] = (struct str){ (const char *)body, CURSOR_BODY };
	parts[2] = q->status;
	parts[3] = q->direction;
	parts[4] = q->number;
	parts[5] = q->agent;
	parts[6] = (struct str){ (const char *)fixed, sizeof(fixed) };
	hash_sha256_parts(digest, parts, 7);
	hash_hmac_sha256(mac, secret_bytes(key), (struct str){ (const char *)digest, sizeof(digest) });
}

bool
calls_cursor_open(struct calls_query *q, const struct secret *key, const char *app)
{
	unsigned char raw[CURSOR_BYTES + 3], mac[SHA256_SIZE];

	if (base64url_decode(raw, sizeof(raw), q->cursor_text) != CURSOR_BYTES || raw[0] != CURSOR_VERSION)
		return false;
	cursor_mac(mac, raw, q, key, app);
	if (!hash_equal(mac, raw + CURSOR_BODY, CURSOR_MAC))
		return false;
	q->resumed = true;
	q->after_us = (int64_t)get_be(raw + 1, 8);
	memcpy(q->after_id.b, raw + 9, 16);
	q->total = (int64_t)get_be(raw + 25, 4);
	q->total_capped = raw[29] != 0;
	return true;
}

void
calls_cursor_make(char out[CURSOR_TEXT_SIZE], const struct calls_query *q, const struct secret *key, const char *app,
    int64_t after_us, struct uuid after_id, int64_t total, bool total_capped)
{
	unsigned char raw[CURSOR_BODY + SHA256_SIZE];

	raw[0] = CURSOR_VERSION;
	put_be(raw + 1, (uint64_t)after_us, 8);
	memcpy(raw + 9, after_id.b, 16);
	put_be(raw + 25, (uint64_t)total, 4);
	raw[29] = total_capped;
	cursor_mac(raw + CURSOR_BODY, raw, q, key, app);
	base64url_encode(out, raw, CURSOR_BYTES);
}

void
calls_query_params(struct db_params *a, const struct calls_query *q, int64_t rows, int64_t offset)
{
	db_put_i64(a, rows);
	db_put_i64(a, offset);
	db_put_str(a, q->status);
	db_put_str(a, q->direction);
	db_put_str(a, q->number);
	db_put_str(a, q->agent);
	if (q->has_recording < 0)
		db_put_null(a);
	else
		db_put_bool(a, q->has_recording);
	db_put_time_us(a, q->from_us);
	db_put_time_us(a, q->to_us);
	db_put_time_us(a, q->after_us);
	db_put_uuid(a, q->after_id);
}
