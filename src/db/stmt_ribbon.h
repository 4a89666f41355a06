/*
 * stmt_ribbon: the SQL of the call ribbon's statements, for the worker's table in stmt_worker.c and nobody else. Who begins
 * (by browser key), who acts (by session), and what a call costs.
 */
#ifndef RINGD_STMT_RIBBON_H
#define RINGD_STMT_RIBBON_H

/* A page's origin is one of key K's: as it is, or with a star in place of its first label ($4, NULL where there is none). */
#define IS_ORIGIN_OF(key)								\
	"EXISTS (SELECT 1 FROM ribbon_origins o WHERE o.app_id = $1::text::uuid AND o.key_id = " key " AND o.origin = $3::text) OR "	\
	"EXISTS (SELECT 1 FROM ribbon_origins o WHERE o.app_id = $1::text::uuid AND o.key_id = " key " AND o.origin = $4::text)"

/*
 * What a browser key is worth to a page: $1 app, $2 key hash, $3 origin, $4 with a star, $5 month. Sets the tenant for what
 * follows in its transaction, as BY_KEY does.
 */
#define CLIENT_STATE									\
	"CASE WHEN ak.revoked_at <= now() THEN 'revoked' WHEN ak.expires_at <= now() THEN 'expired' "	\
	"WHEN ak.kind <> 'browser' THEN 'kind' WHEN NOT (" IS_ORIGIN_OF("ak.id") ") THEN 'origin' "	\
	"WHEN NOT a.is_active THEN 'inactive' WHEN x.is_active IS NOT TRUE THEN 'account' ELSE 'ok' END"
#define CLIENT_FROM									\
	"FROM api_keys ak JOIN apps a ON a.id = ak.app_id LEFT JOIN exotel_accounts x ON x.app_id = ak.app_id "	\
	"WHERE ak.app_id = $1::text::uuid AND ak.key_hash = $2::bytea"
#define RIBBON_CLIENT									\
	"SELECT k.state, k.own_limit, k.id, k.monthly_limit, coalesce(u.used, 0), k.app_name FROM "	\
	"(SELECT set_config('ringd.app_id', $1::text, true) AS s OFFSET 0) g CROSS JOIN LATERAL ("	\
	"SELECT ak.id, ak.rate_limit || '/' || ak.rate_window AS own_limit, ak.monthly_limit, a.name AS app_name, "	\
	CLIENT_STATE " AS state " CLIENT_FROM " AND g.s IS NOT NULL LIMIT 1) k "	\
	"LEFT JOIN usage u ON u.app_id = $1::text::uuid AND u.key_id = k.id AND u.month = $5::text"
/* Hashes of the keys an agent token may be signed with. More than so many of one app nobody has. */
#define RIBBON_SIGNERS									\
	"SELECT encode(ak.key_hash, 'hex') FROM api_keys ak WHERE ak.app_id = $1::text::uuid AND ak.kind = 'server' "	\
	"AND (ak.revoked_at IS NULL OR ak.revoked_at > now()) AND (ak.expires_at IS NULL OR ak.expires_at > now()) LIMIT 1000"
#define RIBBON_AGENT									\
	"SELECT ra.id, ra.agent_id, ra.name, ra.mode, ra.is_active FROM ribbon_agents ra "	\
	"WHERE ra.app_id = $1::text::uuid AND ra.agent_id = $2::text"
/* $5 month as above (unused), $6 session, $7 its token's hash, $8 agent, $9 now, $10 end. */
#define RIBBON_SESSION_ADD								\
	"INSERT INTO ribbon_sessions (app_id, id, token_hash, key_id, agent, origin, created_at, expires_at) "	\
	"SELECT ak.app_id, $6::uuid, $7::bytea, ak.id, $8::uuid, $3::text, $9::timestamptz, $10::timestamptz " CLIENT_FROM	\
	" AND $5::text IS NOT NULL AND " CLIENT_STATE " = 'ok'"
#define RIBBON_LOOKUP_ADD								\
	"INSERT INTO ribbon_session_lookup (token_hash, app_id, created_at) SELECT s.token_hash, s.app_id, s.created_at "	\
	"FROM ribbon_sessions s WHERE s.app_id = $1::text::uuid AND s.id = $2::uuid"
