/*
 * exotel: an app's account at Exotel. Its credentials come from a file, standard input or the terminal, never from the command
 * line, are sealed here with the key file and are never shown again: nobody but the courier opens them, and "rotate",
 * to keep what it was not given.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/hash.h"
#include "base/json_read.h"
#include "base/token.h"
#include "ctl/nouns.h"
#include "ctl/sealed.h"
#include "ctl/secret_in.h"
#include "providers/dialpad_dial.h"
#include "providers/exotel_account.h"

#define TABLE		"exotel_accounts"
#define MEMORY		((size_t)256 * 1024)
#define URL_SIZE	(1024 + TOKEN_SIZE)

static const struct table_column linked_columns[] = {
	{ "app", "app_id", COLUMN_TEXT, false },
	{ "account", "account_sid", COLUMN_TEXT, false },
	{ "calls", "modes", COLUMN_TEXT, false },
	{ "caller id", "caller_id", COLUMN_TEXT, false },
	{ "hook URL", "hook_url", COLUMN_TEXT, false },
};

static const struct table_column status_columns[] = {
	{ "app", "app", COLUMN_TEXT, true },
	{ NULL, "app_id", COLUMN_TEXT, false },
	{ "state", "state", COLUMN_STATE, false },
	{ "caller id", "caller_id", COLUMN_TEXT, false },
	{ "agents", "agents", COLUMN_NUMBER, false },
	{ "hook", "hook_id", COLUMN_TEXT, false },
	{ "linked", "linked_at", COLUMN_TEXT, false },
	{ "rotated", "rotated_at", COLUMN_TEXT, false },
	{ "agents fetched", "synced_at", COLUMN_TEXT, false },
	{ "trouble", "last_error", COLUMN_TEXT, true },
};

static const struct table_column unlinked_columns[] = {
	{ "app", "app_id", COLUMN_TEXT, false },
	{ "state", "state", COLUMN_STATE, false },
};

/* What was asked for on a terminal, in this order. */
static const struct {
	const char	*name, *prompt;
} asked[] = {
	{ "account_sid", "account SID" },
	{ "app_token", "app token (empty: calls in the browser are not used)" },
	{ "exotel_app_id", "app id (of that token)" },
	{ "customer_id", "customer id (of that token)" },
	{ "api_key", "API key (empty: calls to the agent's telephone are not used)" },
	{ "api_token", "API token (of that key)" },
	{ "caller_id", "caller id, the number customers see" },
};

struct input {
	struct arena		arena;
	struct exotel_account	account;
	struct str		caller_id;
	char			hook[UUID_TEXT_SIZE];	/* of the hook made with it; "": none was */
};

/* ---- what was given */

static bool
take(struct input *in, struct str name, struct str value)
{
	if (str_eq(name, STR("caller_id"))) {
		in->caller_id = value.n > 0 ? value : STR_NONE;
		return true;
	}
	return exotel_account_set(&in->account, name, value);
}

static int
take_json(struct input *in, struct str text)
{
	static const struct json_limits limits = { .depth = 1, .tokens = 64 };
	struct json_error err;
	struct json_doc doc;
	struct str name;

	if (!json_parse(&doc, &in->arena, text, &limits, &err))
		return ctl_fail(CTL_USAGE, "the credentials: expected %s at byte %zu", err.expected, err.offset);
	for (struct json e = json_first(json_root(&doc)); json_type(e) != JSON_ABSENT; e = json_next(e)) {
		name = json_text(e, &in->arena);
		if (json_type(json_member_value(e)) != JSON_STRING || !take(in, name, json_text(json_member_value(e), &in->arena)))
			return ctl_fail(CTL_USAGE, "the credentials: '%.*s' is not one of their names, or no text", STR_ARG(name));
	}
	return CTL_OK;
}

static int
take_lines(struct input *in, struct str text)
{
	struct str line, name;
	size_t n = 0;

	while (str_cut(&text, '\n', &line)) {
		n++;
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		line = str_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		/* Never the line itself: it may be a secret that stands in the wrong place. */
		if (!str_cut(&line, '=', &name) || line.p == NULL || !take(in, str_trim(name), str_trim(line)))
			return ctl_fail(CTL_USAGE, "the credentials, line %zu: expected a known name, = and its value", n);
	}
	return CTL_OK;
}

