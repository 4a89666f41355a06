/*
 * agent_token: see agent_token.h. Numbers of seconds must be numbers: what a lax reader would take for one is refused, so that
 * nobody's token depends on how lax we are.
 */
#include <sys/types.h>

#include "api/agent_token.h"

/* Later than any time we meet, and far from overflow. */
#define FAR_S	((int64_t)1 << 40)

static const struct json_limits limits = { .depth = 8, .tokens = 128 };

static enum agent_token_verdict
invalid(const char **why, const char *text)
{
	*why = text;
	return AGENT_TOKEN_INVALID;
}

/* A NumericDate, its fraction dropped. false: it is something else. */
static bool
read_time(int64_t *out, struct json v)
{
	*out = INT64_MIN;
	if (json_type(v) == JSON_ABSENT)
		return true;
	return json_type(v) == JSON_NUMBER && json_i64(v, out) && *out >= 0 && *out < FAR_S;
}

static enum agent_token_verdict
read_claims(struct agent_token *t, struct arena *a, const char **why)
{
	struct json_error err;
	struct json_doc doc;
	struct json root;

	if (!json_parse(&doc, a, t->jwt.claims, &limits, &err))
		return err.fault == JSON_NO_MEMORY ? AGENT_TOKEN_NO_MEMORY : invalid(why, "The agent token's claims are not JSON");
	root = json_root(&doc);
	t->agent = json_text(json_get(root, "sub"), a);
	if (t->agent.p == NULL || t->agent.n == 0 || t->agent.n > AGENT_ID_MAX)
		return invalid(why, "The agent token names no agent: sub must be a text of 1 to 255 bytes");
	if (!read_time(&t->expires_s, json_get(root, "exp")) || t->expires_s == INT64_MIN)
		return invalid(why, "The agent token has no end: exp must be a number of seconds since 1970");
	if (!read_time(&t->issued_s, json_get(root, "iat")) || !read_time(&t->not_before_s, json_get(root, "nbf")))
		return invalid(why, "The agent token's iat or nbf is no number of seconds since 1970");
	return AGENT_TOKEN_OK;
}

enum agent_token_verdict
agent_token_read(struct agent_token *t, struct arena *a, struct str text, const char **why)
{
	if (text.n > AGENT_TOKEN_MAX)
		return invalid(why, "The agent token is longer than 2048 bytes");
	switch (jwt_open(&t->jwt, a, text, &limits, why)) {
	case JWT_OPEN:
		break;
	case JWT_MALFORMED:
		return AGENT_TOKEN_INVALID;
	case JWT_NO_MEMORY:
		return AGENT_TOKEN_NO_MEMORY;
	}
	return read_claims(t, a, why);
}

enum agent_token_verdict
agent_token_times(const struct agent_token *t, int64_t now_s, const char **why)
{
	if (t->expires_s + AGENT_TOKEN_LEEWAY_S <= now_s) {
		*why = "The agent token has expired; the page must ask its server for another";
		return AGENT_TOKEN_EXPIRED;
	}
	if (t->expires_s > now_s + AGENT_TOKEN_LIFE_S + AGENT_TOKEN_LEEWAY_S)
		return invalid(why, "The agent token lives too long: exp may be an hour from now at most");
	if (t->issued_s > now_s + AGENT_TOKEN_LEEWAY_S || t->not_before_s > now_s + AGENT_TOKEN_LEEWAY_S)
		return invalid(why, "The agent token is from the future: iat or nbf is later than now");
	return AGENT_TOKEN_OK;
}
