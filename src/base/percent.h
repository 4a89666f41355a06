/*
 * percent: text into a URL or a form body, so that no byte of it can end its place (RFC 3986, 2.1).
 */
#ifndef RINGD_PERCENT_H
#define RINGD_PERCENT_H

#include "base/buf.h"

void	percent_encode(struct buf *b, struct str s);	/* all but letters, digits and - . _ ~ becomes %XX; absent: nothing */
/* name=value, with '&' before it unless it is the first byte of b or follows '?'; nothing at all for an absent value. */
void	percent_pair(struct buf *b, const char *name, struct str value);

#endif
