/*
 * The statement tables: complete, names unique, every statement names app_id or stands in the short list of those that
 * cannot; parameters in PostgreSQL's binary formats.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/count.h"
#include "db/param.h"
#include "db/stmt_courier.h"
#include "db/stmt_reaper.h"
#include "db/stmt_worker.h"

/* About the installation, the transaction or the partitions: no tenant is in them. */
static const char *const without_tenant[] = { "instance_keys", "look", "settings", "beat" };

static bool
may_lack_tenant(const char *name, const char *sql)
{
	size_t i;

	for (i = 0; i < COUNT(without_tenant); i++)
		if (strcmp(name, without_tenant[i]) == 0)
			return true;
	return strstr(sql, " FROM ") == NULL && strstr(sql, "INSERT") == NULL && strstr(sql, "UPDATE") == NULL;
}

static void
check_table(const struct db_stmt_table *t)
{
	size_t i, k;

	assert_true(t->count > 0);
	for (i = 0; i < t->count; i++) {
		assert_non_null(t->stmt[i].name);
		assert_non_null(t->stmt[i].sql);
		for (k = 0; k < i; k++)
			assert_string_not_equal(t->stmt[k].name, t->stmt[i].name);
		if (strstr(t->stmt[i].sql, "app_id") == NULL && !may_lack_tenant(t->stmt[i].name, t->stmt[i].sql))
			fail_msg("%s names no app_id", t->stmt[i].name);
	}
}

static void
worker_table(void **state)
{
	const struct db_stmt_table *t = stmt_worker_table();
	int class;

	(void)state;
	check_table(t);
	assert_int_equal(t->count, W_COUNT);
	for (class = 0; class < WORKER_BATCH_CLASSES; class++) {
		const char *sql = t->stmt[W_EVENTS_ADD + class].sql;
		char last[32];

		snprintf(last, sizeof(last), "$%d::json)", worker_batch_rows[class] * W_EVENT_COLS);
		assert_string_equal(sql + strlen(sql) - strlen(last), last);
	}
	assert_true(WORKER_BATCH_MAX * W_EVENT_COLS <= DB_PARAMS_MAX);
	assert_ptr_equal(stmt_worker_table(), t);
}

static void
reaper_table(void **state)
{
	(void)state;
	check_table(stmt_reaper_table());
}

/* Each sealed column has its three statements, and they are about it. */
static void
courier_table(void **state)
{
	static const int kinds[] = { C_STALE, C_PAGE, C_RESEAL };
	char column[64];

	(void)state;
	check_table(&stmt_courier);
	assert_int_equal(stmt_courier.count, C_COUNT);
	for (size_t i = 0; i < SEALED_COLUMNS; i++)
		for (size_t k = 0; k < COUNT(kinds); k++) {
			const char *sql = stmt_courier.stmt[(size_t)kinds[k] + i].sql;

			snprintf(column, sizeof(column), "t.%s", sealed_columns[i].column);
			assert_non_null(strstr(sql, column));
			assert_non_null(strstr(sql, sealed_columns[i].table));
		}
}

static void
binary_parameters(void **state)
{
	static const unsigned char one_day_after_2000[8] = { 0, 0, 0, 0x14, 0x1d, 0xd7, 0x60, 0 };
	DB_PARAMS(a, 8);

	(void)state;
	db_put_i64(&a, -2);
	assert_int_equal(a.p[0].length, 8);
	assert_memory_equal(a.p[0].value, "\xff\xff\xff\xff\xff\xff\xff\xfe", 8);
	db_put_i32(&a, 258);
	assert_int_equal(a.p[1].length, 4);
	assert_memory_equal(a.p[1].value, "\0\0\1\2", 4);
	db_put_time_ms(&a, INT64_C(946684800000) + 86400000);
	assert_memory_equal(a.p[2].value, one_day_after_2000, 8);
	db_put_time_ms(&a, INT64_MIN);
	assert_null(a.p[3].value);
	db_put_time_us(&a, INT64_MAX);
	assert_memory_equal(a.p[4].value, "\x7f\xff\xff\xff\xff\xff\xff\xff", 8);
	db_put_str(&a, STR_NONE);
	assert_null(a.p[5].value);
	db_put_str(&a, STR(""));
	assert_non_null(a.p[6].value);
	assert_int_equal(a.p[6].length, 0);
	db_put_bool(&a, true);
	assert_int_equal(a.p[7].length, 1);
	assert_int_equal(a.p[7].value[0], 1);
}

static void
times_out_of_postgresql(void **state)
{
	static const struct { const char *text; int64_t us; } good[] = {
		{ "2000-01-01 00:00:00+00", INT64_C(946684800000000) },
		{ "2026-01-27 10:30:00.123456+00", INT64_C(1769509800123456) },
		{ "2026-01-27 10:30:00.5+00", INT64_C(1769509800500000) },
	};
	static const char *const bad[] = { "", "infinity", "2026-01-27 10:30:00", "2026-01-27 10:30:00+02", "2026-01-27 10:30:00.1234567+00",
		"2026-13-27 10:30:00+00", "2026-01-27 10:30:00.x+00" };
	int64_t us;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++) {
		assert_true(db_parse_time_us(str_c(good[i].text), &us));
		assert_int_equal(us, good[i].us);
	}
	for (i = 0; i < COUNT(bad); i++)
		assert_false(db_parse_time_us(str_c(bad[i]), &us));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worker_table),
		cmocka_unit_test(reaper_table),
		cmocka_unit_test(courier_table),
		cmocka_unit_test(binary_parameters),
		cmocka_unit_test(times_out_of_postgresql),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
