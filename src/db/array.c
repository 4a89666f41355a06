/*
 * array: see array.h. The form is PostgreSQL's array_recv: dimensions, a flag, the element type, length and lower
 * bound, then each element behind its length. The element type travels along, so a mix-up with the statement is an
 * error, never a misreading.
 */
#include <sys/types.h>
#include <assert.h>

#include "db/array.h"

#define HEADER_BYTES	20
#define PG_EPOCH_MS	INT64_C(946684800000)		/* 2000-01-01 */

/* Object ids of the built-in types are fixed by PostgreSQL's catalog. */
static const uint32_t type_oid[] = {
	[DB_TEXT] = 25, [DB_UUID] = 2950, [DB_JSON] = 114, [DB_BOOL] = 16, [DB_INTEGER] = 23, [DB_BIGINT] = 20,
	[DB_TIME] = 1184, [DB_BYTEA] = 17,
};

static void
big_endian(unsigned char *to, uint64_t v, size_t n)
{
	while (n-- > 0) {
		to[n] = (unsigned char)v;
		v >>= 8;
	}
}

static void
element(struct db_array *a, const void *p, size_t n)
{
	unsigned char length[4];

	big_endian(length, n, sizeof(length));
	buf_put(&a->b, length, sizeof(length));
	buf_put(&a->b, p, n);
	a->n++;
}

static void
number(struct db_array *a, uint64_t v, size_t n)
{
	unsigned char bytes[8];

	big_endian(bytes, v, n);
	element(a, bytes, n);
}

void
db_array_init(struct db_array *a, enum db_type type, size_t max_bytes)
{
	static const unsigned char header[HEADER_BYTES];

	buf_init(&a->b, max_bytes + HEADER_BYTES);
	buf_put(&a->b, header, sizeof(header));		/* filled in when the number of elements is known */
	a->type = type;
	a->n = 0;
}

void
db_array_free(struct db_array *a)
{
	buf_free(&a->b);
}

static void
put_null(struct db_array *a)
{
	static const unsigned char null[4] = { 0xff, 0xff, 0xff, 0xff };

	buf_put(&a->b, null, sizeof(null));
	a->n++;
}

void
db_array_uuid(struct db_array *a, struct uuid u)
{
	assert(a->type == DB_UUID);
	element(a, u.b, sizeof(u.b));
}

void
db_array_str(struct db_array *a, struct str s)
{
	assert(a->type == DB_TEXT || a->type == DB_JSON);
	if (s.p == NULL)
		put_null(a);
	else
		element(a, s.p, s.n);
}

void
db_array_bytes(struct db_array *a, const void *p, size_t n)
{
	assert(a->type == DB_BYTEA);
	element(a, p, n);
}

void
db_array_int(struct db_array *a, int64_t v)
{
	assert(a->type == DB_INTEGER || a->type == DB_BIGINT);
	if (v == INT64_MIN)
		put_null(a);
	else
		number(a, (uint64_t)v, a->type == DB_BIGINT ? 8 : 4);
}

void
db_array_bool(struct db_array *a, bool v)
{
	assert(a->type == DB_BOOL);
	number(a, v, 1);
}

void
db_array_time_ms(struct db_array *a, int64_t unix_ms)
{
	assert(a->type == DB_TIME);
	if (unix_ms < 0 || unix_ms > DB_TIME_MAX_MS)
		put_null(a);
	else
		number(a, (uint64_t)((unix_ms - PG_EPOCH_MS) * 1000), 8);
}

void
db_put_array(struct db_params *p, struct db_array *a)
{
	unsigned char header[HEADER_BYTES];

	big_endian(header, a->n > 0 ? 1 : 0, 4);	/* dimensions: an empty array has none */
	big_endian(header + 4, 1, 4);			/* may hold NULLs */
	big_endian(header + 8, type_oid[a->type], 4);
	big_endian(header + 12, a->n, 4);
	big_endian(header + 16, 1, 4);			/* lower bound */
	if (!a->b.failed)
		memcpy(a->b.p, header, sizeof(header));
	db_put_bytes(p, a->b.p, a->n > 0 ? a->b.len : 12);
}
