/*
 * suggest: edit distance between what was written and what exists. Pure; bounded by SUGGEST_WORD_MAX, so three rows on
 * the stack are all it needs. Suggests nothing rather than something far-fetched.
 */
#include <sys/types.h>

#include <stdint.h>

#include "conf/suggest.h"

#define NEAR_MOST	3	/* more than three slips is another word */

static char
fold(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c == '-' ? '_' : c;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t
suggest_distance(struct str a, struct str b)
{
	size_t	 rows[3][SUGGEST_WORD_MAX + 1];
	size_t	*before = rows[0], *above = rows[1], *row = rows[2], *spare;

	if (a.n > SUGGEST_WORD_MAX || b.n > SUGGEST_WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.n; j++) {
		before[j] = 0;
		row[j] = j;
	}
	for (size_t i = 1; i <= a.n; i++) {
		spare = before;
		before = above;
		above = row;
		row = spare;
		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			char	x = fold(a.p[i - 1]), y = fold(b.p[j - 1]);

			row[j] = least(above[j - 1] + (x != y), least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && x == fold(b.p[j - 2]) && y == fold(a.p[i - 2]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return row[b.n];
}

void
suggest_begin(struct suggest *s, struct str word)
{
	s->word = word;
	s->best = NULL;
	s->distance = least(word.n / 3 + (word.n < 3), NEAR_MOST) + 1;
}

void
suggest_offer(struct suggest *s, const char *candidate)
{
	size_t	distance = suggest_distance(s->word, str_c(candidate));

	if (distance < s->distance) {
		s->best = candidate;
		s->distance = distance;
	}
}
