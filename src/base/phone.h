/*
 * phone: what a telephone number may look like. Pure.
 */
#ifndef RINGD_PHONE_H
#define RINGD_PHONE_H

#include <stdbool.h>

#include "base/str.h"

bool	phone_is_e164(struct str number);	/* '+', then 7 to 15 digits, the first not 0; nothing else */

#endif
