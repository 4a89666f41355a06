/*
 * hook: addresses providers post to. Token and secret are shown once; of the token the database gets only the hash. The
 * secret it must keep as it is: every worker signs with it to verify.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/hash.h"
#include "base/token.h"
#include "ctl/hook.h"
#include "ctl/nouns.h"

#define BASE_URL_MAX	1024
#define URL_SIZE	(BASE_URL_MAX + 64 + TOKEN_SIZE)

static const struct table_column created_columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ "app", "app_id", COLUMN_TEXT, false },
	{ "provider", "provider", COLUMN_TEXT, false },
	{ "URL", "url", COLUMN_TEXT, false },
	{ NULL, "token", COLUMN_TEXT, false },
	{ "secret", "secret", COLUMN_TEXT, false },
};

static const struct table_column list_columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ "provider", "provider", COLUMN_TEXT, false },
	{ "name", "name", COLUMN_TEXT, true },
	{ "state", "state", COLUMN_STATE, false },
	{ "password", "password", COLUMN_BOOL, false },
	{ "org", "org_id", COLUMN_TEXT, true },
	{ "created", "created_at", COLUMN_TEXT, false },
	{ "rotated", "rotated_at", COLUMN_TEXT, false },
	{ "old secret until", "previous_until", COLUMN_TEXT, false },
};

static const struct table_column rotated_columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ "app", "app_id", COLUMN_TEXT, false },
	{ "secret", "secret", COLUMN_TEXT, false },
	{ "old secret until", "previous_until", COLUMN_TEXT, false },
};

static const struct table_column state_columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ "app", "app_id", COLUMN_TEXT, false },
	{ "state", "state", COLUMN_STATE, false },
};

/* Base without its closing slashes, then the path; the path alone without a base. */
static void
make_url(char out[URL_SIZE], const char *base, const char *provider, const char *token)
{
	size_t n = base != NULL ? strlen(base) : 0;

	while (n > 0 && base[n - 1] == '/')
		n--;
	snprintf(out, URL_SIZE, "%.*s/webhooks/%s/%s", (int)n, base != NULL ? base : "", provider, token);
}

struct new_hook {
	char		 id[UUID_TEXT_SIZE];
	char		 token[TOKEN_SIZE], secret[TOKEN_SIZE];	/* secret "": the address alone lets deliveries in */
	const char	*provider, *name, *org_id;
	bool		 with_secret;
};

static int
store(struct ctl *c, const char *app_id, struct new_hook *h)
{
	unsigned char	hash[SHA256_SIZE];
	char		hash_text[2 * SHA256_SIZE + 1];
	int		code;

	uuid_format(h->id, uuid_v7(clock_real_ms()));
	token_make(h->token, TOKEN_HOOK);
	if (h->with_secret)
		token_make(h->secret, TOKEN_HOOK_SECRET);
	token_hash(hash, str_c(h->token));
	hex_encode(hash_text, hash, sizeof(hash));
	code = ctl_run(c, CTL_HOOK_INSERT, 5, (const char *const[]){ app_id, h->id, h->provider, h->name, h->org_id },
	    "hook create");
	if (code == CTL_OK)
		code = ctl_run(c, CTL_HOOK_LOOKUP_INSERT, 6,
		    (const char *const[]){ hash_text, app_id, h->id, h->provider, h->org_id, h->secret }, "hook create");
	return code != CTL_OK ? code : ctl_audit(c, app_id, "hook.create", h->id, "provider", h->provider, "name", h->name, NULL);
}

int
ctl_hook_create(struct ctl *c, const struct args *a)
{
	struct new_hook	h = { .provider = args_text(a, "provider"), .org_id = args_text(a, "org-id") };
	const char	*base = args_text(a, "base-url");
	char		 url[URL_SIZE];
	struct ctl_app	 app;
	struct table	 t;
	int		 code;

	if (base != NULL && (strlen(base) > BASE_URL_MAX || strpbrk(base, "?# ") != NULL))
		return ctl_fail(CTL_USAGE, "option '--base-url': expected scheme, host and path, up to %d bytes",
		    BASE_URL_MAX);
	h.with_secret = strcmp(h.provider, "dialpad") == 0 || args_given(a, "basic");
	if (args_given(a, "basic") && strcmp(h.provider, "exotel") != 0)
		return ctl_fail(CTL_USAGE, "option '--basic' is for hooks of Exotel: deliveries of others are signed");
	if (h.org_id != NULL && strcmp(h.provider, "dialpad") != 0)
		return ctl_fail(CTL_USAGE, "option '--org-id' is for hooks of Dialpad: deliveries of others name no company");
	h.name = args_text(a, "name") != NULL ? args_text(a, "name") : h.provider;
	code = ctl_find_app(c, args_word(a, 0), &app);
	if (code != CTL_OK || (code = ctl_begin(c, "hook create")) != CTL_OK)
		return code;
	code = ctl_end(c, store(c, app.id, &h), "hook create");
	if (code == CTL_OK) {
		make_url(url, base, h.provider, h.token);
		table_init(&t, created_columns, COUNT(created_columns));
		table_cell(&t, str_c(h.id));
		table_cell(&t, str_c(app.id));
		table_cell(&t, str_c(h.provider));
		table_cell(&t, str_c(url));
		table_cell(&t, str_c(h.token));
		table_cell(&t, h.with_secret ? str_c(h.secret) : STR_NONE);
		code = ctl_show_record(c, &t);
		table_free(&t);
		hash_wipe(url, sizeof(url));
	}
	hash_wipe(&h, sizeof(h));
	return code;
}

