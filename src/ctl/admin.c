/*
 * admin: one HTTP request to a Unix socket or a loopback address, and the envelope of its answer taken apart.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "ctl/admin.h"
#include "ctl/http_client.h"

#define URL_SIZE	768

static void
answered(void *arg, const struct http_client_answer *a)
{
	struct admin_reply *r = arg;

	r->done = true;
	r->status = a->status;
	snprintf(r->error, sizeof(r->error), "%s", a->error);
	r->body = arena_str(&r->arena, a->body);
}

/* An address of the configuration's form as a URL, or the URL itself, with the path. false: neither. */
static bool
admin_url(const char *address, const char *path, char url[URL_SIZE], const char **unix_path)
{
	struct conf_address	at;
	char			host[ADDR_TEXT_SIZE];
	int			n;

	*unix_path = NULL;
	if (strncmp(address, "http://", 7) == 0 || strncmp(address, "https://", 8) == 0) {
		n = snprintf(url, URL_SIZE, "%s%s", address, path);
	} else if (!conf_address_parse(address, &at)) {
		return false;
	} else if (at.kind == CONF_ADDRESS_UNIX) {
		*unix_path = at.path;
		n = snprintf(url, URL_SIZE, "http://localhost%s", path);
	} else if (at.kind == CONF_ADDRESS_IP) {
		addr_text(host, &at.ip);
		n = snprintf(url, URL_SIZE, at.ip.family == AF_INET6 ? "http://[%s]:%u%s" : "http://%s:%u%s", host,
		    (unsigned)at.ip.port, path);
	} else
		n = snprintf(url, URL_SIZE, "http://127.0.0.1:%u%s", (unsigned)at.ip.port, path);
	return n > 0 && n < URL_SIZE;
}

static void
take_apart(struct admin_reply *r)
{
	static const struct json_limits	limits = { .depth = 16, .tokens = 65536 };
	struct json_error		err;
	struct json			root;

	if (r->status == 0 || !json_parse(&r->doc, &r->arena, r->body, &limits, &err))
		return;
	root = json_root(&r->doc);
	if (r->status == 200)
		r->data = json_get(root, "data");
	else
		r->problem = json_text(json_get(root, "error"), &r->arena);
}

int
admin_ask(const char *address, bool post, const char *path, int64_t timeout_ms, struct admin_reply *r)
{
	struct http_client_options	 o = { .slots = 1, .timeout_ms = timeout_ms, .body_max = ADMIN_ANSWER_BYTES,
	    .direct = true };
	char				 url[URL_SIZE];
	struct http_client		*http;

	memset(r, 0, sizeof(*r));
	arena_init(&r->arena, ADMIN_ANSWER_BYTES * 8);
	if (!admin_url(address, path, url, &o.unix_path))
		return ctl_fail(CTL_USAGE, "'%.80s' is no admin address: expected unix:/path, 127.0.0.1:9090 or a URL",
		    address);
	http = http_client_new(&o, answered, r);
	if (http == NULL || !http_client_send(http, url, post ? STR("") : STR_NONE, NULL, 0)) {
		http_client_free(http);
		return ctl_fail(CTL_FAILED, "out of memory");
	}
	while (!r->done)
		http_client_run(http, timeout_ms);
	http_client_free(http);
	take_apart(r);
	return CTL_OK;
}

void
admin_free(struct admin_reply *r)
{
	arena_free(&r->arena);
}

int
admin_fail(const char *address, const char *path, const struct admin_reply *r)
{
	if (r->status == 0)
		return ctl_fail(CTL_FAILED, "%s does not answer: %s; is ringd running?", address, r->error);
	if (r->problem.p != NULL)
		return ctl_fail(CTL_FAILED, "%s answers %d to %s: %.*s", address, r->status, path, STR_ARG(r->problem));
	if (r->status == 200)
		return ctl_fail(CTL_FAILED, "%s: %s is not answered as ringd does; is this ringd's admin listener?", address,
		    path);
	return ctl_fail(CTL_FAILED, "%s answers %d to %s; is this ringd's admin listener?", address, r->status, path);
}

int
admin_address(struct ctl *c, const struct args *a, const char **address)
{
	int code;

	*address = args_text(a, "admin");
	if (*address != NULL)
		return CTL_OK;
	code = ctl_conf(c);
	if (code != CTL_OK)
		return code;
	if (c->conf->nadmin == 0)
		return ctl_fail(CTL_USAGE, "%s has no admin.listen: give --admin ADDRESS", c->config_path);
	*address = c->conf->admin[0].address;
	return CTL_OK;
}
