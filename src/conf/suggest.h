/*
 * suggest: "did you mean". Offers are compared with what was written; the nearest wins, if it is near enough.
 */
#ifndef RINGD_SUGGEST_H
#define RINGD_SUGGEST_H

#include <stddef.h>

#include "base/str.h"

#define SUGGEST_WORD_MAX	64	/* longer words are near nothing */

struct suggest {
	struct str	 word;
	const char	*best;		/* NULL: nothing near enough so far */
	size_t		 distance;	/* of best, or one more than is allowed */
};

/* Letters inserted, dropped, changed or swapped with a neighbour; case does not count, and '-' is '_'. */
size_t	suggest_distance(struct str a, struct str b);	/* SIZE_MAX when one is longer than SUGGEST_WORD_MAX */
void	suggest_begin(struct suggest *s, struct str word);
void	suggest_offer(struct suggest *s, const char *candidate);	/* kept by reference */

#endif