#define RIBBON_SESSION_AUDIT								\
	"SELECT ringd_audit(s.app_id, 'key:' || s.key_id, 'ribbon.init', 'session:' || s.id, "	\
	"json_build_object('agent', ra.agent_id, 'origin', s.origin)::text, $3::text) FROM ribbon_sessions s JOIN ribbon_agents ra "	\
	"ON ra.app_id = s.app_id AND ra.id = s.agent WHERE s.app_id = $1::text::uuid AND s.id = $2::uuid"

/*
 * A session, all it hangs on, and what it is worth to a page: $1 app, $2 token's hash, $3 origin, $4 with a star. BY_SESSION is
 * BY_KEY's twin; GOOD_SESSION a row of it, or none, for what is written behind a BY_SESSION in its transaction.
 */
#define SESSION_STATE									\
	"CASE WHEN s.revoked_at IS NOT NULL OR ak.revoked_at <= now() OR ak.expires_at <= now() OR ak.kind <> 'browser' "	\
	"OR NOT ra.is_active THEN 'revoked' WHEN s.expires_at <= now() THEN 'expired' "	\
	"WHEN s.origin <> $3::text OR NOT (" IS_ORIGIN_OF("s.key_id") ") THEN 'origin' "	\
	"WHEN NOT a.is_active THEN 'inactive' ELSE 'ok' END"
#define SESSION_FROM									\
	"FROM ribbon_sessions s JOIN api_keys ak ON ak.app_id = s.app_id AND ak.id = s.key_id "	\
	"JOIN ribbon_agents ra ON ra.app_id = s.app_id AND ra.id = s.agent JOIN apps a ON a.id = s.app_id "	\
	"WHERE s.app_id = $1::text::uuid AND s.token_hash = $2::bytea"
#define BY_SESSION(inner)								\
	"SELECT k.state, k.own_limit, k.id, k.agent, x.* FROM (SELECT set_config('ringd.app_id', $1::text, true) AS s OFFSET 0) g "	\
	"CROSS JOIN LATERAL (SELECT s.id, s.agent, s.key_id, ak.rate_limit || '/' || ak.rate_window AS own_limit, "	\
	SESSION_STATE " AS state " SESSION_FROM " AND g.s IS NOT NULL LIMIT 1) k "	\
	"LEFT JOIN LATERAL (" inner ") x ON true"
#define GOOD_SESSION	"(SELECT s.id, s.agent, s.key_id, ra.mode " SESSION_FROM " AND " SESSION_STATE " = 'ok')"

/* $5 now, $6 end, $7 longest life in ms. */
#define SESSION_RENEW									\
	"UPDATE ribbon_sessions t SET renewed_at = $5::timestamptz, expires_at = least($6::timestamptz, "	\
	"t.created_at + $7::bigint * interval '1 millisecond') FROM " GOOD_SESSION " g WHERE t.app_id = $1::text::uuid "	\
	"AND t.id = g.id AND t.created_at + $7::bigint * interval '1 millisecond' > $5::timestamptz "	\
	"RETURNING (extract(epoch FROM t.expires_at) * 1000)::bigint"
#define SESSION_END									\
	"UPDATE ribbon_sessions t SET revoked_at = $5::timestamptz FROM " GOOD_SESSION " g "	\
	"WHERE t.app_id = $1::text::uuid AND t.id = g.id"
/* Of the one ended just now. */
#define SESSION_END_AUDIT								\
	"SELECT ringd_audit(s.app_id, 'session:' || s.id, 'ribbon.end', 'session:' || s.id, NULL, $6::text) FROM ribbon_sessions s "	\
	"WHERE s.app_id = $1::text::uuid AND s.token_hash = $2::bytea AND s.revoked_at = $5::timestamptz "	\
	"AND $3::text IS NOT NULL AND ($4::text IS NULL OR $4::text IS NOT NULL)"

/*
 * A call: the row first, "refused"; then the quota, once for the row and only below the limit; then the row follows: "asked" when
 * the quota took it, else "refused" with a reason. All in one transaction, so that whatever dies, both or neither is there.
 * A row that was there already is locked first, and decided anew if it was "refused": nothing had been done for it.
 * $5 id, $6 idempotency key, $7 number, $8 context, $9 month, $10 now.
 */
#define RCALL_ADD									\
	"INSERT INTO ribbon_calls (app_id, id, session_id, key_id, agent, idempotency_key, phone_number, context, mode, month, "	\
	"created_at) SELECT $1::text::uuid, $5::uuid, g.id, g.key_id, g.agent, $6::text, $7::text, $8::text, g.mode, $9::text, "	\
	"$10::timestamptz FROM " GOOD_SESSION " g ON CONFLICT DO NOTHING"
