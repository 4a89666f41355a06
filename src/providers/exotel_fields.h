/*
 * exotel_fields: single values out of what Exotel sends, private to the mapping. Numbers come as numbers and as text,
 * what is not known as nothing at all, null, "" or "null"; callers see a value or its absence. Everything is bounded.
 * Only running out of memory is an error, and it sticks.
 */
#ifndef RINGD_EXOTEL_FIELDS_H
#define RINGD_EXOTEL_FIELDS_H

#include "model/leg.h"
#include "providers/exotel.h"

#define EXOTEL_WORD_MAX		64	/* states, events, kinds */
#define EXOTEL_NUMBER_MAX	64	/* telephone numbers and SIP addresses */
#define EXOTEL_ID_MAX		128
#define EXOTEL_NAME_MAX		512
#define EXOTEL_URL_MAX		4096
#define EXOTEL_CUSTOM_MAX	4096
#define EXOTEL_LEGS_MAX		64	/* looked at */

struct exotel_reader {
	struct arena		*arena;
	bool			 failed;	/* the arena is full */
	struct json		 root;
	struct json_doc		 legs_doc;	/* of Legs, where that is JSON inside of a text */
	struct json		 legs;		/* an array; else absent, and names such as Legs[0][Status] are looked for */
	const struct exotel_place *place;
	int64_t			 received_ms;
};

void	exotel_reader_begin(struct exotel_reader *r, struct arena *a, struct json root, const struct exotel_place *place,
	    int64_t received_ms);
/* The first of these members that holds something; b may be NULL. */
struct json	exotel_get(const struct exotel_reader *r, const char *a, const char *b);
/* The same of the i-th of the two ends, or ring attempts, that a delivery lists. */
struct json	exotel_leg(struct exotel_reader *r, size_t i, const char *name);
bool	exotel_has(const struct exotel_reader *r, const char *name);

/* Text for people: a string, or the digits of a number; cut at a character when longer than max. */
struct str	exotel_text(struct exotel_reader *r, struct json v, size_t max);
/* Text for machines: the same, but one longer than max is absent. */
struct str	exotel_token(struct exotel_reader *r, struct json v, size_t max);
/* prefix and the text in lower case, at most EXOTEL_WORD_MAX bytes; what is not a-z 0-9 - or _ becomes '_'. */
struct str	exotel_word(struct exotel_reader *r, const char *prefix, struct json v);
/* E.164 where it can be known, else as it came; SIP addresses without "sip:" and without their domain. */
struct str	exotel_number(struct exotel_reader *r, struct json v);
/* ms since 1970 from RFC 3339, "2026-01-05 10:00:00" or "Mon, 05 Jan 2026 10:00:00"; LEG_NONE when absent, not of the
 * years 2000-2100 (Exotel writes 1970 for nothing), or after the delivery came. */
int64_t	exotel_time(struct exotel_reader *r, struct json v);
int64_t	exotel_length(struct json v);	/* ms from whole seconds; LEG_NONE when absent or absurd */

#endif
