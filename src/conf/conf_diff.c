/*
 * conf_diff: what a reload changes, by the table, and what it leaves as it is. Never shows a secret; a value is shown
 * only when its type is one that conf_value_text() knows to be harmless.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "conf/conf.h"
#include "conf/conf_value.h"

#define FINGERPRINT_MAX	((size_t)256 * 1024)

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

void
conf_fingerprint(char out[CONF_FINGERPRINT_SIZE], const struct conf *c)
{
	char		value[CONF_TEXT_SIZE];
	unsigned char	digest[SHA256_SIZE];
	struct buf	b;

	buf_init(&b, FINGERPRINT_MAX);
	for (size_t i = 0; i < conf_keys.n; i++) {
		buf_puts(&b, conf_keys.keys[i].name);
		if (conf_value_text(&conf_keys.keys[i], c, value))
			buf_printf(&b, ": %s", value);
		buf_putc(&b, '\n');
	}
	hash_sha256(digest, b.failed ? STR_NONE : buf_as_str(&b));
	hex_encode(out, digest, sizeof(digest));
	buf_free(&b);
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
