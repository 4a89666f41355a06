/*
 * dialpad_oauth: see dialpad_oauth.h. An answer is judged by what is in it before its status is believed: some servers
 * put an error into a 200, some a token beside one. Never keeps half a token, never shows one in a reason.
 */
#include <sys/types.h>

#include <stdio.h>

#include "base/json_read.h"
#include "base/percent.h"
#include "providers/dialpad_fields.h"
#include "providers/dialpad_oauth.h"

#define CREDENTIALS_MAX	4096	/* bytes of a client's id and secret in a header */
#define EXPIRES_MAX_S	((int64_t)10 * 366 * 86400)

static const struct json_limits limits = { .depth = 16, .tokens = 512 };

void
pkce_challenge(char out[PKCE_CHALLENGE_SIZE], struct str verifier)
{
	unsigned char	digest[SHA256_SIZE];

	hash_sha256(digest, verifier);
	base64url_encode(out, digest, sizeof(digest));
}

void
dialpad_authorize_url(struct buf *b, const struct dialpad_authorize *a)
{
	buf_puts(b, a->base_url);
	buf_puts(b, a->path);
	buf_putc(b, strchr(a->path, '?') != NULL ? '&' : '?');
	buf_puts(b, "response_type=code");
	percent_pair(b, "client_id", str_c(a->client_id));
	percent_pair(b, "redirect_uri", str_c(a->redirect_uri));
	percent_pair(b, "scope", str_c(a->scope));
	percent_pair(b, "state", a->state);
	percent_pair(b, "code_challenge", a->challenge);
	percent_pair(b, "code_challenge_method", STR("S256"));
}

static void
put_client(struct buf *b, const struct dialpad_client *c)
{
	if (c->basic)
		return;
	percent_pair(b, "client_id", str_c(c->id));
	percent_pair(b, "client_secret", secret_bytes(c->secret));
}

bool
dialpad_client_header(struct secret *header, const struct dialpad_client *c)
{
	struct buf	pair, line;
	size_t		n;
	bool		good;

	buf_init(&pair, CREDENTIALS_MAX);
	percent_encode(&pair, str_c(c->id));
	buf_putc(&pair, ':');
	percent_encode(&pair, secret_bytes(c->secret));
	n = 4 * ((pair.len + 2) / 3);
	buf_init(&line, 2 * CREDENTIALS_MAX);
	buf_puts(&line, "Basic ");
	if (!pair.failed && buf_reserve(&line, n + 1)) {
		base64_encode(line.p + line.len, pair.p, pair.len);
		line.len += n;
	}
	good = !pair.failed && !line.failed && secret_set(header, buf_as_str(&line));
	buf_wipe_free(&pair);
	buf_wipe_free(&line);
	return good;
}

void
dialpad_exchange_form(struct buf *b, const struct dialpad_client *c, struct str code, struct str verifier,
    const char *redirect_uri)
{
	percent_pair(b, "grant_type", STR("authorization_code"));
	percent_pair(b, "code", code);
	percent_pair(b, "code_verifier", verifier);
	percent_pair(b, "redirect_uri", str_c(redirect_uri));
	put_client(b, c);
}

void
dialpad_refresh_form(struct buf *b, const struct dialpad_client *c, struct str refresh_token)
{
	percent_pair(b, "grant_type", STR("refresh_token"));
	percent_pair(b, "refresh_token", refresh_token);
	put_client(b, c);
}

/* A token is visible ASCII (RFC 6749, appendix A.12): anything else could end a header's line. */
static struct str
token_of(struct json v, struct arena *a)
{
	struct str	s = json_type(v) == JSON_STRING ? json_text(v, a) : STR_NONE;

	if (s.n == 0 || s.n > DIALPAD_TOKEN_MAX)
		return STR_NONE;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f)
			return STR_NONE;
	return s;
}

/* A kind of token we cannot use must not be used (RFC 6749, 7.1); not said, it is the usual one. */
static bool
is_bearer(struct json type)
{
	return json_type(type) != JSON_STRING || str_ieq(json_raw(type), STR("bearer"));
}

