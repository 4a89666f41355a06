/*
 * mask: telephone numbers made unreadable, for the log. A number is what looks like E.164: a '+' (or "%2B", as in a
 * path), a digit that is not 0, and 8 digits or more in all, also with single blanks, hyphens, dots or brackets between
 * them. Pure.
 */
#ifndef RINGD_MASK_H
#define RINGD_MASK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define MASK_SIZE	16	/* "+1555...233" and a NUL, with room */

bool	mask_find(struct str s, size_t *from, size_t *to);	/* the first number of s is [from, to) */
/* The country and the end stay, so that two lines about one number can be seen to be that: "+1555...233". At least four
 * digits are hidden. number is what mask_find found. */
void	mask_number(char out[MASK_SIZE], struct str number);

#endif
