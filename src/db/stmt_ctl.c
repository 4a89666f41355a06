/*
 * stmt_ctl: ringctl's SQL. Not prepared: each runs once or few times. Times go in as milliseconds since 1970 and come
 * out as RFC 3339, so that text and JSON show the same. The columns of a list stand in the order of its command's
 * table.
 */
#include <sys/types.h>

#include "db/stmt_ctl.h"

#define WHEN(column)	"to_char(" column ", 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"	/* the session's zone is UTC */
#define MS(param)	"(" param "::bigint * interval '1 millisecond')"
#define TIME(param)	"to_timestamp(" param "::bigint / 1000.0)"

/* As `key limit` takes it. */
#define KEY_LIMIT									\
	"CASE WHEN k.rate_limit IS NULL THEN 'default' WHEN k.rate_limit = 0 THEN 'off' "	\
	"ELSE k.rate_limit || '/' || k.rate_window || 's' END"

#define CLIENT_ORIGINS									\
	"(SELECT string_agg(o.origin, ' ' ORDER BY o.origin) FROM ribbon_origins o WHERE o.app_id = k.app_id AND o.key_id = k.id)"

#define CALLS_COLUMNS									\
	"SELECT c.id, " WHEN("c.started_at") ", c.direction, c.from_number, c.to_number, "	\
	"c.status, c.outcome, coalesce(c.agent_name, c.agent_email, c.agent_id), c.talk_time_ms, "	\
	"c.has_recording, c.contact_name, c.provider_state, c.dialpad_call_id, "	\
	WHEN("c.connected_at") ", " WHEN("c.ended_at") ", c.recording_url, "		\
	WHEN("c.updated_at") ", c.provider, c.provider_call_id FROM calls c WHERE c.app_id = $1 "

#define GAP_COLUMNS									\
	"SELECT g.id, g.app_id, a.name, g.reason, g.state, " WHEN("g.from_at") ", " WHEN("g.to_at") ", "	\
	WHEN("g.reached_at") ", g.seen, g.found, g.attempts, " WHEN("g.next_try_at") ", " WHEN("g.created_at") ", "	\
	WHEN("g.done_at") ", g.last_error FROM dialpad_gaps g JOIN apps a ON a.id = g.app_id "

/* What has become of an event: the queue and the dead are asked, all else is done. */
#define EVENT_STATE									\
	"CASE WHEN d.id IS NOT NULL THEN 'dead' WHEN q.attempts > 0 THEN 'retrying' "	\
	"WHEN q.id IS NOT NULL THEN 'waiting' WHEN e.is_call THEN 'applied' ELSE 'stored' END"
#define EVENT_JOINS									\
	" LEFT JOIN webhook_queue q ON q.app_id = e.app_id AND q.id = e.id"		\
	" LEFT JOIN webhook_dead d ON d.app_id = e.app_id AND d.id = e.id"		\
	" LEFT JOIN apps a ON a.id = e.app_id "
#define EVENTS_COLUMNS									\
	"SELECT e.id, " WHEN("e.received_at") ", e.app_id, a.name, e.event_type, e.leg_id, "	\
	EVENT_STATE ", e.source, e.secret_used, " WHEN("e.event_ts")			\
	" FROM webhook_events e" EVENT_JOINS
#define EVENTS_ORDER	" ORDER BY e.received_at DESC, e.id DESC "

/* Every app and the unrouted one: joined with an id it turns a search over all events into one look-up per app. */
#define ANY_APP	"(SELECT id FROM apps UNION ALL SELECT '" UNROUTED_APP "'::uuid)"

/* Of single requests the 95th percentile; a sum knows only its mean. */
#define REQUESTS_COUNTED								\
	"sum(r.requests), coalesce(sum(r.requests) FILTER (WHERE r.status >= 400), 0), "	\
	"round(sum(r.duration_us) / (1000 * sum(r.requests)), 3), "			\
	"round((percentile_disc(0.95) WITHIN GROUP (ORDER BY r.duration_us) FILTER (WHERE r.requests = 1)) / 1000.0, 3), "	\
	"round(sum(r.db_us) / (1000 * sum(r.requests)), 3), sum(r.bytes), " WHEN("max(r.created_at)")

