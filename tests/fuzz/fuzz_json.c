/*
 * Fuzzing the JSON reader: the check and the parser must agree on every text, a walk over all values must see exactly
 * the tokens that were counted, and every text taken out must be UTF-8 without NUL. Limits come from the first two
 * bytes, so that the fuzzer also plays with them.
 */
#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "base/json_read.h"
#include "base/utf8.h"

#define ARENA_MAX	(16 << 20)

int	LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void
must(bool true_always)
{
	if (!true_always)
		abort();
}

static void
look_at_text(struct json v, struct arena *a)
{
	struct str	s = json_text(v, a);
	size_t		at, len;

	must(s.p != NULL && s.n <= json_raw(v).n);
	for (at = 0; at < s.n; at += len)
		must(s.p[at] != '\0' && utf8_next(s.p + at, s.n - at, &len));
}

static void
look_at(struct json v, struct arena *a)
{
	struct str	raw = json_raw(v);
	int64_t		n = 42;
	int		truth;

	must(raw.p >= v.doc->text.p && raw.p + raw.n <= v.doc->text.p + v.doc->text.n);
	if (!json_i64(v, &n))
		must(n == 42);
	truth = json_bool(v);
	must(truth >= -1 && truth <= 1);
	json_get(v, "call_id");
	if (json_type(v) == JSON_STRING)
		look_at_text(v, a);
	else
		must(json_text(v, a).p == NULL && raw.n > 0);
}

/* Depth is bounded by the limits, so recursion is, here. Returns the tokens seen. */
static int
walk(struct json v, struct arena *a)
{
	struct json	e, value;
	enum json_type	type = json_type(v);
	int		members = 0, seen = 1;

	must(type != JSON_ABSENT);
	look_at(v, a);
	for (e = json_first(v); json_type(e) != JSON_ABSENT; e = json_next(e)) {
		members++;
		must(e.i > v.i && e.i < v.doc->count);
		if (type == JSON_ARRAY) {
			seen += walk(e, a);
			continue;
		}
		must(type == JSON_OBJECT && json_type(e) == JSON_STRING);
		value = json_member_value(e);
		must(json_type(value) != JSON_ABSENT && json_type(json_next(value)) == JSON_ABSENT);
		look_at(e, a);
		seen += 1 + walk(value, a);
	}
	must(members == json_count(v));
	return seen;
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct json_limits	lim = { JSON_DEPTH_MAX, 4096 };
	struct json_error	check_err, parse_err;
	struct json_doc		doc;
	struct arena		a;
	struct str		text;
	size_t			n;
	bool			ok;

	if (size < 2)
		return 0;
	if (data[0] < 32)
		lim.depth = data[0];
	if (data[1] < 32)
		lim.tokens = data[1];
	text = (struct str){ (const char *)data + 2, size - 2 };
	arena_init(&a, ARENA_MAX);
	ok = json_check(text, &lim, &n, &check_err) == JSON_OK;
	must(ok == (check_err.fault == JSON_OK) && check_err.offset <= text.n && n <= lim.tokens);
	must(json_parse(&doc, &a, text, &lim, &parse_err) == ok);
	must(parse_err.fault == check_err.fault && parse_err.offset == check_err.offset);
	if (ok)
		must(doc.count == (int)n && walk(json_root(&doc), &a) == doc.count);
	else
		must(json_type(json_root(&doc)) == JSON_ABSENT && strlen(check_err.expected) > 0);
	arena_free(&a);
	return 0;
}
