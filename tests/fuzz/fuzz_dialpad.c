/*
 * fuzz_dialpad: a body's whole way: open, parse, event, leg to JSON and back, call. First byte: with or without a
 * signature header. Whatever comes, nothing may break, the record must come back equal, and the same body must give
 * the same event.
 */
#include <sys/types.h>

#include <stdint.h>

#include "leg_holds.h"
#include "providers/dialpad.h"

#define ARENA_MAX	((size_t)16 << 20)
#define RECEIVED_MS	INT64_C(1795000000000)

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_payload(struct str payload, struct arena *a, const struct json_limits *limits)
{
	struct json_error	err;
	struct json_doc		doc;
	struct event		e, again;

	if (!json_parse(&doc, a, payload, limits, &err))
		return;
	must(dialpad_event(&e, a, payload, &doc, RECEIVED_MS));
	must(dialpad_event(&again, a, payload, &doc, RECEIVED_MS));
	must(memcmp(e.digest, again.digest, SHA256_SIZE) == 0 && leg_equal(&e.leg, &again.leg));
	must(e.type.p != NULL && e.type.n <= 64);
	must(e.is_call == (e.leg.id.p != NULL));
	check_record(&e.leg, a);
	if (e.is_call)
		check_call(&e.leg);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct json_limits	limits = { .depth = 32, .tokens = 20000 };
	struct dialpad_delivery		d;
	struct arena			a;
	struct str			body, signature = STR_NONE;
	const char			*why;

	if (n == 0)
		return 0;
	body = (struct str){ (const char *)data + 1, n - 1 };
	if ((data[0] & 1) != 0)
		signature = (struct str){ body.p, body.n < 80 ? body.n : 80 };
	arena_init(&a, ARENA_MAX);
	if (dialpad_open(&d, &a, body, signature, &limits, &why) == DIALPAD_VERIFIED) {
		must(dialpad_verify(&d, STR("")) != DIALPAD_VERIFIED);
		(void)dialpad_verify(&d, STR("secret"));
		check_payload(d.payload, &a, &limits);
	} else
		must(why != NULL);
	arena_free(&a);
	return 0;
}
