/*
 * dialpad: an app's connection with a Dialpad company. The link is shown once; of its ticket the database gets only the
 * hash. Tokens are never shown: nobody but the courier can read them.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "base/count.h"
#include "base/hash.h"
#include "base/token.h"
#include "ctl/nouns.h"

#define URL_SIZE	(1024 + TOKEN_SIZE)

static const struct table_column url_columns[] = {
	{ "app", "app_id", COLUMN_TEXT, false },
	{ "URL", "url", COLUMN_TEXT, false },
};

static const struct table_column status_columns[] = {
	{ "app", "app", COLUMN_TEXT, true },
	{ NULL, "app_id", COLUMN_TEXT, false },
	{ "state", "state", COLUMN_STATE, false },
	{ "company", "company_id", COLUMN_TEXT, false },
	{ "agreed by", "user_name", COLUMN_TEXT, true },
	{ "connected", "connected_at", COLUMN_TEXT, false },
	{ "token until", "expires_at", COLUMN_TEXT, false },
	{ "renewed", "refreshed_at", COLUMN_TEXT, false },
	{ "webhook", "webhook_id", COLUMN_TEXT, false },
	{ "subscription", "subscription_id", COLUMN_TEXT, false },
	{ "hooks checked", "hooks_checked_at", COLUMN_TEXT, false },
	{ "trouble", "last_error", COLUMN_TEXT, true },
};

/* Where the link leads: what the configuration says the world calls us. */
static int
public_url(struct ctl *c, const char **url)
{
	int code = ctl_conf(c);

	if (code != CTL_OK)
		return code;
	*url = c->conf->public_url;
	if (*url == NULL)
		return ctl_fail(CTL_USAGE, "%s has no public_url: the link would lead nowhere", c->config_path);
	if (c->conf->dialpad_client_id == NULL)
		return ctl_fail(CTL_USAGE, "%s has no dialpad.client_id: nobody can connect", c->config_path);
	return CTL_OK;
}

static int
store(struct ctl *c, const char *app_id, const char *token, int64_t expires_ms, const char *return_to)
{
	unsigned char	hash[SHA256_SIZE];
	char		hash_text[2 * SHA256_SIZE + 1], expires[CTL_I64_SIZE];
	int		code;

	token_hash(hash, str_c(token));
	hex_encode(hash_text, hash, sizeof(hash));
	ctl_i64(expires, expires_ms);
	code = ctl_begin(c, "dialpad connect-url");
	if (code != CTL_OK)
		return code;
	code = ctl_run(c, CTL_TICKET_INSERT, 4, (const char *const[]){ hash_text, app_id, expires, return_to }, "dialpad connect-url");
	if (code == CTL_OK)
		code = ctl_audit(c, app_id, "dialpad.connect_url", NULL, "return_to", return_to, NULL);
	return ctl_end(c, code, "dialpad connect-url");
}

static bool
may_return_to(const struct conf *c, const char *url)
{
	for (size_t i = 0; i < c->ndialpad_return; i++) {
		size_t n = strlen(c->dialpad_return[i]);

		if (strcmp(url, c->dialpad_return[i]) == 0 ||
		    (n > 0 && c->dialpad_return[i][n - 1] == '/' && strncmp(url, c->dialpad_return[i], n) == 0))
			return true;
	}
	return false;
}

int
ctl_dialpad_connect_url(struct ctl *c, const struct args *a)
{
	const char	*base, *return_to = args_text(a, "return-to");
	char		 token[TOKEN_SIZE], url[URL_SIZE];
	struct ctl_app	 app;
	struct table	 t;
	int		 code = public_url(c, &base);

	if (code != CTL_OK)
		return code;
	if (return_to != NULL && !may_return_to(c->conf, return_to))
		return ctl_fail(CTL_USAGE, "option '--return-to': not one of dialpad.return_to in %s", c->config_path);
	code = ctl_find_app(c, args_word(a, 0), &app);
	if (code != CTL_OK)
		return code;
	token_make(token, TOKEN_TICKET);
	code = store(c, app.id, token, args_number(a, "expires"), return_to);
	if (code == CTL_OK) {
		snprintf(url, sizeof(url), "%s/auth/dialpad/connect?ticket=%s", base, token);
		table_init(&t, url_columns, COUNT(url_columns));
		table_cell(&t, str_c(app.id));
		table_cell(&t, str_c(url));
		code = ctl_show_record(c, &t);
		table_free(&t);
		hash_wipe(url, sizeof(url));
	}
	hash_wipe(token, sizeof(token));
	return code;
}

int
ctl_dialpad_status(struct ctl *c, const struct args *a)
{
	struct dbs_result	*r;
	struct ctl_app		 app = { .id = "" };
	struct table		 t;
	int			 code = args_word(a, 0) != NULL ? ctl_find_app(c, args_word(a, 0), &app) : CTL_OK;

	if (code != CTL_OK)
		return code;
	r = ctl_query(c, CTL_DIALPAD_STATUS, 1, (const char *const[]){ app.id[0] != '\0' ? app.id : NULL }, "dialpad status");
	if (r == NULL)
		return CTL_FAILED;
	table_init(&t, status_columns, COUNT(status_columns));
	ctl_fill(&t, r);
	code = ctl_show(c, &t, "nothing is connected: 'ringctl dialpad connect-url APP' makes a link");
	table_free(&t);
	dbs_clear(r);
	return code;
}
