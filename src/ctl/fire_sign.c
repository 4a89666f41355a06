/*
 * fire_sign: HMAC-SHA256 in the two dialects' forms. The key is the secret's bytes, not decoded.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "ctl/fire_sign.h"

#define JWT_HEADER	"{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

enum fire_encoding
fire_encoding_of(const char *word)
{
	return strcmp(word, "base64") == 0 ? FIRE_BASE64 : strcmp(word, "sha256") == 0 ? FIRE_SHA256 : FIRE_HEX;
}

static void
put_base64url(struct buf *b, struct str s)
{
	size_t len = (s.n * 4 + 2) / 3;

	if (!buf_reserve(b, 4 * ((s.n + 2) / 3) + 1))
		return;
	base64url_encode(b->p + b->len, s.p, s.n);
	b->len += len;
}

void
fire_sign_jwt(struct buf *body, struct str payload, const struct secret *secret)
{
	unsigned char mac[SHA256_SIZE];

	put_base64url(body, STR(JWT_HEADER));
	buf_putc(body, '.');
	put_base64url(body, payload);
	hash_hmac_sha256(mac, secret_bytes(secret), buf_as_str(body));
	buf_putc(body, '.');
	put_base64url(body, (struct str){ (const char *)mac, sizeof(mac) });
}

void
fire_sign_header(char out[FIRE_SIGNATURE_SIZE], enum fire_encoding encoding, struct str body,
    const struct secret *secret)
{
	unsigned char mac[SHA256_SIZE];

	hash_hmac_sha256(mac, secret_bytes(secret), body);
	if (encoding == FIRE_BASE64) {
		base64_encode(out, mac, sizeof(mac));
		return;
	}
	snprintf(out, FIRE_SIGNATURE_SIZE, "%s", encoding == FIRE_SHA256 ? "sha256=" : "");
	hex_encode(out + strlen(out), mac, sizeof(mac));
}
