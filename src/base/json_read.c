/*
 * json_read: tokens and values of a text that json_check has accepted. jsmn takes many things for JSON that are not,
 * so it never sees anything else. Never searches for the end of a value: after jsmn, each token learns where the
 * next one of its own level is, so a walk over a container costs what it has members, whatever they hold.
 */
#include <sys/types.h>

#include <stdint.h>

#include "base/json_read.h"
#include "base/num.h"
#include "base/utf8.h"

#define JSMN_STATIC
#define JSMN_PARENT_LINKS
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <jsmn.h>
#pragma GCC diagnostic pop

#define SHORT_TEXT	64	/* longest escaped string that can mean a number or a boolean */

/* Once jsmn is done its `parent` has no reader left, so it is used again: the next token of the same level, 0 for
 * none (the root is nobody's sibling). */
#define next_sibling	parent

static const jsmntok_t *
token_of(struct json v)
{
	return (const jsmntok_t *)v.doc->tokens + v.i;
}

static struct json
value_at(const struct json_doc *doc, int i)
{
	return (struct json){ doc, i };
}

static struct json
absent(void)
{
	return (struct json){ NULL, 0 };
}

/*
 * Backwards over the tokens, so that the inner ones are known first. Until a token's container comes by, its
 * next_sibling is the first token behind it, whoever that belongs to.
 */
static void
link_siblings(jsmntok_t *tokens, int count)
{
	int i, member, value, next;

	for (i = count - 1; i >= 0; i--) {
		next = i + 1;
		while (tokens[i].type != JSMN_STRING && next < count && tokens[next].start < tokens[i].end) {
			member = next;
			value = tokens[i].type == JSMN_OBJECT ? member + 1 : member;
			next = tokens[value].next_sibling;
			tokens[value].next_sibling = 0;
			tokens[member].next_sibling =
			    next < count && tokens[next].start < tokens[i].end ? next : 0;
		}
		tokens[i].next_sibling = next;
	}
	tokens[0].next_sibling = 0;
}

_Static_assert(sizeof(jsmntok_t) <= JSON_TOKEN_BYTES, "JSON_TOKEN_BYTES is too small");

bool
json_parse(struct json_doc *doc, struct arena *a, struct str text, const struct json_limits *lim,
    struct json_error *err)
{
	jsmn_parser	 parser;
	jsmntok_t	*tokens;
	size_t		 n;

	*doc = (struct json_doc){ text, NULL, 0 };
	if (json_check(text, lim, &n, err) != JSON_OK)
		return false;
	tokens = n <= SIZE_MAX / sizeof(*tokens) ? arena_alloc(a, n * sizeof(*tokens)) : NULL;
	if (tokens == NULL) {
		*err = (struct json_error){ JSON_NO_MEMORY, 0, "a smaller text" };
		return false;
	}
	jsmn_init(&parser);
	if (jsmn_parse(&parser, text.p, text.n, tokens, (unsigned int)n) != (int)n) {
		*err = (struct json_error){ JSON_SYNTAX, parser.pos, "a text both readers agree on" };
		return false;
	}
	link_siblings(tokens, (int)n);
	doc->tokens = tokens;
	doc->count = (int)n;
	return true;
}

struct json
json_root(const struct json_doc *doc)
{
	return doc->count > 0 ? value_at(doc, 0) : absent();
}

enum json_type
json_type(struct json v)
{
	if (v.doc == NULL)
		return JSON_ABSENT;
	switch (token_of(v)->type) {
	case JSMN_OBJECT:
		return JSON_OBJECT;
	case JSMN_ARRAY:
		return JSON_ARRAY;
	case JSMN_STRING:
		return JSON_STRING;
	case JSMN_PRIMITIVE:
	case JSMN_UNDEFINED:
		break;
	}
	switch (v.doc->text.p[token_of(v)->start]) {
	case 'n':
		return JSON_NULL;
	case 't':
	case 'f':
		return JSON_BOOL;
	}
	return JSON_NUMBER;
}

int
json_count(struct json v)
{
	enum json_type type = json_type(v);

	return type == JSON_ARRAY || type == JSON_OBJECT ? token_of(v)->size : 0;
}

struct json
json_first(struct json v)
{
	return json_count(v) > 0 ? value_at(v.doc, v.i + 1) : absent();
}

struct json
json_next(struct json v)
{
	if (v.doc == NULL || token_of(v)->next_sibling == 0)
		return absent();
	return value_at(v.doc, token_of(v)->next_sibling);
}

/* jsmn counts a name's value as its one child; no other string has any. */
struct json
json_member_value(struct json name)
{
	if (json_type(name) != JSON_STRING || token_of(name)->size != 1)
		return absent();
	return value_at(name.doc, name.i + 1);
}

