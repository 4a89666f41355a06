/*
 * json_read: strict JSON (RFC 8259) over jsmn. The only file that names jsmn, which alone is lax: our own scanner
 * decides what is JSON (grammar, UTF-8, depth, count), jsmn then finds the tokens. Everything the RFC allows is taken,
 * \u0000, lone surrogates and numbers of any size included; everything it forbids is refused with its place.
 * A duplicate member name is allowed by the RFC's grammar and taken: the last one wins.
 * Values point into the text given, which must outlive them; tokens live in the arena.
 */
#ifndef RINGD_JSON_READ_H
#define RINGD_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum json_type { JSON_ABSENT, JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

#define JSON_TOKEN_BYTES 20	/* of the arena, for each value or member name */
#define JSON_DEPTH_MAX	512	/* limits above it count as this */

struct json_limits {
	size_t	depth;		/* nested arrays and objects */
	size_t	tokens;		/* values and member names */
};

enum json_fault { JSON_OK, JSON_SYNTAX, JSON_TOO_DEEP, JSON_TOO_MANY, JSON_NO_MEMORY };

struct json_error {
	enum json_fault	 fault;
	size_t		 offset;	/* byte where it went wrong */
	const char	*expected;	/* static text, for people: "a digit", "',' or '}'" */
};

struct json_doc {
	struct str	 text;
	void		*tokens;	/* jsmn's, private */
	int		 count;
};

struct json {			/* one value; doc == NULL means absent */
	const struct json_doc	*doc;
	int			 i;
};

/* Checks without building anything: the scanner alone (json_check.c). A text of 2 GiB or more is JSON_TOO_MANY. */
enum json_fault json_check(struct str text, const struct json_limits *lim, size_t *ntokens, struct json_error *err);
/* Checks and parses. false with *err filled; nothing to free beyond the arena. */
bool	json_parse(struct json_doc *doc, struct arena *a, struct str text, const struct json_limits *lim,
	    struct json_error *err);

struct json	json_root(const struct json_doc *doc);
enum json_type	json_type(struct json v);
struct json	json_get(struct json object, const char *name);	/* absent when no object or not there */
int		json_count(struct json v);			/* members or elements; 0 for anything else */
/* Iteration: for (struct json e = json_first(v); json_type(e) != JSON_ABSENT; e = json_next(e)).
 * In an object this walks the member names; json_member_value(e) is the value. */
struct json	json_first(struct json container);
struct json	json_next(struct json element);
struct json	json_member_value(struct json name);

struct str	json_raw(struct json v);	/* the bytes as written; strings without their quotes, still escaped */
/* Text of a string with escapes undone, as valid UTF-8 without NUL (lone surrogates and \u0000 become U+FFFD, because
 * PostgreSQL's text cannot hold them). Absent for anything but a string or when the arena is full. */
struct str	json_text(struct json v, struct arena *a);
/* An integer from the digits of a number or of a string of digits; a fraction is dropped; false otherwise. */
bool		json_i64(struct json v, int64_t *out);
/* true/false, and the strings "true"/"false" in any case (an older Dialpad capture shows "FALSE"); -1 otherwise. */
int		json_bool(struct json v);

#endif
