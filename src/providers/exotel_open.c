/*
 * exotel_open: a delivery's names and values as one JSON object, from any of the forms they come in. Decodes forms as
 * browsers' forms are decoded: what is no escape stands for itself, so nothing in a value can make a delivery fail.
 * Of multipart (RFC 7578) names and values are taken; what a part says about itself besides is not.
 */
#include <sys/types.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_write.h"
#include "providers/exotel.h"

#define BOUNDARY_MAX	70		/* RFC 2046, 5.1.1 */
#define ESCAPED_MAX	6		/* bytes of JSON for one of a value */
#define PARTS_OVERHEAD	64

static const char no_form[] = "Neither JSON nor a form: there is no name=value";

/* ---- name=value&name=value */

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Into room, which has place for all of it. */
static struct str
decode(char *room, struct str s)
{
	size_t i, n = 0;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '%' && s.n - i >= 3 && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0) {
			room[n++] = (char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2]));
			i += 2;
		} else
			room[n++] = s.p[i] == '+' ? ' ' : s.p[i];
	}
	return (struct str){ room, n };
}

static bool
put_form(struct json_out *j, char *room, struct str form, const char **why)
{
	struct str piece, name;
	bool any = false;

	while (str_cut(&form, '&', &piece)) {
		if (piece.n == 0)
			continue;
		str_cut(&piece, '=', &name);
		any = any || piece.p != NULL;
		json_name(j, decode(room, name));
		json_str(j, piece.p != NULL ? decode(room, piece) : STR(""));
	}
	*why = no_form;
	return any;
}

/* ---- multipart */

/* Where needle begins in s; SIZE_MAX: nowhere. The needle begins with a byte that is rare in what is searched. */
static size_t
find(struct str s, struct str needle)
{
	const char *p = s.p, *end = s.p + s.n;

	while ((size_t)(end - p) >= needle.n && (p = memchr(p, needle.p[0], (size_t)(end - p) - needle.n + 1)) != NULL) {
		if (memcmp(p, needle.p, needle.n) == 0)
			return (size_t)(p - s.p);
		p++;
	}
	return SIZE_MAX;
}

static void
skip(struct str *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

/* The next ;name=value of a header's parameters; a value in quotes comes without them, still escaped. */
static bool
next_param(struct str *rest, struct str *name, struct str *value)
{
	size_t i = 0;

	while (rest->n > 0 && strchr("; \t", rest->p[0]) != NULL)
		skip(rest, 1);
	while (i < rest->n && rest->p[i] != '=' && rest->p[i] != ';')
		i++;
	if (i == 0)
		return false;
	*name = str_trim((struct str){ rest->p, i });
	*value = STR("");
	skip(rest, i);
	if (rest->n == 0 || rest->p[0] == ';')
		return true;
	skip(rest, 1);
	if (rest->n > 0 && rest->p[0] == '"') {
		skip(rest, 1);
		for (i = 0; i < rest->n && rest->p[i] != '"'; i++)
			i += rest->p[i] == '\\' && i + 1 < rest->n;
		*value = (struct str){ rest->p, i };
		skip(rest, i < rest->n ? i + 1 : i);
		return true;
	}
	for (i = 0; i < rest->n && rest->p[i] != ';'; i++)
		continue;
	*value = str_trim((struct str){ rest->p, i });
	skip(rest, i);
	return true;
}

static struct str
param(struct str header, const char *wanted)
{
	struct str name, value, kind;

	if (!str_cut(&header, ';', &kind) || header.p == NULL)
		return STR_NONE;
	while (next_param(&header, &name, &value))
		if (str_ieq(name, str_c(wanted)))
			return value;
	return STR_NONE;
}

/* Cuts the next line with its CRLF off. */
static bool
cut_line(struct str *s, struct str *line)
{
	size_t at = find(*s, STR("\r\n"));

	if (at == SIZE_MAX)
		return false;
	*line = (struct str){ s->p, at };
	skip(s, at + 2);
	return true;
}

/* The headers of a part: takes them off *s and finds the name of its field. */
static bool
part_name(struct str *s, struct str *name)
{
	struct str line, field;

	*name = STR_NONE;
	while (cut_line(s, &line)) {
		if (line.n == 0)
			return name->p != NULL;
		if (str_cut(&line, ':', &field) && line.p != NULL && str_ieq(str_trim(field), STR("content-disposition")))
			*name = param(line, "name");
	}
	return false;
}

/* As browsers write names in quotes: \" and %22 are a quote. */
static struct str
unquote(char *room, struct str s)
{
	size_t i, n = 0;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n && (s.p[i + 1] == '"' || s.p[i + 1] == '\\'))
			i++;
		else if (s.n - i >= 3 && memcmp(s.p + i, "%22", 3) == 0) {
			room[n++] = '"';
			i += 2;
			continue;
		}
		room[n++] = s.p[i];
	}
	return (struct str){ room, n };
}

