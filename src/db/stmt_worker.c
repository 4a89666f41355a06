/*
 * stmt_worker: every SQL statement a worker may send, prepared on each connect. Those without app_id in them say why.
 */
#include <sys/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/count.h"
#include "base/log.h"
#include "db/stmt_ribbon.h"
#include "db/stmt_worker.h"

const int worker_batch_rows[WORKER_BATCH_CLASSES] = { 64, 16, 4, 1 };

#define VALUES_SQL_MAX	65536

/* A key's scopes are words with commas between them, as ringctl writes them, or blanks. */
#define HAS_SCOPE(scope)	"position(' " scope " ' IN ' ' || translate(ak.scopes, ',', ' ') || ' ') > 0"

/*
 * The preamble of a read by API key. g sets the tenant for this statement's transaction; k, which row-level security now lets
 * see this tenant's keys, says what the key is worth and what limit of its own it has; x, the page, runs only for state 'ok'. One row at
 * least comes back when the key exists, none when it does not. The order g, k, x is the order of dependence (LATERAL with LIMIT), which
 * holds on PostgreSQL and on Citus.
 */
#define BY_KEY(scope, inner)								\
	"SELECT k.state, k.own_limit, x.* FROM (SELECT set_config('ringd.app_id', $1::text, true) AS s OFFSET 0) g "	\
	"CROSS JOIN LATERAL (SELECT ak.rate_limit || '/' || ak.rate_window AS own_limit, CASE "	\
	"WHEN ak.revoked_at <= now() THEN 'revoked' WHEN ak.expires_at <= now() THEN 'expired' "	\
	"WHEN ak.kind <> 'server' THEN 'kind' WHEN NOT a.is_active THEN 'inactive' "	\
	"WHEN " HAS_SCOPE(scope) " THEN 'ok' ELSE 'scope' END AS state "		\
	"FROM api_keys ak JOIN apps a ON a.id = ak.app_id "				\
	"WHERE ak.app_id = $1::text::uuid AND ak.key_hash = $2::bytea AND g.s IS NOT NULL LIMIT 1) k "	\
	"LEFT JOIN LATERAL (" inner ") x ON true"

/* For what is written by key: after a statement BY_KEY in the same transaction, which has set the tenant and says what the
 * key is worth; this lets a row through only for a good one. */
#define OF_GOOD_KEY(scope)								\
	"FROM api_keys ak JOIN apps a ON a.id = ak.app_id WHERE ak.app_id = $1::text::uuid AND ak.key_hash = $2::bytea "	\
	"AND (ak.revoked_at IS NULL OR ak.revoked_at > now()) AND (ak.expires_at IS NULL OR ak.expires_at > now()) "	\
	"AND ak.kind = 'server' AND a.is_active AND " HAS_SCOPE(scope)

#define CALL_COLUMNS									\
	"c.id, c.provider, c.provider_call_id, c.dialpad_call_id, c.direction, c.from_number, c.to_number, c.status, c.outcome, "	\
	"c.provider_state, c.started_at, c.rang_at, c.connected_at, c.ended_at, c.talk_time_ms, c.hold_time_ms, c.duration_ms, "	\
	"c.agent_id, c.agent_name, c.agent_email, c.group_type, c.group_id, c.group_name, c.contact_id, c.contact_name, c.custom_data, "	\
	"c.recording_url, c.recording_type, c.has_recording, c.is_internal, c.is_transferred, c.end_inferred, c.updated_at"
/* Only with a single call: a transcription may be long and lies outside of the row. */
#define DETAIL_COLUMNS	CALL_COLUMNS ", c.legs, c.transcription, r.recording_id, r.type AS r_type, r.url AS r_url, "	\
	"r.started_at AS r_started_at, r.duration_ms AS r_duration_ms"

