/*
 * dialpad_oauth: what is said to Dialpad's authorization server, and what its answers mean. Pure: builds texts and
 * reads texts. Source: Dialpad's OpenAPI document (every field of a token answer is optional in it) and RFC 6749,
 * 7636, 9700; what is inferred says so.
 */
#ifndef RINGD_DIALPAD_OAUTH_H
#define RINGD_DIALPAD_OAUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/secret.h"

#define PKCE_VERIFIER_SIZE	44	/* 43 characters of 32 bytes and a NUL (RFC 7636: 43 to 128) */
#define PKCE_CHALLENGE_SIZE	44	/* S256 */
#define DIALPAD_TOKEN_MAX	8192	/* bytes of an access or refresh token that are taken */

void	pkce_challenge(char out[PKCE_CHALLENGE_SIZE], struct str verifier);

struct dialpad_authorize {
	const char	*base_url, *path;	/* "https://dialpad.com", "/oauth2/authorize" */
	const char	*client_id, *redirect_uri, *scope;
	struct str	 state, challenge;
};

void	dialpad_authorize_url(struct buf *b, const struct dialpad_authorize *a);

struct dialpad_client {
	const char		*id;
	const struct secret	*secret;
	bool			 basic;	/* says so in a header, not in the form: RFC 6749, 2.3.1 */
};

/* Form bodies of POST token. They hold secrets: buf_wipe_free() them. redirect_uri NULL: not sent (Dialpad's document has none there). */
void	dialpad_exchange_form(struct buf *b, const struct dialpad_client *c, struct str code, struct str verifier,
	    const char *redirect_uri);
bool	dialpad_client_header(struct secret *header, const struct dialpad_client *c);	/* "Basic …"; false: no memory */
void	dialpad_refresh_form(struct buf *b, const struct dialpad_client *c, struct str refresh_token);

enum dialpad_token_outcome {
	DIALPAD_TOKEN_OK,
	DIALPAD_TOKEN_AGAIN,		/* trouble that passes: no answer, 429, 5xx, "temporarily_unavailable" */
	DIALPAD_TOKEN_REFUSED,		/* the code or refresh token is worth nothing: people have to act */
	DIALPAD_TOKEN_MISCONFIGURED,	/* the client id or secret is: the administrator has to act */
	DIALPAD_TOKEN_UNREADABLE,	/* 200, but no token can be found in it */
};

struct dialpad_tokens {			/* slices of the arena's */
	struct str	access, refresh;	/* refresh absent when none came: an old one stays good */
	int64_t		expires_in_s;		/* -1: not said */
	char		why[128];		/* what to tell people and the log; never a token */
};

/* status 0: no answer came at all. The body may be anything. */
enum dialpad_token_outcome dialpad_token_answer(struct dialpad_tokens *t, struct arena *a, int status, struct str body);

struct dialpad_me {			/* GET /api/v2/users/me */
	struct str	user_id, company_id, name;
	bool		is_admin;		/* company or office admin, or not said */
};

bool	dialpad_me_answer(struct dialpad_me *m, struct arena *a, struct str body);	/* false: no company in it */

#endif
