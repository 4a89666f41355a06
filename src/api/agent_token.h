/*
 * agent_token: the CRM's word that a browser belongs to one of its agents: a JWT (HS256) that its own server made with an API
 * key of the app, lives for an hour at most and names the agent as "sub". Pure.
 *
 * It is signed with the SHA-256 of the key, 32 bytes: that is what the database knows of it, so the key itself is never here.
 * Which key it was is found by trying the app's good ones; nothing a stranger writes into the header chooses.
 */
#ifndef RINGD_AGENT_TOKEN_H
#define RINGD_AGENT_TOKEN_H

#include "base/jwt.h"

#define AGENT_TOKEN_MAX		2048	/* bytes of the whole */
#define AGENT_TOKEN_LIFE_S	3600	/* the longest */
#define AGENT_TOKEN_LEEWAY_S	60	/* clocks differ */
#define AGENT_ID_MAX		255

enum agent_token_verdict { AGENT_TOKEN_OK, AGENT_TOKEN_INVALID, AGENT_TOKEN_EXPIRED, AGENT_TOKEN_NO_MEMORY };

struct agent_token {
	struct jwt	jwt;
	struct str	agent;		/* nobody's word until jwt_signed_by() */
	int64_t		expires_s, issued_s, not_before_s;	/* INT64_MIN: not said */
};

/* What can be said without a key. *why: what is wrong, a static text for the CRM's developer. */
enum agent_token_verdict agent_token_read(struct agent_token *t, struct arena *a, struct str text, const char **why);
/* Is it good now? To be asked of a token whose signature is right. */
enum agent_token_verdict agent_token_times(const struct agent_token *t, int64_t now_s, const char **why);

#endif
