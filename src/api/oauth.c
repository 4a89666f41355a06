/*
 * oauth: see oauth.h.
 */
#include <sys/types.h>

#include <stdio.h>

#include "api/oauth.h"

#define COOKIE_SAFE	"__Host-ringd_oauth"	/* the prefix binds it to this host and to https */
#define COOKIE_PLAIN	"ringd_oauth"		/* a listener without TLS: the demo on loopback */
#define COOKIE_SIZE	(TOKEN_SIZE + 128)

static const char *
cookie_name(const struct http_request *rq)
{
	return rq->https ? COOKIE_SAFE : COOKIE_PLAIN;
}

struct str
oauth_cookie_find(const struct http_request *rq)
{
	struct str rest = http_header(rq, "cookie"), pair, name;

	while (str_cut(&rest, ';', &pair)) {
		pair = str_trim(pair);
		if (str_cut(&pair, '=', &name) && str_eq(name, str_c(cookie_name(rq))) && token_valid(pair, TOKEN_BROWSER))
			return pair;
	}
	return STR_NONE;
}

void
oauth_cookie_set(struct http_request *rq, const char *value, const char *seconds)
{
	char line[COOKIE_SIZE];

	snprintf(line, sizeof(line), "%s=%s; Path=/; Max-Age=%s; HttpOnly; SameSite=Lax%s", cookie_name(rq), value, seconds,
	    rq->https ? "; Secure" : "");
	http_add_header(rq, "Set-Cookie", line);
}

void
oauth_verifier(char out[PKCE_VERIFIER_SIZE], const struct api *api, struct str state, struct str cookie)
{
	char both[2 * TOKEN_SIZE];
	unsigned char mac[SHA256_SIZE];
	int n = snprintf(both, sizeof(both), "%.*s%.*s", STR_ARG(state), STR_ARG(cookie));

	hash_hmac_sha256(mac, secret_bytes(&api->oauth_key), (struct str){ both, (size_t)n });
	base64url_encode(out, mac, sizeof(mac));
	hash_wipe(both, sizeof(both));
	hash_wipe(mac, sizeof(mac));
}
