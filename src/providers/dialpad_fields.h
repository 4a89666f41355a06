/*
 * dialpad_fields: single values out of Dialpad's JSON, private to the mapping. Dialpad writes the same thing as a
 * number here and as a string there, and null, "", "0" or "null" where it has nothing; callers see a value or its
 * absence. Everything is bounded. Only running out of memory is an error, and it sticks.
 */
#ifndef RINGD_DIALPAD_FIELDS_H
#define RINGD_DIALPAD_FIELDS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/json_read.h"
#include "model/leg.h"

#define DIALPAD_WORD_MAX	64	/* states, event types, kinds */
#define DIALPAD_NUMBER_MAX	64	/* telephone numbers; "anonymous" and the like fit too */
#define DIALPAD_ID_MAX		128	/* ids that need not be digits */
#define DIALPAD_NAME_MAX	512
#define DIALPAD_URL_MAX		4096
#define DIALPAD_CUSTOM_MAX	4096
#define DIALPAD_TRANSCRIPT_MAX	65536

struct dialpad_reader {
	struct arena	*arena;
	bool		 failed;	/* the arena is full */
	struct json	 inner;		/* looked at first: the seeds' call{}, or a real event */
	struct json	 outer;		/* then: the object around call{}; absent for a real event */
};

/* The member of that name, inner before outer; null counts as absent. */
struct json	dialpad_get(const struct dialpad_reader *r, const char *name);
/* Text for people: a string, or the digits of a number; cut at a character when longer than max. */
struct str	dialpad_text(struct dialpad_reader *r, struct json v, size_t max);
/* Text for machines (ids, addresses): the same, but one longer than max is absent, because half an id is another id. */
struct str	dialpad_token(struct dialpad_reader *r, struct json v, size_t max);
/* A call id: 1 to 2^63-1, number or string of digits, never through a double; as digits. */
struct str	dialpad_call_id(struct json v);
/* prefix and the text in lower case, at most DIALPAD_WORD_MAX bytes in all; what is not a-z 0-9 _ or (with dots) '.'
 * becomes '_'. */
struct str	dialpad_word(struct dialpad_reader *r, const char *prefix, struct json v, bool dots);
/* ms since 1970 from ms as number or digits, or RFC 3339; LEG_NONE when absent or not of the years 2000-2100. */
int64_t	dialpad_time(struct json v);
/* Whole ms, fraction dropped; LEG_NONE when absent, negative or longer than a year. */
int64_t	dialpad_length(struct json v);

/* dialpad_leg.c: everything but id and state, with ts as the time of what is said. */
void	dialpad_map_leg(struct leg *l, struct dialpad_reader *r, int64_t ts);
/* The seeds' from and to, where the two sides are not named; without a direction "from" is taken as the outside. */
void	dialpad_map_ends(struct leg *l, struct dialpad_reader *r, int64_t ts);

#endif
