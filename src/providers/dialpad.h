/*
 * dialpad: what Dialpad sends, in both dialects, turned into an event. Pure mapping: no I/O, no clock, no database.
 * Real dialect: the body is a JWT (HS256) whose claims are a flat call event with `state`; or plain JSON.
 * Seeds' dialect: JSON {event_type, call{…}} with an HMAC-SHA256 of the raw body in a header.
 * Facts: developers.dialpad.com (event subscriptions, call events) and captures; sureness noted at each rule.
 */
#ifndef RINGD_DIALPAD_H
#define RINGD_DIALPAD_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/json_read.h"
#include "model/event.h"

enum dialpad_form {
	DIALPAD_JWT,		/* three base64url parts */
	DIALPAD_JSON,		/* begins, after JSON whitespace, with { or [ or any other JSON value */
};

enum dialpad_verdict {
	DIALPAD_VERIFIED,
	DIALPAD_WRONG_SIGNATURE,
	DIALPAD_NO_SIGNATURE,
	DIALPAD_MALFORMED,
	DIALPAD_NO_MEMORY,	/* dialpad_open: the arena is full, the delivery may be fine: 503, never a 4xx */
};

struct dialpad_delivery {
	enum dialpad_form form;
	struct str	 body;		/* as received */
	struct str	 signature;	/* header's value; absent when not sent */
	struct str	 payload;	/* the JSON: body itself, or the JWT's decoded claims (arena) */
	struct str	 signed_part;	/* JWT: header.payload */
	unsigned char	 mac[SHA256_SIZE];	/* JWT: decoded third part; header: decoded value */
	bool		 mac_ok;	/* mac could be decoded (else no secret can fit) */
};

/*
 * A body whose first byte (after ASCII whitespace) is a letter or '_' is a JWT, unless it is true, false or null; all
 * else is JSON. Splits and decodes; DIALPAD_MALFORMED for a JWT that is none (bad base64url, header not JSON, alg other
 * than HS256, "none" included), with *why a static text. Does not need a secret. DIALPAD_VERIFIED here means
 * "well-formed so far".
 */
enum dialpad_verdict dialpad_open(struct dialpad_delivery *d, struct arena *a, struct str body,
    struct str signature_header, const struct json_limits *lim, const char **why);
/* Constant time in the secret. DIALPAD_NO_SIGNATURE for plain JSON without header. An empty secret never verifies.
 * Header form: hex (64), sha256=hex, base64 (44, padded); surrounding blanks are trimmed. */
enum dialpad_verdict dialpad_verify(const struct dialpad_delivery *d, struct str secret);

/* Payload (well-formed JSON, root may be anything) to event. Never refuses well-formed JSON: what is no call event gets
 * is_call = false. Strings live in the arena or point into the payload. received_ms stands in where the event has no
 * time. false only without memory. */
bool	dialpad_event(struct event *e, struct arena *a, struct str payload, const struct json_doc *doc,
	    int64_t received_ms);

#endif
