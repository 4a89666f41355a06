/*
 * json_check: the judge of what is JSON. Takes all that RFC 8259 allows and nothing else, within the given limits.
 * Never recurses and never allocates: the nesting is a small array on the stack, so no text can exhaust anything.
 * One pass, each byte looked at once.
 */
#include <sys/types.h>

#include <limits.h>

#include "base/json_read.h"
#include "base/utf8.h"

/* What may come next. */
enum state { VALUE, FIRST_ELEMENT, NAME, FIRST_NAME, AFTER_VALUE, DONE, FAILED };

struct scan {
	struct str		 text;
	size_t			 at;
	size_t			 tokens;
	size_t			 max_tokens;
	size_t			 depth;
	size_t			 max_depth;
	struct json_error	 err;
	bool			 in_object[JSON_DEPTH_MAX];
};

static enum state
fail(struct scan *s, enum json_fault fault, const char *expected)
{
	s->err = (struct json_error){ fault, s->at, expected };
	return FAILED;
}

/* The byte at hand, or -1 at the end: no byte of a text is -1. */
static int
peek(const struct scan *s)
{
	return s->at < s->text.n ? (unsigned char)s->text.p[s->at] : -1;
}

static bool
is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool
is_hex(int c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static void
skip_blanks(struct scan *s)
{
	int c;

	while ((c = peek(s)) == ' ' || c == '\t' || c == '\n' || c == '\r')
		s->at++;
}

static bool
count_token(struct scan *s)
{
	if (s->tokens >= s->max_tokens) {
		fail(s, JSON_TOO_MANY, "fewer values");
		return false;
	}
	s->tokens++;
	return true;
}

/* At a backslash. */
static bool
scan_escape(struct scan *s)
{
	int i, c;

	s->at++;
	c = peek(s);
	if (c != 'u') {
		if (c <= 0 || strchr("\"\\/bfnrt", c) == NULL) {
			fail(s, JSON_SYNTAX, "one of \" \\ / b f n r t u after a backslash");
			return false;
		}
		s->at++;
		return true;
	}
	s->at++;
	for (i = 0; i < 4; i++, s->at++) {
		if (!is_hex(peek(s))) {
			fail(s, JSON_SYNTAX, "four hex digits after \\u");
			return false;
		}
	}
	return true;
}

/* At the opening quote. */
static bool
scan_string(struct scan *s)
{
	size_t	len;
	int	c;

	s->at++;
	while ((c = peek(s)) != '"') {
		if (c >= 0x20 && c < 0x80 && c != '\\') {
			s->at++;
		} else if (c == '\\') {
			if (!scan_escape(s))
				return false;
		} else if (c < 0x20) {
			fail(s, JSON_SYNTAX, c < 0 ? "a closing quote" : "an escaped control character");
			return false;
		} else {
			if (!utf8_next(s->text.p + s->at, s->text.n - s->at, &len)) {
				fail(s, JSON_SYNTAX, "valid UTF-8");
				return false;
			}
			s->at += len;
		}
	}
	s->at++;
	return true;
}

static bool
scan_digits(struct scan *s)
{
	if (!is_digit(peek(s))) {
		fail(s, JSON_SYNTAX, "a digit");
		return false;
	}
	while (is_digit(peek(s)))
		s->at++;
	return true;
}

/* At '-' or a digit. A digit after a leading zero is left where it is: whoever comes next will not want it. */
static bool
scan_number(struct scan *s)
{
	if (peek(s) == '-')
		s->at++;
	if (peek(s) == '0')
		s->at++;
	else if (!scan_digits(s))
		return false;
	if (peek(s) == '.') {
		s->at++;
		if (!scan_digits(s))
			return false;
	}
	if (peek(s) == 'e' || peek(s) == 'E') {
		s->at++;
		if (peek(s) == '+' || peek(s) == '-')
			s->at++;
		if (!scan_digits(s))
			return false;
	}
	return true;
}

static bool
scan_word(struct scan *s, struct str word)
{
	if (!str_starts((struct str){ s->text.p + s->at, s->text.n - s->at }, word)) {
		fail(s, JSON_SYNTAX, "true, false or null");
		return false;
	}
	s->at += word.n;
	return true;
}

static enum state
open_container(struct scan *s, bool object)
{
	if (s->depth >= s->max_depth)
		return fail(s, JSON_TOO_DEEP, "fewer nested arrays and objects");
	if (!count_token(s))
		return FAILED;
	s->in_object[s->depth++] = object;
	s->at++;
	return object ? FIRST_NAME : FIRST_ELEMENT;
}

static enum state
close_container(struct scan *s)
{
	s->depth--;
	s->at++;
	return AFTER_VALUE;
}

static enum state
scan_value(struct scan *s, const char *expected)
{
	int	c = peek(s);
	bool	ok;

	if (c == '{' || c == '[')
		return open_container(s, c == '{');
	if (c != '"' && c != '-' && !is_digit(c) && c != 't' && c != 'f' && c != 'n')
		return fail(s, JSON_SYNTAX, expected);
	if (!count_token(s))
		return FAILED;
	if (c == '"')
		ok = scan_string(s);
	else if (c == 't')
		ok = scan_word(s, STR("true"));
	else if (c == 'f')
		ok = scan_word(s, STR("false"));
	else if (c == 'n')
		ok = scan_word(s, STR("null"));
	else
		ok = scan_number(s);
	return ok ? AFTER_VALUE : FAILED;
}

static enum state
scan_name(struct scan *s, const char *expected)
{
	if (peek(s) != '"')
		return fail(s, JSON_SYNTAX, expected);
	if (!count_token(s) || !scan_string(s))
		return FAILED;
	skip_blanks(s);
	if (peek(s) != ':')
		return fail(s, JSON_SYNTAX, "':'");
	s->at++;
	return VALUE;
}

static enum state
after_value(struct scan *s)
{
	bool	object;
	int	c = peek(s);

	if (s->depth == 0)
		return c < 0 ? DONE : fail(s, JSON_SYNTAX, "nothing after the value");
	object = s->in_object[s->depth - 1];
	if (c == ',') {
		s->at++;
		return object ? NAME : VALUE;
	}
	if (c == (object ? '}' : ']'))
		return close_container(s);
	return fail(s, JSON_SYNTAX, object ? "',' or '}'" : "',' or ']'");
}

static enum state
step(struct scan *s, enum state state)
{
	skip_blanks(s);
	switch (state) {
	case VALUE:
		return scan_value(s, "a value");
	case FIRST_ELEMENT:
		return peek(s) == ']' ? close_container(s) : scan_value(s, "a value or ']'");
	case NAME:
		return scan_name(s, "a name in quotes");
	case FIRST_NAME:
		return peek(s) == '}' ? close_container(s) : scan_name(s, "a name in quotes or '}'");
	case AFTER_VALUE:
	case DONE:
	case FAILED:
		break;
	}
	return after_value(s);
}

enum json_fault
json_check(struct str text, const struct json_limits *lim, size_t *ntokens, struct json_error *err)
{
	struct scan	s;
	enum state	state = VALUE;

	s.text = text;
	s.at = s.tokens = s.depth = 0;
	s.max_tokens = lim->tokens;
	s.max_depth = lim->depth < JSON_DEPTH_MAX ? lim->depth : JSON_DEPTH_MAX;
	s.err = (struct json_error){ JSON_OK, 0, "" };
	if (text.n > INT_MAX)
		state = fail(&s, JSON_TOO_MANY, "a text below 2 GiB");
	while (state != DONE && state != FAILED)
		state = step(&s, state);
	*ntokens = s.tokens;
	*err = s.err;
	return s.err.fault;
}
