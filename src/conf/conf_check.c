/*
 * conf_check: cross checks over a filled configuration. Refuses what would start and then serve badly or unsafely.
 * Pure: opens nothing, asks the system nothing. Whether a user is needed is main's to say: it knows who starts.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <string.h>

#include "base/count.h"
#include "conf/conf_check.h"
#include "net/origin.h"

struct check {
	const struct conf		*conf;
	const struct conf_places	*places;
	const struct conf_report	*report;
};

static struct conf_place
place_of(const struct check *k, const char *name)
{
	const struct conf_key	*key = conf_table_find(&conf_keys, str_c(name));

	return k->places->key[key - conf_keys.keys];
}

static bool
check_present(const struct check *k)
{
	for (size_t i = 0; i < conf_keys.n; i++)
		if (conf_keys.keys[i].required && k->places->key[i].line == 0)
			return conf_fault(k->report, (struct conf_place){ 0 }, "missing key \"%s\": %s",
			    conf_keys.keys[i].name, conf_keys.keys[i].help);
	return true;
}

static bool
is_wildcard(const struct conf_address *a)
{
	static const unsigned char	zero[sizeof(a->ip.ip)];

	return a->kind == CONF_ADDRESS_ANY ||
	    (a->kind == CONF_ADDRESS_IP && memcmp(a->ip.ip, zero, a->ip.family == AF_INET ? 4 : 16) == 0);
}

static bool
is_first_loopback(const struct conf_address *a)		/* 127.0.0.1 or ::1, what localhost stands for */
{
	static const unsigned char	v4[4] = { 127, 0, 0, 1 }, v6[16] = { [15] = 1 };

	return a->kind == CONF_ADDRESS_LOCALHOST || (a->kind == CONF_ADDRESS_IP &&
	    memcmp(a->ip.ip, a->ip.family == AF_INET ? v4 : v6, a->ip.family == AF_INET ? 4 : 16) == 0);
}

/* Whether both would open one and the same socket. */
static bool
same_address(const struct conf_address *a, const struct conf_address *b)
{
	if (a->kind == CONF_ADDRESS_UNIX || b->kind == CONF_ADDRESS_UNIX)
		return a->kind == b->kind && strcmp(a->path, b->path) == 0;
	if (a->ip.port != b->ip.port)
		return false;
	if (a->kind == CONF_ADDRESS_IP && b->kind == CONF_ADDRESS_IP)
		return a->ip.family == b->ip.family &&
		    memcmp(a->ip.ip, b->ip.ip, a->ip.family == AF_INET ? 4 : 16) == 0;
	return (is_wildcard(a) && is_wildcard(b)) || (is_first_loopback(a) && is_first_loopback(b));
}

static const struct conf_listen *
listener(const struct check *k, size_t i)		/* those of listen, then those of admin.listen */
{
	return i < k->conf->nlisten ? &k->conf->listen[i] : &k->conf->admin[i - k->conf->nlisten];
}

static const struct conf_listen_place *
listener_places(const struct check *k, size_t i)
{
	return i < k->conf->nlisten ? &k->places->listen[i] : &k->places->admin[i - k->conf->nlisten];
}

static struct conf_place
listener_place(const struct check *k, size_t i)
{
	return listener_places(k, i)->address;
}

static bool
check_unlike_earlier(const struct check *k, size_t i, const struct conf_address *a)
{
	struct conf_address	b;

	for (size_t j = 0; j < i; j++)
		if (conf_address_parse(listener(k, j)->address, &b) && same_address(a, &b))
			return conf_fault(k->report, listener_place(k, i),
			    "duplicate address \"%s\"; line %zu listens on \"%s\"",
			    listener(k, i)->address, listener_place(k, j).line, listener(k, j)->address);
	return true;
}

static bool
any_tls(const struct conf *c)
{
	for (size_t i = 0; i < c->nlisten; i++)
		if (c->listen[i].tls)
			return true;
	return false;
}

/* What a listener's tls and redirect need from the rest. */
static bool
check_tls(const struct check *k, size_t i)
{
	const struct conf_listen	*l = listener(k, i);
	const struct conf_listen_place	*at = listener_places(k, i);

	if (i >= k->conf->nlisten && (l->tls || l->redirect))
		return conf_fault(k->report, l->tls ? at->tls : at->redirect,
		    "\"admin.listen\" speaks plain HTTP only: no other host can reach it");
	if (l->tls && l->redirect)
		return conf_fault(k->report, at->redirect, "\"tls\" and \"redirect\" do not go together on one listener");
	if (l->tls && k->conf->ncertificates == 0)
		return conf_fault(k->report, at->tls, "\"tls: true\" needs a certificate in \"tls.certificates\"");
	if (l->redirect && !any_tls(k->conf))
		return conf_fault(k->report, at->redirect,
		    "\"redirect: true\" needs another listener with \"tls: true\" to send clients to");
	return true;
}

