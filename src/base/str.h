/*
 * str: a slice of bytes that somebody else owns. Not NUL-terminated; may hold any byte.
 * A slice with p == NULL means "absent", which is not the same as empty.
 */
#ifndef RINGD_STR_H
#define RINGD_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
	const char	*p;
	size_t		 n;
};

/* For printf's "%.*s": log_info("x=%.*s", STR_ARG(s)). */
#define STR_ARG(s)	((int)(s).n), ((s).p != NULL ? (s).p : "")
/* A slice of a string literal. */
#define STR(lit)	((struct str){ (lit), sizeof(lit) - 1 })
#define STR_NONE	((struct str){ NULL, 0 })

static inline struct str
str_c(const char *c)
{
	return (struct str){ c, c != NULL ? strlen(c) : 0 };
}

bool	str_eq(struct str a, struct str b);		/* bytes equal; absent equals only absent */
bool	str_ieq(struct str a, struct str b);		/* the same, ASCII letters without case */
int	str_cmp(struct str a, struct str b);		/* total order: absent < everything, then bytes, then length */
bool	str_starts(struct str s, struct str prefix);
struct str str_trim(struct str s);			/* without SP and HTAB at both ends */
/* Cuts s at the first sep: head to *head, the rest stays in *s. false when s is absent; the last piece leaves it so. */
bool	str_cut(struct str *s, char sep, struct str *head);

#endif
