/*
 * stmt: every SQL statement of the daemon, by name, in one table per role (stmt_worker.c, stmt_reaper.c; ringctl's in
 * stmt_ctl.c). Prepared on connect. Each names app_id, or says in a comment why there is no tenant in it.
 * The tenant preamble (row-level security's setting) is written by the macros of this file and nowhere else.
 */
#ifndef RINGD_STMT_H
#define RINGD_STMT_H

#include <stddef.h>

struct db_stmt {
	const char	*name;		/* prepared name; also in logs */
	const char	*sql;
};

struct db_stmt_table {
	const struct db_stmt	*stmt;	/* index = enum of the role's header */
	size_t			 count;
};

/*
 * Runs `inner` (a SELECT that ends in LIMIT) with the tenant set to $1 (uuid as text) for this statement's transaction: the form that
 * works in one statement on plain PostgreSQL and on Citus alike. inner's columns come out as x.*.
 */
#define STMT_TENANT(inner)							\
	"SELECT x.* FROM (SELECT set_config('ringd.app_id', $1::text, true) AS s OFFSET 0) g, "	\
	"LATERAL (" inner ") x WHERE g.s IS NOT NULL"

#define SCHEMA_VERSION	1	/* what this program needs; ringd refuses any other and says which */

#endif