struct str
json_raw(struct json v)
{
	const jsmntok_t *t;

	if (v.doc == NULL)
		return STR_NONE;
	t = token_of(v);
	return (struct str){ v.doc->text.p + t->start, (size_t)(t->end - t->start) };
}

static uint32_t
hex4(const char *p)
{
	uint32_t	v = 0;
	int		i;

	for (i = 0; i < 4; i++) {
		v <<= 4;
		if (p[i] <= '9')
			v |= (uint32_t)(p[i] - '0');
		else
			v |= (uint32_t)((p[i] | 0x20) - 'a' + 10);
	}
	return v;
}

/* \uXXXX at raw[*at], and the second half of its pair when it has one. */
static uint32_t
take_code_point(struct str raw, size_t *at)
{
	uint32_t	first = hex4(raw.p + *at + 2), second;

	*at += 6;
	if (first >= 0xd800 && first <= 0xdbff && raw.n - *at >= 6 && raw.p[*at] == '\\' && raw.p[*at + 1] == 'u') {
		second = hex4(raw.p + *at + 2);
		if (second >= 0xdc00 && second <= 0xdfff) {
			*at += 6;
			return 0x10000 + ((first - 0xd800) << 10 | (second - 0xdc00));
		}
	}
	if (first == 0 || (first >= 0xd800 && first <= 0xdfff))
		return 0xfffd;
	return first;
}

/* The next byte or escape of a checked string, undone into out; moves *at past it and returns the bytes written. */
static size_t
take_piece(struct str raw, size_t *at, char out[4])
{
	static const char	from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char		*found;
	char			 c = raw.p[*at];

	if (c == '\\') {
		c = raw.p[*at + 1];
		if (c == 'u')
			return utf8_put(out, take_code_point(raw, at));
		found = strchr(from, c);
		if (found != NULL)
			c = to[found - from];
		++*at;
	}
	++*at;
	out[0] = c;
	return 1;
}

static bool
has_escape(struct str raw)
{
	return raw.n > 0 && memchr(raw.p, '\\', raw.n) != NULL;
}

static bool
name_equals(struct str raw, struct str name)
{
	char	piece[4];
	size_t	at = 0, done = 0, n;

	/* An escape is longer than what it stands for, and most names part at their first byte. */
	if (raw.n < name.n || (raw.n > 0 && name.n > 0 && raw.p[0] != '\\' && raw.p[0] != name.p[0]))
		return false;
	if (!has_escape(raw))
		return str_eq(raw, name);
	while (at < raw.n) {
		n = take_piece(raw, &at, piece);
		if (n > name.n - done || memcmp(name.p + done, piece, n) != 0)
			return false;
		done += n;
	}
	return done == name.n;
}

struct json
json_get(struct json object, const char *name)
{
	struct json	member, found = absent();
	struct str	wanted = str_c(name);

	if (json_type(object) != JSON_OBJECT)
		return found;
	for (member = json_first(object); member.doc != NULL; member = json_next(member))
		if (name_equals(json_raw(member), wanted))
			found = json_member_value(member);
	return found;
}

struct str
json_text(struct json v, struct arena *a)
{
	struct str	 raw = json_raw(v);
	size_t		 at = 0, n = 0, len;
	char		*out, piece[4];

	if (json_type(v) != JSON_STRING)
		return STR_NONE;
	if (!has_escape(raw))
		return raw;
	out = arena_alloc(a, raw.n);	/* no escape is shorter than what it stands for */
	if (out == NULL)
		return STR_NONE;
	while (at < raw.n) {
		len = take_piece(raw, &at, piece);
		memcpy(out + n, piece, len);
		n += len;
	}
	return (struct str){ out, n };
}

/* A scalar's text without an arena; absent when it is longer than a number or boolean in escapes can sensibly be. */
static struct str
short_text(struct json v, char out[SHORT_TEXT])
{
	struct str	raw = json_raw(v);
	char		piece[4];
	size_t		at = 0, n = 0, len;

	if (json_type(v) != JSON_STRING || !has_escape(raw))
		return raw;
	while (at < raw.n) {
		len = take_piece(raw, &at, piece);
		if (len > SHORT_TEXT - n)
			return STR_NONE;
		memcpy(out + n, piece, len);
		n += len;
	}
	return (struct str){ out, n };
}

bool
json_i64(struct json v, int64_t *out)
{
	char		text[SHORT_TEXT];
	enum json_type	type = json_type(v);

	return (type == JSON_NUMBER || type == JSON_STRING) && num_i64_trunc(short_text(v, text), out);
}

int
json_bool(struct json v)
{
	char		text[SHORT_TEXT];
	struct str	s;
	enum json_type	type = json_type(v);

	if (type != JSON_BOOL && type != JSON_STRING)
		return -1;
	s = short_text(v, text);
	if (str_ieq(s, STR("true")))
		return 1;
	return str_ieq(s, STR("false")) ? 0 : -1;
}