/* An id whose call was merged into another leads to that one. */
#define CALL_ID										\
	"coalesce((SELECT r.call_id FROM call_redirects r WHERE r.app_id = $1::text::uuid AND r.id = $3::uuid), $3::uuid)"

/*
 * A page: $3 rows, $4 offset, $5 status, $6 direction, $7 number, $8 agent (id or lower-case email), $9 has_recording, $10 from, $11 to (half open),
 * $12 and $13 the last row's started_at and id (or infinity). NULL = not asked for.
 */
#define RANGE										\
	"c.app_id = $1::text::uuid AND k.state = 'ok' AND c.started_at >= $10::timestamptz AND c.started_at < $11::timestamptz "
#define PAGE_RANGE	RANGE "AND (c.started_at, c.id) < ($12::timestamptz, $13::uuid)"
/* Only a first page asks for a total, and a comparison with infinity for each of 10,000 rows is not free. */
#define TOTAL_RANGE	RANGE "AND $12::timestamptz IS NOT NULL AND $13::uuid IS NOT NULL"
#define F_STATUS	" AND ($5::text IS NULL OR c.status = $5::text)"
#define F_DIRECTION	" AND ($6::text IS NULL OR c.direction = $6::text)"
#define F_NUMBER	" AND ($7::text IS NULL OR c.from_number = $7::text OR c.to_number = $7::text)"
#define F_AGENT		" AND ($8::text IS NULL OR c.agent_id = $8::text OR c.agent_email_key = $8::text)"
#define F_RECORDING	" AND ($9::boolean IS NULL OR c.has_recording = $9::boolean)"
#define PAGE_ORDER	" ORDER BY c.started_at DESC, c.id DESC"
/* Where no other filter can have been given: naming no further column lets a total be answered from the index alone. */
#define NO_MORE(a, b)	" AND $" a " IS NULL AND $" b " IS NULL"
#define NO_FILTER	NO_MORE("7::text", "8::text") NO_MORE("5::text", "9::boolean")

#define BY_TIME		NO_FILTER " AND $6::text IS NULL"
#define BY_ACTIVE	" AND c.status IN ('ringing', 'active')" NO_FILTER " AND $6::text IS NULL"
#define BY_STATUS	" AND c.status = $5::text" F_DIRECTION F_NUMBER F_AGENT F_RECORDING
#define BY_DIRECTION	" AND c.direction = $6::text" NO_FILTER
#define BY_FROM		" AND c.from_number = $7::text" F_STATUS F_DIRECTION F_AGENT F_RECORDING
#define BY_TO		" AND c.to_number = $7::text AND c.from_number IS DISTINCT FROM $7::text" F_STATUS F_DIRECTION F_AGENT F_RECORDING
#define BY_AGENT_ID	" AND c.agent_id = $8::text" F_STATUS F_DIRECTION F_NUMBER F_RECORDING
#define BY_AGENT_EMAIL	" AND c.agent_email_key = $8::text" F_STATUS F_DIRECTION F_NUMBER F_RECORDING
#define BY_RECORDING	" AND c.has_recording = $9::boolean" F_STATUS F_DIRECTION F_NUMBER F_AGENT

#define PAGE(filter)									\
	BY_KEY("read", "SELECT " CALL_COLUMNS " FROM calls c WHERE " PAGE_RANGE filter PAGE_ORDER " LIMIT $3::bigint OFFSET $4::bigint")
#define TOTAL(filter)									\
	BY_KEY("read", "SELECT count(*) AS total FROM (SELECT 1 FROM calls c WHERE " TOTAL_RANGE filter		\
	    PAGE_ORDER " LIMIT $3::bigint OFFSET $4::bigint) n LIMIT 1")	/* ordered, so that the same index leads as in the page */
/* Either end of the call: two ordered index scans merged, since an OR could use neither order. */
#define NUMBER_SIDE(columns, filter)							\
	"(SELECT " columns " FROM calls c WHERE " PAGE_RANGE filter PAGE_ORDER " LIMIT $3::bigint + $4::bigint)"
