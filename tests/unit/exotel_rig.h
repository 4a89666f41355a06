/*
 * exotel_rig: what the tests of Exotel's mapping share: an arena, and a payload turned into an event.
 */
#ifndef RINGD_EXOTEL_RIG_H
#define RINGD_EXOTEL_RIG_H

#include "providers/exotel.h"

#define RECEIVED	INT64_C(1795000000000)		/* 2026-11-18 */

static const struct json_limits	limits = { .depth = 32, .tokens = 20000 };
static struct exotel_place	place;
static struct arena		arena;
static struct json_doc		doc;
static struct event		e;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, 64 << 20);
	place = (struct exotel_place){ INT64_C(330) * 60000, 91 };
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static inline const struct event *
map(struct str payload)
{
	struct json_error	err;

	if (!json_parse(&doc, &arena, payload, &limits, &err))
		fail_msg("test payload is no JSON at %zu, expected %s", err.offset, err.expected);
	assert_true(exotel_event(&e, &arena, payload, &doc, &place, RECEIVED));
	return &e;
}

static void
assert_str(struct str s, const char *expected)
{
	if (!str_eq(s, str_c(expected)))
		fail_msg("got \"%.*s\", expected \"%s\"", STR_ARG(s), expected != NULL ? expected : "(absent)");
}

#endif
