/*
 * stmt_courier: every SQL statement the courier may send, prepared on each connect. A column that holds sealed records is
 * one row in sealed_columns and one use of each macro below; stmt_ctl.c counts over the same columns.
 */
#include <sys/types.h>

#include "base/count.h"
#include "db/stmt_courier.h"

#define STRING(x)	STRING_OF(x)
#define STRING_OF(x)	#x

const struct sealed_column sealed_columns[SEALED_COLUMNS] = {
	{ "dialpad_connections", "access_token" },
	{ "dialpad_connections", "refresh_token" },
	{ "dialpad_connections", "hook_url" },
	{ "exotel_accounts", "credentials" },
	{ "ribbon_agents", "credentials" },
};

/* All tenants' on purpose: keys belong to the installation. The app_id of the rows that are meant follows in C_RESEAL. */
#define STALE(table, column)								\
	"SELECT count(t.app_id) FROM " table " t WHERE substring(t." column " FROM 1 FOR 5) <> $1::bytea"
/* A page of rows in the order of the primary key, whether there is something to do in them or not, so that a step costs
 * the same wherever it is. */
#define PAGE(table, column)								\
	"SELECT t.app_id, t.id, CASE WHEN substring(t." column " FROM 1 FOR 5) <> $1::bytea THEN encode(t." column ", 'hex') END " \
	"FROM " table " t WHERE (t.app_id, t.id) > ($2::uuid, $3::uuid) ORDER BY t.app_id, t.id LIMIT " STRING(COURIER_PAGE)
/* Only what still is what was read: a token refreshed meanwhile is under the newest key already. */
#define RESEAL(table, column)								\
	"UPDATE " table " t SET " column " = k.fresh "					\
	"FROM unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::bytea[]) AS k (app_id, id, old, fresh) " \
	"WHERE t.app_id = k.app_id AND t.id = k.id AND t." column " = k.old"

/*
 * Whoever takes so many rows finds and locks them in a WITH, which is run once. As a subquery in FROM it may stand on the inner side of
 * a join and is then run for each row of the outer: what it took a moment ago is skipped as locked, and it takes the next as well.
 */
#define LEASE(which)									\
	"WITH d AS MATERIALIZED (SELECT c.app_id, c.id FROM dialpad_connections c WHERE c.refresh_token IS NOT NULL AND " which " "	\
	"AND (c.lease_until IS NULL OR c.lease_until <= $1::timestamptz) ORDER BY c.next_try_at LIMIT 1 FOR UPDATE SKIP LOCKED) "	\
	"UPDATE dialpad_connections t SET lease_owner = $2::uuid, lease_until = $3::timestamptz FROM d "	\
	"WHERE t.app_id = d.app_id AND t.id = d.id RETURNING t.app_id, t.id, t.company_id, encode(t.refresh_token, 'hex'), t.attempts"
#define MINE	"WHERE c.app_id = $1::uuid AND c.id = $2::uuid AND c.lease_owner = $3::uuid"
#define HOOKS_MINE	"WHERE c.app_id = $1::uuid AND c.id = $2::uuid AND c.hooks_owner = $3::uuid"
#define HOOKS_FREE	"hooks_owner = NULL, hooks_until = NULL "

/* Of a call c that lives: a leg l that is not over, by the rules of model/call.c. */
#define LIVE_LEG									\
	"c.status IN ('ringing', 'active') AND c.provider = 'dialpad' AND l.provider = 'dialpad' AND (l.state->>'rank')::integer < 3 "	\
	"AND l.state->>'ended' IS NULL AND NOT coalesce((l.state->>'presumed')::bigint >= (l.state->>'state_ts')::bigint, "	\
	"l.state->>'presumed' IS NOT NULL)"
#define GHOSTS(which)									\
	"INSERT INTO dialpad_ghosts (app_id, leg_id, next_try_at) SELECT l.app_id, l.leg_id, $1::timestamptz FROM calls c "	\
	"JOIN call_legs l ON l.app_id = c.app_id AND l.call_id = c.id WHERE c.updated_at < $2::timestamptz AND " which " AND "	\
	LIVE_LEG " AND NOT EXISTS (SELECT 1 FROM dialpad_ghosts g WHERE g.app_id = l.app_id AND g.leg_id = l.leg_id) "	\
	"LIMIT " STRING(COURIER_GHOSTS) " ON CONFLICT DO NOTHING"
/* Whom an agent's calls are made for and with what: of an agent g of an app p that may have an account a. */
#define LINE_COLUMNS	"p.is_active, a.id, encode(a.credentials, 'hex'), a.is_active, a.caller_id, g.id, encode(g.credentials, 'hex'), "	\
	"g.is_active, g.phone"
