/*
 * tone: words of state and their colours, as data.
 */
#include <sys/types.h>

#include "base/count.h"
#include "ctl/tone.h"

static const struct {
	const char	*word;
	const char	*tone;
} tones[] = {
	{ "active", TONE_GOOD }, { "ready", TONE_GOOD }, { "up", TONE_GOOD }, { "enabled", TONE_GOOD },
	{ "usable", TONE_GOOD }, { "answered", TONE_GOOD }, { "applied", TONE_GOOD }, { "done", TONE_GOOD },
	{ "whole", TONE_GOOD }, { "broken", TONE_BAD },
	{ "ringing", TONE_BUSY }, { "waiting", TONE_BUSY }, { "retrying", TONE_BUSY }, { "starting", TONE_BUSY },
	{ "draining", TONE_BUSY }, { "pending", TONE_BUSY }, { "expired", TONE_BUSY },
	{ "dead", TONE_BAD }, { "failed", TONE_BAD }, { "down", TONE_BAD }, { "refused", TONE_BAD }, { "revoked", TONE_BAD },
	{ "disabled", TONE_BAD }, { "inactive", TONE_BAD }, { "missed", TONE_BAD }, { "abandoned", TONE_BAD },
};

const char *
tone_of(struct str word)
{
	for (size_t i = 0; i < COUNT(tones); i++)
		if (str_eq(word, str_c(tones[i].word)))
			return tones[i].tone;
	return "";
}