/*
 * From here on too: $1 to $4 as every statement by session, $5 id, $6 idempotency key, $7 number, $8 context, $9 month, $10 now.
 * Which row that is, worked out beside it: compared with the expression itself, the row would not be looked up in its key. Only a
 * session that is good still finds what was asked for before, or it could have that decided anew.
 */
#define WHICH_CALL									\
	"(SELECT coalesce((SELECT k.id FROM ribbon_calls k WHERE k.app_id = $1::text::uuid AND k.agent = (SELECT g.agent "	\
	"FROM " GOOD_SESSION " g) AND k.idempotency_key = $6::text), $5::uuid) AS id OFFSET 0) w"
#define THE_CALL	"c.app_id = $1::text::uuid AND c.id = w.id"
#define SAME_WISH	"c.phone_number = $7::text AND c.context IS NOT DISTINCT FROM $8::text"
#define UNDECIDED	SAME_WISH " AND c.state = 'refused'"
#define ACTOR		"'session:' || (SELECT s.id FROM ribbon_sessions s WHERE s.app_id = $1::text::uuid AND s.token_hash = $2::bytea)"
#define RCALL_LOCK	"SELECT 1 FROM " WHICH_CALL " JOIN ribbon_calls c ON " THE_CALL " FOR UPDATE OF c"
#define USAGE_TAKE									\
	"INSERT INTO usage AS u (app_id, key_id, month, used, last_call, updated_at) "	\
	"SELECT c.app_id, c.key_id, $9::text, 1, c.id, $10::timestamptz FROM " WHICH_CALL " JOIN ribbon_calls c ON " THE_CALL	\
	" JOIN api_keys ak ON ak.app_id = c.app_id AND ak.id = c.key_id WHERE " UNDECIDED " AND coalesce(ak.monthly_limit, 1) > 0 "	\
	"ON CONFLICT (app_id, key_id, month) DO UPDATE SET used = u.used + 1, last_call = excluded.last_call, "	\
	"updated_at = excluded.updated_at WHERE u.used < coalesce((SELECT ak.monthly_limit FROM api_keys ak "	\
	"WHERE ak.app_id = u.app_id AND ak.id = u.key_id), 9223372036854775807)"
/* $10 request, $11 detail. Whoever decides writes it down, and also the call that made 80, 95 or 100 of a hundred full. */
#define RCALL_ASK									\
	"WITH d AS (UPDATE ribbon_calls c SET state = 'asked', error = NULL, month = $9::text FROM " WHICH_CALL " CROSS JOIN "	\
	"usage u JOIN api_keys ak ON ak.app_id = u.app_id AND ak.id = u.key_id WHERE " THE_CALL " AND " UNDECIDED	\
	" AND u.app_id = c.app_id AND u.key_id = c.key_id AND u.month = $9::text AND u.last_call = c.id RETURNING c.app_id, c.id, c.key_id, u.used, ak.monthly_limit) "	\
	"SELECT d.key_id, d.used, d.monthly_limit, p.mark, ringd_audit(d.app_id, " ACTOR ", 'ribbon.dial', 'call:' || d.id, $11::text, "	\
	"$10::text), CASE WHEN p.mark IS NOT NULL THEN ringd_audit(d.app_id, " ACTOR ", 'usage.' || p.mark, 'key:' || d.key_id, "	\
	"json_build_object('month', $9::text, 'used', d.used, 'limit', d.monthly_limit)::text, $10::text) END "	\
	"FROM d LEFT JOIN LATERAL (SELECT max(m.mark) AS mark FROM (VALUES (80), (95), (100)) m (mark) "	\
	"WHERE d.used = (d.monthly_limit * m.mark + 99) / 100) p ON true"
#define USAGE_REFUSE									\
	"INSERT INTO usage AS u (app_id, key_id, month, used, refused, updated_at) "	\
	"SELECT c.app_id, c.key_id, $9::text, 0, 1, $10::timestamptz FROM " WHICH_CALL	\
	" JOIN ribbon_calls c ON " THE_CALL " WHERE " UNDECIDED	\
	" ON CONFLICT (app_id, key_id, month) DO UPDATE SET refused = u.refused + 1, updated_at = excluded.updated_at"
