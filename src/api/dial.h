/*
 * dial: what a client may write into POST /api/calls. Private to dial.c (the journey) and dial_wish.c (the body).
 */
#ifndef RINGD_DIAL_H
#define RINGD_DIAL_H

#include "http/request.h"

#define DIAL_BODY_MAX	((size_t)64 * 1024)	/* of GET on the same path too, where a body is read and ignored */
#define DIAL_KEY_MAX	128	/* bytes of an idempotency key */
#define DIAL_SAID_SIZE	160

struct dial_wish {
	struct str	user, number, custom_data, key;	/* the last two may be absent */
	const char	*wrong, *wrong_text;		/* code and words of what is malformed; NULL: nothing */
	char		 said[DIAL_SAID_SIZE];		/* room for words with a number in them */
};

/* Reads body and Idempotency-Key header into the request's arena. false: it is malformed, and w->wrong says how. */
bool	dial_wish_read(struct dial_wish *w, struct http_request *rq);

#endif
