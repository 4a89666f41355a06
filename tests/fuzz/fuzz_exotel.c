/*
 * fuzz_exotel: a delivery's whole way: open in any of its forms, parse, event, leg to JSON and back, call. First byte: how
 * it comes. Whatever comes, nothing may break, well-formed JSON is never refused, the record must come back equal, the
 * same delivery must give the same event, and two deliveries the same legs in either order.
 */
#include <sys/types.h>

#include <stdint.h>

#include "leg_holds.h"
#include "providers/exotel.h"

#define ARENA_MAX	((size_t)16 << 20)
#define RECEIVED_MS	INT64_C(1795000000000)

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct json_limits		limits = { .depth = 32, .tokens = 20000 };
static const struct exotel_place	place = { INT64_C(330) * 60000, 91 };

static bool
event_of(struct event *e, struct arena *a, struct str payload)
{
	struct json_error	err;
	struct json_doc		*doc = arena_alloc(a, sizeof(*doc));

	if (!json_parse(doc, a, payload, &limits, &err))
		return false;
	must(exotel_event(e, a, payload, doc, &place, RECEIVED_MS));
	return true;
}

static void
check_payload(struct str payload, struct arena *a)
{
	struct event	e, again, other;
	struct leg	one, two;

	if (!event_of(&e, a, payload))
		return;
	must(event_of(&again, a, payload));
	must(memcmp(e.digest, again.digest, SHA256_SIZE) == 0 && leg_equal(&e.leg, &again.leg));
	must(e.type.p != NULL && e.type.n <= 64 && str_starts(e.type, STR("exotel.")));
	must(e.is_call == (e.leg.id.p != NULL));
	check_record(&e.leg, a);
	if (!e.is_call)
		return;
	check_call(&e.leg);
	must(event_of(&other, a, STR("{\"CallSid\":\"c1\",\"Status\":\"completed\",\"EventType\":\"terminal\",\"To\":\"09812345678\"}")));
	one = e.leg;
	two = other.leg;
	leg_join(&one, &other.leg);
	leg_join(&two, &e.leg);
	must(leg_equal(&one, &two));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const	types[] = { "application/json", "application/x-www-form-urlencoded",
					    "multipart/form-data; boundary=B", NULL };
	struct str			text, payload, type = STR_NONE;
	enum exotel_verdict		v;
	struct arena			a;
	const char			*why = NULL;

	if (n == 0)
		return 0;
	text = (struct str){ (const char *)data + 1, n - 1 };
	type = str_c(types[data[0] & 3]);
	arena_init(&a, ARENA_MAX);
	if ((data[0] & 4) != 0)			/* a boundary, or whatever else, of the fuzzer's own */
		str_cut(&text, '\n', &type);
	if ((data[0] & 8) != 0)
		v = exotel_open(&payload, &a, type, STR_NONE, text, &why);
	else
		v = exotel_open(&payload, &a, type, text, STR_NONE, &why);
	must(v != EXOTEL_NO_MEMORY && why != NULL && (v != EXOTEL_EMPTY || text.n == 0));
	if (v == EXOTEL_OPENED) {
		struct json_error	err;
		size_t			tokens;

		must(payload.p == text.p || json_check(payload, &(struct json_limits){ 32, 1 << 20 }, &tokens, &err) == JSON_OK);
		check_payload(payload, &a);
	}
	arena_free(&a);
	return 0;
}