static bool
put_parts(struct json_out *j, char *room, struct str body, struct str boundary, const char **why)
{
	char text[4 + BOUNDARY_MAX] = "\r\n--";
	struct str delimiter = { text, 4 + boundary.n }, name, line;
	size_t at;

	*why = "The multipart form has no boundary, or not the one that Content-Type names";
	if (boundary.n == 0 || boundary.n > BOUNDARY_MAX)
		return false;
	memcpy(text + 4, boundary.p, boundary.n);
	if (str_starts(body, (struct str){ text + 2, delimiter.n - 2 }))
		skip(&body, delimiter.n - 2);
	else if ((at = find(body, delimiter)) != SIZE_MAX)
		skip(&body, at + delimiter.n);
	else
		return false;
	*why = "The multipart form is not well-formed, or it is cut off";
	while (!str_starts(body, STR("--"))) {
		if (!cut_line(&body, &line) || str_trim(line).n != 0 || !part_name(&body, &name) ||
		    (at = find(body, delimiter)) == SIZE_MAX)
			return false;
		json_name(j, unquote(room, name));
		json_str(j, (struct str){ body.p, at });
		skip(&body, at + delimiter.n);
	}
	return true;
}

/* ---- any of them */

static bool
is_multipart(struct str content_type)
{
	struct str kind;

	return str_cut(&content_type, ';', &kind) && str_ieq(str_trim(kind), STR("multipart/form-data"));
}

static bool
is_json(struct str body)
{
	size_t i = 0;

	while (i < body.n && strchr(" \t\r\n", body.p[i]) != NULL && body.p[i] != '\0')
		i++;
	return i < body.n && (body.p[i] == '{' || body.p[i] == '[');
}

enum exotel_verdict
exotel_open(struct str *payload, struct arena *a, struct str content_type, struct str body, struct str query, const char **why)
{
	struct str form = body.n > 0 ? body : query;
	bool parts = body.n > 0 && is_multipart(content_type), good;
	struct json_out j;
	struct buf out;
	char *room;

	*why = "";
	if (form.n == 0)
		return EXOTEL_EMPTY;
	if (body.n > 0 && !parts && is_json(body)) {
		*payload = body;
		return EXOTEL_OPENED;
	}
	if (form.n > EXOTEL_FORM_MAX)
		return EXOTEL_TOO_LARGE;
	if ((room = arena_alloc(a, form.n)) == NULL)
		return EXOTEL_NO_MEMORY;
	buf_init(&out, form.n * ESCAPED_MAX + PARTS_OVERHEAD);
	json_out_init(&j, &out);
	json_obj(&j);
	good = parts ? put_parts(&j, room, form, param(content_type, "boundary"), why) : put_form(&j, room, form, why);
	json_obj_end(&j);
	*payload = good && json_done(&j) ? arena_str(a, buf_as_str(&out)) : STR_NONE;
	buf_free(&out);
	if (!good)
		return EXOTEL_MALFORMED;
	return payload->p != NULL ? EXOTEL_OPENED : EXOTEL_NO_MEMORY;
}
