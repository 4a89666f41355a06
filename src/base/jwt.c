/*
 * jwt: see jwt.h. One token has one text: parts are cut at dots, and base64url is taken without padding and spare bits only.
 */
#include <sys/types.h>

#include <string.h>

#include "base/jwt.h"

#define JWT_HEADER_MAX	1024	/* encoded; a usual one has 36 bytes */

static enum jwt_verdict
malformed(const char **why, const char *text)
{
	*why = text;
	return JWT_MALFORMED;
}

static enum jwt_verdict
check_header(struct arena *a, struct str encoded, const struct json_limits *lim, const char **why)
{
	char			bytes[JWT_HEADER_MAX];
	long			n;
	struct json_doc		doc;
	struct json_error	err;
	struct json		root;

	if (encoded.n > JWT_HEADER_MAX)
		return malformed(why, "JWT header is longer than 1024 characters");
	if ((n = base64url_decode((unsigned char *)bytes, sizeof(bytes), encoded)) < 0)
		return malformed(why, "JWT header is not base64url without padding");
	if (!json_parse(&doc, a, (struct str){ bytes, (size_t)n }, lim, &err))
		return err.fault == JSON_NO_MEMORY ? JWT_NO_MEMORY : malformed(why, "JWT header is not JSON");
	root = json_root(&doc);
	if (json_type(root) != JSON_OBJECT)
		return malformed(why, "JWT header is not a JSON object");
	if (json_type(json_get(root, "alg")) != JSON_STRING || !str_eq(json_raw(json_get(root, "alg")), STR("HS256")))
		return malformed(why, "JWT header's alg is not HS256");
	if (json_type(json_get(root, "crit")) != JSON_ABSENT)
		return malformed(why, "JWT header names critical extensions (crit), of which none is understood");
	return JWT_OPEN;
}

enum jwt_verdict
jwt_open(struct jwt *t, struct arena *a, struct str text, const struct json_limits *lim, const char **why)
{
	struct str		parts[3], rest = text;
	enum jwt_verdict	verdict;
	unsigned char		*claims, *mac;
	long			n;
	size_t			i;

	memset(t, 0, sizeof(*t));
	for (i = 0; i < 3; i++) {
		if (!str_cut(&rest, '.', &parts[i]) || parts[i].n == 0)
			return malformed(why, "JWT has not three parts: header.claims.signature");
	}
	if (rest.p != NULL)
		return malformed(why, "JWT has more than three parts");
	if ((verdict = check_header(a, parts[0], lim, why)) != JWT_OPEN)
		return verdict;
	if ((claims = arena_alloc(a, parts[1].n)) == NULL || (mac = arena_alloc(a, parts[2].n)) == NULL)
		return JWT_NO_MEMORY;
	if ((n = base64url_decode(claims, parts[1].n, parts[1])) < 0)
		return malformed(why, "JWT claims are not base64url without padding");
	t->claims = (struct str){ (const char *)claims, (size_t)n };
	if ((n = base64url_decode(mac, parts[2].n, parts[2])) < 0)
		return malformed(why, "JWT signature is not base64url without padding");
	t->signed_part = (struct str){ text.p, parts[0].n + 1 + parts[1].n };
	t->mac_ok = n == SHA256_SIZE;
	if (t->mac_ok)
		memcpy(t->mac, mac, SHA256_SIZE);
	return JWT_OPEN;
}

bool
jwt_signed_by(const struct jwt *t, struct str secret)
{
	unsigned char	expected[SHA256_SIZE];
	bool		same;

	if (!t->mac_ok || secret.n == 0)
		return false;
	hash_hmac_sha256(expected, secret, t->signed_part);
	same = hash_equal(expected, t->mac, SHA256_SIZE);
	hash_wipe(expected, sizeof(expected));
	return same;
}
