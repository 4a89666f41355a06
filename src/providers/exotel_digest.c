/*
 * exotel_digest: see exotel_digest.h.
 */
#include <sys/types.h>

#include "base/count.h"
#include "base/hash.h"
#include "base/json_read.h"
#include "providers/exotel_digest.h"

#define TEXT_MAX	1024	/* of one member */
#define LINE_MAX_BYTES	8192	/* of what is hashed */
#define NC		STR("00000001")	/* each answer is the first and only use of its cnonce */

static const char *const words[SIP_VERDICTS] = {
	[SIP_OK] = "ok", [SIP_METHOD] = "method", [SIP_REALM] = "realm", [SIP_URI] = "uri", [SIP_ALGORITHM] = "algorithm",
};

const char *
sip_verdict_word(enum sip_verdict v)
{
	return words[v];
}

/* ---- the challenge */

/* What may stand between quotes in a header without any escape. */
static bool
quotable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || (unsigned char)s.p[i] >= 0x7f || s.p[i] == '"' || s.p[i] == '\\')
			return false;
	return s.n > 0 && s.n <= TEXT_MAX;
}

bool
sip_challenge_read(struct sip_challenge *c, struct arena *a, struct str json)
{
	static const struct json_limits limits = { .depth = 2, .tokens = 64 };
	const struct { const char *name; struct str *to; bool needed; } member[] = {
		{ "method", &c->method, true }, { "uri", &c->uri, true }, { "realm", &c->realm, true },
		{ "nonce", &c->nonce, true }, { "algorithm", &c->algorithm, false }, { "qop", &c->qop, false },
		{ "opaque", &c->opaque, false },
	};
	struct json_error err;
	struct json_doc doc;

	*c = (struct sip_challenge){ .method = STR_NONE };
	if (!json_parse(&doc, a, json, &limits, &err) || json_type(json_root(&doc)) != JSON_OBJECT)
		return false;
	for (size_t i = 0; i < COUNT(member); i++) {
		struct json v = json_get(json_root(&doc), member[i].name);

		if (!member[i].needed && (json_type(v) == JSON_ABSENT || json_type(v) == JSON_NULL))
			continue;
		*member[i].to = json_text(v, a);
		if (member[i].to->p == NULL || !quotable(*member[i].to))
			return false;
	}
	return true;
}

static bool
method_allowed(struct str method, const struct sip_rules *rules)
{
	if (rules->nmethods == 0)
		return str_eq(method, STR("REGISTER"));
	for (size_t i = 0; i < rules->nmethods; i++)
		if (str_eq(method, str_c(rules->method[i])))
			return true;
	return false;
}

/* sip:[user@]host[:port][;parameters]; nothing that could be read as another host by somebody else. */
static bool
uri_is_of(struct str uri, struct str domain)
{
	struct str rest = uri, host;
	bool sips = str_starts(uri, STR("sips:"));

	if (!sips && !str_starts(uri, STR("sip:")))
		return false;
	rest.p += sips ? 5 : 4;
	rest.n -= sips ? 5 : 4;
	for (size_t i = 0; i < rest.n; i++)
		if (rest.p[i] <= ' ' || rest.p[i] == '<' || rest.p[i] == '>' || rest.p[i] == ',' || rest.p[i] == '?')
			return false;
	host = rest;
	for (size_t i = 0; i < rest.n; i++)
		if (rest.p[i] == '@') {
			host = (struct str){ rest.p + i + 1, rest.n - i - 1 };
			break;
		}
	for (size_t i = 0; i < host.n; i++) {
		if (host.p[i] == '@')
			return false;
		if (host.p[i] == ':' || host.p[i] == ';') {
			for (size_t k = i; k < host.n; k++)
				if (host.p[k] == '@')
					return false;
			host.n = i;
		}
	}
	return str_ieq(host, domain);
}

/* One of "auth,auth-int" is enough. */
static bool
offers_auth(struct str qop)
{
	struct str one;

	while (str_cut(&qop, ',', &one))
		if (str_ieq(str_trim(one), STR("auth")))
			return true;
	return false;
}

enum sip_verdict
sip_challenge_judge(const struct sip_challenge *c, const struct sip_rules *rules)
{
	if (!method_allowed(c->method, rules))
		return SIP_METHOD;
	if (!str_eq(c->realm, rules->domain) && (rules->realm.n == 0 || !str_eq(c->realm, rules->realm)))
		return SIP_REALM;
	if (!uri_is_of(c->uri, rules->domain))
		return SIP_URI;
	if ((c->algorithm.p != NULL && !str_ieq(c->algorithm, STR("MD5"))) || (c->qop.p != NULL && !offers_auth(c->qop)))
		return SIP_ALGORITHM;
	return SIP_OK;
}

/* ---- the answer */

/* MD5 of the parts with colons between them, in hexadecimal digits. */
static void
hash_joined(char out[2 * MD5_SIZE + 1], const struct str *part, size_t n)
{
	unsigned char digest[MD5_SIZE];
	struct buf b;

	buf_init(&b, LINE_MAX_BYTES);
	buf_reserve(&b, LINE_MAX_BYTES);	/* at once, so that no copy is left behind by growing */
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_putc(&b, ':');
		buf_str(&b, part[i]);
	}
	hash_md5(digest, b.failed ? STR("") : buf_as_str(&b));
	hex_encode(out, digest, sizeof(digest));
	hash_wipe(digest, sizeof(digest));
	buf_wipe_free(&b);
}

void
sip_digest(char out[SIP_RESPONSE_SIZE], struct str user, const struct secret *password, const struct sip_challenge *c,
    struct str nc, struct str cnonce)
{
	char a1[2 * MD5_SIZE + 1], a2[2 * MD5_SIZE + 1];

	hash_joined(a1, (const struct str[]){ user, c->realm, secret_bytes(password) }, 3);
	hash_joined(a2, (const struct str[]){ c->method, c->uri }, 2);
	if (c->qop.p != NULL)
		hash_joined(out, (const struct str[]){ str_c(a1), c->nonce, nc, cnonce, STR("auth"), str_c(a2) }, 6);
	else
		hash_joined(out, (const struct str[]){ str_c(a1), c->nonce, str_c(a2) }, 3);
	hash_wipe(a1, sizeof(a1));
	hash_wipe(a2, sizeof(a2));
}

static void
quoted(struct buf *b, const char *name, struct str value)
{
	buf_puts(b, name);
	buf_puts(b, "=\"");
	buf_str(b, value);
	buf_putc(b, '"');
}

void
sip_authorization(struct buf *b, struct str user, const struct secret *password, const struct sip_challenge *c,
    struct str cnonce)
{
	char response[SIP_RESPONSE_SIZE];

	if (!quotable(user)) {
		b->failed = true;
		return;
	}
	sip_digest(response, user, password, c, NC, cnonce);
	quoted(b, "Digest username", user);
	quoted(b, ", realm", c->realm);
	quoted(b, ", nonce", c->nonce);
	quoted(b, ", uri", c->uri);
	quoted(b, ", response", str_c(response));
	buf_puts(b, ", algorithm=MD5");
	if (c->qop.p != NULL) {
		quoted(b, ", cnonce", cnonce);
		buf_puts(b, ", qop=auth, nc=");
		buf_str(b, NC);
	}
	if (c->opaque.p != NULL)
		quoted(b, ", opaque", c->opaque);
}
