/*
 * client: browser keys, for the call ribbon. Such a key is public: it stands in the page. What it is worth is said by the pages
 * it is for, the calls it may start in a month, and the agent token that goes with it. Pages are stored as browsers write an
 * origin, so that ringd compares bytes.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "base/count.h"
#include "base/num.h"
#include "ctl/keys.h"
#include "ctl/nouns.h"
#include "net/addr.h"
#include "net/origin.h"

#define LIMIT_MAX	INT64_C(1000000000)
#define STAR		"https://*."

static const struct table_column created_columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ "app", "app_id", COLUMN_TEXT, false },
	{ "pages", "origins", COLUMN_TEXT, false },
	{ "a month", "monthly_limit", COLUMN_NUMBER, false },
	{ "API key", "api_key", COLUMN_TEXT, false },
};

static const struct table_column list_columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ "key", "key", COLUMN_TEXT, false },
	{ "state", "state", COLUMN_STATE, false },
	{ "pages", "origins", COLUMN_TEXT, true },
	{ "used", "used", COLUMN_NUMBER, false },
	{ "of", "monthly_limit", COLUMN_NUMBER, false },
	{ "refused", "refused", COLUMN_NUMBER, false },
	{ "created", "created_at", COLUMN_TEXT, false },
	{ "last used", "last_used_at", COLUMN_TEXT, false },
	{ "note", "note", COLUMN_TEXT, true },
};

static const struct table_column changed_columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ "app", "app_id", COLUMN_TEXT, false },
	{ "pages", "origins", COLUMN_TEXT, false },
	{ "a month", "monthly_limit", COLUMN_NUMBER, false },
};

static const struct table_column revoked_columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ "app", "app_id", COLUMN_TEXT, false },
	{ "revoked", "revoked_at", COLUMN_TEXT, false },
	{ "before this", "already_revoked", COLUMN_BOOL, false },
};

struct client_wish {
	char		 origin[ARGS_TEXTS_MAX][ORIGIN_TEXT_SIZE];
	int		 norigins;
	const char	*limit;			/* digits; NULL: none */
	char		 limit_text[CTL_I64_SIZE];
};

static int
wrong_origin(const char *text, const char *why)
{
	return ctl_fail(CTL_USAGE, "option '--origin': '%.80s' %s", text, why);
}

/* One label in place of the star; what is left must be somebody's name, not a whole country's. */
static int
read_star(char out[ORIGIN_TEXT_SIZE], const char *text)
{
	char plain[ORIGIN_TEXT_SIZE], rest[ORIGIN_TEXT_SIZE];
	struct origin o;

	if (strlen(text) >= sizeof(plain))
		return wrong_origin(text, "is too long");
	snprintf(plain, sizeof(plain), "https://%s", text + strlen(STAR));
	if (!origin_parse(&o, str_c(plain)) || strchr(o.host, '.') == NULL || origin_is_address(&o))
		return wrong_origin(text, "is too wide or none: a star stands for one label before a name of two at least, as in "
		    "https://*.example.com");
	origin_short(rest, &o);
	if ((size_t)snprintf(out, ORIGIN_TEXT_SIZE, STAR "%s", rest + strlen("https://")) >= ORIGIN_TEXT_SIZE)
		return wrong_origin(text, "is too long");
	return CTL_OK;
}

/* IPv6 addresses too have one spelling only. */
static void
one_spelling(struct origin *o)
{
	char text[ADDR_TEXT_SIZE];
	struct addr a;

	if (o->host[0] != '[' || !addr_parse_ip(&a, str_c(o->host)))
		return;
	addr_text(text, &a);
	snprintf(o->host, sizeof(o->host), "[%s]", text);
}

static bool
is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

