/*
 * json_write: JSON out, straight into a buffer. Never writes a text that is not UTF-8, whatever the bytes it is given;
 * errors are the buffer's and sticky, so a writer looks once, with json_done().
 */
#include <sys/types.h>

#include "base/clock.h"
#include "base/json_write.h"
#include "base/utf8.h"

void
json_out_init(struct json_out *j, struct buf *b)
{
	*j = (struct json_out){ .b = b };
}

bool
json_done(const struct json_out *j)
{
	return j->depth == 0 && j->comma && !j->b->failed;
}

static void
before_value(struct json_out *j)
{
	if (j->comma)
		buf_putc(j->b, ',');
	j->comma = true;
}

static void
open_container(struct json_out *j, char c)
{
	before_value(j);
	buf_putc(j->b, c);
	j->comma = false;
	if (++j->depth > JSON_WRITE_DEPTH)
		j->b->failed = true;
}

/* The container itself was a value of the level around it. */
static void
close_container(struct json_out *j, char c)
{
	buf_putc(j->b, c);
	j->comma = true;
	j->depth--;
}

void
json_obj(struct json_out *j)
{
	open_container(j, '{');
}

void
json_obj_end(struct json_out *j)
{
	close_container(j, '}');
}

void
json_arr(struct json_out *j)
{
	open_container(j, '[');
}

void
json_arr_end(struct json_out *j)
{
	close_container(j, ']');
}

/* Comma, quotes, name and colon in one go: every value of a row has a name. */
void
json_key(struct json_out *j, const char *name)
{
	size_t n = strlen(name);
	char *to;

	if (!buf_room(j->b, n + 4))
		return;
	to = j->b->p + j->b->len;
	if (j->comma)
		*to++ = ',';
	*to++ = '"';
	memcpy(to, name, n);
	to += n;
	*to++ = '"';
	*to++ = ':';
	j->b->len = (size_t)(to - j->b->p);
	j->comma = false;
}

static bool
is_plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

static void
put_escape(struct buf *b, char c)
{
	static const char	 from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char		*found = c != '\0' ? strchr(from, c) : NULL;

	if (found == NULL) {
		buf_printf(b, "\\u%04x", (unsigned int)(unsigned char)c);
		return;
	}
	buf_putc(b, '\\');
	buf_putc(b, to[found - from]);
}

/* Runs of plain bytes go out in one piece: nearly every string is one run. */
void
json_str(struct json_out *j, struct str s)
{
	size_t start, at, len;

	if (s.p == NULL) {
		json_null(j);
		return;
	}
	before_value(j);
	if (!buf_room(j->b, s.n + 2))
		return;
	buf_putc(j->b, '"');
	for (start = at = 0; at < s.n; start = at) {
		while (at < s.n && is_plain(s.p[at]))
			at++;
		buf_put(j->b, s.p + start, at - start);
		if (at == s.n)
			break;
		if ((unsigned char)s.p[at] < 0x80) {
			put_escape(j->b, s.p[at++]);
			continue;
		}
		if (utf8_next(s.p + at, s.n - at, &len))
			buf_put(j->b, s.p + at, len);
		else
			buf_puts(j->b, UTF8_REPLACEMENT);
		at += len;
	}
	buf_putc(j->b, '"');
}

void
json_name(struct json_out *j, struct str name)
{
	json_str(j, name.p != NULL ? name : STR(""));
	buf_putc(j->b, ':');
	j->comma = false;
}

void
json_int(struct json_out *j, int64_t v)
{
	before_value(j);
	buf_i64(j->b, v);
}

void
json_boolean(struct json_out *j, bool v)
{
	before_value(j);
	buf_puts(j->b, v ? "true" : "false");
}

void
json_null(struct json_out *j)
{
	before_value(j);
	buf_puts(j->b, "null");
}

void
json_raw_value(struct json_out *j, struct str json)
{
	if (json.n == 0) {
		json_null(j);
		return;
	}
	before_value(j);
	buf_str(j->b, json);
}

void
json_time(struct json_out *j, int64_t ms)
{
	char text[CLOCK_RFC3339_SIZE];

	if (ms == INT64_MIN) {
		json_null(j);
		return;
	}
	clock_rfc3339(text, ms);
	before_value(j);
	buf_putc(j->b, '"');
	buf_puts(j->b, text);
	buf_putc(j->b, '"');
}

void
json_kstr(struct json_out *j, const char *name, struct str s)
{
	json_key(j, name);
	json_str(j, s);
}

void
json_kint(struct json_out *j, const char *name, int64_t v)
{
	json_key(j, name);
	json_int(j, v);
}

void
json_kbool(struct json_out *j, const char *name, bool v)
{
	json_key(j, name);
	json_boolean(j, v);
}

void
json_ktime(struct json_out *j, const char *name, int64_t ms)
{
	json_key(j, name);
	json_time(j, ms);
}