static const struct db_stmt statements[CTL_STMTS] = {
	/* Apps are the tenants themselves: their id is the app_id. */
	[CTL_APP_BY_ID] = { "app_by_id", "SELECT id, name, is_active FROM apps WHERE id = $1" },
	[CTL_APP_BY_NAME] = { "app_by_name", "SELECT id, name, is_active FROM apps WHERE name = $1 LIMIT 2" },
	[CTL_APP_INSERT] = { "app_insert", "INSERT INTO apps (id, name) VALUES ($1, $2)" },
	/* The list of all tenants. */
	[CTL_APP_LIST] = { "app_list",
	    "SELECT a.id, a.name, CASE WHEN a.is_active THEN 'active' ELSE 'disabled' END, " WHEN("a.created_at") ", "
	    "(SELECT count(*) FROM api_keys k WHERE k.app_id = a.id AND k.revoked_at IS NULL AND "
	    "(k.expires_at IS NULL OR k.expires_at > now())), (SELECT count(*) FROM hooks h WHERE h.app_id = a.id) "
	    "FROM apps a ORDER BY a.created_at, a.id" },
	[CTL_APP_SET_ACTIVE] = { "app_set_active", "UPDATE apps SET is_active = $2, updated_at = now() WHERE id = $1" },

	[CTL_KEY_INSERT] = { "key_insert",
	    "INSERT INTO api_keys (app_id, id, key_hash, kind, scopes, prefix, last4, note, expires_at, "
	    "rate_limit, rate_window) VALUES ($1, $2, decode($3, 'hex'), $4, $5, $6, $7, $8, " TIME("$9") ", $10, $11)" },
	[CTL_KEY_LOOKUP_INSERT] = { "key_lookup_insert",
	    "INSERT INTO api_key_lookup (key_hash, app_id) VALUES (decode($1, 'hex'), $2)" },
	[CTL_KEY_LIST] = { "key_list",
	    "SELECT k.id, k.prefix || '...' || k.last4, k.kind, k.scopes, "
	    "CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked' WHEN k.expires_at <= now() THEN 'expired' "
	    "ELSE 'active' END, " WHEN("k.created_at") ", " WHEN("k.expires_at") ", " WHEN("k.revoked_at") ", "
	    KEY_LIMIT ", " WHEN("k.last_used_at") ", k.note FROM api_keys k WHERE k.app_id = $1 AND ($2::bigint IS NULL OR "
	    "(coalesce(k.last_used_at, k.created_at) < " TIME("$2") " AND k.revoked_at IS NULL AND "
	    "(k.expires_at IS NULL OR k.expires_at > now()))) ORDER BY k.created_at, k.id" },
	[CTL_KEY_LIMIT] = { "key_limit",
	    "UPDATE api_keys k SET rate_limit = $3, rate_window = $4 WHERE k.app_id = $1 AND k.id = $2 "
	    "RETURNING k.id, k.app_id, " KEY_LIMIT },
	/* An earlier revocation keeps its time. */
	[CTL_KEY_REVOKE] = { "key_revoke",
	    "UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE app_id = $1 AND id = $2 "
	    "RETURNING id, app_id, " WHEN("revoked_at") ", revoked_at < now()" },
	/* Found by what it hashes to: the app is the answer, not the question. */
	[CTL_KEY_CHECK] = { "key_check",
	    "SELECT a.id, a.name, k.id, k.kind, k.scopes, " WHEN("k.created_at") ", " WHEN("k.expires_at") ", "
	    WHEN("k.revoked_at") ", CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked' "
	    "WHEN k.expires_at <= now() THEN 'expired' WHEN NOT a.is_active THEN 'inactive' ELSE 'usable' END "
	    "FROM api_key_lookup l JOIN api_keys k ON k.app_id = l.app_id AND k.key_hash = l.key_hash "
	    "JOIN apps a ON a.id = l.app_id WHERE l.key_hash = decode($1, 'hex')" },

	[CTL_CLIENT_LIMIT] = { "client_limit",
	    "UPDATE api_keys SET monthly_limit = $3 WHERE app_id = $1 AND id = $2 AND kind = 'browser'" },
	[CTL_CLIENT_LIST] = { "client_list",
	    "SELECT k.id, k.prefix || '...' || k.last4, CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked' "
	    "WHEN k.expires_at <= now() THEN 'expired' ELSE 'active' END, " CLIENT_ORIGINS ", coalesce(u.used, 0), k.monthly_limit, "
	    "coalesce(u.refused, 0), " WHEN("k.created_at") ", " WHEN("k.last_used_at") ", k.note FROM api_keys k LEFT JOIN usage u "
	    "ON u.app_id = k.app_id AND u.key_id = k.id AND u.month = to_char(now(), 'YYYY-MM') "
	    "WHERE k.app_id = $1 AND k.kind = 'browser' ORDER BY k.created_at, k.id" },
	[CTL_CLIENT_ORIGINS_CLEAR] = { "client_origins_clear", "DELETE FROM ribbon_origins WHERE app_id = $1 AND key_id = $2" },
	[CTL_CLIENT_ORIGIN_ADD] = { "client_origin_add",
	    "INSERT INTO ribbon_origins (app_id, key_id, origin) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING" },
	[CTL_CLIENT_FIND] = { "client_find",
	    "SELECT k.id, k.app_id, " CLIENT_ORIGINS ", k.monthly_limit FROM api_keys k WHERE k.app_id = $1 AND k.id = $2 "
	    "AND k.kind = 'browser' AND k.revoked_at IS NULL" },
	/* An earlier revocation keeps its time. Sessions hang on the key, and end with it. */
	[CTL_CLIENT_REVOKE] = { "client_revoke",
	    "UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE app_id = $1 AND id = $2 AND kind = 'browser' "
	    "RETURNING id, app_id, " WHEN("revoked_at") ", revoked_at < now()" },
	[CTL_SIGNING_KEY] = { "signing_key",
	    "SELECT encode(key_hash, 'hex') FROM api_keys WHERE app_id = $1 AND kind = 'server' AND revoked_at IS NULL "
	    "AND (expires_at IS NULL OR expires_at > now()) ORDER BY created_at DESC, id DESC LIMIT 1" },
	[CTL_AGENT_FIND] = { "agent_find", "SELECT is_active FROM ribbon_agents WHERE app_id = $1 AND agent_id = $2" },
	[CTL_SESSION_LIST] = { "session_list",
	    "SELECT s.id, a.agent_id, a.name, s.key_id, s.origin, CASE WHEN s.revoked_at IS NOT NULL OR k.revoked_at IS NOT NULL "
	    "THEN 'revoked' WHEN s.expires_at <= now() THEN 'expired' ELSE 'active' END, " WHEN("s.created_at") ", "
	    WHEN("s.renewed_at") ", " WHEN("s.expires_at") " FROM ribbon_sessions s "
	    "JOIN ribbon_agents a ON a.app_id = s.app_id AND a.id = s.agent JOIN api_keys k ON k.app_id = s.app_id AND k.id = s.key_id "
	    "WHERE s.app_id = $1 AND ($2::text IS NULL OR a.agent_id = $2) ORDER BY s.created_at DESC, s.id DESC" },
	/* Neither named: none. */
	[CTL_SESSION_REVOKE] = { "session_revoke",
	    "UPDATE ribbon_sessions s SET revoked_at = now() FROM ribbon_agents a WHERE s.app_id = $1 AND a.app_id = s.app_id "
	    "AND a.id = s.agent AND s.revoked_at IS NULL AND s.expires_at > now() AND (s.id = $2::uuid OR a.agent_id = $3::text) "
	    "RETURNING s.id, a.agent_id, s.origin, " WHEN("s.revoked_at") },

	[CTL_HOOK_INSERT] = { "hook_insert",
	    "INSERT INTO hooks (app_id, id, provider, name, org_id) VALUES ($1, $2, $3, $4, $5)" },
	[CTL_HOOK_LOOKUP_INSERT] = { "hook_lookup_insert",
	    "INSERT INTO hook_lookup (token_hash, app_id, hook_id, provider, org_id, secret) "
	    "VALUES (decode($1, 'hex'), $2, $3, $4, $5, $6)" },
	[CTL_HOOK_LIST] = { "hook_list",
	    "SELECT h.id, h.provider, h.name, CASE WHEN h.enabled THEN 'enabled' ELSE 'disabled' END, CASE WHEN h.provider = 'exotel' THEN "
	    "l.secret <> '' AND NOT (l.previous_secret IS NOT DISTINCT FROM '' AND l.previous_until > now()) END, h.org_id, "
	    WHEN("h.created_at") ", " WHEN("h.rotated_at") ", "
	    "CASE WHEN l.previous_until > now() THEN " WHEN("l.previous_until") " END "
	    "FROM hooks h LEFT JOIN hook_lookup l ON l.app_id = h.app_id AND l.hook_id = h.id "
	    "WHERE h.app_id = $1 ORDER BY h.created_at, h.id" },
	[CTL_HOOK_ROTATE] = { "hook_rotate",
	    "UPDATE hook_lookup SET previous_secret = CASE WHEN $4::bigint > 0 THEN secret END, "
	    "previous_until = CASE WHEN $4::bigint > 0 THEN now() + $4::bigint * interval '1 millisecond' END, "
	    "secret = $3, updated_at = now() WHERE app_id = $1 AND hook_id = $2 RETURNING " WHEN("previous_until") },
	[CTL_HOOK_ROTATED] = { "hook_rotated", "UPDATE hooks SET rotated_at = now() WHERE app_id = $1 AND id = $2" },
	[CTL_HOOK_CONNECTION] = { "hook_connection", "SELECT c.id FROM dialpad_connections c WHERE c.app_id = $1 AND c.hook_id = $2" },
	/* Of every app when none is named. An event that came before the secret was changed used today's old one as the current. */
	[CTL_HOOK_SECRETS] = { "hook_secrets",
	    "SELECT h.id, h.app_id, a.name, h.name, CASE WHEN l.previous_secret IS NULL OR l.previous_until <= now() THEN 'one' "
	    "WHEN c.rotation_overlap_ms IS NOT NULL THEN 'untold' WHEN greatest(u.last, h.rotated_at) > now() - " MS("$3") " THEN 'used' "
	    "ELSE 'idle' END, u.current, u.previous, u.other, " WHEN("u.last") ", " WHEN("h.rotated_at") ", "
	    "CASE WHEN l.previous_until > now() THEN " WHEN("l.previous_until") " END "
	    "FROM hooks h JOIN apps a ON a.id = h.app_id JOIN hook_lookup l ON l.app_id = h.app_id AND l.hook_id = h.id "
	    "LEFT JOIN dialpad_connections c ON c.app_id = h.app_id AND c.hook_id = h.id LEFT JOIN LATERAL ("
	    "SELECT count(*) FILTER (WHERE e.secret_used = 'current' AND e.received_at > now() - interval '1 day') AS current, "
	    "count(*) FILTER (WHERE e.secret_used = 'previous' AND e.received_at > now() - interval '1 day') AS previous, "
	    "count(*) FILTER (WHERE e.secret_used NOT IN ('current', 'previous') AND e.received_at > now() - interval '1 day') AS other, "
	    "max(e.received_at) FILTER (WHERE e.secret_used = 'previous') AS last FROM webhook_events e WHERE e.app_id = h.app_id "
	    "AND e.hook_id = h.id AND e.received_at > now() - greatest(interval '1 day', " MS("$3") ")) u ON true "
	    "WHERE ($1::uuid IS NULL OR h.app_id = $1::uuid) AND ($2::uuid IS NULL OR h.id = $2::uuid) "
	    "ORDER BY a.name, h.app_id, h.created_at, h.id" },
	/* Asks everything once more, so that nothing that came meanwhile is overlooked. */
	[CTL_HOOK_END_PREVIOUS] = { "hook_end_previous",
	    "UPDATE hook_lookup l SET previous_secret = NULL, previous_until = NULL, updated_at = now() "
	    "WHERE l.app_id = $1 AND l.hook_id = $2 AND NOT EXISTS (SELECT 1 FROM webhook_events e WHERE e.app_id = $1 AND e.hook_id = $2 "
	    "AND e.secret_used = 'previous' AND e.received_at > now() - " MS("$3") ") AND NOT EXISTS (SELECT 1 FROM hooks h "
	    "WHERE h.app_id = $1 AND h.id = $2 AND h.rotated_at > now() - " MS("$3") ") AND NOT EXISTS (SELECT 1 FROM "
	    "dialpad_connections c WHERE c.app_id = $1 AND c.hook_id = $2 AND c.rotation_overlap_ms IS NOT NULL)" },
	[CTL_HOOK_SET_ENABLED] = { "hook_set_enabled", "UPDATE hooks SET enabled = $3 WHERE app_id = $1 AND id = $2" },
	[CTL_HOOK_LOOKUP_SET_ENABLED] = { "hook_lookup_set_enabled",
	    "UPDATE hook_lookup SET enabled = $3, updated_at = now() WHERE app_id = $1 AND hook_id = $2" },

	[CTL_TICKET_INSERT] = { "ticket_insert",
	    "INSERT INTO oauth_tickets (token_hash, app_id, created_at, expires_at, return_to) "
	    "VALUES (decode($1, 'hex'), $2, now(), now() + $3::bigint * interval '1 millisecond', $4)" },
	/* All tenants' when none is named: the administrator's view. */
	[CTL_DIALPAD_STATUS] = { "dialpad_status",
	    "SELECT a.name, c.app_id, c.state, c.company_id, c.user_name, " WHEN("c.connected_at") ", " WHEN("c.expires_at") ", "
	    WHEN("c.refreshed_at") ", c.webhook_id, c.subscription_id, " WHEN("c.hooks_checked_at") ", "
	    "nullif(concat_ws('; ', c.last_error, c.hooks_error), '') FROM dialpad_connections c JOIN apps a ON a.id = c.app_id "
	    "WHERE $1::uuid IS NULL OR c.app_id = $1::uuid ORDER BY a.name, c.app_id" },
	/* As the courier's, but whatever the state. */
	[CTL_FORGET_HOOK] = { "forget_hook",
	    "UPDATE hooks h SET enabled = false FROM dialpad_connections c WHERE c.app_id = $1 AND h.app_id = $1 AND h.id = c.hook_id" },
	[CTL_FORGET_LOOKUP] = { "forget_lookup",
	    "UPDATE hook_lookup l SET enabled = false, previous_secret = NULL, previous_until = NULL, updated_at = now() "
	    "FROM dialpad_connections c WHERE c.app_id = $1 AND l.app_id = $1 AND l.hook_id = c.hook_id" },
	[CTL_FORGET_GAPS] = { "forget_gaps", "UPDATE dialpad_gaps g SET state = 'failed', done_at = now(), cursor = NULL, "
	    "last_error = 'the app was disconnected from Dialpad', lease_owner = NULL, lease_until = NULL "
	    "WHERE g.app_id = $1 AND g.state = 'open'" },
	[CTL_FORGET] = { "forget", "DELETE FROM dialpad_connections c WHERE c.app_id = $1" },
	[CTL_DIALPAD_STATE] = { "dialpad_state",
	    "SELECT c.state, c.hooks_error, c.rotation_overlap_ms IS NOT NULL, c.webhook_id, " WHEN("l.previous_until") " "
	    "FROM dialpad_connections c LEFT JOIN hook_lookup l ON l.app_id = c.app_id AND l.hook_id = c.hook_id WHERE c.app_id = $1" },

	/* All tenants' when none is named: the administrator's view. */
	[CTL_GAPS] = { "gaps", GAP_COLUMNS "WHERE ($1::uuid IS NULL OR g.app_id = $1::uuid) AND (NOT $2::boolean OR g.state = 'open') "
	    "ORDER BY g.created_at DESC, g.app_id, g.id LIMIT $3" },
	[CTL_GAP] = { "gap", GAP_COLUMNS "WHERE g.app_id = $1 AND g.id = $2" },
	/* The list goes backwards in time, some way beyond the beginning. */
	[CTL_GAP_PROGRESS] = { "gap_progress", "SELECT g.state, CASE WHEN g.state = 'done' THEN 100 ELSE coalesce(greatest(0, least(99, "
	    "round(100 * extract(epoch FROM g.to_at - g.reached_at) / extract(epoch FROM g.to_at - g.from_at)))), 0) END::integer, "
	    "g.seen, g.found, g.last_error FROM dialpad_gaps g WHERE g.app_id = $1 AND g.id = $2" },
	[CTL_GAP_INSERT] = { "gap_insert", "INSERT INTO dialpad_gaps (app_id, id, from_at, to_at, reason, next_try_at, created_at) "
	    "SELECT c.app_id, $2, " TIME("$3") ", " TIME("$4") ", 'asked', now(), now() FROM dialpad_connections c "
	    "WHERE c.app_id = $1 AND c.state = 'connected'" },

	[CTL_CALLS] = { "calls", CALLS_COLUMNS "ORDER BY c.started_at DESC, c.id DESC LIMIT $2" },
	[CTL_CALLS_ACTIVE] = { "calls_active",
	    CALLS_COLUMNS "AND c.status IN ('ringing', 'active') ORDER BY c.started_at DESC, c.id DESC LIMIT $2" },
	[CTL_CALL] = { "call", CALLS_COLUMNS "AND c.id = $2" },

	[CTL_EVENTS] = { "events",
	    EVENTS_COLUMNS "WHERE e.app_id = $1 AND e.received_at >= " TIME("$2") EVENTS_ORDER "LIMIT $3" },
	/* All tenants' newest, for whoever runs the server; bounded in time, so that old partitions are not read. */
	[CTL_EVENTS_ALL] = { "events_all",
	    EVENTS_COLUMNS "WHERE e.received_at >= " TIME("$1") EVENTS_ORDER "LIMIT $2" },
	[CTL_EVENT] = { "event",
	    "SELECT e.id, e.app_id, a.name, " WHEN("e.received_at") ", e.provider, e.event_type, "
	    WHEN("e.event_ts") ", e.leg_id, e.is_call, " EVENT_STATE ", "
	    "coalesce(q.attempts, d.attempts), coalesce(q.last_error, d.reason), e.source, e.hook_id, "
	    "e.secret_used, e.request_id, encode(e.digest, 'hex'), e.facts, e.payload "
	    "FROM " ANY_APP " t JOIN webhook_events e ON e.app_id = t.id" EVENT_JOINS "WHERE e.id = $1" },
	[CTL_DEAD] = { "dead",
	    "SELECT d.id, " WHEN("d.died_at") ", d.app_id, a.name, e.event_type, e.leg_id, d.attempts, d.reason, "
	    WHEN("d.received_at") " FROM webhook_dead d LEFT JOIN apps a ON a.id = d.app_id "
	    "LEFT JOIN webhook_events e ON e.app_id = d.app_id AND e.id = d.id AND e.received_at = d.received_at "
	    "WHERE $1::uuid IS NULL OR d.app_id = $1 ORDER BY d.died_at DESC, d.id DESC LIMIT $2" },

	/* The last column: is there anything to apply? What belongs to no app or to no call is only stored. */
	[CTL_REPLAY_IDS] = { "replay_ids",
	    "SELECT e.app_id, e.id, e.received_at, e.is_call AND e.app_id <> '" UNROUTED_APP "' "
	    "FROM " ANY_APP " t JOIN webhook_events e ON e.app_id = t.id WHERE e.id = ANY ($1::uuid[])" },
	/* The last column: is the event itself still there? A day's partition may have been dropped. */
	[CTL_REPLAY_DEAD] = { "replay_dead",
	    "SELECT d.app_id, d.id, d.received_at, EXISTS (SELECT 1 FROM webhook_events e "
	    "WHERE e.app_id = d.app_id AND e.id = d.id AND e.received_at = d.received_at) "
	    "FROM webhook_dead d WHERE ($1::uuid IS NULL OR d.app_id = $1) "
	    "AND (d.app_id, d.id) > ($2::uuid, $3::uuid) ORDER BY d.app_id, d.id LIMIT $4" },
	[CTL_REPLAY_SINCE] = { "replay_since",
	    "SELECT e.app_id, e.id, e.received_at, true FROM webhook_events e WHERE e.app_id = $1 AND e.is_call AND "
	    "e.received_at >= " TIME("$2") " AND e.received_at < " TIME("$3") " AND e.id > $4 ORDER BY e.id LIMIT $5" },
	/* What waits already stays as it is: its next try comes anyway. */
	[CTL_REPLAY_QUEUE] = { "replay_queue",
	    "INSERT INTO webhook_queue (app_id, id, received_at, next_try_at) "
	    "SELECT t.app_id, t.id, t.received_at, now() "
	    "FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS t (app_id, id, received_at) "
	    "ON CONFLICT (app_id, id) DO UPDATE SET attempts = 0, next_try_at = excluded.next_try_at RETURNING id" },
	[CTL_REPLAY_UNDEAD] = { "replay_undead",
	    "DELETE FROM webhook_dead d USING unnest($1::uuid[], $2::uuid[]) AS t (app_id, id) "
	    "WHERE d.app_id = t.app_id AND d.id = t.id" },

	/* Of every app: keys belong to the installation. All columns of sealed_columns (stmt_courier.c). */
	[CTL_KEYS_USED] = { "keys_used",
	    "SELECT ('x' || encode(substring(s.record FROM 2 FOR 4), 'hex'))::bit(32)::bigint, count(s.app_id) FROM ("
	    "SELECT app_id, access_token AS record FROM dialpad_connections UNION ALL "
	    "SELECT app_id, refresh_token FROM dialpad_connections UNION ALL "
	    "SELECT app_id, hook_url FROM dialpad_connections UNION ALL "
	    "SELECT app_id, credentials FROM exotel_accounts UNION ALL "
	    "SELECT app_id, credentials FROM ribbon_agents) s WHERE s.record IS NOT NULL GROUP BY 1 ORDER BY 1" },

	/* Every app's on purpose. */
	[CTL_REQUESTS] = { "requests",
	    "SELECT r.app_id, a.name, " REQUESTS_COUNTED " FROM request_logs r LEFT JOIN apps a ON a.id = r.app_id "
	    "WHERE r.created_at >= " TIME("$1") " GROUP BY r.app_id, a.name ORDER BY 3 DESC, r.app_id" },
	[CTL_REQUESTS_OF_APP] = { "requests_of_app",
	    "SELECT r.method, r.route, r.status, " REQUESTS_COUNTED " FROM request_logs r WHERE r.app_id = $1 "
	    "AND r.created_at >= " TIME("$2") " GROUP BY r.method, r.route, r.status ORDER BY 4 DESC, 1, 2, 3" },

	/* All tenants' when none is named. Those that were clients in the month, also if they are none any more, or used something. */
	[CTL_USED] = { "used",
	    "SELECT $2::text, k.app_id, a.name, k.id, coalesce(k.note, k.prefix || '...' || k.last4), coalesce(u.used, 0), "
	    "coalesce(u.refused, 0), k.monthly_limit FROM api_keys k JOIN apps a ON a.id = k.app_id "
	    "LEFT JOIN usage u ON u.app_id = k.app_id AND u.key_id = k.id AND u.month = $2::text "
	    "WHERE ($1::uuid IS NULL OR k.app_id = $1::uuid) AND k.kind = 'browser' AND (u.month IS NOT NULL OR "
	    "(k.created_at < ($2 || '-01T00:00:00Z')::timestamptz + interval '1 month' AND "
	    "(k.revoked_at IS NULL OR k.revoked_at >= ($2 || '-01T00:00:00Z')::timestamptz))) ORDER BY a.name, k.app_id, k.created_at, k.id" },

	[CTL_AUDIT] = { "audit", "SELECT ringd_audit($1::uuid, $2::text, $3::text, $4::text, $5::text, NULL)" },
	/* In the order of the apps, as anybody who takes more than one chain would. */
	[CTL_AUDIT_REPLAY] = { "audit_replay",
	    "SELECT ringd_audit(k.app_id, $2::text, 'events.replay', NULL, '{\"events\":' || k.events || '}', NULL) FROM (SELECT t.app_id, "
	    "count(*) AS events FROM unnest($1::uuid[]) AS t (app_id) GROUP BY t.app_id ORDER BY t.app_id) k" },
	/* All tenants' when none is named: the administrator's view. */
	[CTL_AUDIT_SHOW] = { "audit_show",
	    "SELECT l.app_id, a.name, l.seq, " WHEN("l.at") ", l.actor, l.action, l.subject, l.detail, l.request_id, l.db_role, "
	    "encode(l.hash, 'hex') FROM audit_log l LEFT JOIN apps a ON a.id = l.app_id WHERE ($1::uuid IS NULL OR l.app_id = $1::uuid) "
	    "AND ($2::bigint IS NULL OR l.at >= " TIME("$2") ") AND ($3::text IS NULL OR l.action = $3::text) "
	    "ORDER BY CASE WHEN $1::uuid IS NULL THEN l.at END DESC, l.seq DESC LIMIT $4" },
	[CTL_AUDIT_HEADS] = { "audit_heads",
	    "SELECT coalesce(a.name, 'the installation'), h.app_id, h.seq || ':' || encode(h.hash, 'hex') FROM audit_heads h "
	    "LEFT JOIN apps a ON a.id = h.app_id WHERE $1::uuid IS NULL OR h.app_id = $1::uuid ORDER BY a.name, h.app_id" },
	/* Also those without a head. From one app's rows straight to the next one's. */
	[CTL_AUDIT_CHAINS] = { "audit_chains",
	    "WITH RECURSIVE t AS ((SELECT l.app_id FROM audit_log l ORDER BY l.app_id LIMIT 1) UNION ALL SELECT (SELECT l.app_id "
	    "FROM audit_log l WHERE l.app_id > t.app_id ORDER BY l.app_id LIMIT 1) FROM t WHERE t.app_id IS NOT NULL) "
	    "SELECT k.app_id, coalesce(a.name, 'the installation') FROM (SELECT t.app_id FROM t WHERE t.app_id IS NOT NULL UNION "
	    "SELECT h.app_id FROM audit_heads h) k LEFT JOIN apps a ON a.id = k.app_id ORDER BY a.name, k.app_id" },
	[CTL_AUDIT_HEAD] = { "audit_head", "SELECT h.seq, encode(h.hash, 'hex') FROM audit_heads h WHERE h.app_id = $1" },
	/* By hash as well, so that nothing hides behind a number that is there twice. */
	[CTL_AUDIT_PAGE] = { "audit_page",
	    "SELECT l.seq, CASE WHEN isfinite(l.at) THEN (extract(epoch FROM l.at) * 1000000)::bigint END, l.actor, l.action, l.subject, "
	    "l.detail, l.request_id, l.db_role, encode(l.hash, 'hex') FROM audit_log l WHERE l.app_id = $1 "
	    "AND (l.seq, l.hash) > ($2::bigint, decode($3, 'hex')) ORDER BY l.seq, l.hash LIMIT $4" },

	[CTL_EXOTEL_GET] = { "exotel_get", "SELECT x.id, encode(x.credentials, 'hex'), x.caller_id, x.is_active "
	    "FROM exotel_accounts x WHERE x.app_id = $1" },
	[CTL_EXOTEL_LINK] = { "exotel_link", "INSERT INTO exotel_accounts (app_id, id, credentials, caller_id, linked_at) "
	    "VALUES ($1, $2, decode($3, 'hex'), $4, now()) ON CONFLICT (app_id) DO NOTHING" },
	[CTL_EXOTEL_ROTATE] = { "exotel_rotate", "UPDATE exotel_accounts SET credentials = decode($3, 'hex'), caller_id = $4, "
	    "rotated_at = now(), last_error = NULL WHERE app_id = $1 AND id = $2" },
	[CTL_EXOTEL_SET_ACTIVE] = { "exotel_set_active", "UPDATE exotel_accounts SET is_active = $2 WHERE app_id = $1" },
	[CTL_EXOTEL_UNLINK] = { "exotel_unlink", "DELETE FROM exotel_accounts WHERE app_id = $1" },
	/* All tenants' when none is named: the administrator's view. */
	[CTL_EXOTEL_STATUS] = { "exotel_status",
	    "SELECT a.name, x.app_id, CASE WHEN NOT x.is_active THEN 'inactive' ELSE 'linked' END, x.caller_id, "
	    "(SELECT count(*) FROM ribbon_agents g WHERE g.app_id = x.app_id AND g.is_active), (SELECT h.id FROM hooks h "
	    "WHERE h.app_id = x.app_id AND h.provider = 'exotel' ORDER BY h.created_at LIMIT 1), " WHEN("x.linked_at") ", "
	    WHEN("x.rotated_at") ", " WHEN("x.synced_at") ", x.last_error FROM exotel_accounts x JOIN apps a ON a.id = x.app_id "
	    "WHERE $1::uuid IS NULL OR x.app_id = $1::uuid ORDER BY a.name, x.app_id" },
	[CTL_EXOTEL_HOOK] = { "exotel_hook", "SELECT h.id FROM hooks h WHERE h.app_id = $1 AND h.provider = 'exotel'" },
	[CTL_AGENT_INSERT] = { "agent_insert",
	    "INSERT INTO ribbon_agents (app_id, id, agent_id, name, email, phone, mode, credentials, created_at, updated_at) "
	    "VALUES ($1, $2, $3, $4, $5, $6, $7, decode($8, 'hex'), now(), now()) ON CONFLICT (app_id, agent_id) DO NOTHING" },
	[CTL_AGENT_GET] = { "agent_get", "SELECT g.id, encode(g.credentials, 'hex'), g.mode FROM ribbon_agents g "
	    "WHERE g.app_id = $1 AND g.agent_id = $2" },
	[CTL_AGENT_LIST] = { "agent_list",
	    "SELECT g.agent_id, g.name, g.mode, CASE WHEN g.is_active THEN 'enabled' ELSE 'disabled' END, g.phone, g.email, "
	    "g.credentials IS NOT NULL, g.id, " WHEN("g.created_at") ", " WHEN("g.synced_at") " FROM ribbon_agents g "
	    "WHERE g.app_id = $1 ORDER BY g.agent_id" },
	[CTL_AGENT_SET_ACTIVE] = { "agent_set_active",
	    "UPDATE ribbon_agents SET is_active = $3, updated_at = now() WHERE app_id = $1 AND agent_id = $2" },

	/* The schema's own record: belongs to no tenant. */
	[CTL_VERSION_TABLE] = { "version_table",
	    "CREATE TABLE IF NOT EXISTS schema_version (version integer PRIMARY KEY, name text NOT NULL, "
	    "applied_at timestamptz NOT NULL DEFAULT now())" },
	[CTL_VERSION_LOCK] = { "version_lock", "LOCK TABLE schema_version IN SHARE ROW EXCLUSIVE MODE" },
	[CTL_VERSION_LIST] = { "version_list",
	    "SELECT version, name, " WHEN("applied_at") " FROM schema_version ORDER BY version" },
	[CTL_VERSION_INSERT] = { "version_insert", "INSERT INTO schema_version (version, name) VALUES ($1, $2)" },
};

const struct db_stmt_table stmt_ctl = { statements, CTL_STMTS };