static enum dialpad_token_outcome
outcome_of_error(struct str error, int status)
{
	static const char *const	passing[] = { "temporarily_unavailable", "server_error", "slow_down" };
	static const char *const	ours[] = { "invalid_client", "unauthorized_client", "unsupported_grant_type" };

	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
		if (str_eq(error, str_c(passing[i])))
			return DIALPAD_TOKEN_AGAIN;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (str_eq(error, str_c(ours[i])))
			return DIALPAD_TOKEN_MISCONFIGURED;
	if ((status == 401 && !str_eq(error, STR("invalid_grant"))) || (status == 403 && error.p == NULL))
		return DIALPAD_TOKEN_MISCONFIGURED;
	return DIALPAD_TOKEN_REFUSED;
}

/* error is a word in most answers, an object with a message in others. */
static struct str
error_of(struct json root, struct dialpad_reader *r)
{
	struct json	v = json_get(root, "error");

	if (json_type(v) == JSON_OBJECT)
		v = json_get(v, "message");
	return dialpad_word(r, "", v, false);
}

enum dialpad_token_outcome
dialpad_token_answer(struct dialpad_tokens *t, struct arena *a, int status, struct str body)
{
	struct dialpad_reader	r = { .arena = a };
	struct json		root = { NULL, 0 };
	struct json_error	err;
	struct json_doc		doc;
	struct str		error;
	int64_t			seconds;

	*t = (struct dialpad_tokens){ .expires_in_s = -1 };
	if (status == 0 || status == 408 || status == 425 || status == 429 || status >= 500) {
		if (status == 0)
			snprintf(t->why, sizeof(t->why), "no answer");
		else
			snprintf(t->why, sizeof(t->why), "answered %d", status);
		return DIALPAD_TOKEN_AGAIN;
	}
	if (json_parse(&doc, a, body, &limits, &err))
		root = json_root(&doc);
	error = error_of(root, &r);
	if (status < 200 || status > 299 || error.p != NULL) {
		snprintf(t->why, sizeof(t->why), "answered %d%s%.*s", status, error.p != NULL ? ", " : "", STR_ARG(error));
		return outcome_of_error(error, status);
	}
	t->access = token_of(json_get(root, "access_token"), a);
	t->refresh = token_of(json_get(root, "refresh_token"), a);
	if (json_i64(json_get(root, "expires_in"), &seconds) && seconds > 0)
		t->expires_in_s = seconds < EXPIRES_MAX_S ? seconds : EXPIRES_MAX_S;
	if (!is_bearer(json_get(root, "token_type"))) {
		*t = (struct dialpad_tokens){ .expires_in_s = -1 };
		snprintf(t->why, sizeof(t->why), "answered %d with a token that is no bearer token", status);
		return DIALPAD_TOKEN_UNREADABLE;
	}
	if (t->access.p != NULL)
		return DIALPAD_TOKEN_OK;
	snprintf(t->why, sizeof(t->why), "answered %d without an access token", status);
	return DIALPAD_TOKEN_UNREADABLE;
}

bool
dialpad_me_answer(struct dialpad_me *m, struct arena *a, struct str body)
{
	struct dialpad_reader	r = { .arena = a };
	struct json_error	err;
	struct json_doc		doc;
	struct json		root;

	*m = (struct dialpad_me){ .is_admin = true };
	if (!json_parse(&doc, a, body, &limits, &err))
		return false;
	root = json_root(&doc);
	m->user_id = dialpad_call_id(json_get(root, "id"));
	m->company_id = dialpad_call_id(json_get(root, "company_id"));
	m->name = dialpad_text(&r, json_get(root, "display_name"), DIALPAD_NAME_MAX);
	m->is_admin = json_bool(json_get(root, "is_admin")) != 0 || json_bool(json_get(root, "is_super_admin")) == 1;
	return m->company_id.p != NULL && !r.failed;
}
