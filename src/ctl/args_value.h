/*
 * args_value: checks and reads the value of one option. Pure.
 */
#ifndef RINGD_CTL_ARGS_VALUE_H
#define RINGD_CTL_ARGS_VALUE_H

#include "ctl/args.h"

/* NULL when text is right, *number set for the types that have one; else what was expected, written into `expected`. */
const char	*args_read_value(const struct option *o, const char *text, int64_t now_ms, int64_t *number,
		    char *expected, size_t size);
/* Does text stand among "a|b|c"? */
bool		 args_choice(const char *choices, const char *text, size_t n);

#endif
