/*
 * conf_diff: what a reload would change, by the table. Says that a value changed, never what it is or was.
 */
#include <sys/types.h>

#include <stdio.h>

#include "conf/conf.h"
#include "conf/conf_value.h"

void
conf_diff(const struct conf *old, const struct conf *new, void (*line)(void *arg, const char *text), void *arg)
{
	char	text[CONF_NAME_SIZE + sizeof(": restart needed")];

	for (size_t i = 0; i < conf_keys.n; i++) {
		const struct conf_key	*k = &conf_keys.keys[i];

		if (conf_value_equal(k, old, new))
			continue;
		snprintf(text, sizeof(text), "%s: %s", k->name, k->when == CONF_RESTART ? "restart needed" : "changed");
		line(arg, text);
	}
}

bool
conf_can_reload(const struct conf *old, const struct conf *new, const char **key)
{
	for (size_t i = 0; i < conf_keys.n; i++) {
		const struct conf_key	*k = &conf_keys.keys[i];

		if (k->when == CONF_RESTART && !conf_value_equal(k, old, new)) {
			*key = k->name;
			return false;
		}
	}
	return true;
}
