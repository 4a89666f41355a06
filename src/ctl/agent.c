/*
 * agent: who may have a ribbon. A SIP password comes from a file, standard input or the terminal, is sealed here with the key
 * file and never shown again.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/phone.h"
#include "ctl/admin.h"
#include "ctl/nouns.h"
#include "ctl/sealed.h"
#include "ctl/secret_in.h"
#include "providers/exotel_account.h"

#define TABLE		"ribbon_agents"
#define AGENT_ID_MAX	128
#define PATH_SIZE	128
#define SYNC_TIMEOUT_MS	((int64_t)15 * 60 * 1000)	/* the daemon has its own, shorter one */

static const struct table_column added_columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ "app", "app_id", COLUMN_TEXT, false },
	{ "agent", "agent_id", COLUMN_TEXT, false },
	{ "mode", "mode", COLUMN_TEXT, false },
};

static const struct table_column list_columns[] = {
	{ "agent", "agent_id", COLUMN_TEXT, false },
	{ "name", "name", COLUMN_TEXT, true },
	{ "mode", "mode", COLUMN_TEXT, false },
	{ "state", "state", COLUMN_STATE, false },
	{ "phone", "phone", COLUMN_TEXT, false },
	{ "e-mail", "email", COLUMN_TEXT, true },
	{ "SIP", "has_sip", COLUMN_BOOL, false },
	{ "id", "id", COLUMN_TEXT, false },
	{ "added", "created_at", COLUMN_TEXT, false },
	{ "fetched", "synced_at", COLUMN_TEXT, false },
};

static const struct table_column state_columns[] = {
	{ "app", "app_id", COLUMN_TEXT, false },
	{ "agent", "agent_id", COLUMN_TEXT, false },
	{ "state", "state", COLUMN_STATE, false },
};

static const struct table_column synced_columns[] = {
	{ "app", "app_id", COLUMN_TEXT, false },
	{ "agents at Exotel", "seen", COLUMN_NUMBER, false },
	{ "new", "added", COLUMN_NUMBER, false },
	{ "changed", "changed", COLUMN_NUMBER, false },
};

static bool
agent_id_ok(const char *id)
{
	size_t n = strlen(id);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)id[i] <= ' ' || id[i] == 0x7f)
			return false;
	return n > 0 && n <= AGENT_ID_MAX;
}

static int
check(const struct args *a)
{
	const char *phone = args_text(a, "phone"), *sip_user = args_text(a, "sip-user");
	bool webrtc = strcmp(args_text(a, "mode"), "webrtc") == 0;

	if (!agent_id_ok(args_word(a, 1)))
		return ctl_fail(CTL_USAGE, "AGENTID: 1 to %d bytes without blanks", AGENT_ID_MAX);
	if (phone != NULL && !phone_is_e164(str_c(phone)))
		return ctl_fail(CTL_USAGE, "option '--phone': expected E.164, such as +919812345678");
	if (webrtc && (sip_user == NULL || sip_user[0] == '\0'))
		return ctl_fail(CTL_USAGE, "mode webrtc needs --sip-user and a SIP password; or 'ringctl agent sync APP' fetches them");
	if (!webrtc && phone == NULL)
		return ctl_fail(CTL_USAGE, "mode callback needs --phone");
	return CTL_OK;
}

/* Who they are at Exotel, sealed, with a NUL; nothing at all for somebody who only has a telephone. */
static int
seal(struct ctl *c, const struct args *a, const char *app_id, const char *id, struct buf *hex)
{
	const struct envelope_place at = sealed_at(TABLE, app_id, id);
	const char *sip = args_text(a, "sip-user"), *user = args_text(a, "exotel-user");
	struct exotel_agent agent = { .exotel_user_id = str_c(user != NULL ? user : args_word(a, 1)), .sip_user = str_c(sip) };
	struct secret password = { 0 };
	struct buf text;
	struct ring ring;
	int code;

	if (sip == NULL)
		return CTL_OK;
	if (str_starts(agent.sip_user, STR("sip:")))
		agent.sip_user = str_c(sip + 4);
	code = ring_open(c, a, &ring);
	if (code == CTL_OK)
		code = secret_in(&password, args_text(a, "sip-secret-file"), "SIP password");
	if (code == CTL_OK) {
		agent.sip_secret = secret_bytes(&password);
		buf_init(&text, EXOTEL_TEXT_MAX);
		buf_reserve(&text, EXOTEL_TEXT_MAX);	/* at once, so that no copy is left behind by growing */
		exotel_agent_write(&text, &agent);
		code = text.failed ? ctl_fail(CTL_FAILED, "out of memory") : sealed_make(&ring, &at, buf_as_str(&text), hex);
		buf_wipe_free(&text);
	}
	secret_free(&password);
	ring_close(&ring);
	return code;
}

