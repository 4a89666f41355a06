/*
 * dialpad_open: is a body a JWT or plain JSON, and did somebody who knows the secret make it? Works on the bytes as
 * received, before anything is parsed. Only HS256 is ever accepted, whatever the header asks for; a header that asks
 * for anything we must understand ("crit") is refused. Content-Type is not looked at: Dialpad documents none.
 */
#include <sys/types.h>

#include "providers/dialpad.h"

#define JWT_HEADER_MAX	1024	/* encoded; Dialpad's has 36 bytes */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static struct str
trim_blanks(struct str s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

static enum dialpad_form
form_of(struct str trimmed)
{
	char	c = trimmed.n > 0 ? trimmed.p[0] : '\0';

	if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'))
		return DIALPAD_JSON;
	if (str_eq(trimmed, STR("true")) || str_eq(trimmed, STR("false")) || str_eq(trimmed, STR("null")))
		return DIALPAD_JSON;
	return DIALPAD_JWT;
}

static enum dialpad_verdict
malformed(const char **why, const char *text)
{
	*why = text;
	return DIALPAD_MALFORMED;
}

static enum dialpad_verdict
no_memory(const char **why)
{
	*why = "no memory left for this request";
	return DIALPAD_NO_MEMORY;
}

static enum dialpad_verdict
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
	if (!json_parse(&doc, a, (struct str){ bytes, (size_t)n }, lim, &err)) {
		if (err.fault == JSON_NO_MEMORY)
			return no_memory(why);
		return malformed(why, "JWT header is not JSON");
	}
	root = json_root(&doc);
	if (json_type(root) != JSON_OBJECT)
		return malformed(why, "JWT header is not a JSON object");
	if (json_type(json_get(root, "alg")) != JSON_STRING || !str_eq(json_raw(json_get(root, "alg")), STR("HS256")))
		return malformed(why, "JWT header's alg is not HS256");
	if (json_type(json_get(root, "crit")) != JSON_ABSENT)
		return malformed(why, "JWT header names critical extensions (crit), of which none is understood");
	return DIALPAD_VERIFIED;
}

static enum dialpad_verdict
open_jwt(struct dialpad_delivery *d, struct arena *a, struct str jwt, const struct json_limits *lim, const char **why)
{
	struct str		parts[3], rest = jwt;
	enum dialpad_verdict	verdict;
	unsigned char		*claims, *mac;
	long			n;
	size_t			i;

	for (i = 0; i < 3; i++) {
		if (!str_cut(&rest, '.', &parts[i]) || parts[i].n == 0)
			return malformed(why, "JWT has not three parts: header.claims.signature");
	}
	if (rest.p != NULL)
		return malformed(why, "JWT has more than three parts");
	if ((verdict = check_header(a, parts[0], lim, why)) != DIALPAD_VERIFIED)
		return verdict;
	if ((claims = arena_alloc(a, parts[1].n)) == NULL || (mac = arena_alloc(a, parts[2].n)) == NULL)
		return no_memory(why);
	if ((n = base64url_decode(claims, parts[1].n, parts[1])) < 0)
		return malformed(why, "JWT claims are not base64url without padding");
	d->payload = (struct str){ (const char *)claims, (size_t)n };
	if ((n = base64url_decode(mac, parts[2].n, parts[2])) < 0)
		return malformed(why, "JWT signature is not base64url without padding");
	d->signed_part = (struct str){ jwt.p, parts[0].n + 1 + parts[1].n };
	d->mac_ok = n == SHA256_SIZE;
	if (d->mac_ok)
		memcpy(d->mac, mac, SHA256_SIZE);
	return DIALPAD_VERIFIED;
}

/* 64 hex digits, the same behind "sha256=", or base64: the three spellings in use. */
static bool
decode_signature(unsigned char mac[SHA256_SIZE], struct str s)
{
	const struct str	prefix = STR("sha256=");

	s = str_trim(s);
	if (str_starts(s, prefix))
		return hex_decode(mac, SHA256_SIZE, (struct str){ s.p + prefix.n, s.n - prefix.n }) == SHA256_SIZE;
	if (s.n == 2 * SHA256_SIZE)
		return hex_decode(mac, SHA256_SIZE, s) == SHA256_SIZE;
	return base64_decode(mac, SHA256_SIZE, s) == SHA256_SIZE;
}

enum dialpad_verdict
dialpad_open(struct dialpad_delivery *d, struct arena *a, struct str body, struct str signature_header,
    const struct json_limits *lim, const char **why)
{
	struct str	trimmed = trim_blanks(body);

	memset(d, 0, sizeof(*d));
	*why = NULL;
	d->body = body;
	d->signature = signature_header;
	d->form = form_of(trimmed);
	if (d->form == DIALPAD_JWT)
		return open_jwt(d, a, trimmed, lim, why);
	d->payload = body;
	if (signature_header.p != NULL)
		d->mac_ok = decode_signature(d->mac, signature_header);
	return DIALPAD_VERIFIED;
}

enum dialpad_verdict
dialpad_verify(const struct dialpad_delivery *d, struct str secret)
{
	unsigned char	expected[SHA256_SIZE];
	bool		same;

	if (d->form == DIALPAD_JSON && d->signature.p == NULL)
		return DIALPAD_NO_SIGNATURE;
	if (!d->mac_ok || secret.n == 0)
		return DIALPAD_WRONG_SIGNATURE;
	hash_hmac_sha256(expected, secret, d->form == DIALPAD_JWT ? d->signed_part : d->body);
	same = hash_equal(expected, d->mac, SHA256_SIZE);
	hash_wipe(expected, sizeof(expected));
	return same ? DIALPAD_VERIFIED : DIALPAD_WRONG_SIGNATURE;
}
