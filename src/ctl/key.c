/*
 * key: API keys. The key itself exists here for a moment; the database gets its SHA-256, its first eight characters and
 * its last four. A key to be checked comes by standard input or a file, never by the command line.
 */
#include <sys/types.h>

#include <string.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/hash.h"
#include "ctl/keys.h"
#include "ctl/nouns.h"
#include "ctl/secret_in.h"

#define PREFIX_CHARS	8
#define LAST_CHARS	4
#define HASH_TEXT_SIZE	(2 * SHA256_SIZE + 1)

static const struct table_column created_columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ "app", "app_id", COLUMN_TEXT, false },
	{ "kind", "kind", COLUMN_TEXT, false },
	{ "scopes", "scopes", COLUMN_TEXT, false },
	{ "expires", "expires_at", COLUMN_TEXT, false },
	{ "API key", "api_key", COLUMN_TEXT, false },
};

static const struct table_column list_columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ "key", "key", COLUMN_TEXT, false },
	{ "kind", "kind", COLUMN_TEXT, false },
	{ "scopes", "scopes", COLUMN_TEXT, false },
	{ "state", "state", COLUMN_STATE, false },
	{ "created", "created_at", COLUMN_TEXT, false },
	{ "expires", "expires_at", COLUMN_TEXT, false },
	{ "revoked", "revoked_at", COLUMN_TEXT, false },
	{ "limit", "rate_limit", COLUMN_TEXT, false },
	{ "last used", "last_used_at", COLUMN_TEXT, false },
	{ "note", "note", COLUMN_TEXT, true },
};

static const struct table_column revoked_columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ "app", "app_id", COLUMN_TEXT, false },
	{ "revoked", "revoked_at", COLUMN_TEXT, false },
	{ "before this", "already_revoked", COLUMN_BOOL, false },
};

static const struct table_column checked_columns[] = {
	{ "form", "form", COLUMN_TEXT, false },
	{ "known", "known", COLUMN_BOOL, false },
	{ "app", "app_id", COLUMN_TEXT, false },
	{ "name", "app_name", COLUMN_TEXT, false },
	{ "id", "id", COLUMN_TEXT, false },
	{ "kind", "kind", COLUMN_TEXT, false },
	{ "scopes", "scopes", COLUMN_TEXT, false },
	{ "created", "created_at", COLUMN_TEXT, false },
	{ "expires", "expires_at", COLUMN_TEXT, false },
	{ "revoked", "revoked_at", COLUMN_TEXT, false },
	{ "state", "state", COLUMN_STATE, false },
};

static void
hash_text(char out[HASH_TEXT_SIZE], struct str token)
{
	unsigned char hash[SHA256_SIZE];

	token_hash(hash, token);
	hex_encode(out, hash, sizeof(hash));
}

int
ctl_key_store(struct ctl *c, const char *app_id, const struct key_wish *wish, char id[UUID_TEXT_SIZE],
    char key[TOKEN_SIZE])
{
	char	hash[HASH_TEXT_SIZE], prefix[PREFIX_CHARS + 1] = "", last[LAST_CHARS + 1] = "";
	int	code;

	token_make(key, TOKEN_SERVER_KEY);
	hash_text(hash, str_c(key));
	memcpy(prefix, key, PREFIX_CHARS);
	memcpy(last, key + strlen(key) - LAST_CHARS, LAST_CHARS);
	uuid_format(id, uuid_v7(clock_real_ms()));
	code = ctl_run(c, CTL_KEY_INSERT, 11, (const char *const[]){ app_id, id, hash, wish->kind, wish->scopes, prefix,
	    last, wish->note, wish->expires_ms, wish->requests, wish->seconds }, "storing the key");
	return code != CTL_OK ? code :
	    ctl_run(c, CTL_KEY_LOOKUP_INSERT, 2, (const char *const[]){ hash, app_id }, "storing the key");
}

/* In the caller's transaction. */
static int
create(struct ctl *c, const char *app_id, const struct key_wish *wish, const char *expires, const char *limit,
    char id[UUID_TEXT_SIZE], char key[TOKEN_SIZE])
{
	int code = ctl_key_store(c, app_id, wish, id, key);

	return code != CTL_OK ? code : ctl_audit(c, app_id, "key.create", id, "kind", wish->kind, "scopes", wish->scopes, "expires",
	    expires, "limit", limit, NULL);
}

int
ctl_key_create(struct ctl *c, const struct args *a)
{
	struct key_wish	wish = { .kind = args_text(a, "kind"), .scopes = args_text(a, "scopes"),
	    .note = args_text(a, "note") };
	char		id[UUID_TEXT_SIZE], key[TOKEN_SIZE], expires[CTL_I64_SIZE], when[CLOCK_RFC3339_SIZE];
	struct ctl_rate	rate;
	struct ctl_app	app;
	struct table	t;
	int		code = ctl_rate_read(&rate, args_text(a, "rate-limit"));

	if (code != CTL_OK)
		return code;
	wish.requests = rate.requests;
	wish.seconds = rate.seconds;
	if (args_given(a, "expires")) {
		if (args_number(a, "expires") <= clock_real_ms())
			return ctl_fail(CTL_USAGE, "option '--expires': that is in the past");
		wish.expires_ms = ctl_i64(expires, args_number(a, "expires"));
		clock_rfc3339(when, args_number(a, "expires"));
	}
	code = ctl_find_app(c, args_word(a, 0), &app);
	if (code != CTL_OK || (code = ctl_begin(c, "key create")) != CTL_OK)
		return code;
	code = ctl_end(c, create(c, app.id, &wish, wish.expires_ms != NULL ? when : NULL,
	    args_given(a, "rate-limit") ? args_text(a, "rate-limit") : NULL, id, key), "key create");
	if (code == CTL_OK) {
		table_init(&t, created_columns, COUNT(created_columns));
		table_cell(&t, str_c(id));
		table_cell(&t, str_c(app.id));
		table_cell(&t, str_c(wish.kind));
		table_cell(&t, str_c(wish.scopes));
		table_cell(&t, wish.expires_ms != NULL ? str_c(when) : STR_NONE);
		table_cell(&t, str_c(key));
		code = ctl_show_record(c, &t);
		table_free(&t);
	}
	hash_wipe(key, sizeof(key));
	return code;
}

