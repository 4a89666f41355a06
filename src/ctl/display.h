/*
 * display: text of unknown origin (names out of a caller's address book) made fit for a terminal, and its width there.
 * Pure, and independent of the locale: what we show is UTF-8.
 */
#ifndef RINGD_CTL_DISPLAY_H
#define RINGD_CTL_DISPLAY_H

#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

/* Columns of s as display_put writes it. */
size_t	display_width(struct str s);
/*
 * Writes s with control characters, bidirectional overrides and bytes that are not UTF-8 as \xNN or \uNNNN, cut to
 * `most` columns (the last one then shows the cut). Returns the columns used.
 */
size_t	display_put(struct buf *out, struct str s, size_t most);

#endif
