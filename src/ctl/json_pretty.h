/*
 * json_pretty: JSON laid out for reading. Pure.
 */
#ifndef RINGD_CTL_JSON_PRETTY_H
#define RINGD_CTL_JSON_PRETTY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* text is JSON already. Nothing but blanks between values changes: numbers and strings stay as they were written. */
void	json_pretty(struct buf *out, struct str text);
/* text line by line as it is, but harmless for a terminal. */
void	text_for_terminal(struct buf *out, struct str text);

#endif
