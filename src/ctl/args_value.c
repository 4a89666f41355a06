/*
 * args_value: the value of one option, by its type.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/str.h"
#include "ctl/args_value.h"

bool
args_choice(const char *choices, const char *text, size_t n)
{
	struct str rest = str_c(choices), one;

	while (str_cut(&rest, '|', &one))
		if (str_eq(one, (struct str){ text, n }))
			return true;
	return false;
}

static bool
some_choices(const char *choices, const char *text)
{
	struct str rest = str_c(text), one;

	while (str_cut(&rest, ',', &one))
		if (!args_choice(choices, one.p, one.n))
			return false;
	return true;
}

static bool
take_time(const struct option *o, const char *text, int64_t now, int64_t *out)
{
	int64_t duration;

	if (clock_parse_rfc3339(str_c(text), out))
		return true;
	if (!num_duration_ms(str_c(text), &duration) || duration > now)
		return false;
	*out = o->type == OPTION_PAST ? now - duration : now + duration;
	return true;
}

const char *
args_read_value(const struct option *o, const char *text, int64_t now, int64_t *number, char *expected, size_t size)
{
	bool ok = true;

	switch (o->type) {
	case OPTION_NUMBER:
		ok = num_i64(str_c(text), o->min, o->max, number);
		snprintf(expected, size, "a number from %lld to %lld", (long long)o->min, (long long)o->max);
		break;
	case OPTION_DURATION:
		ok = num_duration_ms(str_c(text), number) && *number >= o->min && *number <= o->max;
		snprintf(expected, size, "a duration such as 30s, 24h or 7d, at most %lldd",
		    (long long)(o->max / 86400000));
		break;
	case OPTION_PAST:
	case OPTION_FUTURE:
		ok = take_time(o, text, now, number);
		snprintf(expected, size, "a time such as 2026-01-27T10:30:00Z, or a duration such as 24h");
		break;
	case OPTION_CHOICE:
		ok = args_choice(o->choices, text, strlen(text));
		snprintf(expected, size, "one of %s", o->choices);
		break;
	case OPTION_CHOICES:
		ok = some_choices(o->choices, text);
		snprintf(expected, size, "one or more of %s, with commas", o->choices);
		break;
	case OPTION_URL:
		ok = strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
		snprintf(expected, size, "a URL that begins with http:// or https://");
		break;
	case OPTION_FLAG:
	case OPTION_TEXT:
	case OPTION_TEXTS:
	case OPTION_FILE:
	case OPTION_DIR:
		ok = text[0] != '\0';
		snprintf(expected, size, "some text");
		break;
	}
	return ok ? NULL : expected;
}