/* In ribbon_call_done: over, and there was a call that could be. */
#define TOLD_ENDED	"c.state = 'ended' AND NOT ($6::boolean AND c.provider_call_id IS NULL)"
#define CLAIMED	"WHERE g.app_id = $1::uuid AND g.id = $2::uuid AND g.lease_owner = $3::uuid AND g.state = 'open'"

/* A change of one row of a table t, named change by its alias, with a row of the audit log for it, or neither. As many rows
 * come back as were changed. The log comes last, as it must: ringd_audit() in sql/0006_ribbon.sql says why. */
#define AUDITED(change, action, subject, detail)					\
	"WITH u AS (" change " RETURNING app_id) SELECT ringd_audit(u.app_id, 'courier', '" action "', " subject ", " detail ", NULL) FROM u"
#define ERROR_OF(param)	"json_build_object('error', " param "::text)::text"

static const struct db_stmt stmts[C_COUNT] = {
	[C_STALE] = { "stale_access_token", STALE("dialpad_connections", "access_token") },
	[C_STALE + 1] = { "stale_refresh_token", STALE("dialpad_connections", "refresh_token") },
	[C_STALE + 2] = { "stale_hook_url", STALE("dialpad_connections", "hook_url") },
	[C_STALE + 3] = { "stale_exotel_accounts", STALE("exotel_accounts", "credentials") },
	[C_STALE + 4] = { "stale_ribbon_agents", STALE("ribbon_agents", "credentials") },
	[C_PAGE] = { "page_access_token", PAGE("dialpad_connections", "access_token") },
	[C_PAGE + 1] = { "page_refresh_token", PAGE("dialpad_connections", "refresh_token") },
	[C_PAGE + 2] = { "page_hook_url", PAGE("dialpad_connections", "hook_url") },
	[C_PAGE + 3] = { "page_exotel_accounts", PAGE("exotel_accounts", "credentials") },
	[C_PAGE + 4] = { "page_ribbon_agents", PAGE("ribbon_agents", "credentials") },
	[C_RESEAL] = { "reseal_access_token", RESEAL("dialpad_connections", "access_token") },
	[C_RESEAL + 1] = { "reseal_refresh_token", RESEAL("dialpad_connections", "refresh_token") },
	[C_RESEAL + 2] = { "reseal_hook_url", RESEAL("dialpad_connections", "hook_url") },
	[C_RESEAL + 3] = { "reseal_exotel_accounts", RESEAL("exotel_accounts", "credentials") },
	[C_RESEAL + 4] = { "reseal_ribbon_agents", RESEAL("ribbon_agents", "credentials") },

	[C_CONNECTION] = { "connection", "SELECT a.is_active, c.id, c.company_id, c.state, c.refresh_token IS NOT NULL "
	    "FROM apps a LEFT JOIN dialpad_connections c ON c.app_id = a.id WHERE a.id = $1::uuid" },
	[C_CONNECTION_ADD] = { "connection_add", AUDITED("INSERT INTO dialpad_connections (app_id, id, company_id, user_id, user_name, scopes, "
	    "access_token, refresh_token, expires_at, next_try_at, state, connected_at, refreshed_at, hooks_due_at, reconciled_until, "
	    "created_at, updated_at) VALUES ($1::uuid, $2::uuid, $3::text, $4::text, $5::text, $6::text, $7::bytea, $8::bytea, "
	    "$9::timestamptz, $10::timestamptz, 'connected', $11::timestamptz, $11::timestamptz, $11::timestamptz, $11::timestamptz, "
	    "$11::timestamptz, $11::timestamptz) ON CONFLICT DO NOTHING",
	    "dialpad.connected", "$2::text", "NULL") },
	[C_CONNECTION_RENEW] = { "connection_renew", AUDITED("UPDATE dialpad_connections c SET company_id = $3::text, user_id = $4::text, user_name = "
	    "$5::text, scopes = $6::text, access_token = $7::bytea, refresh_token = $8::bytea, expires_at = $9::timestamptz, next_try_at = "
	    "$10::timestamptz, state = 'connected', connected_at = $11::timestamptz, refreshed_at = $11::timestamptz, hooks_due_at = "
	    "$11::timestamptz, updated_at = $11::timestamptz, attempts = 0, last_error = NULL, lease_owner = NULL, lease_until = NULL "
	    "WHERE c.app_id = $1::uuid AND c.id = $2::uuid AND c.state <> 'disconnecting'",
	    "dialpad.connected", "$2::text", "NULL") },

	/* Whichever tenant's is due. The lock makes it one process; the lease keeps it so while Dialpad is asked. */
	[C_REFRESH_DUE] = { "refresh_due", LEASE("c.state = 'connected' AND c.next_try_at <= $1::timestamptz") },
	/* To give everything back at Dialpad a token is needed too. */
	[C_REFRESH_OF] = { "refresh_of", LEASE("c.state IN ('connected', 'disconnecting') AND c.app_id = $4::uuid "
	    "AND ($5::bytea IS NULL OR c.access_token = $5::bytea)") },
	/* Once more where the answer to the first time was lost: then these tokens stand there already. */
	[C_REFRESHED] = { "refreshed", AUDITED("UPDATE dialpad_connections c SET access_token = $4::bytea, refresh_token = coalesce($5::bytea, "
	    "c.refresh_token), expires_at = $6::timestamptz, next_try_at = $7::timestamptz, refreshed_at = $8::timestamptz, updated_at = "
	    "$8::timestamptz, attempts = 0, last_error = NULL, lease_owner = NULL, lease_until = NULL WHERE c.app_id = $1::uuid "
	    "AND c.id = $2::uuid AND (c.lease_owner = $3::uuid OR (c.lease_owner IS NULL AND c.access_token = $4::bytea))",
	    "dialpad.renewed", "$2::text", "NULL") },
	[C_REFRESH_LATER] = { "refresh_later", "UPDATE dialpad_connections c SET next_try_at = $4::timestamptz, last_error = $5::text, "
	    "updated_at = $6::timestamptz, attempts = c.attempts + 1, lease_owner = NULL, lease_until = NULL " MINE },
	[C_NEEDS_RECONNECT] = { "needs_reconnect", AUDITED("UPDATE dialpad_connections c SET state = CASE WHEN c.state = 'disconnecting' THEN c.state "
	    "ELSE 'needs_reconnect' END, last_error = $4::text, updated_at = $5::timestamptz, next_try_at = NULL, lease_owner = NULL, "
	    "lease_until = NULL " MINE,
	    "dialpad.needs_reconnect", "$2::text", ERROR_OF("$4")) },
	[C_GRANT_REFUSED] = { "grant_refused", AUDITED("UPDATE dialpad_connections c SET state = 'needs_reconnect', last_error = $4::text, "
	    "updated_at = $5::timestamptz, next_try_at = NULL WHERE c.app_id = $1::uuid AND c.id = $2::uuid AND c.state = 'connected' "
	    "AND c.access_token = $3::bytea",
	    "dialpad.needs_reconnect", "$2::text", ERROR_OF("$4")) },
	[C_GRANT] = { "grant", "SELECT c.id, c.company_id, c.state, encode(c.access_token, 'hex'), c.refresh_token IS NOT NULL, "
	    "a.is_active FROM dialpad_connections c JOIN apps a ON a.id = c.app_id WHERE c.app_id = $1::uuid" },

	/* Whichever tenant's is due; a disabled app keeps what it has registered, and may still be disconnected. */
	[C_HOOKS_DUE] = { "hooks_due", "WITH d AS MATERIALIZED ("
	    "SELECT c.app_id, c.id FROM dialpad_connections c JOIN apps a ON a.id = c.app_id WHERE c.hooks_due_at <= $1::timestamptz "
	    "AND (c.state = 'disconnecting' OR (c.state = 'connected' AND a.is_active)) AND (c.hooks_until IS NULL OR "
	    "c.hooks_until <= $1::timestamptz OR c.hooks_owner = $2::uuid) ORDER BY c.hooks_owner IS NOT DISTINCT FROM $2::uuid DESC, "
	    "c.hooks_due_at LIMIT 1 FOR UPDATE OF c SKIP LOCKED) "
	    "UPDATE dialpad_connections t SET hooks_owner = $2::uuid, hooks_until = $3::timestamptz FROM d WHERE t.app_id = d.app_id AND t.id = d.id RETURNING t.app_id, t.id" },
	[C_HOOKS_ROW] = { "hooks_row", "SELECT c.state, c.hooks_attempts, c.hook_id, encode(c.hook_url, 'hex'), c.webhook_id, "
	    "c.subscription_id, c.rotation_overlap_ms IS NOT NULL, l.secret, l.enabled FROM dialpad_connections c "
	    "LEFT JOIN hook_lookup l ON l.app_id = c.app_id AND l.hook_id = c.hook_id " HOOKS_MINE },
	[C_HOOKS_HOLD] = { "hooks_hold", "UPDATE dialpad_connections c SET hooks_until = $4::timestamptz " HOOKS_MINE " RETURNING c.state" },
	[C_HOOK_MAKE] = { "hook_make", "UPDATE dialpad_connections c SET hook_id = $4::uuid, hook_url = $5::bytea, rotation_overlap_ms = NULL "
	    HOOKS_MINE },
	[C_HOOK_ADD] = { "hook_add", "INSERT INTO hooks (app_id, id, provider, name, org_id) SELECT c.app_id, c.hook_id, 'dialpad', "
	    "'connection', c.company_id FROM dialpad_connections c " HOOKS_MINE " AND c.hook_id = $4::uuid ON CONFLICT DO NOTHING" },
	[C_HOOK_LOOKUP_ADD] = { "hook_lookup_add", "INSERT INTO hook_lookup (token_hash, app_id, hook_id, provider, org_id, secret) "
	    "SELECT $5::bytea, c.app_id, c.hook_id, 'dialpad', c.company_id, $6::text FROM dialpad_connections c " HOOKS_MINE
	    " AND c.hook_id = $4::uuid ON CONFLICT DO NOTHING" },
	/* Times in hook_lookup are the database's own: workers look for rows newer than the last they saw. */
	[C_HOOKS_ROTATED] = { "hooks_rotated", "UPDATE hook_lookup l SET previous_until = now() + c.rotation_overlap_ms * interval "
	    "'1 millisecond', updated_at = now() FROM dialpad_connections c " HOOKS_MINE " AND c.rotation_overlap_ms IS NOT NULL "
	    "AND l.app_id = c.app_id AND l.hook_id = c.hook_id AND l.previous_secret IS NOT NULL" },
	/* Both leave alone what was asked for meanwhile: a rotation, or the end of it all. */
	[C_HOOKS_DONE] = { "hooks_done", "UPDATE dialpad_connections c SET webhook_id = $4::text, subscription_id = $5::text, hook_url = "
	    "coalesce($6::bytea, c.hook_url), hooks_due_at = CASE WHEN c.state = 'connected' AND (c.rotation_overlap_ms IS NULL OR $9::boolean) "
	    "THEN $7::timestamptz ELSE c.hooks_due_at END, rotation_overlap_ms = CASE WHEN $9::boolean THEN NULL ELSE "
	    "c.rotation_overlap_ms END, hooks_checked_at = $8::timestamptz, updated_at = $8::timestamptz, hooks_error = NULL, "
	    "hooks_attempts = 0, " HOOKS_FREE HOOKS_MINE },
	[C_HOOKS_LATER] = { "hooks_later", "UPDATE dialpad_connections c SET hooks_due_at = CASE WHEN c.state = $7::text THEN "
	    "$4::timestamptz ELSE c.hooks_due_at END, hooks_error = CASE WHEN c.state = $7::text THEN $5::text ELSE c.hooks_error END, "
	    "hooks_attempts = CASE WHEN c.state = $7::text THEN c.hooks_attempts + 1 ELSE 0 END, webhook_id = coalesce($8::text, c.webhook_id), "
	    "subscription_id = coalesce($9::text, c.subscription_id), updated_at = $6::timestamptz, " HOOKS_FREE HOOKS_MINE },
	/* The row of the hook stays, disabled: workers learn of changes, not of absence. */
	[C_FORGET_HOOK] = { "forget_hook", "UPDATE hooks h SET enabled = false FROM dialpad_connections c " HOOKS_MINE
	    " AND c.state = 'disconnecting' AND h.app_id = c.app_id AND h.id = c.hook_id" },
	[C_FORGET_LOOKUP] = { "forget_lookup", "UPDATE hook_lookup l SET enabled = false, previous_secret = NULL, previous_until = NULL, "
	    "updated_at = now() FROM dialpad_connections c " HOOKS_MINE " AND c.state = 'disconnecting' AND l.app_id = c.app_id "
	    "AND l.hook_id = c.hook_id" },
	[C_FORGET_GAPS] = { "forget_gaps", "UPDATE dialpad_gaps g SET state = 'failed', done_at = $4::timestamptz, cursor = NULL, "
	    "last_error = 'the app was disconnected from Dialpad', lease_owner = NULL, lease_until = NULL FROM dialpad_connections c "
	    HOOKS_MINE " AND c.state = 'disconnecting' AND g.app_id = c.app_id AND g.state = 'open'" },
	[C_FORGET] = { "forget", AUDITED("DELETE FROM dialpad_connections c " HOOKS_MINE " AND c.state = 'disconnecting'",
	    "dialpad.disconnected", "$2::text", "NULL") },

	[C_DISCONNECT] = { "disconnect", AUDITED("UPDATE dialpad_connections c SET state = 'disconnecting', hooks_due_at = $2::timestamptz, "
	    "updated_at = $2::timestamptz, next_try_at = NULL, hooks_attempts = 0, hooks_error = NULL WHERE c.app_id = $1::uuid",
	    "dialpad.disconnecting", "NULL", "NULL") },
	/* The one before stays good without an end until Dialpad has the new one: see C_HOOKS_ROTATED. */
	[C_ROTATE] = { "rotate", "WITH c AS (UPDATE dialpad_connections d SET rotation_overlap_ms = $3::bigint, hooks_due_at = "
	    "$4::timestamptz, updated_at = $4::timestamptz, hooks_attempts = 0 WHERE d.app_id = $1::uuid AND d.state = 'connected' "
	    "AND d.rotation_overlap_ms IS NULL AND d.hook_id IS NOT NULL RETURNING d.app_id, d.hook_id), "
	    "h AS (UPDATE hooks t SET rotated_at = now() FROM c WHERE t.app_id = c.app_id AND t.id = c.hook_id RETURNING t.app_id, t.id), "
	    "l AS (UPDATE hook_lookup s SET previous_secret = s.secret, previous_until = NULL, secret = $2::text, updated_at = now() "
	    "FROM c WHERE s.app_id = c.app_id AND s.hook_id = c.hook_id RETURNING s.app_id, s.hook_id) "
	    "SELECT ringd_audit(l.app_id, 'courier', 'hook.rotate', l.hook_id::text, NULL, NULL) FROM l JOIN h ON h.app_id = l.app_id "
	    "AND h.id = l.hook_id" },
	[C_ROTATABLE] = { "rotatable", "SELECT c.state, c.hook_id IS NOT NULL, c.rotation_overlap_ms IS NOT NULL "
	    "FROM dialpad_connections c WHERE c.app_id = $1::uuid" },

	/* Whoever takes it sends it: nobody else ever will, unless it is given back. */
	[C_DIAL_TAKE] = { "dial_take", "UPDATE dialpad_dials d SET state = 'sent', sent_at = $3::timestamptz, error = NULL WHERE "
	    "d.app_id = $1::uuid AND d.id = $2::uuid AND d.state = 'asked' RETURNING d.user_id, d.phone_number, d.custom_data" },
	[C_DIAL_DONE] = { "dial_done", AUDITED("UPDATE dialpad_dials d SET state = $3::text, provider_call_id = $4::text, error = $5::text "
	    "WHERE d.app_id = $1::uuid AND d.id = $2::uuid AND d.state = 'sent'",
	    "dialpad.dialled", "$2::text", "json_build_object('state', $3::text, 'error', $5::text)::text") },

	[C_DEDUPE_LOOK] = { "dedupe_look", "SELECT encode(d.digest, 'hex') FROM event_dedupe d WHERE d.app_id = $1::uuid "
	    "AND d.digest = ANY ($2::bytea[])" },
	[C_LEGS_LOOK] = { "legs_look", "SELECT l.leg_id, l.state FROM call_legs l WHERE l.app_id = $1::uuid AND l.provider = 'dialpad' "
	    "AND l.leg_id = ANY ($2::text[]) AND l.state IS NOT NULL" },
	[C_DEDUPE_ADD] = { "dedupe_add", "INSERT INTO event_dedupe (app_id, digest, received_at) SELECT $1::uuid, k.digest, "
	    "$2::timestamptz FROM unnest($3::bytea[]) AS k (digest)" },
	[C_EVENTS_ADD] = { "events_add", "INSERT INTO webhook_events (app_id, received_at, provider, is_call, source, secret_used, digest, id, "
	    "event_type, event_ts, leg_id, facts, payload) SELECT $1::uuid, $2::timestamptz, 'dialpad', true, 'repair', 'none', k.* "
	    "FROM unnest($3::bytea[], $4::uuid[], $5::text[], $6::timestamptz[], $7::text[], $8::json[], $9::json[]) AS k" },
	[C_QUEUE_ADD] = { "queue_add", "INSERT INTO webhook_queue (app_id, id, received_at, next_try_at) SELECT $1::uuid, k.id, "
	    "$2::timestamptz, $2::timestamptz FROM unnest($3::uuid[]) AS k (id)" },

	/* Of every tenant that is connected. The lock makes it one process: whoever waited for it sees the new beat. */
	[C_GAPS_DOWNTIME] = { "gaps_downtime", "INSERT INTO dialpad_gaps (app_id, id, from_at, to_at, reason, next_try_at, created_at) "
	    "SELECT c.app_id, gen_random_uuid(), greatest(h.beat_at - interval '1 minute', $3::timestamptz), $1::timestamptz, 'downtime', "
	    "$1::timestamptz, $1::timestamptz FROM (SELECT b.beat_at FROM heartbeats b WHERE b.name = 'courier' "
	    "AND b.beat_at < $2::timestamptz FOR UPDATE) h CROSS JOIN dialpad_connections c WHERE c.state <> 'disconnecting'" },
	/* The installation's, not a tenant's. */
	[C_BEAT] = { "beat", "INSERT INTO heartbeats (name, beat_at) VALUES ('courier', $1::timestamptz) ON CONFLICT (name) "
	    "DO UPDATE SET beat_at = excluded.beat_at" },
	[C_GAPS_ROUTINE] = { "gaps_routine", "INSERT INTO dialpad_gaps (app_id, id, from_at, to_at, reason, next_try_at, created_at) "
	    "SELECT c.app_id, gen_random_uuid(), greatest(coalesce(c.reconciled_until, c.created_at), $3::timestamptz), $4::timestamptz, "
	    "'routine', $1::timestamptz, $1::timestamptz FROM dialpad_connections c WHERE c.state = 'connected' "
	    "AND coalesce(c.reconciled_until, c.created_at) <= $2::timestamptz AND NOT EXISTS (SELECT 1 FROM dialpad_gaps g "
	    "WHERE g.app_id = c.app_id AND g.reason = 'routine' AND (g.state = 'open' OR g.created_at > $2::timestamptz)) "
	    "ON CONFLICT DO NOTHING" },
	[C_GAPS_SWEEP] = { "gaps_sweep", "DELETE FROM dialpad_gaps g WHERE (g.app_id, g.id) IN (SELECT o.app_id, o.id FROM dialpad_gaps o "
	    "WHERE o.state <> 'open' AND o.done_at < $1::timestamptz LIMIT 1000)" },
	/* Whichever tenant's, but one of each at a time. */
	[C_GAP_CLAIM] = { "gap_claim", "WITH k AS MATERIALIZED (SELECT o.app_id, o.id FROM dialpad_gaps o JOIN dialpad_connections c ON c.app_id = o.app_id JOIN apps a ON a.id = o.app_id "
	    "WHERE o.state = 'open' AND o.next_try_at <= $1::timestamptz AND o.to_at <= $4::timestamptz AND c.state = 'connected' "
	    "AND a.is_active AND (o.lease_until IS NULL OR o.lease_until <= $1::timestamptz) AND NOT EXISTS (SELECT 1 FROM dialpad_gaps n "
	    "WHERE n.app_id = o.app_id AND n.lease_until > $1::timestamptz) ORDER BY o.next_try_at, o.id LIMIT 1 FOR UPDATE OF o SKIP LOCKED) "
	    "UPDATE dialpad_gaps g SET lease_owner = $2::uuid, lease_until = $3::timestamptz FROM k WHERE g.app_id = k.app_id AND g.id = k.id RETURNING g.app_id, g.id, (extract(epoch FROM g.from_at) * 1000)::bigint, "
	    "(extract(epoch FROM g.to_at) * 1000)::bigint, g.reason, g.cursor, g.attempts, g.seen, g.found" },
	[C_GAP_PAGE] = { "gap_page", "UPDATE dialpad_gaps g SET cursor = $4::text, seen = g.seen + $5::integer, found = g.found + $6::integer, "
	    "reached_at = least(g.reached_at, $7::timestamptz), lease_until = $8::timestamptz, attempts = 0, last_error = NULL " CLAIMED },
	[C_GAP_DONE] = { "gap_done", "UPDATE dialpad_gaps g SET state = 'done', done_at = $4::timestamptz, cursor = NULL, seen = g.seen + "
	    "$5::integer, found = g.found + $6::integer, reached_at = least(g.reached_at, $7::timestamptz), lease_owner = NULL, "
	    "lease_until = NULL, attempts = 0, last_error = NULL " CLAIMED },
	[C_GAP_LATER] = { "gap_later", "UPDATE dialpad_gaps g SET next_try_at = $4::timestamptz, last_error = $5::text, "
	    "cursor = CASE WHEN NOT $6::boolean THEN g.cursor END, state = $7::text, done_at = CASE WHEN $7::text <> 'open' THEN "
	    "$8::timestamptz END, attempts = g.attempts + 1, lease_owner = NULL, lease_until = NULL " CLAIMED },
	[C_GAP_RELEASE] = { "gap_release", "UPDATE dialpad_gaps g SET lease_until = NULL " CLAIMED },
	[C_GAP_RECONCILED] = { "gap_reconciled", "UPDATE dialpad_connections c SET reconciled_until = greatest(c.reconciled_until, g.to_at) "
	    "FROM dialpad_gaps g WHERE c.app_id = $1::uuid AND g.app_id = $1::uuid AND g.id = $2::uuid AND g.reason = 'routine' "
	    "AND g.state = 'done'" },
	[C_GAP_FORGET] = { "gap_forget", "DELETE FROM dialpad_gaps g WHERE g.app_id = $1::uuid AND g.id = $2::uuid AND g.reason = 'routine' "
	    "AND g.state = 'done' AND g.found = 0" },

	/* All tenants', few of them: calls_live holds nothing but live calls. */
	[C_GHOSTS_FIND] = { "ghosts_find", GHOSTS("c.started_at < $2::timestamptz") },
	[C_GHOSTS_OLD] = { "ghosts_old", GHOSTS("c.started_at < $3::timestamptz AND c.app_id = $4::uuid") },
	[C_GHOSTS_FORGET] = { "ghosts_forget", "DELETE FROM dialpad_ghosts g WHERE NOT EXISTS (SELECT 1 FROM call_legs l JOIN calls c "
	    "ON c.app_id = l.app_id AND c.id = l.call_id WHERE l.app_id = g.app_id AND l.leg_id = g.leg_id AND " LIVE_LEG ")" },
	/* Whichever tenant's, in turns. Who moves an app's turn first has it. */
	[C_GHOST_TURN] = { "ghost_turn", "WITH first AS MATERIALIZED (SELECT d.app_id, d.id FROM dialpad_connections d WHERE d.state = 'connected' AND (d.ghosts_next_at IS NULL OR d.ghosts_next_at <= $1::timestamptz) "
	    "AND EXISTS (SELECT 1 FROM dialpad_ghosts o WHERE o.app_id = d.app_id AND o.next_try_at <= $1::timestamptz) "
	    "ORDER BY d.ghosts_next_at NULLS FIRST LIMIT 1 FOR UPDATE SKIP LOCKED), turn AS (UPDATE dialpad_connections c "
	    "SET ghosts_next_at = $2::timestamptz FROM first k WHERE c.app_id = k.app_id AND c.id = k.id RETURNING c.app_id) UPDATE dialpad_ghosts g SET next_try_at = $3::timestamptz FROM (SELECT o.app_id, o.leg_id FROM turn t "
	    "JOIN dialpad_ghosts o ON o.app_id = t.app_id WHERE o.next_try_at <= $1::timestamptz ORDER BY o.next_try_at, o.leg_id LIMIT 1) k "
	    "WHERE g.app_id = k.app_id AND g.leg_id = k.leg_id RETURNING g.app_id, g.leg_id, g.attempts" },
	[C_GHOST_ORPHAN] = { "ghost_orphan", "WITH k AS MATERIALIZED (SELECT o.app_id, o.leg_id FROM dialpad_ghosts o WHERE o.next_try_at <= $1::timestamptz AND NOT EXISTS (SELECT 1 FROM dialpad_connections d "
	    "WHERE d.app_id = o.app_id AND d.state = 'connected') LIMIT 1 FOR UPDATE SKIP LOCKED) "
	    "UPDATE dialpad_ghosts g SET next_try_at = $2::timestamptz FROM k WHERE g.app_id = k.app_id AND g.leg_id = k.leg_id "
	    "RETURNING g.app_id, g.leg_id" },
	[C_GHOST_LATER] = { "ghost_later", "UPDATE dialpad_ghosts g SET next_try_at = $3::timestamptz, attempts = $4::integer "
	    "WHERE g.app_id = $1::uuid AND g.leg_id = $2::text" },

	[C_RIBBON_LINE] = { "ribbon_line", "SELECT " LINE_COLUMNS " FROM ribbon_agents g JOIN apps p ON p.id = g.app_id "
	    "LEFT JOIN exotel_accounts a ON a.app_id = g.app_id WHERE g.app_id = $1::uuid AND g.id = $2::uuid" },
	/* Whoever takes it sends it: nobody else ever will, unless it is given back. */
	[C_RIBBON_CALL_TAKE] = { "ribbon_call_take", "WITH t AS (UPDATE ribbon_calls c SET state = 'sent', sent_at = $3::timestamptz, "
	    "error = NULL WHERE c.app_id = $1::uuid AND c.id = $2::uuid AND c.state = 'asked' RETURNING c.app_id, c.id, c.agent, c.mode, "
	    "c.phone_number) SELECT t.mode, t.phone_number, " LINE_COLUMNS ", ringd_audit(t.app_id, 'courier', 'credential.use', "
	    "'call:' || t.id, CASE t.mode WHEN 'webrtc' THEN '{\"credential\":\"app_token\"}' ELSE '{\"credential\":\"api_key\"}' END, "
	    "NULL) FROM t JOIN apps p ON p.id = t.app_id LEFT JOIN exotel_accounts a ON a.app_id = t.app_id LEFT JOIN ribbon_agents g "
	    "ON g.app_id = t.app_id AND g.id = t.agent" },
	/* What came of it. Without a key of the client's nobody could ask for the same call again: then "refused" is "failed".
	 * The quota gets back what did nothing, once: only a row that was "sent" can fail or be refused, and a refused one must take its
	 * place in the quota anew. Exotel's own word may have come before and
	 * ended the call: that stays, but learns its CallSid. The agent's own word that it is over does not stay when there was no call. */
	[C_RIBBON_CALL_DONE] = { "ribbon_call_done", "WITH t AS (UPDATE ribbon_calls c SET state = CASE WHEN " TOLD_ENDED " THEN c.state "
	    "WHEN $3::text = 'refused' AND (c.idempotency_key IS NULL OR c.state = 'ended') THEN 'failed' ELSE $3::text END, "
	    "provider_call_id = coalesce(c.provider_call_id, $4::text), error = CASE WHEN " TOLD_ENDED " THEN c.error ELSE $5::text END "
	    "WHERE c.app_id = $1::uuid AND c.id = $2::uuid AND c.state IN ('sent', 'ended') RETURNING c.app_id, c.id, c.key_id, c.month, c.state) "
	    "UPDATE usage u SET used = u.used - 1, last_call = nullif(u.last_call, t.id), updated_at = $7::timestamptz FROM t "
	    "WHERE $6::boolean AND t.state IN ('failed', 'refused') "
	    "AND u.app_id = t.app_id AND u.key_id = t.key_id AND u.month = t.month AND u.used > 0" },
	/* All tenants' on purpose: nobody is left to ask for one of these. The row says why it failed in a word that is known. */
	[C_RIBBON_ABANDONED] = { "ribbon_abandoned", "WITH due AS MATERIALIZED (SELECT o.app_id, o.id FROM ribbon_calls o WHERE "
	    "o.state = 'asked' AND o.created_at < $1::timestamptz ORDER BY o.created_at LIMIT 1000 FOR UPDATE SKIP LOCKED), "
	    "t AS (UPDATE ribbon_calls c SET state = 'failed', error = coalesce(c.error, 'unreachable') FROM due WHERE c.app_id = due.app_id "
	    "AND c.id = due.id AND c.state = 'asked' RETURNING c.app_id, c.key_id, c.month), n AS (SELECT t.app_id, t.key_id, t.month, count(*) AS calls FROM t GROUP BY 1, 2, 3), "
	    "u AS (UPDATE usage g SET used = greatest(g.used - n.calls, 0), updated_at = $2::timestamptz FROM n WHERE g.app_id = n.app_id "
	    "AND g.key_id = n.key_id AND g.month = n.month RETURNING n.app_id, n.key_id, n.calls) SELECT ringd_audit(k.app_id, 'courier', "
	    "'ribbon.dial_failed', 'key:' || k.key_id, '{\"outcome\":\"abandoned\",\"calls\":' || k.calls || '}', NULL) "
	    "FROM (SELECT u.app_id, u.key_id, u.calls FROM u ORDER BY u.app_id, u.key_id) k" },
	/* Asked for each signature, so that what is revoked signs nothing from then on. */
	[C_RIBBON_SESSION] = { "ribbon_session", "SELECT s.revoked_at IS NULL AND s.expires_at > $3::timestamptz AND k.revoked_at IS NULL "
	    "AND (k.expires_at IS NULL OR k.expires_at > $3::timestamptz), " LINE_COLUMNS " FROM ribbon_sessions s JOIN apps p "
	    "ON p.id = s.app_id JOIN api_keys k ON k.app_id = s.app_id AND k.id = s.key_id LEFT JOIN ribbon_agents g "
	    "ON g.app_id = s.app_id AND g.id = s.agent LEFT JOIN exotel_accounts a ON a.app_id = s.app_id "
	    "WHERE s.app_id = $1::uuid AND s.id = $2::uuid" },
	[C_EXOTEL_ACCOUNT] = { "exotel_account", "SELECT p.is_active, a.id, encode(a.credentials, 'hex'), a.is_active "
	    "FROM exotel_accounts a JOIN apps p ON p.id = a.app_id WHERE a.app_id = $1::uuid" },
	[C_EXOTEL_AGENTS] = { "exotel_agents", "SELECT g.id, g.agent_id, g.name, g.email, g.phone, encode(g.credentials, 'hex') "
	    "FROM ribbon_agents g WHERE g.app_id = $1::uuid ORDER BY g.agent_id LIMIT 20000" },
	[C_AGENT_ADD] = { "agent_add", "INSERT INTO ribbon_agents (app_id, id, name, email, phone, credentials, created_at, updated_at, "
	    "synced_at, agent_id, mode) VALUES ($1::uuid, $2::uuid, $3::text, $4::text, $5::text, $6::bytea, $7::timestamptz, "
	    "$7::timestamptz, $7::timestamptz, $8::text, $9::text) ON CONFLICT DO NOTHING" },
	/* The mode is the administrator's choice. */
	[C_AGENT_CHANGE] = { "agent_change", "UPDATE ribbon_agents g SET name = $3::text, email = $4::text, phone = $5::text, "
	    "credentials = $6::bytea, updated_at = $7::timestamptz WHERE g.app_id = $1::uuid AND g.id = $2::uuid" },
	[C_AGENTS_SEEN] = { "agents_seen", "UPDATE ribbon_agents g SET synced_at = $3::timestamptz WHERE g.app_id = $1::uuid "
	    "AND g.id = ANY ($2::uuid[])" },
	[C_EXOTEL_SYNCED] = { "exotel_synced", "UPDATE exotel_accounts a SET synced_at = CASE WHEN $4::text IS NULL THEN "
	    "$3::timestamptz ELSE a.synced_at END, last_error = $4::text WHERE a.app_id = $1::uuid AND a.id = $2::uuid" },
	[C_AUDIT] = { "audit", "SELECT ringd_audit($1::uuid, $2::text, $3::text, $4::text, $5::text, NULL)" },
};

const struct db_stmt_table stmt_courier = { stmts, COUNT(stmts) };
