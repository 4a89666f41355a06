/*
 * array: a column of many rows as one binary parameter, for statements that take their rows by unnest($n::type[], ...).
 * No quoting and no parsing on either side, whatever bytes a text holds. Sticky error like buf: check once, at the end.
 */
#ifndef RINGD_ARRAY_H
#define RINGD_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/uuid.h"
#include "db/param.h"

#define DB_TIME_MAX_MS	INT64_C(253402300799999)	/* the end of the year 9999 */

enum db_type { DB_TEXT, DB_UUID, DB_JSON, DB_BOOL, DB_INTEGER, DB_BIGINT, DB_TIME, DB_BYTEA };

struct db_array {
	struct buf	b;
	enum db_type	type;
	uint32_t	n;		/* elements */
};

void	db_array_init(struct db_array *a, enum db_type type, size_t max_bytes);
void	db_array_free(struct db_array *a);
/* Each adds one element; the function must fit the array's type. */
void	db_array_uuid(struct db_array *a, struct uuid u);
void	db_array_str(struct db_array *a, struct str s);		/* text or json; absent = NULL */
void	db_array_bytes(struct db_array *a, const void *p, size_t n);	/* bytea */
void	db_array_int(struct db_array *a, int64_t v);		/* integer or bigint; INT64_MIN = NULL */
void	db_array_bool(struct db_array *a, bool v);
void	db_array_time_ms(struct db_array *a, int64_t unix_ms);	/* outside the years 1970 to 9999 = NULL */
/* The whole array as the next parameter; it must stay until db_job_add. */
void	db_put_array(struct db_params *p, struct db_array *a);

#endif
