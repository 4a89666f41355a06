/*
 * Rows as text and as JSON; text of strangers on a terminal; JSON laid out for reading; which calls changed; the names
 * of migrations.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/count.h"
#include "ctl/calls.h"
#include "ctl/display.h"
#include "ctl/json_pretty.h"
#include "ctl/migrations.h"
#include "ctl/table.h"

static const struct table_column columns[] = {
	{ "id", "id", COLUMN_TEXT, false },
	{ "name", "name", COLUMN_TEXT, true },
	{ "state", "state", COLUMN_STATE, false },
	{ "keys", "keys", COLUMN_NUMBER, false },
	{ "talk", "talk_ms", COLUMN_MS, false },
	{ "ok", "ok", COLUMN_BOOL, false },
	{ NULL, "facts", COLUMN_JSON, false },
};

static void
fill(struct table *t)
{
	static const char *const cells[] = {
		"a1", "\xe5\xb1\xb1\xe7\x94\xb0", "active", "7", "250", "t", "{\"x\":1}",
		"a2", NULL, "revoked", NULL, "3723000", NULL, NULL,
		"a3", "a rather long name", "act", "12", "59999", "f", "[]",
	};

	table_init(t, columns, COUNT(columns));
	for (size_t i = 0; i < COUNT(cells); i++)
		table_cell(t, str_c(cells[i]));
	assert_false(t->failed);
	assert_int_equal(table_rows(t), 3);
}

static void
buf_is(struct buf *b, const char *expected)
{
	buf_putc(b, '\0');
	assert_false(b->failed);
	assert_string_equal(b->p, expected);
	buf_free(b);
}

static void
test_text(void **state)
{
	struct table_style	style = { 0, false };
	struct table		t;
	struct buf		b;

	(void)state;
	fill(&t);
	buf_init(&b, 65536);
	table_text(&t, &b, &style);
	buf_is(&b,
	    "id  name                state    keys     talk  ok\n"
	    "a1  \xe5\xb1\xb1\xe7\x94\xb0                active      7    0.25s  yes\n"
	    "a2  -                   revoked     -  1:02:03  -\n"
	    "a3  a rather long name  act        12    59.9s  no\n");
	style.width = 44;
	table_text(&t, &b, &style);
	buf_is(&b,
	    "id  name         state    keys     talk  ok\n"
	    "a1  \xe5\xb1\xb1\xe7\x94\xb0         active      7    0.25s  yes\n"
	    "a2  -            revoked     -  1:02:03  -\n"
	    "a3  a rather l\xe2\x80\xa6  act        12    59.9s  no\n");
	table_free(&t);
}

static void
test_colour_and_record(void **state)
{
	const struct table_style	colour = { 0, true };
	struct table			t;
	struct buf			b;

	(void)state;
	fill(&t);
	buf_init(&b, 65536);
	table_text(&t, &b, &colour);
	buf_putc(&b, '\0');
	assert_non_null(strstr(b.p, "\033[32mactive\033[0m "));
	assert_non_null(strstr(b.p, "\033[31mrevoked\033[0m "));
	assert_non_null(strstr(b.p, "  act    "));
	buf_free(&b);
	table_record(&t, 1, &b, &(struct table_style){ 10, false });
	buf_is(&b, "id     a2\nname   -\nstate  revoked\nkeys   -\ntalk   1:02:03\nok     -\n");
	table_line(&t, 2, &b);
	buf_is(&b, "a3\ta rather long name\tact\t12\t59.9s\tno\n");
	table_free(&t);
}

static void
test_json(void **state)
{
	struct json_out	j;
	struct table	t;
	struct buf	b;

	(void)state;
	fill(&t);
	buf_init(&b, 65536);
	json_out_init(&j, &b);
	table_json(&t, &j);
	buf_is(&b,
	    "[{\"id\":\"a1\",\"name\":\"\xe5\xb1\xb1\xe7\x94\xb0\",\"state\":\"active\",\"keys\":7,"
	    "\"talk_ms\":250,\"ok\":true,\"facts\":{\"x\":1}},"
	    "{\"id\":\"a2\",\"name\":null,\"state\":\"revoked\",\"keys\":null,\"talk_ms\":3723000,"
	    "\"ok\":null,\"facts\":null},"
	    "{\"id\":\"a3\",\"name\":\"a rather long name\",\"state\":\"act\",\"keys\":12,"
	    "\"talk_ms\":59999,\"ok\":false,\"facts\":[]}]");
	table_free(&t);
}

static void
shows(const char *text, size_t most, const char *expected, size_t width)
{
	struct buf b;

	buf_init(&b, 1024);
	assert_int_equal(display_put(&b, str_c(text), most), width);
	buf_is(&b, expected);
}

static void
test_display(void **state)
{
	(void)state;
	shows("plain", 10, "plain", 5);
	shows("Zo\xc3\xab", 10, "Zo\xc3\xab", 3);
	shows("e\xcc\x81", 10, "e\xcc\x81", 1);
	shows("\xe5\xb1\xb1\xe7\x94\xb0", 10, "\xe5\xb1\xb1\xe7\x94\xb0", 4);
	shows("\xe5\xb1\xb1\xe7\x94\xb0", 3, "\xe5\xb1\xb1\xe2\x80\xa6", 3);
	shows("\xe5\xb1\xb1\xe7\x94\xb0", 2, "\xe2\x80\xa6", 1);
	shows("abcdef", 4, "abc\xe2\x80\xa6", 4);
	shows("abcd", 4, "abcd", 4);
	shows("\033[2Jx", 20, "\\x1b[2Jx", 8);
	shows("a\nb\x7f", 20, "a\\x0ab\\x7f", 10);
	shows("\xc2\x9b" "31m", 20, "\\u009b31m", 9);
	shows("\xe2\x80\xae" "abc", 20, "\\u202eabc", 9);
	shows("bad\xff\xc3", 20, "bad\\xff\\xc3", 11);
}

static void
pretty_is(const char *text, const char *expected)
{
	struct buf b;

	buf_init(&b, 4096);
	json_pretty(&b, str_c(text));
	buf_is(&b, expected);
}

static void
test_pretty(void **state)
{
	(void)state;
	pretty_is("{\"a\":5031100220033001,\"b\":[1,2.50],\"c\":{},\"d\":[ ],\"e\":\"x,{\\\"}: \"}",
	    "{\n  \"a\": 5031100220033001,\n  \"b\": [\n    1,\n    2.50\n  ],\n  \"c\": {},\n  \"d\": [],\n"
	    "  \"e\": \"x,{\\\"}: \"\n}");
	pretty_is(" { \"a\" :\n{ \"b\" : null } } ", "{\n  \"a\": {\n    \"b\": null\n  }\n}");
	pretty_is("\"only\"", "\"only\"");
	pretty_is("[\"\\\\\",1]", "[\n  \"\\\\\",\n  1\n]");
}

static void
add_call(struct table *t, const char *id, const char *updated)
{
	for (int i = 0; i < CALLS_COLUMNS; i++)
		table_cell(t, i == CALLS_ID ? str_c(id) : i == CALLS_UPDATED ? str_c(updated) : STR_NONE);
}

static void
note(void *arg, size_t row)
{
	snprintf((char *)arg + strlen(arg), 32, "%zu ", row);
}

static void
test_changes(void **state)
{
	static const struct table_column calls[CALLS_COLUMNS];
	struct table	before, now;
	char		rows[64] = "";

	(void)state;
	table_init(&before, calls, CALLS_COLUMNS);
	table_init(&now, calls, CALLS_COLUMNS);
	add_call(&before, "b", "1");
	add_call(&before, "a", "1");
	add_call(&now, "c", "2");
	add_call(&now, "b", "2");
	add_call(&now, "a", "1");
	calls_changes(&before, &now, note, rows);
	assert_string_equal(rows, "1 0 ");
	rows[0] = '\0';
	calls_changes(&now, &now, note, rows);
	assert_string_equal(rows, "");
	table_free(&before);
	table_free(&now);
}

static void
test_migration_names(void **state)
{
	(void)state;
	assert_int_equal(migration_version("0001_init.sql"), 1);
	assert_int_equal(migration_version("0120_a-b.sql"), 120);
	assert_int_equal(migration_version("0000_zero.sql"), 0);
	assert_int_equal(migration_version("roles.sql"), 0);
	assert_int_equal(migration_version("001_x.sql"), 0);
	assert_int_equal(migration_version("00001_x.sql"), 0);
	assert_int_equal(migration_version("0001_.sql"), 0);
	assert_int_equal(migration_version("0001_x.sql~"), 0);
	assert_int_equal(migration_version("0001-x.sql"), 0);
	assert_int_equal(migration_version(""), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_colour_and_record),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_display),
		cmocka_unit_test(test_pretty),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_migration_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
