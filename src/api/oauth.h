/*
 * oauth: what the two halves of flow 1 share: the cookie that binds a connect to its browser, and the PKCE verifier. Private to
 * oauth_connect.c (from a key or a ticket to Dialpad's page) and oauth_callback.c (from its answer to one of ours).
 *
 * The state is random, single-use and stored as a hash; the browser it was given to holds a cookie whose hash stands
 * beside it. The verifier is HMAC(installation's key, state and cookie): it is stored nowhere, and neither the database
 * nor the address of the callback is enough to work it out. A worker never sees a token or the client's secret.
 */
#ifndef RINGD_OAUTH_H
#define RINGD_OAUTH_H

#include "api/api.h"
#include "base/token.h"
#include "providers/dialpad_oauth.h"

#define OAUTH_STATE_MS		((int64_t)10 * 60 * 1000)	/* state, cookie, and the ticket made for an API key */
#define OAUTH_STATE_SECONDS	"600"
#define OAUTH_URL_MAX		8192

/* Ours among the cookies of the request; absent unless it has the form of one we made. */
struct str	oauth_cookie_find(const struct http_request *rq);
void		oauth_cookie_set(struct http_request *rq, const char *value, const char *seconds);
void		oauth_verifier(char out[PKCE_VERIFIER_SIZE], const struct api *api, struct str state, struct str cookie);

#endif
