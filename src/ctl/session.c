/*
 * session: who has a ribbon open, and ending it: the agent's very next request is refused.
 */
#include <sys/types.h>

#include "base/count.h"
#include "ctl/nouns.h"

static const struct table_column list_columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ "agent", "agent_id", COLUMN_TEXT, true },
	{ "name", "name", COLUMN_TEXT, true },
	{ "key", "key_id", COLUMN_TEXT, false },
	{ "page", "origin", COLUMN_TEXT, true },
	{ "state", "state", COLUMN_STATE, false },
	{ "begun", "created_at", COLUMN_TEXT, false },
	{ "renewed", "renewed_at", COLUMN_TEXT, false },
	{ "until", "expires_at", COLUMN_TEXT, false },
};

static const struct table_column revoked_columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ "agent", "agent_id", COLUMN_TEXT, true },
	{ "page", "origin", COLUMN_TEXT, true },
	{ "revoked", "revoked_at", COLUMN_TEXT, false },
};

int
ctl_session_list(struct ctl *c, const struct args *a)
{
	struct dbs_result	*r;
	struct ctl_app		 app;
	struct table		 t;
	int			 code = ctl_find_app(c, args_word(a, 0), &app);

	if (code != CTL_OK)
		return code;
	r = ctl_query(c, CTL_SESSION_LIST, 2, (const char *const[]){ app.id, args_text(a, "agent") }, "session list");
	if (r == NULL)
		return CTL_FAILED;
	table_init(&t, list_columns, COUNT(list_columns));
	ctl_fill(&t, r);
	code = ctl_show(c, &t, "nobody has a ribbon open");
	table_free(&t);
	dbs_clear(r);
	return code;
}

/* In the caller's transaction; fills the rows to show. */
static int
revoke(struct ctl *c, const struct ctl_app *app, const char *id, const char *agent, struct table *t)
{
	struct dbs_result	*r = ctl_query(c, CTL_SESSION_REVOKE, 3, (const char *const[]){ app->id, id, agent }, "session revoke");
	int			 code = CTL_OK;

	if (r == NULL)
		return CTL_FAILED;
	if (dbs_rows(r) == 0)
		code = ctl_fail(CTL_NOT_FOUND, "app '%s' has no such session under way", app->name);
	ctl_fill(t, r);
	dbs_clear(r);
	return code != CTL_OK ? code : ctl_audit(c, app->id, "session.revoke", id, "agent", agent, NULL);
}

int
ctl_session_revoke(struct ctl *c, const struct args *a)
{
	const char	*id = args_word(a, 1), *agent = args_text(a, "agent");
	struct ctl_app	 app;
	struct table	 t;
	struct uuid	 u;
	int		 code;

	if ((id == NULL) == (agent == NULL))
		return ctl_fail(CTL_USAGE, "which? a SESSIONID as 'ringctl session list APP' shows it, or --agent AGENTID");
	if (id != NULL && !uuid_parse(str_c(id), &u))
		return ctl_fail(CTL_USAGE, "SESSIONID is an id as 'ringctl session list APP' shows it");
	code = ctl_find_app(c, args_word(a, 0), &app);
	if (code != CTL_OK || (code = ctl_begin(c, "session revoke")) != CTL_OK)
		return code;
	table_init(&t, revoked_columns, COUNT(revoked_columns));
	code = ctl_end(c, revoke(c, &app, id, agent, &t), "session revoke");
	if (code == CTL_OK)
		code = ctl_show(c, &t, "");
	table_free(&t);
	return code;
}