#define NUMBER_PAGE									\
	BY_KEY("read", "SELECT * FROM (" NUMBER_SIDE(CALL_COLUMNS, BY_FROM) " UNION ALL " NUMBER_SIDE(CALL_COLUMNS, BY_TO) ") c"	\
	    PAGE_ORDER " LIMIT $3::bigint OFFSET $4::bigint")
#define NUMBER_TOTAL									\
	BY_KEY("read", "SELECT least(count(*), $3::bigint) AS total FROM (" NUMBER_SIDE("1", BY_FROM) " UNION ALL "	\
	    NUMBER_SIDE("1", BY_TO) ") n LIMIT 1")

_Static_assert(USAGE_CLIENTS_MAX == 5000, "W_USAGE reads one more");

static struct db_stmt stmts[W_COUNT] = {
	/* No tenant yet: this is how it is found, by a secret's hash. */
	[W_KEY_LOOKUP] = { "key_lookup", "SELECT l.app_id FROM api_key_lookup l WHERE l.key_hash = $1::bytea LIMIT 1" },
	/* What the key is worth, for a request that is wrong all the same. */
	[W_KEY_STATE] = { "key_state", BY_KEY("read", "SELECT 1 AS one LIMIT 1") },
	/* Belong to the installation, not to a tenant. */
	[W_INSTANCE_KEYS] = { "instance_keys", "SELECT i.name, encode(i.value, 'hex') FROM instance i WHERE i.name IN ('cursor_key', "
	    "'oauth_key')" },
	/* About the partitions. */
	[W_DAY] = { "day", "SELECT to_regclass('public.webhook_events_' || to_char($1::timestamptz AT TIME ZONE 'UTC', 'YYYYMMDD')) "
	    "IS NOT NULL, (date_part('epoch', now()) * 1000)::bigint" },
	/* About the transaction. */
	[W_NO_WAIT] = { "no_wait", "SELECT set_config('synchronous_commit', 'off', true)" },
	/* Every tenant's on purpose: a delivery is verified before its tenant is known. */
	[W_HOOKS] = { "hooks", "SELECT encode(h.token_hash, 'hex'), h.app_id, h.hook_id, h.provider, h.org_id, h.secret, "
	    "h.previous_secret, h.previous_until, h.enabled, h.updated_at FROM hook_lookup h "
	    "WHERE (h.updated_at, h.token_hash) > ($1::timestamptz, $2::bytea) ORDER BY h.updated_at, h.token_hash LIMIT 5000" },
	[W_CONNECT_KEY] = { "connect_key", BY_KEY("connect", "SELECT 1 AS one") },
	[W_STATE_BY_KEY] = { "state_by_key", "INSERT INTO oauth_states (state_hash, app_id, cookie_hash, created_at, expires_at, return_to) "
	    "SELECT $3::bytea, ak.app_id, $4::bytea, $5::timestamptz, $6::timestamptz, $7::text " OF_GOOD_KEY("connect") },
	[W_TICKET_BY_KEY] = { "ticket_by_key", "INSERT INTO oauth_tickets (token_hash, app_id, created_at, expires_at, return_to) "
	    "SELECT $3::bytea, ak.app_id, $4::timestamptz, $5::timestamptz, $6::text " OF_GOOD_KEY("connect") },
	/* A ticket's hash says whose it is; from then on only that tenant's app is seen. */
	[W_TICKET_TENANT] = { "ticket_tenant", "SELECT set_config('ringd.app_id', coalesce((SELECT t.app_id::text FROM oauth_tickets t "
	    "WHERE t.token_hash = $1::bytea), ''), true)" },
	[W_TICKET_LOOK] = { "ticket_look", "SELECT t.used_at IS NOT NULL, t.expires_at <= $2::timestamptz, t.app_id FROM oauth_tickets t "
	    "WHERE t.token_hash = $1::bytea" },
	[W_TICKET_START] = { "ticket_start", "UPDATE oauth_tickets t SET starts = t.starts + 1 WHERE t.token_hash = $1::bytea "
	    "AND t.app_id IS NOT NULL AND t.used_at IS NULL AND t.expires_at > $2::timestamptz" },
	[W_STATE_BY_TICKET] = { "state_by_ticket", "INSERT INTO oauth_states (state_hash, app_id, cookie_hash, created_at, expires_at, "
	    "ticket_hash, return_to) SELECT $1::bytea, t.app_id, $2::bytea, $3::timestamptz, $4::timestamptz, t.token_hash, t.return_to "
	    "FROM oauth_tickets t JOIN apps a ON a.id = t.app_id WHERE t.token_hash = $5::bytea AND a.is_active AND t.used_at IS NULL "
	    "AND t.expires_at > $3::timestamptz AND t.starts <= 100" },
	[W_CONNECT_AUDIT] = { "connect_audit", "SELECT ringd_audit(ak.app_id, 'key:' || ak.id, 'dialpad.connect', NULL, NULL, $3::text) "
	    OF_GOOD_KEY("connect") },
	[W_TICKET_AUDIT] = { "ticket_audit", "SELECT ringd_audit(s.app_id, 'ticket', 'dialpad.connect', NULL, NULL, $2::text) "
	    "FROM oauth_states s WHERE s.state_hash = $1::bytea" },
	[W_STATE_LOOK] = { "state_look", "SELECT s.used_at IS NOT NULL, s.expires_at <= $2::timestamptz, s.cookie_hash = $3::bytea, s.app_id "
	    "FROM oauth_states s WHERE s.state_hash = $1::bytea" },
	[W_STATE_TAKE] = { "state_take", "UPDATE oauth_states s SET used_at = $2::timestamptz WHERE s.state_hash = $1::bytea "
	    "AND s.used_at IS NULL AND s.expires_at > $2::timestamptz AND s.cookie_hash = $3::bytea AND (s.ticket_hash IS NULL OR EXISTS "
	    "(SELECT 1 FROM oauth_tickets t WHERE t.token_hash = s.ticket_hash AND t.used_at IS NULL)) RETURNING s.app_id, s.return_to" },
	[W_TICKET_USE] = { "ticket_use", "UPDATE oauth_tickets t SET used_at = $2::timestamptz WHERE t.used_at IS NULL AND t.token_hash = "
	    "(SELECT s.ticket_hash FROM oauth_states s WHERE s.state_hash = $1::bytea AND s.used_at = $2::timestamptz AND s.app_id = t.app_id)" },
	[W_DIAL_KEY] = { "dial_key", BY_KEY("dial", "SELECT 1 AS one") },
	[W_DIAL_ADD] = { "dial_add", "INSERT INTO dialpad_dials (app_id, id, idempotency_key, user_id, phone_number, custom_data, "
	    "created_at) SELECT ak.app_id, $3::uuid, $4::text, $5::text, $6::text, $7::text, $8::timestamptz " OF_GOOD_KEY("dial")
	    " ON CONFLICT DO NOTHING" },
	/* Of a call this job has added. */
	[W_DIAL_AUDIT] = { "dial_audit", "SELECT ringd_audit(ak.app_id, 'key:' || ak.id, 'dialpad.dial', $3::uuid::text, $4::text, $5::text) "
	    OF_GOOD_KEY("dial") " AND EXISTS (SELECT 1 FROM dialpad_dials d WHERE d.app_id = $1::text::uuid AND d.id = $3::uuid)" },
	/* Its call has been seen: then it was placed, whatever came of the answer. */
	[W_DIAL_FIND] = { "dial_find", "SELECT d.id, d.user_id = $5::text AND d.phone_number = $6::text AND d.custom_data IS NOT DISTINCT "
	    "FROM $7::text, CASE WHEN r.id IS NOT NULL THEN 'placed' ELSE d.state END, d.provider_call_id, d.error, "
	    "(extract(epoch FROM d.sent_at) * 1000)::bigint, (extract(epoch FROM d.created_at) * 1000)::bigint "
	    "FROM (SELECT coalesce((SELECT k.id FROM dialpad_dials k WHERE k.app_id = $1::text::uuid AND k.idempotency_key = $4::text), "
	    "$3::uuid) AS id OFFSET 0) w JOIN dialpad_dials d ON d.app_id = $1::text::uuid AND d.id = w.id "
	    "LEFT JOIN call_redirects r ON r.app_id = d.app_id AND r.id = d.id WHERE $2::bytea IS NOT NULL" },
	/* Those that were clients in the month, also if they are none any more, or used something. Ids are in the order of time. */
	/* What the administrator noted of a key is no page's business. */
	[W_SESSION_USAGE] = { "session_usage", BY_SESSION("SELECT c.id AS client_id, c.prefix || '...' || c.last4 AS client, "
	    "coalesce(u.used, 0) AS used, c.monthly_limit, coalesce(u.refused, 0) AS refused FROM api_keys c LEFT JOIN usage u "
	    "ON u.app_id = $1::text::uuid AND u.key_id = c.id AND u.month = $5::text WHERE k.state = 'ok' AND c.app_id = $1::text::uuid "
	    "AND c.id = k.key_id LIMIT 1") },
	[W_USAGE] = { "usage", BY_KEY("read", "SELECT c.id, coalesce(c.note, c.prefix || '...' || c.last4) AS client, "
	    "coalesce(u.used, 0) AS used, c.monthly_limit, coalesce(u.refused, 0) AS refused FROM api_keys c LEFT JOIN usage u "
	    "ON u.app_id = $1::text::uuid AND u.key_id = c.id AND u.month = $3::text WHERE k.state = 'ok' AND c.app_id = $1::text::uuid "
	    "AND c.kind = 'browser' AND (u.month IS NOT NULL OR (c.created_at < ($3::text || '-01T00:00:00Z')::timestamptz + interval '1 month' "
	    "AND (c.revoked_at IS NULL OR c.revoked_at >= ($3::text || '-01T00:00:00Z')::timestamptz))) ORDER BY c.id LIMIT 5001") },
	[W_AUDIT] = { "audit", "SELECT ringd_audit($1::text::uuid, $2::text, $3::text, $4::text, $5::text, $6::text)" },
	/* One row per recording, one in any case: a second statement would cost more than the call's columns repeated. The id is
	 * worked out beside the call, because compared with the expression itself it would not be looked up in the primary key. */
	[W_CALL] = { "call", BY_KEY("read", "SELECT " DETAIL_COLUMNS " FROM (SELECT " CALL_ID " AS id OFFSET 0) w "
	    "JOIN calls c ON c.app_id = $1::text::uuid AND c.id = w.id LEFT JOIN LATERAL (SELECT cr.recording_id, cr.type, cr.url, "
	    "cr.started_at, cr.duration_ms FROM call_recordings cr WHERE cr.app_id = $1::text::uuid AND cr.call_id = c.id "
	    "ORDER BY cr.recording_id LIMIT 64) r ON true WHERE k.state = 'ok' LIMIT 64") },
	/* No tenant yet: a preflight names no key, and a session's token says whose it is. */
	[W_ORIGIN] = { "origin", "SELECT o.app_id FROM ribbon_origins o WHERE o.origin = ANY (ARRAY[$1::text, $2::text]) LIMIT 1" },
	[W_SESSION_LOOKUP] = { "session_lookup", "SELECT l.app_id FROM ribbon_session_lookup l WHERE l.token_hash = $1::bytea LIMIT 1" },
	[W_CLIENT] = { "client", RIBBON_CLIENT },
	[W_SIGNERS] = { "signers", RIBBON_SIGNERS },
	[W_AGENT] = { "agent", RIBBON_AGENT },
	[W_SESSION_ADD] = { "session_add", RIBBON_SESSION_ADD },
	[W_SESSION_LOOKUP_ADD] = { "session_lookup_add", RIBBON_LOOKUP_ADD },
	[W_SESSION_AUDIT] = { "session_audit", RIBBON_SESSION_AUDIT },
	[W_SESSION] = { "session", BY_SESSION("SELECT 1 AS one") },
	[W_SESSION_RENEW] = { "session_renew", SESSION_RENEW },
	[W_SESSION_END] = { "session_end", SESSION_END },
	[W_SESSION_END_AUDIT] = { "session_end_audit", SESSION_END_AUDIT },
	[W_RCALL_ADD] = { "rcall_add", RCALL_ADD },
	[W_RCALL_LOCK] = { "rcall_lock", RCALL_LOCK },
	[W_USAGE_TAKE] = { "usage_take", USAGE_TAKE },
	[W_RCALL_ASK] = { "rcall_ask", RCALL_ASK },
	[W_USAGE_REFUSE] = { "usage_refuse", USAGE_REFUSE },
	[W_RCALL_REFUSE] = { "rcall_refuse", RCALL_REFUSE },
	[W_RCALL_FIND] = { "rcall_find", RCALL_FIND },
	[W_RCALL_GET] = { "rcall_get", RCALL_GET },
	[W_RCALL_LIST] = { "rcall_list", RCALL_LIST },
	[W_RCALL_CAME] = { "rcall_came", RCALL_CAME },
	[W_RCALL_CAME_AS] = { "rcall_came_as", RCALL_CAME_AS },
	[W_RCALL_END] = { "rcall_end", RCALL_END },
	[W_RCALL_STATE] = { "rcall_state", RCALL_STATE },
	[W_RCALL_NOTE] = { "rcall_note", RCALL_NOTE },
	[W_CALLS + CALLS_BY_TIME] = { "calls_by_time", PAGE(BY_TIME) },
	[W_CALLS + CALLS_BY_ACTIVE] = { "calls_by_active", PAGE(BY_ACTIVE) },
	[W_CALLS + CALLS_BY_STATUS] = { "calls_by_status", PAGE(BY_STATUS) },
	[W_CALLS + CALLS_BY_DIRECTION] = { "calls_by_direction", PAGE(BY_DIRECTION) },
	[W_CALLS + CALLS_BY_NUMBER] = { "calls_by_number", NUMBER_PAGE },
	[W_CALLS + CALLS_BY_AGENT_ID] = { "calls_by_agent_id", PAGE(BY_AGENT_ID) },
	[W_CALLS + CALLS_BY_AGENT_EMAIL] = { "calls_by_agent_email", PAGE(BY_AGENT_EMAIL) },
	[W_CALLS + CALLS_BY_RECORDING] = { "calls_by_recording", PAGE(BY_RECORDING) },
	[W_CALLS_TOTAL + CALLS_BY_TIME] = { "total_by_time", TOTAL(BY_TIME) },
	[W_CALLS_TOTAL + CALLS_BY_ACTIVE] = { "total_by_active", TOTAL(BY_ACTIVE) },
	[W_CALLS_TOTAL + CALLS_BY_STATUS] = { "total_by_status", TOTAL(BY_STATUS) },
	[W_CALLS_TOTAL + CALLS_BY_DIRECTION] = { "total_by_direction", TOTAL(BY_DIRECTION) },
	[W_CALLS_TOTAL + CALLS_BY_NUMBER] = { "total_by_number", NUMBER_TOTAL },
	[W_CALLS_TOTAL + CALLS_BY_AGENT_ID] = { "total_by_agent_id", TOTAL(BY_AGENT_ID) },
	[W_CALLS_TOTAL + CALLS_BY_AGENT_EMAIL] = { "total_by_agent_email", TOTAL(BY_AGENT_EMAIL) },
	[W_CALLS_TOTAL + CALLS_BY_RECORDING] = { "total_by_recording", TOTAL(BY_RECORDING) },
};

