/*
 * exotel: what Exotel sends, turned into an event. Pure mapping: no I/O, no clock, no database.
 * Four kinds of deliveries come to one address, told apart by the fields they have: the status callback of a call
 * placed by the API, the Passthru applet of a call flow, the popup for the agent whose telephone rings, and the
 * application hook of IP calling. They come as JSON, as a form in either encoding, or as a query string.
 * Facts: developer.exotel.com and support.exotel.com; all fields but CallSid may be missing, null or the word "null".
 */
#ifndef RINGD_EXOTEL_H
#define RINGD_EXOTEL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/json_read.h"
#include "model/event.h"

#define EXOTEL_FORM_MAX		((size_t)1 << 20)	/* bytes of a form or query: written as JSON it may be six times that */

enum exotel_verdict {
	EXOTEL_OPENED,
	EXOTEL_EMPTY,		/* neither body nor query */
	EXOTEL_MALFORMED,
	EXOTEL_TOO_LARGE,
	EXOTEL_NO_MEMORY,
};

/*
 * What is to be kept of a delivery: JSON as it came (not looked into), or a form's or query's decoded names and values
 * as one JSON object, in their order, none left out; bytes that are no UTF-8 become U+FFFD. The query counts only when
 * there is no body. Multipart is what Content-Type says; else a body that begins with { or [ is JSON, any other a form.
 * Strings live in the arena or are the body. *why is static text for EXOTEL_MALFORMED.
 */
enum exotel_verdict exotel_open(struct str *payload, struct arena *a, struct str content_type, struct str body,
    struct str query, const char **why);

/* Where an account is: what its times without a zone and its numbers without a country mean. */
struct exotel_place {
	int64_t	utc_offset_ms;
	int64_t	country;		/* calling code; 0: numbers stay as they come */
};

/* Payload (well-formed JSON, root may be anything) to event. Never refuses well-formed JSON: what names no call gets
 * is_call = false. Strings live in the arena or point into the payload. received_ms stands in where the event has no
 * time, and nothing is believed that happened after it. false only without memory. */
bool	exotel_event(struct event *e, struct arena *a, struct str payload, const struct json_doc *doc,
	    const struct exotel_place *place, int64_t received_ms);

#endif
