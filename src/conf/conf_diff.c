/*
 * conf_diff: what a reload changes, by the table, and what it leaves as it is. Never shows a secret; a value is shown
 * only when its type is one that conf_value_text() knows to be harmless.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/conf_value.h"

void
conf_diff(const struct conf *old, const struct conf *new, void (*line)(void *arg, const char *text), void *arg)
{
	char	text[CONF_DIFF_SIZE], before[CONF_TEXT_SIZE], after[CONF_TEXT_SIZE];

	for (size_t i = 0; i < conf_keys.n; i++) {
		const struct conf_key	*k = &conf_keys.keys[i];
		const char		*then = k->when == CONF_RESTART ? ", restart needed" : "";

		if (conf_value_equal(k, old, new))
			continue;
		if (conf_value_text(k, old, before) && conf_value_text(k, new, after) && strcmp(before, after) != 0)
			snprintf(text, sizeof(text), "%s: %s -> %s%s", k->name, before, after, then);
		else
			snprintf(text, sizeof(text), "%s: changed%s", k->name, then);
		line(arg, text);
	}
}

bool
conf_keep(const struct conf *running, struct conf *next)
{
	for (size_t i = 0; i < conf_keys.n; i++) {
		const struct conf_key	*k = &conf_keys.keys[i];

		if (k->when == CONF_RESTART && !conf_value_equal(k, running, next) &&
		    !conf_value_copy(k, running, next))
			return false;
	}
	return true;
}