static bool
check_listeners(const struct check *k)
{
	const struct conf	*c = k->conf;
	struct conf_address	 a;

	if (c->nlisten == 0)
		return conf_fault(k->report, place_of(k, "listen"),
		    "\"listen\" names no address; expected at least one");
	for (size_t i = 0; i < c->nlisten + c->nadmin; i++) {
		const struct conf_listen	*l = listener(k, i);
		bool				 local;

		if (!conf_address_parse(l->address, &a))
			return conf_fault(k->report, listener_place(k, i), "not an address");
		local = conf_address_is_local(&a);
		if (i >= c->nlisten && !local)
			return conf_fault(k->report, listener_place(k, i),
			    "\"admin.listen\" must be loopback or unix:/path; other hosts can reach \"%s\"",
			    l->address);
		if (!local && !l->tls && !l->redirect && !l->insecure && c->ntrusted == 0)
			return conf_fault(k->report, listener_place(k, i),
			    "\"%s\" would serve plain HTTP to other hosts; write \"tls: true\" on it, name the proxy before "
			    "it in \"proxy.trusted\", listen on a loopback address, or write \"insecure: true\"",
			    l->address);
		if (!check_tls(k, i) || !check_unlike_earlier(k, i, &a))
			return false;
	}
	return true;
}

/* The place of whichever of two keys the file sets, the first rather than the second. */
static struct conf_place
place_of_either(const struct check *k, const char *first, const char *second)
{
	struct conf_place	at = place_of(k, first);

	return at.line != 0 ? at : place_of(k, second);
}

static bool
check_order(const struct check *k)
{
	const struct conf	*c = k->conf;
	const struct { const char *low, *high; bool good; } pairs[] = {
		{ "database.statement_timeout", "database.job_timeout",
		    c->db_statement_timeout_ms <= c->db_job_timeout_ms },
		{ "database.reconnect_min", "database.reconnect_max",
		    c->db_reconnect_min_ms <= c->db_reconnect_max_ms },
		{ "http.url_bytes", "http.header_bytes", c->http_url_bytes <= c->http_header_bytes },
		/* An event larger than the whole queue could never be stored. */
		{ "http.body_bytes", "http.body_memory", c->http_body_bytes <= c->http_body_memory },
		{ "http.body_bytes", "webhooks.queue_bytes", c->http_body_bytes <= c->webhook_queue_bytes },
		{ "webhooks.batch_bytes", "webhooks.queue_bytes", c->webhook_batch_bytes <= c->webhook_queue_bytes },
		{ "api.default_limit", "api.max_limit", c->api_default_limit <= c->api_max_limit },
		{ "reaper.retry_min", "reaper.retry_max", c->reaper_retry_min_ms <= c->reaper_retry_max_ms },
		{ "courier.connect_timeout", "courier.timeout",
		    c->courier_connect_timeout_ms <= c->courier_timeout_ms },
	};

	for (size_t i = 0; i < COUNT(pairs); i++)
		if (!pairs[i].good)
			return conf_fault(k->report, place_of_either(k, pairs[i].low, pairs[i].high),
			    "\"%s\" must not be larger than \"%s\"", pairs[i].low, pairs[i].high);
	return true;
}

static bool
check_dialpad_client(const struct check *k)
{
	const struct conf	*c = k->conf;

	if (c->dialpad_client_id == NULL)
		return true;
	if (!secret_present(&c->dialpad_client_secret))
		return conf_fault(k->report, place_of(k, "dialpad.client_id"),
		    "\"dialpad.client_id\" needs \"dialpad.client_secret\"");
	if (c->dialpad_redirect_uri == NULL && c->public_url == NULL)
		return conf_fault(k->report, place_of(k, "dialpad.client_id"),
		    "\"dialpad.client_id\" needs \"dialpad.redirect_uri\", or \"public_url\" to make it from");
	if (c->courier_key_file == NULL)
		return conf_fault(k->report, place_of(k, "dialpad.client_id"),
		    "\"dialpad.client_id\" needs \"courier.key_file\": tokens are stored encrypted or not at all");
	return true;
}

/* A courier needs its own connection; plain HTTP never leaves the machine. */
static bool
check_courier(const struct check *k)
{
	const struct conf	*c = k->conf;
	struct origin		 dialpad;

	if (c->courier_key_file != NULL && !secret_present(&c->courier_url))
		return conf_fault(k->report, place_of(k, "courier.key_file"),
		    "\"courier.key_file\" needs \"database.courier_url\", the courier's connection");
	if (!origin_parse(&dialpad, str_c(c->dialpad_base_url)) || (!dialpad.https && !origin_is_local(&dialpad)))
		return conf_fault(k->report, place_of(k, "dialpad.base_url"),
		    "\"dialpad.base_url\" must begin with https://; http:// is for a loopback address only");
	if (c->dialpad_oauth_url != NULL && (!origin_parse(&dialpad, str_c(c->dialpad_oauth_url)) ||
	    (!dialpad.https && !origin_is_local(&dialpad))))
		return conf_fault(k->report, place_of(k, "dialpad.oauth_url"),
		    "\"dialpad.oauth_url\" must begin with https://; http:// is for a loopback address only");
	return check_dialpad_client(k);
}

/* What is told to clients in seconds. */
static bool
check_whole_seconds(const struct check *k)
{
	const struct { const char *name; int64_t ms; } windows[] = {
		{ "limits.window", k->conf->limit_window_ms },
		{ "limits.failure_window", k->conf->limit_failure_window_ms },
	};

	for (size_t i = 0; i < COUNT(windows); i++)
		if (windows[i].ms % 1000 != 0)
			return conf_fault(k->report, place_of(k, windows[i].name), "\"%s\" must be whole seconds",
			    windows[i].name);
	return true;
}

bool
conf_check(const struct conf *c, const struct conf_places *places, const struct conf_report *r)
{
	const struct check	k = { c, places, r };

	return check_present(&k) && check_listeners(&k) && check_order(&k) && check_whole_seconds(&k) &&
	    check_courier(&k);
}