static int
ask_all(struct input *in)
{
	struct secret answer = { 0 };
	int code = CTL_OK;

	for (size_t i = 0; i < COUNT(asked) && code == CTL_OK; i++) {
		code = secret_ask(&answer, asked[i].prompt);
		if (code == CTL_OK && answer.len > 0)
			take(in, str_c(asked[i].name), arena_str(&in->arena, secret_bytes(&answer)));
		secret_free(&answer);
	}
	return code;
}

/* input_free() in any case. */
static int
input_read(struct input *in, const struct args *a)
{
	const char *file = args_text(a, "credentials-file");
	struct secret text = { 0 };
	struct str copy;
	int code;

	*in = (struct input){ .caller_id = STR_NONE };
	arena_init(&in->arena, MEMORY);
	if (file == NULL && secret_terminal())
		return ask_all(in);
	code = secret_in(&text, file, "credentials");
	copy = arena_str(&in->arena, secret_bytes(&text));
	secret_free(&text);
	if (code != CTL_OK)
		return code;
	return copy.p != NULL && copy.p[0] == '{' ? take_json(in, copy) : take_lines(in, copy);
}

static void
input_free(struct input *in)
{
	arena_wipe_free(&in->arena);
}

static int
check(const struct input *in)
{
	const char *fault = exotel_account_fault(&in->account);

	if (fault != NULL)
		return ctl_fail(CTL_USAGE, "the credentials: %s", fault);
	if (exotel_account_connects(&in->account) && in->caller_id.n == 0)
		return ctl_fail(CTL_USAGE, "the credentials: api_key and api_token need a caller_id, the number customers see");
	return CTL_OK;
}

/* ---- storing */

static int
seal(const struct ring *ring, const char *app_id, const char *row, const struct input *in, struct buf *hex)
{
	const struct envelope_place at = sealed_at(TABLE, app_id, row);
	struct buf text;
	int code;

	buf_init(&text, EXOTEL_TEXT_MAX);
	buf_reserve(&text, EXOTEL_TEXT_MAX);	/* at once, so that no copy is left behind by growing */
	exotel_account_write(&text, &in->account);
	code = text.failed ? ctl_fail(CTL_FAILED, "the credentials are too long") :
	    sealed_make(ring, &at, buf_as_str(&text), hex);
	buf_wipe_free(&text);
	return code;
}

/* In the caller's transaction: the address Exotel is told, when we know what the world calls us. Without a secret: Exotel signs
 * nothing, and whether it would send a password is not documented. The address is the secret. */
static int
make_hook(struct ctl *c, const struct ctl_app *app, struct input *in)
{
	char token[TOKEN_SIZE], hash_text[2 * SHA256_SIZE + 1], url[URL_SIZE];
	unsigned char hash[SHA256_SIZE];
	int code;

	if (in->account.hook_url.n > 0 || ctl_conf(c) != CTL_OK || c->conf->public_url == NULL)
		return CTL_OK;
	uuid_format(in->hook, uuid_v7(clock_real_ms()));
	token_make(token, TOKEN_HOOK);
	token_hash(hash, str_c(token));
	hex_encode(hash_text, hash, sizeof(hash));
	snprintf(url, sizeof(url), "%s/webhooks/exotel/%s", c->conf->public_url, token);
	in->account.hook_url = arena_str(&in->arena, str_c(url));
	code = ctl_run(c, CTL_HOOK_INSERT, 5, (const char *const[]){ app->id, in->hook, "exotel", "link", NULL }, "exotel link");
	if (code == CTL_OK)
		code = ctl_run(c, CTL_HOOK_LOOKUP_INSERT, 6, (const char *const[]){ hash_text, app->id, in->hook, "exotel", NULL, "" },
		    "exotel link");
	hash_wipe(token, sizeof(token));
	hash_wipe(url, sizeof(url));
	return code;
}

