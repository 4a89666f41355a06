/*
 * dialpad_rig: what the tests of Dialpad's mapping share: an arena, and a payload turned into an event.
 */
#ifndef RINGD_DIALPAD_RIG_H
#define RINGD_DIALPAD_RIG_H

#include "providers/dialpad.h"

#define RECEIVED	INT64_C(1795000000000)
#define TS		INT64_C(1790000000910)

static const struct json_limits	limits = { .depth = 32, .tokens = 20000 };
static struct arena		arena;
static struct json_doc		doc;
static struct event		e;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, 8 << 20);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static const struct event *
map(struct str payload)
{
	struct json_error	err;

	if (!json_parse(&doc, &arena, payload, &limits, &err))
		fail_msg("test payload is no JSON at %zu, expected %s", err.offset, err.expected);
	assert_true(dialpad_event(&e, &arena, payload, &doc, RECEIVED));
	return &e;
}

#endif
