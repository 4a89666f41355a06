/*
 * front: from the configuration's listeners and certificates to the HTTP server's. Runs after privileges are dropped:
 * the files were read by the master, their bytes are part of the configuration.
 */
#include <sys/types.h>

#include "base/log.h"
#include "net/tls.h"
#include "worker/expiry.h"
#include "worker/front.h"

static bool
open_tls(struct front *f, struct tls_tickets *tickets)
{
	const struct conf	*c = f->conf;
	struct tls_files	 files[CONF_MAX_CERTIFICATES];
	struct tls_options	 o = { .files = files, .nfiles = c->ncertificates, .min_version = c->tls_min_version,
	    .tickets = c->tls_tickets ? tickets : NULL, .ticket_lifetime_s = c->tls_ticket_lifetime_ms / 1000 };
	char			 why[TLS_WHY_SIZE];

	if (c->ncertificates == 0)
		return true;
	for (size_t i = 0; i < c->ncertificates; i++)
		files[i] = conf_certificate_files(&c->certificate[i]);
	f->tls = tls_server_new(&o, why);
	if (f->tls == NULL)
		log_event(LEVEL_ERROR, "the certificates cannot be used", LOG_C("reason", why));
	return f->tls != NULL;
}

bool
front_open(struct front *f, const struct heritage *h, struct loop *l,
    void (*error)(struct http_request *rq, int status, const char *code, const char *message))
{
	f->conf = h->conf;
	f->redirect = (struct http_redirect){ .port = (int)h->conf->tls_redirect_port, .error = error };
	http_redirect_routes(&f->redirect_routes, &f->redirect);
	if (!open_tls(f, h->tickets))
		return false;
	if (h->index != 0 || h->conf->ncertificates == 0)
		return true;
	f->expiry = expiry_new(l, h->conf);
	return f->expiry != NULL;
}

bool
front_listen(struct front *f, struct http_server *s, const int *fd, const struct http_routes *routes)
{
	for (size_t i = 0; i < f->conf->nlisten; i++) {
		const struct conf_listen	*l = &f->conf->listen[i];
		const struct http_listen	 what = { .fd = fd[i], .proxy_protocol = l->proxy_protocol,
		    .tls = l->tls ? f->tls : NULL, .hsts_s = f->conf->tls_hsts_ms / 1000,
		    .routes = l->redirect ? &f->redirect_routes : routes };

		if (!http_server_listen(s, &what))
			return false;
	}
	if (f->expiry != NULL)
		expiry_begin(f->expiry);
	return true;
}

void
front_free(struct front *f)
{
	expiry_free(f->expiry);
	tls_server_free(f->tls);
}