static int
show(struct ctl *c, const struct ctl_app *app, const struct input *in)
{
	bool webrtc = exotel_account_rings_agents(&in->account), callback = exotel_account_connects(&in->account);
	struct table t;
	int code;

	table_init(&t, linked_columns, COUNT(linked_columns));
	table_cell(&t, str_c(app->id));
	table_cell(&t, in->account.account_sid);
	table_cell(&t, webrtc && callback ? STR("webrtc, callback") : webrtc ? STR("webrtc") : STR("callback"));
	table_cell(&t, in->caller_id);
	table_cell(&t, in->account.hook_url);
	code = ctl_show_record(c, &t);
	table_free(&t);
	if (in->account.hook_url.n == 0)
		ctl_warn("without public_url in the configuration Exotel cannot be told where to report calls");
	return code;
}

/* The caller id with its NUL, as a parameter. */
static const char *
caller_id(struct input *in)
{
	return arena_str(&in->arena, in->caller_id).p;
}

static int
store_new(struct ctl *c, const struct ring *ring, const struct ctl_app *app, struct input *in)
{
	char id[UUID_TEXT_SIZE];
	struct buf hex;
	int code;

	uuid_format(id, uuid_v7(clock_real_ms()));
	buf_init(&hex, SEALED_HEX_SIZE);
	code = make_hook(c, app, in);
	if (code == CTL_OK)
		code = seal(ring, app->id, id, in, &hex);
	if (code == CTL_OK)
		code = ctl_run(c, CTL_EXOTEL_LINK, 4, (const char *const[]){ app->id, id, hex.p, caller_id(in) }, "exotel link");
	if (code == CTL_NOT_FOUND)
		code = ctl_fail(CTL_FAILED, "app '%s' is linked already: 'ringctl exotel rotate' changes its credentials", app->name);
	if (code == CTL_OK)
		code = ctl_audit(c, app->id, "exotel.link", id, "hook", in->hook[0] != '\0' ? in->hook : NULL, NULL);
	buf_free(&hex);
	return code;
}

int
ctl_exotel_link(struct ctl *c, const struct args *a)
{
	struct ctl_app app;
	struct input in;
	struct ring ring;
	int code = ring_open(c, a, &ring);

	if (code == CTL_OK)
		code = ctl_find_app(c, args_word(a, 0), &app);
	if (code == CTL_OK) {
		code = input_read(&in, a);
		if (code == CTL_OK)
			code = check(&in);
		if (code == CTL_OK && (code = ctl_begin(c, "exotel link")) == CTL_OK)
			code = ctl_end(c, store_new(c, &ring, &app, &in), "exotel link");
		if (code == CTL_OK)
			code = show(c, &app, &in);
		input_free(&in);
	}
	ring_close(&ring);
	return code;
}

/* ---- other credentials */

static struct str
newer(struct str given, struct str old)
{
	return given.n > 0 ? given : old;
}

/* What was not given stays as it is. */
static void
merge(struct input *in, const struct exotel_account *old, struct str caller)
{
	struct exotel_account *x = &in->account;

	x->account_sid = newer(x->account_sid, old->account_sid);
	x->app_token = newer(x->app_token, old->app_token);
	x->exotel_app_id = newer(x->exotel_app_id, old->exotel_app_id);
	x->customer_id = newer(x->customer_id, old->customer_id);
	x->api_key = newer(x->api_key, old->api_key);
	x->api_token = newer(x->api_token, old->api_token);
	x->sip_domain = newer(x->sip_domain, old->sip_domain);
	x->sip_realm = newer(x->sip_realm, old->sip_realm);
	x->hook_url = newer(x->hook_url, old->hook_url);
	in->caller_id = newer(in->caller_id, caller);
}