int
ctl_key_list(struct ctl *c, const struct args *a)
{
	struct dbs_result	*r;
	struct ctl_app		 app;
	struct table		 t;
	char			 since[CTL_I64_SIZE];
	bool			 unused = args_given(a, "unused");
	int			 code = ctl_find_app(c, args_word(a, 0), &app);

	if (code != CTL_OK)
		return code;
	r = ctl_query(c, CTL_KEY_LIST, 2, (const char *const[]){ app.id,
	    unused ? ctl_i64(since, args_number(a, "unused")) : NULL }, "key list");
	if (r == NULL)
		return CTL_FAILED;
	table_init(&t, list_columns, COUNT(list_columns));
	ctl_fill(&t, r);
	code = ctl_show(c, &t, unused ? "every usable key of this app has been used since then, or is newer" :
	    "this app has no keys: 'ringctl key create APP' makes one");
	table_free(&t);
	dbs_clear(r);
	return code;
}

int
ctl_key_id(const char *id)
{
	struct uuid u;

	return uuid_parse(str_c(id), &u) ? CTL_OK :
	    ctl_fail(CTL_USAGE, "KEYID is an id as 'ringctl key list APP' shows it, never the key itself");
}

int
ctl_key_changed(struct ctl *c, struct dbs_result *r, const struct ctl_app *app, const char *id, const char *action,
    const char *limit, struct table *t)
{
	int code = CTL_FAILED;

	if (r != NULL && dbs_rows(r) == 0)
		code = ctl_fail(CTL_NOT_FOUND, "app '%s' has no key %s", app->name, id);
	else if (r != NULL) {
		ctl_fill(t, r);
		code = ctl_audit(c, app->id, action, id, "limit", limit, NULL);
	}
	dbs_clear(r);
	return ctl_end(c, code, "changing the key");
}

int
ctl_key_revoke(struct ctl *c, const struct args *a)
{
	const char		*id = args_word(a, 1);
	struct dbs_result	*r;
	struct ctl_app		 app;
	struct table		 t;
	int			 code = ctl_key_id(id);

	if (code != CTL_OK || (code = ctl_find_app(c, args_word(a, 0), &app)) != CTL_OK ||
	    (code = ctl_begin(c, "key revoke")) != CTL_OK)
		return code;
	table_init(&t, revoked_columns, COUNT(revoked_columns));
	r = ctl_query(c, CTL_KEY_REVOKE, 2, (const char *const[]){ app.id, id }, "key revoke");
	code = ctl_key_changed(c, r, &app, id, "key.revoke", NULL, &t);
	if (code == CTL_OK)
		code = ctl_show_record(c, &t);
	table_free(&t);
	return code;
}

static bool
usable(const struct dbs_result *r)
{
	return str_eq(dbs_text(r, 0, (int)COUNT(checked_columns) - 3), STR("usable"));
}

/* form and known, then the database's columns; r is NULL when the form is wrong and the database was not asked. */
static int
show_checked(struct ctl *c, const struct dbs_result *r)
{
	bool		known = r != NULL && dbs_rows(r) > 0;
	struct table	t;
	int		code;

	/* In text an unknown key has nothing more to say than that. */
	table_init(&t, checked_columns, known || c->json ? COUNT(checked_columns) : 2);
	table_cell(&t, r != NULL ? STR("ok") : STR("wrong"));
	table_cell(&t, known ? STR("true") : STR("false"));
	for (size_t column = 0; column + 2 < t.ncolumns; column++)
		table_cell(&t, known ? dbs_text(r, 0, (int)column) : STR_NONE);
	code = ctl_show_record(c, &t);
	table_free(&t);
	if (code != CTL_OK || known)
		return code == CTL_OK && !usable(r) ? CTL_FAILED : code;
	if (r == NULL)
		return ctl_fail(CTL_FAILED, "this is no key of ringd: mistyped, cut short or something else");
	return ctl_fail(CTL_NOT_FOUND, "well formed, but this database has never given it out");
}

int
ctl_key_check(struct ctl *c, const struct args *a)
{
	struct secret		 key = { NULL, 0 };
	struct dbs_result	*r = NULL;
	char			 hash[HASH_TEXT_SIZE];
	int			 code = secret_in(&key, args_text(a, "key-file"), "API key");
	bool			 well_formed;

	if (code != CTL_OK)
		return code;
	well_formed = token_valid(secret_bytes(&key), TOKEN_SERVER_KEY) ||
	    token_valid(secret_bytes(&key), TOKEN_CLIENT_KEY);
	hash_text(hash, secret_bytes(&key));
	secret_free(&key);
	/* A key of the wrong form costs no query here either, as in the daemon. */
	if (!well_formed)
		return show_checked(c, NULL);
	code = ctl_db(c);
	if (code != CTL_OK)
		return code;
	r = ctl_query(c, CTL_KEY_CHECK, 1, (const char *const[]){ hash }, "key check");
	if (r == NULL)
		return CTL_FAILED;
	code = show_checked(c, r);
	dbs_clear(r);
	return code;
}
