/*
 * stmt_ctl: every statement of ringctl. It connects as the owner, whose policies show all tenants; so each statement
 * names app_id itself, or says why there is none.
 */
#ifndef RINGD_STMT_CTL_H
#define RINGD_STMT_CTL_H

#include "db/stmt.h"

/* The app of events that no app could be found for. */
#define UNROUTED_APP	"00000000-0000-0000-0000-000000000000"

enum ctl_stmt {
	CTL_APP_BY_ID,			/* id */
	CTL_APP_BY_NAME,		/* name */
	CTL_APP_INSERT,			/* id, name */
	CTL_APP_LIST,
	CTL_APP_SET_ACTIVE,		/* app, active */

	CTL_KEY_INSERT,			/* app, id, hash (hex), kind, scopes, prefix, last4, note, expires ms, requests, seconds */
	CTL_KEY_LOOKUP_INSERT,		/* hash (hex), app */
	CTL_KEY_LIST,			/* app, unused since ms or NULL */
	CTL_KEY_LIMIT,			/* app, id, requests, seconds; both NULL: as configured */
	CTL_KEY_REVOKE,			/* app, id */
	CTL_KEY_CHECK,			/* hash (hex) */

	CTL_CLIENT_LIMIT,		/* app, id, limit or NULL: of a browser key */
	CTL_CLIENT_LIST,		/* app */
	CTL_CLIENT_ORIGINS_CLEAR,	/* app, id */
	CTL_CLIENT_ORIGIN_ADD,		/* app, id, origin */
	CTL_CLIENT_FIND,		/* app, id: id, app, origins, limit; a browser key that is not revoked */
	CTL_CLIENT_REVOKE,		/* app, id */
	CTL_SIGNING_KEY,		/* app: hash (hex) of the newest good server key */
	CTL_AGENT_FIND,			/* app, agent as the CRM calls it: is it active? */
	CTL_SESSION_LIST,		/* app, agent or NULL */
	CTL_SESSION_REVOKE,		/* app, session or NULL, agent or NULL */

	CTL_HOOK_INSERT,		/* app, id, provider, name, org */
	CTL_HOOK_LOOKUP_INSERT,		/* token hash (hex), app, hook, provider, org, secret */
	CTL_HOOK_LIST,			/* app */
	CTL_HOOK_ROTATE,		/* app, hook, secret, overlap ms */
	CTL_HOOK_ROTATED,		/* app, hook */
	CTL_HOOK_CONNECTION,		/* app, hook: a row when a connection made it */
	CTL_HOOK_SECRETS,		/* app or NULL, hook or NULL, idle ms */
	CTL_HOOK_END_PREVIOUS,		/* app, hook, idle ms */
	CTL_HOOK_SET_ENABLED,		/* app, hook, enabled */
	CTL_HOOK_LOOKUP_SET_ENABLED,	/* app, hook, enabled */

	CTL_TICKET_INSERT,		/* token hash (hex), app, expires ms, return_to */
	CTL_DIALPAD_STATUS,		/* app or NULL */
	CTL_FORGET_HOOK,		/* app; these four in one transaction */
	CTL_FORGET_LOOKUP,		/* app */
	CTL_FORGET_GAPS,		/* app */
	CTL_FORGET,			/* app */
	CTL_DIALPAD_STATE,		/* app: state, trouble, is a rotation under way, webhook, old secret until */

	CTL_GAPS,			/* app or NULL, only open ones, limit */
	CTL_GAP,			/* app, id */
	CTL_GAP_PROGRESS,		/* app, id: state, per cent, calls, calls with news, error */
	CTL_GAP_INSERT,			/* app, id, from ms, to ms */

	CTL_CALLS,			/* app, limit */
	CTL_CALLS_ACTIVE,		/* app, limit */
	CTL_CALL,			/* app, id */

	CTL_EVENTS,			/* app, since ms, limit */
	CTL_EVENTS_ALL,			/* since ms, limit */
	CTL_EVENT,			/* id */
	CTL_DEAD,			/* app or NULL, limit */

	CTL_REPLAY_IDS,			/* ids */
	CTL_REPLAY_DEAD,		/* app or NULL, after app, after id, limit */
	CTL_REPLAY_SINCE,		/* app, since ms, until ms, after id, limit */
	CTL_REPLAY_QUEUE,		/* apps, ids, times */
	CTL_REPLAY_UNDEAD,		/* apps, ids */

	CTL_KEYS_USED,			/* key id, values sealed with it */

	CTL_REQUESTS,			/* since ms */
	CTL_REQUESTS_OF_APP,		/* app, since ms */

	CTL_USED,			/* app or NULL, month */

	/* The audit log. app: also the nil id, the installation's chain. */
	CTL_AUDIT,			/* app, actor, action, subject, detail: the last statement of its transaction */
	CTL_AUDIT_REPLAY,		/* apps, one for each event; actor */
	CTL_AUDIT_SHOW,			/* app or NULL, since ms or NULL, action or NULL, limit */
	CTL_AUDIT_HEADS,		/* app or NULL */
	CTL_AUDIT_CHAINS,		/* app, name */
	CTL_AUDIT_HEAD,			/* app: seq, hash (hex) */
	CTL_AUDIT_PAGE,			/* app, after seq, after hash (hex), limit: in the order of the chain */

	CTL_EXOTEL_GET,			/* app: id, credentials (hex), caller id, is it active */
	CTL_EXOTEL_LINK,		/* app, id, credentials (hex), caller id */
	CTL_EXOTEL_ROTATE,		/* app, id, credentials (hex), caller id */
	CTL_EXOTEL_SET_ACTIVE,		/* app, active */
	CTL_EXOTEL_UNLINK,		/* app */
	CTL_EXOTEL_STATUS,		/* app or NULL */
	CTL_EXOTEL_HOOK,		/* app: a row when it has a hook for Exotel */
	CTL_AGENT_INSERT,		/* app, id, agent, name, email, phone, mode, credentials (hex) or NULL */
	CTL_AGENT_GET,			/* app, agent: id, credentials (hex), mode */
	CTL_AGENT_LIST,			/* app */
	CTL_AGENT_SET_ACTIVE,		/* app, agent, active */

	CTL_VERSION_TABLE,
	CTL_VERSION_LOCK,
	CTL_VERSION_LIST,
	CTL_VERSION_INSERT,		/* version, name */

	CTL_STMTS
};

extern const struct db_stmt_table stmt_ctl;

#endif