/* In the caller's transaction. */
static int
store_other(struct ctl *c, const struct ring *ring, const struct ctl_app *app, struct input *in)
{
	struct dbs_result *r = ctl_query(c, CTL_EXOTEL_GET, 1, (const char *const[]){ app->id }, "exotel rotate");
	struct secret plain = { 0 };
	struct exotel_account old;
	struct envelope_place at;
	char id[UUID_TEXT_SIZE];
	struct buf hex;
	int code;

	if (r == NULL)
		return CTL_FAILED;
	if (dbs_rows(r) == 0) {
		dbs_clear(r);
		return ctl_fail(CTL_NOT_FOUND, "app '%s' has no account: 'ringctl exotel link'", app->name);
	}
	snprintf(id, sizeof(id), "%.*s", STR_ARG(dbs_text(r, 0, 0)));
	at = sealed_at(TABLE, app->id, id);
	buf_init(&hex, SEALED_HEX_SIZE);
	code = sealed_open(ring, &at, dbs_text(r, 0, 1), &plain);
	if (code == CTL_OK && !exotel_account_read(&old, &in->arena, secret_bytes(&plain)))
		code = ctl_fail(CTL_FAILED, "the stored credentials are not readable: unlink and link again");
	if (code == CTL_OK) {
		merge(in, &old, arena_str(&in->arena, dbs_text(r, 0, 2)));
		code = check(in);
	}
	if (code == CTL_OK)
		code = make_hook(c, app, in);
	if (code == CTL_OK)
		code = seal(ring, app->id, id, in, &hex);
	if (code == CTL_OK)
		code = ctl_run(c, CTL_EXOTEL_ROTATE, 4, (const char *const[]){ app->id, id, hex.p, caller_id(in) }, "exotel rotate");
	if (code == CTL_OK)
		code = ctl_audit(c, app->id, "exotel.rotate", id, "hook", in->hook[0] != '\0' ? in->hook : NULL, NULL);
	secret_free(&plain);
	buf_free(&hex);
	dbs_clear(r);
	return code;
}

int
ctl_exotel_rotate(struct ctl *c, const struct args *a)
{
	struct ctl_app app;
	struct input in;
	struct ring ring;
	int code = ring_open(c, a, &ring);

	if (code == CTL_OK)
		code = ctl_find_app(c, args_word(a, 0), &app);
	if (code == CTL_OK) {
		code = input_read(&in, a);
		if (code == CTL_OK && (code = ctl_begin(c, "exotel rotate")) == CTL_OK)
			code = ctl_end(c, store_other(c, &ring, &app, &in), "exotel rotate");
		if (code == CTL_OK)
			code = show(c, &app, &in);
		input_free(&in);
	}
	ring_close(&ring);
	return code;
}

/* ---- looking, and the end */

int
ctl_exotel_status(struct ctl *c, const struct args *a)
{
	struct dbs_result *r;
	struct ctl_app app = { .id = "" };
	struct table t;
	int code = args_word(a, 0) != NULL ? ctl_find_app(c, args_word(a, 0), &app) : ctl_db(c);

	if (code != CTL_OK)
		return code;
	r = ctl_query(c, CTL_EXOTEL_STATUS, 1, (const char *const[]){ app.id[0] != '\0' ? app.id : NULL }, "exotel status");
	if (r == NULL)
		return CTL_FAILED;
	table_init(&t, status_columns, COUNT(status_columns));
	ctl_fill(&t, r);
	code = ctl_show(c, &t, "no account is linked: 'ringctl exotel link APP' does it");
	table_free(&t);
	dbs_clear(r);
	return code;
}

int
ctl_exotel_unlink(struct ctl *c, const struct args *a)
{
	struct ctl_app app;
	struct table t;
	int code = ctl_find_app(c, args_word(a, 0), &app);

	if (code != CTL_OK || (code = ctl_begin(c, "exotel unlink")) != CTL_OK)
		return code;
	code = ctl_run(c, CTL_EXOTEL_UNLINK, 1, (const char *const[]){ app.id }, "exotel unlink");
	if (code == CTL_NOT_FOUND)
		code = ctl_fail(CTL_NOT_FOUND, "app '%s' has no account", app.name);
	if (code == CTL_OK)
		code = ctl_audit(c, app.id, "exotel.unlink", NULL, NULL);
	code = ctl_end(c, code, "exotel unlink");
	if (code != CTL_OK)
		return code;
	table_init(&t, unlinked_columns, COUNT(unlinked_columns));
	table_cell(&t, str_c(app.id));
	table_cell(&t, STR("unlinked"));
	code = ctl_show_record(c, &t);
	table_free(&t);
	return code;
}
