/*
 * What a stranger's page can say of itself: an agent token, whole or only its claims, and an origin. Whatever comes in, what goes on
 * is bounded, and an origin that is taken has one spelling.
 */
#include <stdlib.h>
#include <string.h>

#include "api/agent_token.h"
#include "net/origin.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEY	STR("0123456789abcdef0123456789abcdef")

static void
look(struct str text)
{
	struct agent_token t;
	const char *why = NULL;
	struct arena a;
	enum agent_token_verdict v;

	arena_init(&a, 1 << 20);
	v = agent_token_read(&t, &a, text, &why);
	if (v == AGENT_TOKEN_INVALID && why == NULL)
		abort();
	if (v == AGENT_TOKEN_OK) {
		if (text.n > AGENT_TOKEN_MAX || t.agent.n == 0 || t.agent.n > AGENT_ID_MAX || t.expires_s < 0)
			abort();
		agent_token_times(&t, INT64_C(1790000000), &why);
		jwt_signed_by(&t.jwt, KEY);
	}
	arena_free(&a);
}

static void
look_at_claims(struct str claims)
{
	static const char head[] = "eyJhbGciOiJIUzI1NiJ9.";
	static const char mac[] = ".AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	char text[sizeof(head) + 4 * 1024 + sizeof(mac)];

	if (claims.n > 3000)
		return;
	memcpy(text, head, sizeof(head));
	base64url_encode(text + strlen(text), claims.p, claims.n);
	strcat(text, mac);
	look(str_c(text));
}

static void
look_at_origin(struct str text)
{
	char first[ORIGIN_TEXT_SIZE], second[ORIGIN_TEXT_SIZE];
	struct origin o, again;

	if (!origin_parse(&o, text))
		return;
	origin_short(first, &o);
	if (!origin_parse(&again, str_c(first)) || !origin_equal(&o, &again))
		abort();
	origin_short(second, &again);
	if (strcmp(first, second) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };

	look(text);
	look_at_claims(text);
	look_at_origin(text);
	return 0;
}
