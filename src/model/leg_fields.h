/*
 * leg_fields: the plain fields of a leg as one table, private to leg.c and leg_json.c, so that joining, comparing,
 * writing and reading can never disagree about which fields there are.
 */
#ifndef RINGD_LEG_FIELDS_H
#define RINGD_LEG_FIELDS_H

#include "model/leg.h"

enum leg_rule {
	LEG_RULE_LARGEST_STR,	/* struct str: largest by str_cmp */
	LEG_RULE_LATEST_TEXT,	/* struct leg_text: later event time wins, then larger text */
	LEG_RULE_EARLIEST,	/* int64_t: smallest known */
	LEG_RULE_LARGEST,	/* int64_t: largest known */
};

struct leg_field {
	const char	*name;	/* member name in the record's JSON */
	enum leg_rule	 rule;
	size_t		 at;	/* offset in struct leg */
};

#define LEG_FIELDS 22
extern const struct leg_field leg_fields[LEG_FIELDS];

static inline void *
leg_field_at(struct leg *l, const struct leg_field *f)
{
	return (char *)l + f->at;
}

static inline const void *
leg_field_of(const struct leg *l, const struct leg_field *f)
{
	return (const char *)l + f->at;
}

#endif
