/*
 * The log as JSON: every line is one object that our own strict parser takes, whatever the message holds and wherever it
 * is cut, and says what it was given.
 */
#include <sys/types.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/count.h"
#include "base/json_read.h"
#include "base/log_line.h"

static const struct json_limits	limits = { .depth = 2, .tokens = 256 };
static const struct log_context	nobody = { "", "" };

struct parsed {
	char		line[LOG_LINE_MAX];
	struct arena	arena;
	struct json_doc	doc;
	struct json	root;
};

static struct log_record
record(const char *sentence)
{
	return (struct log_record){ .level = LEVEL_WARN, .role = "worker 2", .pid = 42, .time_ms = INT64_C(1769509800123),
	    .module = "db", .context = &nobody, .sentence = str_c(sentence), .mask = true };
}

static void
parse(struct parsed *p, const struct log_record *r)
{
	struct json_error err = { .fault = JSON_OK };
	size_t n;

	memset(p->line, 0x7f, sizeof(p->line));
	n = log_line_json(p->line, r);
	assert_in_range(n, 2, LOG_LINE_MAX - 1);
	assert_null(memchr(p->line, '\n', n));
	arena_init(&p->arena, 1 << 20);
	if (!json_parse(&p->doc, &p->arena, (struct str){ p->line, n }, &limits, &err))
		fail_msg("at %zu expected %s: %.*s", err.offset, err.expected, (int)n, p->line);
	p->root = json_root(&p->doc);
	assert_int_equal(json_type(p->root), JSON_OBJECT);
}

static void
assert_text(struct parsed *p, const char *name, const char *value)
{
	struct str text = json_text(json_get(p->root, name), &p->arena);

	assert_int_equal(text.n, strlen(value));
	assert_memory_equal(text.p, value, text.n);
}

static void
members(void **state)
{
	static const struct log_context	 c = { "0190aaaa-0000-7000-8000-000000000001", "req-1" };
	const struct log_field		 f[] = { LOG_C("error", "a \"b\" \\"), LOG_INT("rows", -7), LOG_MS("ms", 1234), LOG_C("none", NULL) };
	struct log_record		 r = record("not stored");
	struct parsed			 p;
	int64_t				 v;

	(void)state;
	r.context = &c;
	r.field = f;
	r.nfields = COUNT(f);
	parse(&p, &r);
	assert_memory_equal(p.line, "{\"time\":\"2026-01-27T10:30:00.123Z\",\"level\":\"warn\",\"role\":\"worker 2\",\"pid\":42,\"module\":\"db\","
	    "\"app\":\"0190aaaa-", 103);
	assert_text(&p, "app", c.app);
	assert_text(&p, "request_id", "req-1");
	assert_text(&p, "msg", "not stored");
	assert_text(&p, "error", "a \"b\" \\");
	assert_true(json_i64(json_get(p.root, "rows"), &v) && v == -7);
	assert_true(str_eq(json_raw(json_get(p.root, "ms")), STR("1.234")));
	assert_int_equal(json_type(json_get(p.root, "none")), JSON_NULL);
	assert_int_equal(json_count(p.root), 12);
	arena_free(&p.arena);
	r = record("plain");
	parse(&p, &r);
	assert_int_equal(json_count(p.root), 6);	/* no app, no request */
	arena_free(&p.arena);
}

static void
hostile_bytes(void **state)
{
	static const struct { const char *given, *shown; } cases[] = {
		{ "a\nb\r\t\x1b[2J\x01\x7f", "a\nb\r\t\x1b[2J\x01\x7f" },	/* JSON has escapes for these */
		{ "\"},{\"level\":\"error", "\"},{\"level\":\"error" },
		{ "\\u0000 \\n", "\\u0000 \\n" },
		{ "\xff\xfe", "\\xff\\xfe" },
		{ "\xc3(", "\\xc3(" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },				/* a surrogate */
		{ "\xc2\x9b", "\\xc2\\x9b" },
		{ "\xe2\x80\xa8", "\\xe2\\x80\\xa8" },
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
		{ "+15550142233", "+1555...233" },
		{ "", "" },
	};
	struct parsed p;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		const struct log_field f = LOG_C("value", cases[i].given);
		struct log_record r = record(cases[i].given);

		r.field = &f;
		r.nfields = 1;
		parse(&p, &r);
		assert_text(&p, "msg", cases[i].shown);
		assert_text(&p, "value", cases[i].shown);
		assert_text(&p, "role", "worker 2");
		arena_free(&p.arena);
	}
	for (i = 1; i < 256; i++) {		/* every byte alone, and as the role */
		char one[2] = { (char)i, '\0' };
		struct log_record r = record(one);

		r.role = one;
		parse(&p, &r);
		arena_free(&p.arena);
	}
}

