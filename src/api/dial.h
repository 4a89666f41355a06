/*
 * dial: what a client may write into POST /api/calls. Private to dial.c (the journey) and dial_wish.c (the body).
 */
#ifndef RINGD_DIAL_H
#define RINGD_DIAL_H

#include "api/body.h"

#define DIAL_BODY_MAX	((size_t)64 * 1024)	/* of GET on the same path too, where a body is read and ignored */

struct dial_wish {
	struct str		user, number, custom_data, key;	/* the last two may be absent */
	struct body_fault	fault;
};

/* Reads body and Idempotency-Key header into the request's arena. false: it is malformed, and w->fault says how. */
bool	dial_wish_read(struct dial_wish *w, struct http_request *rq);

#endif
