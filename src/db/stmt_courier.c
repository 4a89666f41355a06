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
	{ "dialpad_connections", "hook_secret" },
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

#define LEASE(which)									\
	"UPDATE dialpad_connections t SET lease_owner = $2::uuid, lease_until = $3::timestamptz FROM (SELECT c.app_id, c.id "	\
	"FROM dialpad_connections c WHERE c.state = 'connected' AND c.refresh_token IS NOT NULL AND " which " "	\
	"AND (c.lease_until IS NULL OR c.lease_until <= $1::timestamptz) ORDER BY c.next_try_at LIMIT 1 FOR UPDATE SKIP LOCKED) d "	\
	"WHERE t.app_id = d.app_id AND t.id = d.id RETURNING t.app_id, t.id, t.company_id, encode(t.refresh_token, 'hex'), t.attempts"
#define MINE	"WHERE c.app_id = $1::uuid AND c.id = $2::uuid AND c.lease_owner = $3::uuid"

static const struct db_stmt stmts[C_COUNT] = {
	[C_STALE] = { "stale_access_token", STALE("dialpad_connections", "access_token") },
	[C_STALE + 1] = { "stale_refresh_token", STALE("dialpad_connections", "refresh_token") },
	[C_STALE + 2] = { "stale_hook_url", STALE("dialpad_connections", "hook_url") },
	[C_STALE + 3] = { "stale_hook_secret", STALE("dialpad_connections", "hook_secret") },
	[C_PAGE] = { "page_access_token", PAGE("dialpad_connections", "access_token") },
	[C_PAGE + 1] = { "page_refresh_token", PAGE("dialpad_connections", "refresh_token") },
	[C_PAGE + 2] = { "page_hook_url", PAGE("dialpad_connections", "hook_url") },
	[C_PAGE + 3] = { "page_hook_secret", PAGE("dialpad_connections", "hook_secret") },
	[C_RESEAL] = { "reseal_access_token", RESEAL("dialpad_connections", "access_token") },
	[C_RESEAL + 1] = { "reseal_refresh_token", RESEAL("dialpad_connections", "refresh_token") },
	[C_RESEAL + 2] = { "reseal_hook_url", RESEAL("dialpad_connections", "hook_url") },
	[C_RESEAL + 3] = { "reseal_hook_secret", RESEAL("dialpad_connections", "hook_secret") },

	[C_CONNECTION] = { "connection", "SELECT a.is_active, c.id, c.company_id, c.state FROM apps a LEFT JOIN dialpad_connections c "
	    "ON c.app_id = a.id WHERE a.id = $1::uuid" },
	[C_CONNECTION_ADD] = { "connection_add", "INSERT INTO dialpad_connections (app_id, id, company_id, user_id, user_name, scopes, "
	    "access_token, refresh_token, expires_at, next_try_at, state, connected_at, refreshed_at, hooks_due_at, reconciled_until, "
	    "created_at, updated_at) VALUES ($1::uuid, $2::uuid, $3::text, $4::text, $5::text, $6::text, $7::bytea, $8::bytea, "
	    "$9::timestamptz, $10::timestamptz, 'connected', $11::timestamptz, $11::timestamptz, $11::timestamptz, $11::timestamptz, "
	    "$11::timestamptz, $11::timestamptz) ON CONFLICT DO NOTHING" },
	[C_CONNECTION_RENEW] = { "connection_renew", "UPDATE dialpad_connections c SET company_id = $3::text, user_id = $4::text, user_name = "
	    "$5::text, scopes = $6::text, access_token = $7::bytea, refresh_token = $8::bytea, expires_at = $9::timestamptz, next_try_at = "
	    "$10::timestamptz, state = 'connected', connected_at = $11::timestamptz, refreshed_at = $11::timestamptz, hooks_due_at = "
	    "$11::timestamptz, updated_at = $11::timestamptz, attempts = 0, last_error = NULL, lease_owner = NULL, lease_until = NULL "
	    "WHERE c.app_id = $1::uuid AND c.id = $2::uuid" },

	/* Whichever tenant's is due. The lock makes it one process; the lease keeps it so while Dialpad is asked. */
	[C_REFRESH_DUE] = { "refresh_due", LEASE("c.next_try_at <= $1::timestamptz") },
	[C_REFRESH_OF] = { "refresh_of", LEASE("c.app_id = $4::uuid AND ($5::bytea IS NULL OR c.access_token = $5::bytea)") },
	[C_REFRESHED] = { "refreshed", "UPDATE dialpad_connections c SET access_token = $4::bytea, refresh_token = coalesce($5::bytea, "
	    "c.refresh_token), expires_at = $6::timestamptz, next_try_at = $7::timestamptz, refreshed_at = $8::timestamptz, updated_at = "
	    "$8::timestamptz, attempts = 0, last_error = NULL, lease_owner = NULL, lease_until = NULL " MINE },
	[C_REFRESH_LATER] = { "refresh_later", "UPDATE dialpad_connections c SET next_try_at = $4::timestamptz, last_error = $5::text, "
	    "updated_at = $6::timestamptz, attempts = c.attempts + 1, lease_owner = NULL, lease_until = NULL " MINE },
	[C_NEEDS_RECONNECT] = { "needs_reconnect", "UPDATE dialpad_connections c SET state = 'needs_reconnect', last_error = $4::text, "
	    "updated_at = $5::timestamptz, next_try_at = NULL, lease_owner = NULL, lease_until = NULL " MINE },
	[C_GRANT_REFUSED] = { "grant_refused", "UPDATE dialpad_connections c SET state = 'needs_reconnect', last_error = $4::text, "
	    "updated_at = $5::timestamptz, next_try_at = NULL WHERE c.app_id = $1::uuid AND c.id = $2::uuid AND c.state = 'connected' "
	    "AND c.access_token = $3::bytea" },
	[C_GRANT] = { "grant", "SELECT c.id, c.company_id, c.state, encode(c.access_token, 'hex'), c.refresh_token IS NOT NULL "
	    "FROM dialpad_connections c JOIN apps a ON a.id = c.app_id WHERE c.app_id = $1::uuid AND a.is_active" },

	/* Whoever takes it sends it: nobody else ever will, unless it is given back. */
	[C_DIAL_TAKE] = { "dial_take", "UPDATE dialpad_dials d SET state = 'sent', sent_at = $3::timestamptz, error = NULL WHERE "
	    "d.app_id = $1::uuid AND d.id = $2::uuid AND d.state = 'asked' RETURNING d.user_id, d.phone_number, d.custom_data" },
	[C_DIAL_DONE] = { "dial_done", "UPDATE dialpad_dials d SET state = $3::text, provider_call_id = $4::text, error = $5::text "
	    "WHERE d.app_id = $1::uuid AND d.id = $2::uuid AND d.state = 'sent'" },
};

const struct db_stmt_table stmt_courier = { stmts, COUNT(stmts) };
