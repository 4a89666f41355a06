/*
 * text: what the mappings of all providers do with text out of JSON. Private to providers/; bounded; *failed is set when
 * the arena is full.
 */
#ifndef RINGD_PROVIDERS_TEXT_H
#define RINGD_PROVIDERS_TEXT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/json_read.h"

/* The whole text of a string, or a number's digits (of no other number); empty is absent. */
struct str	text_scalar(struct arena *a, struct json v, bool *failed);
struct str	text_cut(struct str s, size_t max);	/* at a character */
/* prefix and s in lower case, at most max bytes in all; what is not a-z 0-9 _ or `also` becomes '_'. Absent stays so. */
struct str	text_word(struct arena *a, const char *prefix, struct str s, char also, size_t max, bool *failed);
bool	text_all_digits(struct str s);

#endif