/* A sentence, then a field, of every length around the limit and of units of every width. */
static void
cut_anywhere(void **state)
{
	static const char *const units[] = { "a", "\"", "\n", "\x01", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xff", "\xe2\x80\xa8", "+15550142233 " };
	static char text[3 * LOG_LINE_MAX];
	struct log_field f[3] = { LOG_INT("before", 1), LOG_C("value", text), LOG_INT("after", 2) };
	struct parsed p;
	size_t u, n, len, top;

	(void)state;
	for (u = 0; u < COUNT(units); u++) {
		len = strlen(units[u]);
		for (n = 0, top = 0; top < LOG_LINE_MAX + 200; top += top < 200 || top > 400 ? 1 : 7) {
			struct log_record in_sentence = record(text), in_field = record("s");

			while (n < top && n + len < sizeof(text)) {
				memcpy(text + n, units[u], len);
				n += len;
			}
			text[n] = '\0';
			in_sentence.field = in_field.field = f;
			in_sentence.nfields = in_field.nfields = COUNT(f);
			in_sentence.sentence = str_c(text);
			f[1].text = STR("short");
			parse(&p, &in_sentence);
			arena_free(&p.arena);
			f[1].text = str_c(text);
			parse(&p, &in_field);
			/* Nothing is left out without a word. */
			if (json_type(json_get(p.root, "after")) == JSON_ABSENT || json_text(json_get(p.root, "value"), &p.arena).n < n / 2)
				assert_true(u == 9 || json_bool(json_get(p.root, "cut")) == 1);
			else if (u == 0)
				assert_int_equal(json_text(json_get(p.root, "value"), &p.arena).n, n);
			arena_free(&p.arena);
		}
	}
}

/* Whose line it is stands before what may be cut, in JSON, and has its room kept behind it, in text. */
static void
a_cut_keeps_whose_it_was(void **state)
{
	static const struct log_context	 c = { "0190aaaa-0000-7000-8000-000000000001", "req-1" };
	static const char		 end[] = "... app=0190aaaa-0000-7000-8000-000000000001 request_id=req-1";
	static char			 text[2 * LOG_LINE_MAX];
	char				 line[LOG_LINE_MAX];
	struct log_record		 r;
	struct parsed			 p;
	size_t				 n;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	r = record(text);
	r.context = &c;
	parse(&p, &r);
	assert_text(&p, "request_id", "req-1");
	assert_int_equal(json_bool(json_get(p.root, "cut")), 1);
	arena_free(&p.arena);
	n = log_line_text(line, &r, false);
	assert_int_equal(n, LOG_LINE_MAX - 1);
	assert_memory_equal(line + n - (sizeof(end) - 1), end, sizeof(end) - 1);
}

/* A quoted value of a text line that is cut still ends in its quote. */
static void
a_cut_value_is_closed(void **state)
{
	static char text[2 * LOG_LINE_MAX];
	struct log_field f = LOG_C("value", text);
	struct log_record r = record("s");
	char line[LOG_LINE_MAX];
	size_t n, used;

	(void)state;
	for (n = LOG_LINE_MAX - 120; n < LOG_LINE_MAX + 20; n++) {
		memset(text, 'x', n);
		text[0] = ' ';
		text[n] = '\0';
		f.text = str_c(text);
		r.field = &f;
		r.nfields = 1;
		used = log_line_text(line, &r, false);
		assert_in_range(used, 100, LOG_LINE_MAX - 1);
		assert_int_equal(line[used - 1], '"');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members),
		cmocka_unit_test(hostile_bytes),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(a_cut_keeps_whose_it_was),
		cmocka_unit_test(a_cut_value_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
