/*
 * body: what a request's JSON body holds. Strict: one object, no member that is not known, none twice. Whoever misspells a
 * member should learn it now, and not when its effect is missed. Answers nothing: who may learn what is wrong is the journey's
 * to say.
 */
#ifndef RINGD_API_BODY_H
#define RINGD_API_BODY_H

#include "base/json_read.h"
#include "http/request.h"

#define BODY_KEY_MAX	128	/* bytes of an idempotency key */
#define BODY_SAID_SIZE	200

/* What is malformed, for a 400. */
struct body_fault {
	const char	*code, *text;		/* NULL: nothing is */
	char		 said[BODY_SAID_SIZE];	/* room for a text that is made up */
};

/* Reads the body into doc, and each of its members into its place of member[n], absent where there is none. */
bool	body_read(struct http_request *rq, struct json_doc *doc, const char *const names[], size_t n, struct json member[],
	    struct body_fault *fault);
/* A text that may be left out, as null too; false: it is something else, or longer than max. */
bool	body_text(struct str *out, struct json v, struct arena *a, size_t max);
/* The header Idempotency-Key, or such a member; absent when neither is there. */
bool	body_idempotency_key(struct str *key, struct http_request *rq, struct json member, struct body_fault *fault);

#endif
