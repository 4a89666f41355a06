/*
 * stmt_reaper: every SQL statement the reaper may send, prepared on each connect. Set-based: one statement a table and
 * batch, rows given as arrays. No statement decides anything about a call: its row is computed in C from its legs, and then
 * completed with what only the ribbon knows.
 */
#include <sys/types.h>

#include "db/stmt_reaper.h"

#define STRING(x)	STRING_OF(x)
#define STRING_OF(x)	#x

/* Rows of the caller as k. */
#define ALIASES										\
	"unnest($1::uuid[], $2::text[], $3::text[]) WITH ORDINALITY AS k (app_id, provider, leg_id, ord)"
#define LEG_ROWS									\
	"unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::json[]) "		\
	"AS k (app_id, provider, leg_id, call_id, state)"
#define MERGED		"unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS k (app_id, loser, winner)"
#define LOSERS		"unnest($1::uuid[], $2::uuid[]) AS k (app_id, loser)"
/* By primary key. The last condition, true of every row, keeps the planner from call_legs_call, which holds all columns
 * asked for but would be read from end to end for each leg. */
#define SAME_LEG									\
	"l.app_id = k.app_id AND l.provider = k.provider AND l.leg_id = k.leg_id AND l.updated_at < 'infinity'"

#define CLAIMED										\
	" RETURNING q.app_id, q.id, q.received_at::text, q.attempts, q.last_error, "		\
	"floor(extract(epoch FROM q.next_try_at) * 1000)::bigint"

#define COUNT(which)									\
	"UPDATE webhook_queue q SET attempts = q.attempts + 1, next_try_at = $1::timestamptz + "	\
	"least($3::bigint, $2::bigint * (1::bigint << least(q.attempts, 20))) * $4::bigint / 100 "	\
	"* interval '1 millisecond' "								\
	"WHERE (q.app_id, q.id) IN (SELECT d.app_id, d.id FROM webhook_queue d "		\
	"WHERE d.next_try_at <= $1::timestamptz" which						\
	" ORDER BY d.next_try_at, d.id LIMIT 1 FOR UPDATE SKIP LOCKED)" CLAIMED

/* Whom the ribbon dialled, unless Exotel knows that the call goes out and to whom. */
#define DIALLED(known)	"CASE c.direction WHEN 'outbound' THEN coalesce(" known ", m.phone_number) ELSE m.phone_number END"
/* OFFSET 0 keeps each of these a look into a primary key for one row of its caller, whatever the statistics say. */
#define RIBBON_CALL_OF(which)								\
	"SELECT k.app_id, k.sid, k.call_id, r.* FROM k CROSS JOIN LATERAL (SELECT r.id, r.agent, r.direction, r.context, r.phone_number "	\
	"FROM ribbon_calls r WHERE r.app_id = k.app_id AND " which " OFFSET 0) r"
#define CALL_OF_M									\
	"CROSS JOIN LATERAL (SELECT c.status, c.outcome, c.provider_state, c.end_inferred, c.ended_at, c.updated_at "	\
	"FROM calls c WHERE c.app_id = m.app_id AND c.id = m.call_id OFFSET 0) c "
#define AGENT_OF_M									\
	"LEFT JOIN LATERAL (SELECT g.agent_id, g.name, g.email FROM ribbon_agents g "		\
	"WHERE g.app_id = m.app_id AND g.id = m.agent OFFSET 0) g ON true "
/* What Exotel may know of a call that we do not: also of one whose placing failed in a way that says nothing, and of one that an agent
 * had ended before anybody knew which call it is. What surely did nothing has its place in the quota back, and stays as it is. */
#define MAY_BE_CALLED									\
	"(r.state IN ('asked', 'sent', 'placed') OR (r.state = 'failed' AND r.error = 'broken') "	\
	"OR (r.state = 'ended' AND r.provider_call_id IS NULL))"
/*
 * Which of these calls (keys: app_id, sid, ribbon, call_id) did a ribbon ask for? The ribbon's id leads to the call from
 * now on, and an end of the one is an end of the other. What the ribbon was told and Exotel does not hand through is
 * shown with the call: this is after its row was written anew. now: the parameter of that name.
 */
