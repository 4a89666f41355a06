/*
 * param: parameters of one statement, put together one after the other. Fixed-size values go binary (no printing, no
 * parsing on either side), texts as they are. The struct lives on the caller's stack or in its state; text given to
 * db_put_str must stay until db_job_add.
 */
#ifndef RINGD_PARAM_H
#define RINGD_PARAM_H

#include "db/db.h"

#define DB_PARAM_SCRATCH	16	/* bytes of binary value per parameter */

struct db_params {
	struct db_param	*p;
	unsigned char	*scratch;
	int		 n, max;
};

/* Declares a struct db_params with room for `count` parameters on the stack. */
#define DB_PARAMS(name, count)								\
	struct db_param name##_p[count];						\
	unsigned char name##_scratch[(count) * DB_PARAM_SCRATCH];			\
	struct db_params name = { name##_p, name##_scratch, 0, (count) }

void	db_put_null(struct db_params *a);
void	db_put_str(struct db_params *a, struct str s);		/* absent = NULL; need not end in NUL (sent as binary text) */
void	db_put_cstr(struct db_params *a, const char *s);	/* NULL = NULL */
void	db_put_uuid(struct db_params *a, struct uuid u);
void	db_put_i64(struct db_params *a, int64_t v);		/* bigint */
void	db_put_i32(struct db_params *a, int32_t v);		/* integer */
void	db_put_bool(struct db_params *a, bool v);
void	db_put_bytes(struct db_params *a, const void *p, size_t n);	/* bytea; bytes must stay until db_job_add */
void	db_put_time_us(struct db_params *a, int64_t unix_us);	/* timestamptz; INT64_MIN and INT64_MAX are -infinity and infinity */
void	db_put_time_ms(struct db_params *a, int64_t unix_ms);	/* INT64_MIN = NULL */

/* A timestamptz as PostgreSQL prints it (ISO style, UTC: "2026-01-27 10:30:00.123456+00") to microseconds since 1970. */
bool	db_parse_time_us(struct str s, int64_t *unix_us);

#endif
