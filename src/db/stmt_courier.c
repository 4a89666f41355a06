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

static const struct db_stmt stmts[C_COUNT] = {
	[C_STALE] = { "stale_access_token", STALE("dialpad_connections", "access_token") },
	[C_STALE + 1] = { "stale_refresh_token", STALE("dialpad_connections", "refresh_token") },
	[C_PAGE] = { "page_access_token", PAGE("dialpad_connections", "access_token") },
	[C_PAGE + 1] = { "page_refresh_token", PAGE("dialpad_connections", "refresh_token") },
	[C_RESEAL] = { "reseal_access_token", RESEAL("dialpad_connections", "access_token") },
	[C_RESEAL + 1] = { "reseal_refresh_token", RESEAL("dialpad_connections", "refresh_token") },
};

const struct db_stmt_table stmt_courier = { stmts, COUNT(stmts) };