#define RIBBON_SEEN(keys, now)									\
	"WITH k AS (" keys "), m AS ("								\
	RIBBON_CALL_OF("r.id = k.ribbon AND coalesce(r.provider_call_id, k.sid) = k.sid") " UNION "	\
	RIBBON_CALL_OF("r.provider_call_id = k.sid") "), "					\
	"led AS (INSERT INTO call_redirects (app_id, id, call_id) SELECT m.app_id, m.id, m.call_id FROM m "	\
	"ON CONFLICT (app_id, id) DO NOTHING), "						\
	"shown AS (UPDATE calls c SET custom_data = coalesce(m.context, c.custom_data), "	\
	"direction = 'outbound', external_number = " DIALLED("c.external_number") ", "		\
	"to_number = " DIALLED("c.to_number") ", "						\
	"from_number = CASE c.direction WHEN 'outbound' THEN c.from_number ELSE nullif(c.internal_number, m.phone_number) END, "	\
	"agent_id = coalesce(g.agent_id, c.agent_id), agent_name = coalesce(g.name, c.agent_name), "	\
	"agent_email = coalesce(g.email, c.agent_email), updated_at = " now "::timestamptz "	\
	"FROM m " AGENT_OF_M "WHERE c.app_id = m.app_id AND c.id = m.call_id AND m.direction = 'outbound') "	\
	"UPDATE ribbon_calls r SET provider_call_id = m.sid, "					\
	"state = CASE WHEN c.status = 'ended' OR r.state = 'ended' THEN 'ended' WHEN r.state = 'asked' OR r.error IS NOT NULL THEN 'placed' "	\
	"ELSE r.state END, error = NULL, "							\
	"ended_at = CASE WHEN c.status = 'ended' THEN coalesce(r.ended_at, c.ended_at, c.updated_at) ELSE r.ended_at END, "	\
	"end_reason = CASE WHEN c.status <> 'ended' OR r.end_reason IS NOT NULL THEN r.end_reason "	\
	"WHEN c.end_inferred THEN 'unknown' WHEN c.outcome = 'answered' THEN 'completed' "	\
	"WHEN c.provider_state IN ('busy', 'no-answer', 'failed', 'canceled') THEN c.provider_state ELSE c.outcome END "	\
	"FROM m " CALL_OF_M "WHERE r.app_id = m.app_id AND r.id = m.id AND " MAY_BE_CALLED

