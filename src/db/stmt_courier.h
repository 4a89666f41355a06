/*
 * stmt_courier: the courier's statements. Its role sees every tenant's credentials, so each names app_id itself.
 */
#ifndef RINGD_STMT_COURIER_H
#define RINGD_STMT_COURIER_H

#include "db/stmt.h"

/* Every column that holds sealed records (crypt/envelope.h); rows are found by (app_id, id). */
struct sealed_column {
	const char	*table, *column;
};

#define SEALED_COLUMNS	2
extern const struct sealed_column sealed_columns[SEALED_COLUMNS];

#define COURIER_PAGE	200	/* rows of one step of a rekey */

enum courier_stmt {
	/* + index of a sealed column. $1 is the head of a record under the newest key. */
	C_STALE,				/* $1 head: how many values have another */
	C_PAGE = C_STALE + SEALED_COLUMNS,	/* $1 head, $2 $3 after app and id: app_id, id, record in hex if it has another */
	C_RESEAL = C_PAGE + SEALED_COLUMNS,	/* $1 apps, $2 ids, $3 records, $4 their successors */
	C_COUNT = C_RESEAL + SEALED_COLUMNS,
};

extern const struct db_stmt_table stmt_courier;

#endif
