/*
 * body: what a request's JSON body holds. Strict: one object, no member that is not known, none twice. Whoever misspells a
 * member should learn it now, and not when its effect is missed.
 */
#ifndef RINGD_API_BODY_H
#define RINGD_API_BODY_H

#include "base/json_read.h"
#include "http/request.h"

#define BODY_KEY_MAX	128	/* bytes of an idempotency key */

/*
 * Reads the body into doc, and each of its members into its place of member[n], absent where there is none. may_lack: no body
 * is as good as {}. false: it is malformed, and has been answered.
 */
bool	body_read(struct http_request *rq, struct json_doc *doc, const char *const names[], size_t n, struct json member[],
	    bool may_lack);
/* A text that may be left out, as null too; false: it is something else, or longer than max. */
bool	body_text(struct str *out, struct json v, struct arena *a, size_t max);
/* The header Idempotency-Key, or such a member; absent when neither is there. false: answered. */
bool	body_idempotency_key(struct str *key, struct http_request *rq, struct json member);

#endif
