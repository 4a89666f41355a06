/*
 * conf_value: one field of the configuration, whatever its type: from text, compared, given back.
 */
#ifndef RINGD_CONF_VALUE_H
#define RINGD_CONF_VALUE_H

#include <stdbool.h>

#include "base/str.h"
#include "conf/conf_keys.h"

#define CONF_EXPECTED_SIZE	128
#define CONF_TEXT_SIZE		448	/* a value as text; a longer one is cut */

enum conf_set {
	CONF_SET,
	CONF_UNFIT,		/* not a value of this type, or out of bounds */
	CONF_NO_MEMORY,
};

/* Text to the field of k in base; quoted text is never a boolean or a number. Not for the list types. */
enum conf_set	conf_value_set(const struct conf_key *k, void *base, struct str text, bool quoted);
/* What would have fitted, to follow the word "expected". */
void		conf_value_expected(const struct conf_key *k, char out[CONF_EXPECTED_SIZE]);
bool		conf_value_equal(const struct conf_key *k, const void *a, const void *b);
/* The words of a type that is one of a few, in the order of its enum, then NULL; NULL of any other. A field's place there. */
const char *const *conf_choices(enum conf_type t);
size_t		conf_choice(enum conf_type t, const void *field);
/* As it may be shown, "none" when there is none. false: not to be shown. In conf_text.c, like the next. */
bool		conf_value_text(const struct conf_key *k, const void *base, char out[CONF_TEXT_SIZE]);
/* The field of k, of a single text, in `to` becomes what it is in `from`. false: no memory, or not of that kind. */
bool		conf_value_copy(const struct conf_key *k, const void *from, void *to);
void		conf_value_free(const struct conf_key *k, void *base);	/* secrets wiped */
bool		conf_value_is_list(enum conf_type t);
/* The lists' own part of equal and free, in conf_list.c: n items each; *n becomes 0. */
bool		conf_list_equal(enum conf_type t, const void *a, const void *b, size_t n);
void		conf_list_free(enum conf_type t, void *field, size_t *n);

/* Every row of a table: defaults into a zeroed base; everything back. */
bool		conf_table_defaults(const struct conf_table *t, void *base);
void		conf_table_free(const struct conf_table *t, void *base);

#endif