static int
read_origin(char out[ORIGIN_TEXT_SIZE], const char *text, bool insecure)
{
	char lower[ORIGIN_TEXT_SIZE];
	struct origin o;
	size_t n = strlen(text);

	if (!is_ascii(text))
		return wrong_origin(text, "has letters beyond ASCII: write the host as browsers send it, xn--...");
	if (n >= sizeof(lower))
		return wrong_origin(text, "is too long");
	for (size_t i = 0; i <= n; i++)
		lower[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
	if (strncmp(lower, STAR, strlen(STAR)) == 0)
		return read_star(out, lower);
	if (!origin_parse(&o, str_c(lower)))
		return wrong_origin(text, "is no origin: expected scheme, host and perhaps a port, such as https://crm.example.com:8443");
	if (!o.https && !origin_is_local(&o) && !insecure)
		return wrong_origin(text, "is not https: anybody on the way could read the key and the calls (--insecure, if that is meant)");
	one_spelling(&o);
	origin_short(out, &o);
	return CTL_OK;
}

static int
read_limit(struct client_wish *w, const char *text)
{
	int64_t limit;

	w->limit = NULL;
	if (text == NULL || strcmp(text, "none") == 0)
		return CTL_OK;
	if (!num_i64(str_c(text), 0, LIMIT_MAX, &limit))
		return ctl_fail(CTL_USAGE, "option '--monthly-limit': expected 0 to 1000000000, or none");
	w->limit = ctl_i64(w->limit_text, limit);
	return CTL_OK;
}

static int
read_wish(struct client_wish *w, const struct args *a)
{
	const struct option_value *given = args_option(a, "origin");
	int code = read_limit(w, args_text(a, "monthly-limit"));

	for (w->norigins = 0; code == CTL_OK && w->norigins < given->ntexts; w->norigins++)
		code = read_origin(w->origin[w->norigins], given->texts[w->norigins], args_given(a, "insecure"));
	return code;
}

/* In the caller's transaction. */
static int
store_origins(struct ctl *c, const char *app, const char *id, const struct client_wish *w)
{
	int code = ctl_run(c, CTL_CLIENT_ORIGINS_CLEAR, 2, (const char *const[]){ app, id }, "storing the pages");

	if (code == CTL_NOT_FOUND)
		code = CTL_OK;		/* there were none */
	for (int i = 0; code == CTL_OK && i < w->norigins; i++) {
		code = ctl_run(c, CTL_CLIENT_ORIGIN_ADD, 3, (const char *const[]){ app, id, w->origin[i] }, "storing the pages");
		if (code == CTL_NOT_FOUND)
			code = CTL_OK;	/* named twice */
	}
	return code;
}

static int
store_limit(struct ctl *c, const char *app, const char *id, const struct client_wish *w)
{
	return ctl_run(c, CTL_CLIENT_LIMIT, 3, (const char *const[]){ app, id, w->limit }, "storing the limit");
}

/* The last statement: what was given, and nothing else. */
static int
note(struct ctl *c, const char *app, const char *action, const char *id, const struct client_wish *w, const struct args *a)
{
	struct buf b;
	int code;

	buf_init(&b, ARGS_TEXTS_MAX * (ORIGIN_TEXT_SIZE + 1));
	for (int i = 0; i < w->norigins; i++) {
		buf_puts(&b, i > 0 ? " " : "");
		buf_puts(&b, w->origin[i]);
	}
	buf_putc(&b, '\0');
	code = b.failed ? ctl_fail(CTL_FAILED, "out of memory") : ctl_audit(c, app, action, id, "origins", w->norigins > 0 ? b.p : NULL,
	    "monthly_limit", args_given(a, "monthly-limit") ? (w->limit != NULL ? w->limit : "none") : NULL, NULL);
	buf_free(&b);
	return code;
}

static struct dbs_result *
find(struct ctl *c, const struct ctl_app *app, const char *id, int *code)
{
	struct dbs_result *r = ctl_query(c, CTL_CLIENT_FIND, 2, (const char *const[]){ app->id, id }, "looking for the key");

	*code = r == NULL ? CTL_FAILED : CTL_OK;
	if (r != NULL && dbs_rows(r) == 0) {
		*code = ctl_fail(CTL_NOT_FOUND, "app '%s' has no browser key %s that is good still", app->name, id);
		dbs_clear(r);
		return NULL;
	}
	return r;
}

static int
show_created(struct ctl *c, const struct ctl_app *app, const char *id, const char *key)
{
	struct dbs_result *r;
	struct table t;
	int code;

	r = find(c, app, id, &code);
	if (r == NULL)
		return code;
	table_init(&t, created_columns, COUNT(created_columns));
	for (int column = 0; column < (int)COUNT(changed_columns); column++)
		table_cell(&t, dbs_text(r, 0, column));
	table_cell(&t, str_c(key));
	code = ctl_show_record(c, &t);
	table_free(&t);
	dbs_clear(r);
	return code;
}

int
ctl_client_create(struct ctl *c, const struct args *a)
{
	struct key_wish		key_wish = { .kind = "browser", .scopes = "ribbon", .note = args_text(a, "note") };
	char			id[UUID_TEXT_SIZE], key[TOKEN_SIZE];
	struct client_wish	w;
	struct ctl_app		app;
	int			code = read_wish(&w, a);

	if (code == CTL_OK && w.norigins == 0)
		return ctl_fail(CTL_USAGE, "a browser key is for pages: name them with --origin https://crm.example.com");
	if (code != CTL_OK || (code = ctl_find_app(c, args_word(a, 0), &app)) != CTL_OK ||
	    (code = ctl_begin(c, "client create")) != CTL_OK)
		return code;
	code = ctl_key_store(c, app.id, &key_wish, id, key);
	if (code == CTL_OK)
		code = store_limit(c, app.id, id, &w);
	if (code == CTL_OK)
		code = store_origins(c, app.id, id, &w);
	if (code == CTL_OK)
		code = note(c, app.id, "client.create", id, &w, a);
	code = ctl_end(c, code, "client create");
	if (code == CTL_OK)
		code = show_created(c, &app, id, key);
	hash_wipe(key, sizeof(key));
	return code;
}

int
ctl_client_list(struct ctl *c, const struct args *a)
{
	return ctl_list_of_app(c, a, CTL_CLIENT_LIST, list_columns, COUNT(list_columns), "client list",
	    "this app has no browser keys: 'ringctl client create APP --origin URL' makes one");
}

int
ctl_client_change(struct ctl *c, const struct args *a)
{
	const char		*id = args_word(a, 1);
	struct dbs_result	*r;
	struct client_wish	 w;
	struct ctl_app		 app;
	struct table		 t;
	int			 code = read_wish(&w, a);

	if (code == CTL_OK && w.norigins == 0 && !args_given(a, "monthly-limit"))
		return ctl_fail(CTL_USAGE, "nothing to change: --origin URL or --monthly-limit N");
	if (code != CTL_OK || (code = ctl_key_id(id)) != CTL_OK || (code = ctl_find_app(c, args_word(a, 0), &app)) != CTL_OK)
		return code;
	r = find(c, &app, id, &code);
	if (r == NULL)
		return code;
	dbs_clear(r);
	if ((code = ctl_begin(c, "client change")) != CTL_OK)
		return code;
	if (w.norigins > 0)
		code = store_origins(c, app.id, id, &w);
	if (code == CTL_OK && args_given(a, "monthly-limit"))
		code = store_limit(c, app.id, id, &w);
	if (code == CTL_OK)
		code = note(c, app.id, "client.change", id, &w, a);
	code = ctl_end(c, code, "client change");
	if (code != CTL_OK || (r = find(c, &app, id, &code)) == NULL)
		return code;
	table_init(&t, changed_columns, COUNT(changed_columns));
	ctl_fill(&t, r);
	code = ctl_show_record(c, &t);
	table_free(&t);
	dbs_clear(r);
	return code;
}

/* In the caller's transaction. Its pages stay: they are to read that it is the key which is good no longer. */
static int
revoke(struct ctl *c, const struct ctl_app *app, const char *id, struct table *t)
{
	struct dbs_result	*r = ctl_query(c, CTL_CLIENT_REVOKE, 2, (const char *const[]){ app->id, id }, "client revoke");
	int			 code = CTL_OK;

	if (r == NULL)
		return CTL_FAILED;
	if (dbs_rows(r) == 0)
		code = ctl_fail(CTL_NOT_FOUND, "app '%s' has no browser key %s", app->name, id);
	else
		ctl_fill(t, r);
	dbs_clear(r);
	return code != CTL_OK ? code : ctl_audit(c, app->id, "client.revoke", id, NULL);
}

int
ctl_client_revoke(struct ctl *c, const struct args *a)
{
	const char	*id = args_word(a, 1);
	struct ctl_app	 app;
	struct table	 t;
	int		 code = ctl_key_id(id);

	if (code != CTL_OK || (code = ctl_find_app(c, args_word(a, 0), &app)) != CTL_OK ||
	    (code = ctl_begin(c, "client revoke")) != CTL_OK)
		return code;
	table_init(&t, revoked_columns, COUNT(revoked_columns));
	code = ctl_end(c, revoke(c, &app, id, &t), "client revoke");
	if (code == CTL_OK)
		code = ctl_show_record(c, &t);
	table_free(&t);
	return code;
}