int
ctl_hook_list(struct ctl *c, const struct args *a)
{
	return ctl_list_of_app(c, a, CTL_HOOK_LIST, list_columns, COUNT(list_columns), "hook list",
	    "this app has no hooks: 'ringctl hook create APP' makes one");
}

/* The app of the first word and the second word as an id. */
static int
find_hook(struct ctl *c, const struct args *a, struct ctl_app *app)
{
	struct uuid u;

	if (!uuid_parse(str_c(args_word(a, 1)), &u))
		return ctl_fail(CTL_USAGE, "HOOKID is an id such as 'ringctl hook list APP' shows");
	return ctl_find_app(c, args_word(a, 0), app);
}

static int
no_such_hook(const struct ctl_app *app, const char *id)
{
	return ctl_fail(CTL_NOT_FOUND, "app '%s' has no hook %s", app->name, id);
}

/* In the caller's transaction; fills the row to show. */
static int
rotate(struct ctl *c, const struct ctl_app *app, const char *hook, const char *secret, int64_t overlap_ms,
    struct table *t)
{
	char			 overlap[CTL_I64_SIZE];
	struct dbs_result	*r;
	int			 code;

	ctl_i64(overlap, overlap_ms);
	r = ctl_query(c, CTL_HOOK_ROTATE, 4, (const char *const[]){ app->id, hook, secret, overlap }, "hook rotate");
	if (r == NULL)
		return CTL_FAILED;
	if (dbs_rows(r) == 0) {
		dbs_clear(r);
		return no_such_hook(app, hook);
	}
	table_cell(t, str_c(hook));
	table_cell(t, str_c(app->id));
	table_cell(t, str_c(secret));
	table_cell(t, dbs_text(r, 0, 0));
	dbs_clear(r);
	code = ctl_run(c, CTL_HOOK_ROTATED, 2, (const char *const[]){ app->id, hook }, "hook rotate");
	if (code == CTL_OK)
		code = ctl_audit(c, app->id, "hook.rotate", hook, "overlap_ms", overlap, NULL);
	return code == CTL_NOT_FOUND ? no_such_hook(app, hook) : code;
}

/* true: a connection made it, so that the provider has to be told. */
static int
find_connection(struct ctl *c, const struct ctl_app *app, const char *hook, bool *found)
{
	struct dbs_result *r = ctl_query(c, CTL_HOOK_CONNECTION, 2, (const char *const[]){ app->id, hook }, "hook rotate");

	*found = r != NULL && dbs_rows(r) > 0;
	dbs_clear(r);
	return r != NULL ? CTL_OK : CTL_FAILED;
}

int
ctl_hook_rotate(struct ctl *c, const struct args *a)
{
	char		secret[TOKEN_SIZE];
	struct ctl_app	app;
	struct table	t;
	bool		connection = false;
	int		code;

	if (args_given(a, "when-idle"))
		return hook_end_idle(c, a);
	code = find_hook(c, a, &app);
	if (code == CTL_OK)
		code = find_connection(c, &app, args_word(a, 1), &connection);
	if (code == CTL_OK && connection)
		return dialpad_rotate(c, a, &app);
	if (code != CTL_OK || (code = ctl_begin(c, "hook rotate")) != CTL_OK)
		return code;
	token_make(secret, TOKEN_HOOK_SECRET);
	table_init(&t, rotated_columns, COUNT(rotated_columns));
	code = ctl_end(c, rotate(c, &app, args_word(a, 1), secret, args_number(a, "overlap"), &t), "hook rotate");
	if (code == CTL_OK)
		code = ctl_show_record(c, &t);
	table_free(&t);
	hash_wipe(secret, sizeof(secret));
	return code;
}

/* In the caller's transaction. */
static int
store_enabled(struct ctl *c, const struct ctl_app *app, const char *hook, bool enabled)
{
	const char *const	params[] = { app->id, hook, enabled ? "true" : "false" };
	int			code = ctl_run(c, CTL_HOOK_SET_ENABLED, 3, params, "changing the hook");

	if (code == CTL_OK)
		code = ctl_run(c, CTL_HOOK_LOOKUP_SET_ENABLED, 3, params, "changing the hook");
	return code != CTL_OK ? code : ctl_audit(c, app->id, enabled ? "hook.enable" : "hook.disable", hook, NULL);
}

static int
set_enabled(struct ctl *c, const struct args *a, bool enabled)
{
	const char	*hook = args_word(a, 1);
	struct ctl_app	 app;
	struct table	 t;
	int		 code = find_hook(c, a, &app);

	if (code != CTL_OK || (code = ctl_begin(c, "changing the hook")) != CTL_OK)
		return code;
	code = store_enabled(c, &app, hook, enabled);
	code = ctl_end(c, code == CTL_NOT_FOUND ? no_such_hook(&app, hook) : code, "changing the hook");
	if (code != CTL_OK)
		return code;
	table_init(&t, state_columns, COUNT(state_columns));
	table_cell(&t, str_c(hook));
	table_cell(&t, str_c(app.id));
	table_cell(&t, enabled ? STR("enabled") : STR("disabled"));
	code = ctl_show_record(c, &t);
	table_free(&t);
	return code;
}

int
ctl_hook_disable(struct ctl *c, const struct args *a)
{
	return set_enabled(c, a, false);
}

int
ctl_hook_enable(struct ctl *c, const struct args *a)
{
	return set_enabled(c, a, true);
}
