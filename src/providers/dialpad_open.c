/*
 * dialpad_open: is a body a JWT or plain JSON, and did somebody who knows the secret make it? Works on the bytes as
 * received, before anything is parsed. What a JWT may be stands in base/jwt.h. Content-Type is not looked at: Dialpad
 * documents none.
 */
#include <sys/types.h>

#include "base/jwt.h"
#include "providers/dialpad.h"

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
open_jwt(struct dialpad_delivery *d, struct arena *a, struct str text, const struct json_limits *lim, const char **why)
{
	struct jwt	t;

	switch (jwt_open(&t, a, text, lim, why)) {
	case JWT_MALFORMED:
		return DIALPAD_MALFORMED;
	case JWT_NO_MEMORY:
		*why = "no memory left for this request";
		return DIALPAD_NO_MEMORY;
	case JWT_OPEN:
		break;
	}
	d->payload = t.claims;
	d->signed_part = t.signed_part;
	d->mac_ok = t.mac_ok;
	memcpy(d->mac, t.mac, sizeof(d->mac));
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