static const struct db_stmt stmts[R_COUNT_OF_STATEMENTS] = {
	/*
	 * About the connection. Every batch is small beside its tables, so they are never read whole, and the queue is
	 * read in its index' order, whatever the statistics say of a table that was empty a minute ago. A plan kept
	 * from when a table or a day's partition was still empty would take any index that begins with app_id: plan
	 * each time, for a whole batch at once.
	 */
	[R_SETTINGS] = { "settings", "SELECT set_config('enable_seqscan', 'off', false), "
	    "set_config('enable_hashjoin', 'off', false), set_config('enable_mergejoin', 'off', false), "
	    "set_config('enable_bitmapscan', 'off', false), set_config('jit', 'off', false), "
	    /* Below statement_timeout, so that waiting for somebody's lock is told apart from a statement that is too slow. */
	    "set_config('lock_timeout', (extract(epoch FROM current_setting('statement_timeout')::interval) * 500)::integer::text, false), "
	    "set_config('plan_cache_mode', 'force_custom_plan', false)" },
	[R_BEGIN] = { "begin", "BEGIN" },
	[R_COMMIT] = { "commit", "COMMIT" },
	[R_ROLLBACK] = { "rollback", "ROLLBACK" },

	/* What is due, whoever it belongs to. Events that failed before are left to R_COUNT_RETRY, so that they never
	 * hold up others twice. */
	[R_CLAIM] = { "claim", "DELETE FROM webhook_queue q WHERE (q.app_id, q.id) IN (SELECT d.app_id, d.id FROM "
	    "webhook_queue d WHERE d.next_try_at <= $1::timestamptz AND d.next_try_at >= $3::timestamptz AND "
	    "d.attempts = 0 ORDER BY d.next_try_at, d.id LIMIT $2::bigint FOR UPDATE SKIP LOCKED)" CLAIMED },
	/* The attempt is counted, and the next one put off, before anything is tried: a crash counts too. */
	[R_COUNT] = { "count", COUNT("") },
	[R_COUNT_RETRY] = { "count_retry", COUNT(" AND d.attempts > 0") },
	[R_CLAIM_ONE] = { "claim_one", "DELETE FROM webhook_queue q WHERE q.app_id = $1::uuid AND q.id = $2::uuid"
	    CLAIMED },
	[R_POSTPONE] = { "postpone", "UPDATE webhook_queue SET last_error = $3::text WHERE app_id = $1::uuid AND id "
	    "= $2::uuid" },
	[R_UNCOUNT] = { "uncount", "UPDATE webhook_queue SET attempts = greatest(attempts - 1, 0), last_error = $3::text "
	    "WHERE app_id = $1::uuid AND id = $2::uuid" },
	[R_BURY] = { "bury", "WITH d AS (DELETE FROM webhook_queue WHERE app_id = $1::uuid AND id = $2::uuid "
	    "RETURNING app_id, id, received_at, attempts) INSERT INTO webhook_dead (app_id, id, received_at, "
	    "died_at, attempts, reason) SELECT d.app_id, d.id, d.received_at, $3::timestamptz, d.attempts, $4::text "
	    "FROM d ON CONFLICT DO NOTHING" },
	/* fits says whether all up to this row are within the bytes allowed; facts come only then. */
	[R_EVENTS] = { "events", "SELECT f.ord, f.provider, CASE WHEN f.fits THEN f.facts END, f.fits FROM (SELECT "
	    "k.ord, e.provider, e.facts, coalesce(sum(octet_length(e.facts::text)) OVER (ORDER BY k.ord), 0) <= "
	    "$4::bigint OR k.ord = 1 AS fits FROM unnest($1::uuid[], $2::uuid[], $3::text[]) WITH ORDINALITY AS k "
	    "(app_id, id, received_at, ord) JOIN webhook_events e ON e.app_id = k.app_id AND e.id = k.id AND "
	    "e.received_at = k.received_at::timestamptz WHERE e.received_at BETWEEN $5::timestamptz AND "
	    "$6::timestamptz) f" },

	/* Rows in the caller's order: two reapers then wait for each other, but never in a circle. */
	[R_LEGS_ADD] = { "legs_add", "INSERT INTO call_legs (app_id, provider, leg_id, call_id, state, updated_at) "
	    "SELECT k.app_id, k.provider, k.leg_id, k.call_id, k.state, $6::timestamptz FROM " LEG_ROWS
	    " ON CONFLICT DO NOTHING" },
	[R_CALLS_LOCK] = { "calls_lock", "SELECT c.app_id, c.id, c.legs FROM calls c WHERE (c.app_id, c.id) IN "
	    "(SELECT l.app_id, l.call_id FROM " ALIASES " JOIN call_legs l ON " SAME_LEG
	    ") ORDER BY c.app_id, c.id FOR UPDATE OF c" },
	[R_ALIASES] = { "aliases", "SELECT k.ord, l.call_id FROM " ALIASES " JOIN call_legs l ON " SAME_LEG },
	[R_LEGS_LOAD] = { "legs_load", "SELECT f.ord, f.leg_id, CASE WHEN f.fits THEN f.state END, f.fits FROM "
	    "(SELECT k.ord, l.leg_id, l.state, coalesce(sum(octet_length(l.state::text)) OVER (ORDER BY k.ord, "
	    "l.leg_id), 0) <= $3::bigint AS fits FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS k (app_id, "
	    "call_id, ord), LATERAL (SELECT s.leg_id, s.state FROM call_legs s WHERE s.app_id = k.app_id AND "
	    "s.call_id = k.call_id ORDER BY s.provider, s.leg_id LIMIT " STRING(REAPER_CALL_LEGS_LOADED) ") l LIMIT "
	    STRING(REAPER_LEG_ROWS_MAX) ") f" },
	[R_STATES] = { "states", "SELECT k.ord, l.state FROM " ALIASES " JOIN call_legs l ON " SAME_LEG },

	[R_LEGS_WRITE] = { "legs_write", "UPDATE call_legs l SET call_id = k.call_id, state = k.state, updated_at = "
	    "$6::timestamptz FROM " LEG_ROWS " WHERE " SAME_LEG },
	[R_LEGS_MOVE] = { "legs_move", "UPDATE call_legs l SET call_id = k.winner, updated_at = $4::timestamptz "
	    "FROM " MERGED " WHERE l.app_id = k.app_id AND l.call_id = k.loser" },
	[R_REDIRECTS_MOVE] = { "redirects_move", "UPDATE call_redirects r SET call_id = k.winner FROM " MERGED
	    " WHERE r.app_id = k.app_id AND r.call_id = k.loser" },
	[R_REDIRECTS_ADD] = { "redirects_add", "INSERT INTO call_redirects (app_id, id, call_id) SELECT k.app_id, "
	    "k.loser, k.winner FROM " MERGED " ON CONFLICT (app_id, id) DO UPDATE SET call_id = excluded.call_id" },
	[R_RECORDINGS_DROP] = { "recordings_drop", "DELETE FROM call_recordings r USING " LOSERS
	    " WHERE r.app_id = k.app_id AND r.call_id = k.loser" },
	[R_CALLS_DROP] = { "calls_drop", "DELETE FROM calls c USING " LOSERS
	    " WHERE c.app_id = k.app_id AND c.id = k.loser" },
	[R_CALLS_WRITE] = { "calls_write", "INSERT INTO calls (app_id, id, provider, provider_call_id, "
	    "dialpad_call_id, direction, from_number, to_number, external_number, internal_number, status, outcome, "
	    "provider_state, state_at, started_at, rang_at, connected_at, ended_at, talk_time_ms, hold_time_ms, "
	    "duration_ms, agent_id, agent_name, agent_email, group_type, group_id, group_name, contact_id, "
	    "contact_name, custom_data, transcription, recording_url, recording_type, has_recording, is_internal, "
	    "is_transferred, end_inferred, legs, created_at, updated_at) SELECT k.*, $39::timestamptz, $39::timestamptz FROM "
	    "unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], "
	    "$8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::timestamptz[], "
	    "$15::timestamptz[], $16::timestamptz[], $17::timestamptz[], $18::timestamptz[], $19::bigint[], "
	    "$20::bigint[], $21::bigint[], $22::text[], $23::text[], $24::text[], $25::text[], $26::text[], "
	    "$27::text[], $28::text[], $29::text[], $30::text[], $31::text[], $32::text[], $33::text[], "
	    "$34::boolean[], $35::boolean[], $36::boolean[], $37::boolean[], $38::integer[]) AS k ON CONFLICT (app_id, id) DO "
	    "UPDATE SET provider = excluded.provider, provider_call_id = excluded.provider_call_id, dialpad_call_id "
	    "= excluded.dialpad_call_id, direction = excluded.direction, from_number = excluded.from_number, "
	    "to_number = excluded.to_number, external_number = excluded.external_number, internal_number = "
	    "excluded.internal_number, status = excluded.status, outcome = excluded.outcome, provider_state = "
	    "excluded.provider_state, state_at = excluded.state_at, started_at = excluded.started_at, rang_at = "
	    "excluded.rang_at, connected_at = excluded.connected_at, ended_at = excluded.ended_at, talk_time_ms = "
	    "excluded.talk_time_ms, hold_time_ms = excluded.hold_time_ms, duration_ms = excluded.duration_ms, "
	    "agent_id = excluded.agent_id, agent_name = excluded.agent_name, agent_email = excluded.agent_email, "
	    "group_type = excluded.group_type, group_id = excluded.group_id, group_name = excluded.group_name, "
	    "contact_id = excluded.contact_id, contact_name = excluded.contact_name, custom_data = "
	    "excluded.custom_data, transcription = excluded.transcription, recording_url = excluded.recording_url, "
	    "recording_type = excluded.recording_type, has_recording = excluded.has_recording, is_internal = "
	    "excluded.is_internal, is_transferred = excluded.is_transferred, end_inferred = excluded.end_inferred, legs = "
	    "excluded.legs, updated_at = excluded.updated_at" },
	/* Only of dials that are there: custom data is written by others too, and must not lead a call's id elsewhere. The
	 * first call stays; when it becomes part of another, R_REDIRECTS_MOVE leads on. */
	[R_DIALS_JOIN] = { "dials_join", "INSERT INTO call_redirects (app_id, id, call_id) SELECT d.app_id, d.id, k.call_id FROM "
	    "unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS k (app_id, dial, call_id) JOIN dialpad_dials d ON d.app_id = k.app_id "
	    "AND d.id = k.dial ON CONFLICT (app_id, id) DO NOTHING" },
	[R_RIBBON_JOIN] = { "ribbon_join", RIBBON_SEEN("SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[]) AS n "
	    "(app_id, sid, ribbon, call_id)", "$5") },
	/* The first callback may be quicker than the answer that says which call is the ribbon's. */
	[R_RIBBON_LATE] = { "ribbon_late", RIBBON_SEEN("SELECT r.app_id, r.sid, r.id AS ribbon, l.call_id FROM (SELECT r.app_id, r.id, "
	    "r.provider_call_id AS sid FROM ribbon_calls r WHERE r.created_at > $1::timestamptz - interval '10 minutes' "
	    "AND r.state IN ('sent', 'placed') AND r.provider_call_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM call_redirects d "
	    "WHERE d.app_id = r.app_id AND d.id = r.id) OFFSET 0) r CROSS JOIN LATERAL (SELECT l.call_id FROM call_legs l "
	    "WHERE l.app_id = r.app_id AND l.provider = 'exotel' AND l.leg_id = r.sid AND l.updated_at < 'infinity' OFFSET 0) l "
	    "LIMIT $2::bigint", "$1") },
	/* All legs of a call or none: the call is no longer silent once one of them was spoken of. */
	[R_SILENT] = { "silent", "SELECT l.app_id, l.leg_id FROM (SELECT c.app_id, c.id FROM calls c WHERE c.status IN ('ringing', "
	    "'active') AND c.provider = 'exotel' AND c.updated_at < $1::timestamptz LIMIT $2::bigint) s JOIN call_legs l "
	    "ON l.app_id = s.app_id AND l.call_id = s.id WHERE l.state IS NOT NULL" },
	/* A recording first known by its address only and now by its id would otherwise stand there twice. */
	[R_RECORDINGS_TRIM] = { "recordings_trim", "DELETE FROM call_recordings r USING (SELECT DISTINCT u.app_id, u.call_id "
	    "FROM unnest($1::uuid[], $2::uuid[]) AS u (app_id, call_id)) k WHERE r.app_id = k.app_id AND r.call_id = k.call_id "
	    "AND r.recording_id <> ALL (ARRAY(SELECT n.id FROM unnest($2::uuid[], $3::text[]) AS n (call_id, id) "
	    "WHERE n.call_id = r.call_id))" },
	[R_RECORDINGS_WRITE] = { "recordings_write", "INSERT INTO call_recordings AS r (app_id, call_id, "
	    "recording_id, type, url, started_at, duration_ms) SELECT * FROM unnest($1::uuid[], $2::uuid[], "
	    "$3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::bigint[]) ON CONFLICT (app_id, call_id, "
	    "recording_id) DO UPDATE SET type = excluded.type, url = excluded.url, started_at = "
	    "excluded.started_at, duration_ms = excluded.duration_ms WHERE (r.type, r.url, r.started_at, "
	    "r.duration_ms) IS DISTINCT FROM (excluded.type, excluded.url, excluded.started_at, "
	    "excluded.duration_ms)" },
	[R_DEAD_ADD] = { "dead_add", "INSERT INTO webhook_dead (app_id, id, received_at, died_at, attempts, reason) "
	    "SELECT k.app_id, k.id, k.received_at::timestamptz, $6::timestamptz, k.attempts, k.reason FROM "
	    "unnest($1::uuid[], $2::uuid[], $3::text[], $4::integer[], $5::text[]) AS k (app_id, id, received_at, "
	    "attempts, reason) ON CONFLICT DO NOTHING" },

	/* The rest is housekeeping for the whole database, whoever the rows belong to. */
	[R_LOOK] = { "look", "SELECT (SELECT count(*) FROM (SELECT 1 FROM webhook_queue q WHERE q.next_try_at >= "
	    "$2::timestamptz LIMIT 100000) n), (SELECT (extract(epoch FROM $1::timestamptz - q.received_at) * "
	    "1000)::bigint FROM webhook_queue q WHERE q.next_try_at >= $2::timestamptz ORDER BY q.next_try_at, q.id "
	    "LIMIT 1)" },
	[R_SWEEP_SETTINGS] = { "sweep_settings", "SELECT set_config('lock_timeout', '500ms', true), "
	    "set_config('enable_bitmapscan', 'on', true)" },
	[R_PARTITIONS_MAKE] = { "partitions_make", "SELECT ringd_make_partitions($1::integer, $2::text)" },
	[R_PARTITIONS_DROP] = { "partitions_drop", "SELECT ringd_drop_partitions($1::integer, $2::text)" },
	[R_DEDUPE_SWEEP] = { "dedupe_sweep", "DELETE FROM event_dedupe d WHERE (d.app_id, d.digest) IN (SELECT "
	    "o.app_id, o.digest FROM event_dedupe o WHERE o.received_at < $1::timestamptz LIMIT $2::bigint)" },
	[R_DEAD_SWEEP] = { "dead_sweep", "DELETE FROM webhook_dead d WHERE (d.app_id, d.id) IN (SELECT o.app_id, "
	    "o.id FROM webhook_dead o WHERE o.died_at < $1::timestamptz LIMIT $2::bigint)" },
	[R_STATES_SWEEP] = { "states_sweep", "DELETE FROM oauth_states s WHERE (s.app_id, s.state_hash) IN (SELECT o.app_id, "
	    "o.state_hash FROM oauth_states o WHERE o.expires_at < $1::timestamptz LIMIT $2::bigint)" },
	[R_TICKETS_SWEEP] = { "tickets_sweep", "DELETE FROM oauth_tickets t WHERE (t.app_id, t.token_hash) IN (SELECT o.app_id, "
	    "o.token_hash FROM oauth_tickets o WHERE o.expires_at < $1::timestamptz LIMIT $2::bigint)" },

	/* All tenants' keys that were used lately; two workers may tell of the same one. */
	[R_LAST_USED] = { "last_used", "UPDATE api_keys k SET last_used_at = u.used_at FROM (SELECT n.app_id, n.key_hash, "
	    "max(n.used_at) AS used_at FROM unnest($1::uuid[], $2::bytea[], $3::timestamptz[]) AS n (app_id, key_hash, "
	    "used_at) GROUP BY n.app_id, n.key_hash) u WHERE k.app_id = u.app_id AND k.key_hash = u.key_hash AND "
	    "(k.last_used_at IS NULL OR k.last_used_at < u.used_at)" },
	[R_DIALS_SWEEP] = { "dials_sweep", "DELETE FROM dialpad_dials d WHERE (d.app_id, d.id) IN (SELECT o.app_id, o.id FROM "
	    "dialpad_dials o WHERE o.created_at < $1::timestamptz LIMIT $2::bigint)" },
	/* The installation's, not a tenant's. */
	[R_CONFIG_AUDIT] = { "config_audit", "SELECT ringd_audit('00000000-0000-0000-0000-000000000000', 'reaper', 'config.loaded', $1::text, "
	    "json_build_object('generation', $2::bigint, 'sha256', $3::text)::text, NULL)" },
	[R_SESSIONS_SWEEP] = { "sessions_sweep", "DELETE FROM ribbon_sessions s WHERE (s.app_id, s.id) IN (SELECT o.app_id, o.id FROM "
	    "ribbon_sessions o WHERE o.expires_at < $1::timestamptz LIMIT $2::bigint)" },
	/* Any tenant's: it is here to find the tenant by. */
	[R_SESSION_LOOKUP_SWEEP] = { "session_lookup_sweep", "DELETE FROM ribbon_session_lookup l WHERE l.token_hash IN (SELECT o.token_hash "
	    "FROM ribbon_session_lookup o WHERE o.created_at < $1::timestamptz AND o.app_id IS NOT NULL LIMIT $2::bigint)" },
	[R_RIBBON_CALLS_SWEEP] = { "ribbon_calls_sweep", "DELETE FROM ribbon_calls c WHERE (c.app_id, c.id) IN (SELECT o.app_id, o.id FROM "
	    "ribbon_calls o WHERE o.created_at < $1::timestamptz LIMIT $2::bigint)" },
};

const struct db_stmt_table *
stmt_reaper_table(void)
{
	static const struct db_stmt_table table = { stmts, R_COUNT_OF_STATEMENTS };

	return &table;
}