/* In the caller's transaction. */
static int
store(struct ctl *c, const struct args *a, const struct ctl_app *app, const char *id, const char *hex)
{
	int code = ctl_run(c, CTL_AGENT_INSERT, 8, (const char *const[]){ app->id, id, args_word(a, 1), args_text(a, "name"),
	    args_text(a, "email"), args_text(a, "phone"), args_text(a, "mode"), hex }, "agent add");

	if (code == CTL_NOT_FOUND)
		return ctl_fail(CTL_FAILED, "app '%s' has an agent '%s' already", app->name, args_word(a, 1));
	return code != CTL_OK ? code : ctl_audit(c, app->id, "agent.add", id, "agent_id", args_word(a, 1), "mode", args_text(a, "mode"),
	    NULL);
}

int
ctl_agent_add(struct ctl *c, const struct args *a)
{
	char id[UUID_TEXT_SIZE];
	struct ctl_app app;
	struct table t;
	struct buf hex;
	int code = check(a);

	if (code != CTL_OK || (code = ctl_find_app(c, args_word(a, 0), &app)) != CTL_OK)
		return code;
	uuid_format(id, uuid_v7(clock_real_ms()));
	buf_init(&hex, SEALED_HEX_SIZE);
	code = seal(c, a, app.id, id, &hex);
	if (code == CTL_OK && (code = ctl_begin(c, "agent add")) == CTL_OK)
		code = ctl_end(c, store(c, a, &app, id, hex.len > 0 ? hex.p : NULL), "agent add");
	buf_free(&hex);
	if (code != CTL_OK)
		return code;
	table_init(&t, added_columns, COUNT(added_columns));
	table_cell(&t, str_c(id));
	table_cell(&t, str_c(app.id));
	table_cell(&t, str_c(args_word(a, 1)));
	table_cell(&t, str_c(args_text(a, "mode")));
	code = ctl_show_record(c, &t);
	table_free(&t);
	return code;
}

int
ctl_agent_list(struct ctl *c, const struct args *a)
{
	return ctl_list_of_app(c, a, CTL_AGENT_LIST, list_columns, COUNT(list_columns), "agent list",
	    "this app has no agents: 'ringctl agent add' or 'ringctl agent sync' makes some");
}

static int
set_active(struct ctl *c, const struct args *a, bool active)
{
	const char *agent = args_word(a, 1);
	struct ctl_app app;
	struct table t;
	int code = ctl_find_app(c, args_word(a, 0), &app);

	if (code != CTL_OK || (code = ctl_begin(c, "changing the agent")) != CTL_OK)
		return code;
	code = ctl_run(c, CTL_AGENT_SET_ACTIVE, 3, (const char *const[]){ app.id, agent, active ? "true" : "false" },
	    "changing the agent");
	if (code == CTL_NOT_FOUND)
		code = ctl_fail(CTL_NOT_FOUND, "app '%s' has no agent '%s'", app.name, agent);
	if (code == CTL_OK)
		code = ctl_audit(c, app.id, "agent.change", agent, "state", active ? "enabled" : "disabled", NULL);
	code = ctl_end(c, code, "changing the agent");
	if (code != CTL_OK)
		return code;
	table_init(&t, state_columns, COUNT(state_columns));
	table_cell(&t, str_c(app.id));
	table_cell(&t, str_c(agent));
	table_cell(&t, active ? STR("enabled") : STR("disabled"));
	code = ctl_show_record(c, &t);
	table_free(&t);
	return code;
}

int
ctl_agent_enable(struct ctl *c, const struct args *a)
{
	return set_active(c, a, true);
}

int
ctl_agent_disable(struct ctl *c, const struct args *a)
{
	return set_active(c, a, false);
}

/* The courier asks Exotel; here is only shown what came of it. */
static int
show_synced(struct ctl *c, const struct ctl_app *app, struct admin_reply *r)
{
	struct str outcome = json_text(json_get(r->data, "outcome"), &r->arena), why;
	struct table t;
	int code;

	if (!str_eq(outcome, STR("ok"))) {
		why = json_text(json_get(r->data, "why"), &r->arena);
		return ctl_fail(str_eq(outcome, STR("not_linked")) ? CTL_NOT_FOUND : CTL_FAILED, "app '%s': %.*s", app->name,
		    STR_ARG(why.n > 0 ? why : outcome));
	}
	table_init(&t, synced_columns, COUNT(synced_columns));
	table_cell(&t, str_c(app->id));
	for (size_t i = 1; i < COUNT(synced_columns); i++)
		table_cell(&t, admin_cell(json_get(r->data, synced_columns[i].name), &r->arena));
	code = ctl_show_record(c, &t);
	table_free(&t);
	return code;
}

int
ctl_agent_sync(struct ctl *c, const struct args *a)
{
	char path[PATH_SIZE];
	struct admin_reply r;
	const char *address;
	struct ctl_app app;
	int code = ctl_find_app(c, args_word(a, 0), &app);

	if (code != CTL_OK || (code = admin_address(c, a, &address)) != CTL_OK)
		return code;
	snprintf(path, sizeof(path), "/exotel/sync?app=%s", app.id);
	code = admin_ask(address, path, STR(""), SYNC_TIMEOUT_MS, &r);
	if (code == CTL_OK && json_type(r.data) != JSON_OBJECT)
		code = admin_fail(address, path, &r);
	if (code == CTL_OK)
		code = show_synced(c, &app, &r);
	admin_free(&r);
	return code;
}
