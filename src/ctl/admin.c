/*
 * admin: see admin.h. Goes straight to the listener, whatever proxy the environment names.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "ctl/admin.h"
#include "ctl/http_client.h"

#define TIMEOUT_MS	5000
#define URL_SIZE	512

static void
answered(void *arg, const struct http_client_answer *a)
{
	struct admin_reply *r = arg;

	r->done = true;
	r->status = a->status;
	snprintf(r->error, sizeof(r->error), "%s", a->error);
	r->body = arena_str(&r->arena, a->body);
}

/* An address of the configuration's form as a URL, or the URL itself. false: neither. */
static bool
admin_url(const char *address, const char *path, char url[URL_SIZE], const char **unix_path)
{
	struct conf_address	at;
	char			host[ADDR_TEXT_SIZE];
	int			n;

	*unix_path = NULL;
	if (strncmp(address, "http://", 7) == 0 || strncmp(address, "https://", 8) == 0) {
		n = snprintf(url, URL_SIZE, "%s%s", address, path);
		return n < URL_SIZE;
	}
	if (!conf_address_parse(address, &at))
		return false;
	if (at.kind == CONF_ADDRESS_UNIX) {
		*unix_path = at.path;
		snprintf(url, URL_SIZE, "http://localhost%s", path);
	} else if (at.kind == CONF_ADDRESS_IP) {
		addr_text(host, &at.ip);
		snprintf(url, URL_SIZE, at.ip.family == AF_INET6 ? "http://[%s]:%u%s" : "http://%s:%u%s", host,
		    (unsigned)at.ip.port, path);
	} else
		snprintf(url, URL_SIZE, "http://127.0.0.1:%u%s", (unsigned)at.ip.port, path);
	return true;
}

static int
exchange(const char *address, const char *path, struct str body, struct admin_reply *r)
{
	static const char *const	 headers[] = { "Content-Type: application/json", NULL };
	struct http_client_options	 o = { .slots = 1, .timeout_ms = TIMEOUT_MS, .body_max = ADMIN_ANSWER_MAX,
	    .direct = true };
	char				 url[URL_SIZE];
	struct http_client		*http;

	if (!admin_url(address, path, url, &o.unix_path))
		return ctl_fail(CTL_USAGE, "'%.80s' is no admin address: expected unix:/path, 127.0.0.1:9090 or a URL",
		    address);
	http = http_client_new(&o, answered, r);
	if (http == NULL || !http_client_send(http, url, body, body.p != NULL ? headers : NULL, 0)) {
		http_client_free(http);
		return ctl_fail(CTL_FAILED, "out of memory");
	}
	while (!r->done)
		http_client_run(http, TIMEOUT_MS);
	http_client_free(http);
	if (r->status == 0)
		return ctl_fail(CTL_FAILED, "%s does not answer: %s; is ringd running?", address, r->error);
	return CTL_OK;
}

static int
read_answer(const char *address, const char *path, struct admin_reply *r)
{
	static const struct json_limits	limits = { .depth = 16, .tokens = 65536 };
	struct json_error		err;
	bool				json = json_parse(&r->doc, &r->arena, r->body, &limits, &err);
	struct str			why = STR_NONE;

	if (r->status != 200 && json)
		why = json_text(json_get(json_root(&r->doc), "error"), &r->arena);
	if (why.p != NULL)
		return ctl_fail(CTL_FAILED, "%s answers %d to %s: %.*s", address, r->status, path, STR_ARG(why));
	if (r->status != 200)
		return ctl_fail(CTL_FAILED, "%s answers %d to %s; is this ringd's admin listener?", address, r->status,
		    path);
	if (!json)
		return ctl_fail(CTL_FAILED, "%s: no JSON at byte %zu; is this ringd's admin listener?", path,
		    err.offset);
	r->data = json_get(json_root(&r->doc), "data");
	return CTL_OK;
}

int
admin_ask(struct ctl *c, const struct args *a, const char *path, struct str body, struct admin_reply *r)
{
	const char	*address = args_text(a, "admin");
	int		 code = CTL_OK;

	*r = (struct admin_reply){ .status = 0 };
	arena_init(&r->arena, ADMIN_ANSWER_MAX * 8);
	if (address == NULL) {
		code = ctl_conf(c);
		if (code != CTL_OK)
			return code;
		if (c->conf->nadmin == 0)
			return ctl_fail(CTL_USAGE, "%s has no admin.listen: give --admin ADDRESS", c->config_path);
		address = c->conf->admin[0].address;
	}
	code = exchange(address, path, body, r);
	return code == CTL_OK ? read_answer(address, path, r) : code;
}

void
admin_reply_free(struct admin_reply *r)
{
	arena_free(&r->arena);
}

struct str
admin_cell(struct json v, struct arena *a)
{
	if (json_type(v) == JSON_STRING)
		return json_text(v, a);
	return json_type(v) == JSON_NUMBER ? json_raw(v) : STR_NONE;
}
