/*
 * calls_json: a row of calls as the API shows it. The only place that says which fields a call has for a client.
 */
#ifndef RINGD_CALLS_JSON_H
#define RINGD_CALLS_JSON_H

#include "base/json_write.h"
#include "db/db.h"

/* The row-th call of statement i's result (columns as enum call_col). */
void	calls_json_row(struct json_out *j, const struct db_result *r, int i, int row);
/* One call with its recordings, a row each, in statement i. */
void	calls_json_detail(struct json_out *j, const struct db_result *r, int i);

#endif
