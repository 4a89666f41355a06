/*
 * stmt: every SQL statement of the daemon, by name, in one table per role (stmt_worker.c, stmt_reaper.c, stmt_courier.c;
 * ringctl's in stmt_ctl.c). Prepared on connect. Each names app_id, or says in a comment why there is no tenant in it.
 * The tenant preamble (row-level security's setting) is BY_KEY in stmt_worker.c and nowhere else.
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

#define SCHEMA_VERSION	6	/* what this program needs; ringd refuses any other and says which */

#endif