/* $9 request. */
#define RCALL_REFUSE									\
	"UPDATE ribbon_calls c SET error = 'limit_reached' FROM " WHICH_CALL " WHERE " THE_CALL " AND " UNDECIDED	\
	" RETURNING ringd_audit(c.app_id, " ACTOR ", 'ribbon.refused', 'call:' || c.id, '{\"code\":\"limit_reached\"}', $9::text)"
#define RCALL_FIND									\
	"SELECT c.id, " SAME_WISH ", c.state, c.provider_call_id, c.error, c.mode, (extract(epoch FROM c.sent_at) * 1000)::bigint, "	\
	"(extract(epoch FROM c.created_at) * 1000)::bigint FROM " WHICH_CALL " JOIN ribbon_calls c ON " THE_CALL

/* What an agent sees of a call; the one of the calls list that belongs to it, when events have come. */
#define RCALL_COLUMNS									\
	"c.id AS c_id, c.state AS c_state, c.provider_call_id, c.phone_number, c.context, c.mode, v.status, v.outcome, c.end_reason, "	\
	"c.error, c.held, c.muted, c.disposition, c.note, c.created_at, v.connected_at, coalesce(c.ended_at, v.ended_at), c.direction"
#define RCALL_TABLES									\
	"ribbon_calls c LEFT JOIN calls v ON v.app_id = c.app_id AND v.provider = 'exotel' "	\
	"AND v.provider_call_id = c.provider_call_id COLLATE \"default\""
#define RCALL_GET									\
	BY_SESSION("SELECT " RCALL_COLUMNS " FROM " RCALL_TABLES " WHERE k.state = 'ok' AND c.app_id = $1::text::uuid "	\
	    "AND c.id = $5::uuid AND c.agent = k.agent LIMIT 1")
#define RCALL_LIST									\
	BY_SESSION("SELECT " RCALL_COLUMNS " FROM " RCALL_TABLES " WHERE k.state = 'ok' AND c.app_id = $1::text::uuid "	\
	    "AND c.agent = k.agent ORDER BY c.created_at DESC, c.id DESC LIMIT $5::bigint")
/*
 * A call that came to the agent's telephone in the page and was answered there: $5 id, $6 Exotel's name for it, $7 number, $8 month,
 * $9 now. It costs nothing. Told twice, or of a call the agent asked for, it is the row that is there.
 */
#define RCALL_CAME									\
	"INSERT INTO ribbon_calls (app_id, id, session_id, key_id, agent, direction, phone_number, mode, month, state, "	\
	"provider_call_id, created_at) SELECT $1::text::uuid, $5::uuid, g.id, g.key_id, g.agent, 'inbound', $7::text, g.mode, "	\
	"$8::text, 'placed', $6::text, $9::timestamptz FROM " GOOD_SESSION " g WHERE NOT EXISTS (SELECT 1 FROM ribbon_calls o "	\
	"WHERE o.app_id = $1::text::uuid AND o.provider_call_id = $6::text AND o.agent = g.agent) ON CONFLICT DO NOTHING"
#define RCALL_CAME_AS									\
	"SELECT c.state, c.id FROM " GOOD_SESSION " g JOIN ribbon_calls c ON c.app_id = $1::text::uuid "	\
	"AND c.provider_call_id = $5::text AND c.agent = g.agent ORDER BY c.created_at, c.id LIMIT 1"
#define OF_MY_CALL	" FROM " GOOD_SESSION " g WHERE c.app_id = $1::text::uuid AND c.id = $5::uuid AND c.agent = g.agent"
#define RCALL_END									\
	"UPDATE ribbon_calls c SET state = CASE WHEN c.state IN ('sent', 'placed') THEN 'ended' ELSE c.state END, "	\
	"end_reason = CASE WHEN c.state IN ('sent', 'placed') THEN $6::text ELSE c.end_reason END, "	\
	"ended_at = CASE WHEN c.state IN ('sent', 'placed') THEN $7::timestamptz ELSE c.ended_at END" OF_MY_CALL " RETURNING c.state"
#define RCALL_STATE									\
	"UPDATE ribbon_calls c SET held = coalesce($6::boolean, c.held), muted = coalesce($7::boolean, c.muted)" OF_MY_CALL	\
	" RETURNING c.state"
#define RCALL_NOTE									\
	"UPDATE ribbon_calls c SET disposition = coalesce($6::text, c.disposition), note = coalesce($7::text, c.note), "	\
	"logged_at = $8::timestamptz" OF_MY_CALL " RETURNING c.state"

#endif
