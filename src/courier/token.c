/*
 * token: what is asked of the authorization server's token endpoint, by whoever has a code or a refresh token. How a client
 * says who it is is decided here.
 */
#include <sys/types.h>

#include "courier/grant.h"
#include "providers/dialpad_oauth.h"

#define FORM_MAX	32768

static struct dialpad_client
client_of(const struct conf *f)
{
	return (struct dialpad_client){ f->dialpad_client_id, &f->dialpad_client_secret, f->dialpad_client_basic };
}

/* Sends the form and wipes it. */
static bool
ask(struct courier *c, struct buf *form, struct str company, int64_t deadline_ms, errand_fn fn, void *arg)
{
	const struct dialpad_client client = client_of(c->conf);
	struct secret header = { 0 };
	struct errand_request rq = { .endpoint = dialpad_api(DIALPAD_TOKEN), .origin = &c->origin[ORIGIN_DIALPAD_OAUTH], .path = c->conf->dialpad_token_path,
	    .content_type = "application/x-www-form-urlencoded", .account = company, .deadline_ms = deadline_ms };
	bool good = !form->failed && (!client.basic || dialpad_client_header(&header, &client));

	if (good) {
		rq.body = buf_as_str(form);
		rq.authorization = client.basic ? &header : NULL;
		errand_send(c->errands, &rq, fn, arg);
	}
	secret_free(&header);
	buf_wipe_free(form);
	return good;
}

bool
token_exchange(struct courier *c, struct str code, struct str verifier, int64_t deadline_ms, errand_fn fn, void *arg)
{
	const struct dialpad_client client = client_of(c->conf);
	struct buf form;

	buf_init(&form, FORM_MAX);
	dialpad_exchange_form(&form, &client, code, verifier,
	    c->conf->dialpad_send_redirect_uri ? c->conf->dialpad_redirect_uri : NULL);
	return ask(c, &form, STR_NONE, deadline_ms, fn, arg);
}

bool
token_refresh(struct courier *c, const struct secret *token, struct str company, int64_t deadline_ms, errand_fn fn, void *arg)
{
	const struct dialpad_client client = client_of(c->conf);
	struct buf form;

	buf_init(&form, FORM_MAX);
	dialpad_refresh_form(&form, &client, secret_bytes(token));
	return ask(c, &form, company, deadline_ms, fn, arg);
}