/* The batch statements: text before and after a list of VALUES rows, whose casts give the parameters their types. */
struct batch_stmt {
	int		 first;			/* enum worker_stmt of class 0 */
	const char	*name, *before, *after;
	const char	*casts[W_EVENT_COLS];
	int		 ncols;
};

static const struct batch_stmt batches[] = {
	{ W_DEDUPE_LOOK, "dedupe_look", "SELECT encode(d.digest, 'hex'), d.app_id FROM event_dedupe d WHERE (d.app_id, d.digest) IN (VALUES ",
	    ")", { "uuid", "bytea" }, 2 },
	{ W_DEDUPE_ADD, "dedupe_add", "INSERT INTO event_dedupe (app_id, digest, received_at) VALUES ", "",
	    { "uuid", "bytea", "timestamptz" }, W_DEDUPE_COLS },
	{ W_EVENTS_ADD, "events_add", "INSERT INTO webhook_events (app_id, id, received_at, provider, event_type, event_ts, leg_id, is_call, "
	    "source, hook_id, secret_used, request_id, digest, facts, payload) VALUES ", "",
	    { "uuid", "uuid", "timestamptz", "text", "text", "timestamptz", "text", "boolean", "text", "uuid", "text", "text", "bytea", "json",
	    "json" }, W_EVENT_COLS },
	{ W_QUEUE_ADD, "queue_add", "INSERT INTO webhook_queue (app_id, id, received_at, next_try_at) VALUES ", "",
	    { "uuid", "uuid", "timestamptz", "timestamptz" }, W_QUEUE_COLS },
	/* Again after an answer that never came: what is there already stays as it is. */
	{ W_REQUESTS_ADD, "requests_add", "INSERT INTO request_logs (app_id, created_at, id, requests, method, route, status, duration_us, "
	    "db_us, bytes, client, request_id) VALUES ", " ON CONFLICT DO NOTHING",
	    { "uuid", "timestamptz", "uuid", "integer", "text", "text", "integer", "bigint", "bigint", "bigint", "text", "text" },
	    W_REQUEST_COLS },
};

