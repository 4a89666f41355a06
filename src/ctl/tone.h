/*
 * tone: the few colours ringctl has, and which words get them. Used on a terminal only.
 */
#ifndef RINGD_CTL_TONE_H
#define RINGD_CTL_TONE_H

#include "base/str.h"

#define TONE_GOOD	"\033[32m"
#define TONE_BUSY	"\033[33m"
#define TONE_BAD	"\033[31m"
#define TONE_HEADING	"\033[1m"
#define TONE_END	"\033[0m"

const char	*tone_of(struct str word);	/* "" for a word without one */

#endif
