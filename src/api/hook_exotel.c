/*
 * hook_exotel: a delivery of Exotel from the wire to the ingest batch, in named steps: verify -> open -> json -> event -> store.
 * Exotel signs nothing: the token in the address says whose the delivery is and that it may come, and where the hook has
 * a secret, the password of HTTP Basic has to be that. Nothing is read of a delivery before.
 * Comes by GET too (Passthru and popups), which therefore stores; HEAD does not.
 */
#include <sys/types.h>
#include <string.h>

#include "api/intake.h"
#include "base/token.h"
#include "providers/exotel.h"

#define CREDENTIALS_MAX	512		/* user:password */

/* ---- open, json, event */

static void
read_event(struct intake *in)
{
	struct delivery *d = &in->d;
	struct http_request *rq = in->rq;
	const struct conf *c = in->api->conf;
	struct exotel_place place = { c->exotel_utc_offset_ms, c->exotel_country_code };
	struct str payload;
	const char *why;

	rq->step = "open";
	switch (exotel_open(&payload, &rq->arena, http_header(rq, "content-type"), rq->body, rq->query, &why)) {
	case EXOTEL_OPENED:
		break;
	case EXOTEL_EMPTY:
		intake_refuse(in, 400, "empty_delivery", "A delivery has a body, or a query");
		return;
	case EXOTEL_MALFORMED:
		intake_refuse(in, 400, "malformed_delivery", why);
		return;
	case EXOTEL_TOO_LARGE:
		intake_refuse(in, 413, "body_too_large", "A form of more than one megabyte; JSON may be larger");
		return;
	case EXOTEL_NO_MEMORY:
		intake_no_memory(in);
		return;
	}
	if (!intake_json(in, payload))
		return;
	rq->step = "event";
	if (exotel_event(&d->event, &rq->arena, payload, &in->doc, &place, d->received_ms))
		intake_store(in);
	else
		intake_no_memory(in);
}

/* ---- verify */

/* The password of "Basic base64(user:password)", in room; absent when there is none. Whoever asks wipes the room. */
static struct str
password_in(unsigned char room[CREDENTIALS_MAX], struct str header)
{
	struct str scheme, user, rest;
	long n;

	if (!str_cut(&header, ' ', &scheme) || header.p == NULL || !str_ieq(scheme, STR("basic")) ||
	    (n = base64_decode(room, CREDENTIALS_MAX, str_trim(header))) < 0)
		return STR_NONE;
	rest = (struct str){ (const char *)room, (size_t)n };
	return str_cut(&rest, ':', &user) ? rest : STR_NONE;
}

static bool
is_secret(struct str password, const struct secret *s)
{
	return secret_present(s) && password.p != NULL && password.n == s->len && hash_equal(password.p, s->bytes, s->len);
}

/* Which of the hook's secrets lets the delivery in; NULL: none. A hook without a secret asks for nothing. */
static const char *
admitted_by(const struct http_request *rq, const struct hook *k)
{
	unsigned char room[CREDENTIALS_MAX];
	struct str password;
	const char *word = NULL;

	if (!secret_present(&k->secret))
		return "none";
	password = password_in(room, http_header(rq, "authorization"));
	if (is_secret(password, &k->secret))
		word = "current";
	else if (hook_was_open(k) || (hook_previous_lives(k) && is_secret(password, &k->previous)))
		word = "previous";
	hash_wipe(room, sizeof(room));
	return word;
}

static void
verify(struct intake *in)
{
	const struct hook *k;

	in->rq->step = "verify";
	k = hooks_by_token(in->api->hooks, in->rq->param[0]);
	if (k == NULL || !k->enabled || strcmp(k->provider, "exotel") != 0) {
		intake_look_again_or(in, 404, "unknown_hook", "No such hook");
		return;
	}
	in->d.secret_used = admitted_by(in->rq, k);
	if (in->d.secret_used == NULL) {
		in->challenge = "Basic realm=\"ringd\"";
		intake_look_again_or(in, 401, "invalid_password", "This hook asks for its secret as the password of HTTP Basic");
		return;
	}
	intake_use_hook(in, k);
	read_event(in);
}

void
api_hook_exotel(struct http_request *rq, void *ctx)
{
	struct intake *in = arena_alloc(&rq->arena, sizeof(*in));

	if (in == NULL) {
		api_no_memory(rq);
		return;
	}
	intake_begin(in, ctx, rq, verify);
	if (rq->method == HTTP_HEAD)
		intake_refuse(in, 405, "method_not_allowed", "Only GET and POST deliver something");
	else if (!token_valid(rq->param[0], TOKEN_HOOK))
		intake_refuse(in, 404, "unknown_hook", "No such hook");
	else if (intake_body_fits(in))
		verify(in);
}
