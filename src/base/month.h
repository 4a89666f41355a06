/*
 * month: calendar months as texts, "2026-11", in UTC: what calls are counted in. Pure.
 */
#ifndef RINGD_MONTH_H
#define RINGD_MONTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define MONTH_SIZE	8	/* YYYY-MM and a NUL */

void	month_of(char out[MONTH_SIZE], int64_t real_ms);
bool	month_parse(char out[MONTH_SIZE], struct str s);	/* 2000-01 to 9998-12, in this one form */

#endif