static char *
values_sql(const struct batch_stmt *s, int rows)
{
	struct buf b;
	int r, c;

	buf_init(&b, VALUES_SQL_MAX);
	buf_puts(&b, s->before);
	for (r = 0; r < rows; r++)
		for (c = 0; c < s->ncols; c++)
			buf_printf(&b, "%s$%d::%s%s", c > 0 ? "," : r > 0 ? ",(" : "(", r * s->ncols + c + 1, s->casts[c],
			    c == s->ncols - 1 ? ")" : "");
	buf_puts(&b, s->after);
	buf_putc(&b, '\0');
	if (b.failed) {
		log_error("out of memory for SQL statements");
		abort();
	}
	return b.p;
}

static char *
values_name(const struct batch_stmt *s, int rows)
{
	char name[32];
	char *copy;

	snprintf(name, sizeof(name), "%s_%d", s->name, rows);
	copy = strdup(name);
	if (copy == NULL)
		abort();
	return copy;
}

const struct db_stmt_table *
stmt_worker_table(void)
{
	static const struct db_stmt_table table = { stmts, W_COUNT };
	size_t i;
	int k;

	for (i = 0; i < COUNT(batches); i++)
		for (k = 0; k < WORKER_BATCH_CLASSES; k++) {
			struct db_stmt *s = &stmts[batches[i].first + k];
			if (s->sql != NULL)
				return &table;
			s->name = values_name(&batches[i], worker_batch_rows[k]);
			s->sql = values_sql(&batches[i], worker_batch_rows[k]);
		}
	return &table;
}
