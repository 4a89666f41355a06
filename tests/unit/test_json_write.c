/*
 * JSON out: commas, escapes, and that whatever is written can be read again.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/count.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/utf8.h"

static void
assert_written(const struct json_out *j, const char *expected)
{
	if (j->b->len != strlen(expected) || memcmp(j->b->p, expected, j->b->len) != 0)
		fail_msg("%.*s\nand not\n%s", (int)j->b->len, j->b->p, expected);
	assert_true(json_done(j));
}

static void
start(struct json_out *j, struct buf *b, size_t max)
{
	buf_init(b, max);
	json_out_init(j, b);
}

static void
commas_fall_into_place(void **unused)
{
	struct json_out	j;
	struct buf	b;

	(void)unused;
	start(&j, &b, 10000);
	json_obj(&j);
	json_kbool(&j, "success", true);
	json_key(&j, "data");
	json_arr(&j);
	json_obj(&j);
	json_kint(&j, "n", -5);
	json_kstr(&j, "s", STR("x"));
	json_ktime(&j, "t", 1769509800007);
	json_obj_end(&j);
	json_obj(&j);
	json_obj_end(&j);
	json_arr(&j);
	json_arr_end(&j);
	json_int(&j, 1);
	json_boolean(&j, false);
	json_null(&j);
	json_str(&j, STR("y"));
	json_raw_value(&j, STR("{\"raw\": 1}"));
	json_time(&j, 0);
	json_arr_end(&j);
	json_key(&j, "o");
	json_obj(&j);
	json_obj_end(&j);
	json_key(&j, "r");
	json_raw_value(&j, STR("[]"));
	json_kint(&j, "last", 0);
	json_obj_end(&j);
	assert_written(&j,
	    "{\"success\":true,\"data\":[{\"n\":-5,\"s\":\"x\",\"t\":\"2026-01-27T10:30:00.007Z\"},{},[],1,"
	    "false,null,\"y\",{\"raw\": 1},\"1970-01-01T00:00:00.000Z\"],\"o\":{},\"r\":[],\"last\":0}");
	buf_free(&b);
}

static void
absent_values_are_null(void **unused)
{
	struct json_out	j;
	struct buf	b;

	(void)unused;
	start(&j, &b, 10000);
	json_obj(&j);
	json_kstr(&j, "s", STR_NONE);
	json_ktime(&j, "t", INT64_MIN);
	json_key(&j, "r");
	json_raw_value(&j, STR_NONE);
	json_kstr(&j, "e", STR(""));
	json_obj_end(&j);
	assert_written(&j, "{\"s\":null,\"t\":null,\"r\":null,\"e\":\"\"}");
	buf_free(&b);
}

static void
strings_are_escaped(void **unused)
{
	static const struct {
		struct str	 in;
		const char	*out;
	} cases[] = {
		{ { "plain", 5 }, "\"plain\"" },
		{ { "a\"b\\c/", 6 }, "\"a\\\"b\\\\c/\"" },
		{ { "\b\f\n\r\t", 5 }, "\"\\b\\f\\n\\r\\t\"" },
		{ { "\0\x01\x1f\x7f", 4 }, "\"\\u0000\\u0001\\u001f\x7f\"" },
		{ { "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9 }, "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ { "a\xff" "b", 3 }, "\"a" UTF8_REPLACEMENT "b\"" },
		{ { "\xe2\x82", 2 }, "\"" UTF8_REPLACEMENT "\"" },
		{ { "\xe2\x82" "a", 3 }, "\"" UTF8_REPLACEMENT "a\"" },
		{ { "\xc0\x80", 2 }, "\"" UTF8_REPLACEMENT UTF8_REPLACEMENT "\"" },
		{ { "\xed\xa0\x80", 3 }, "\"" UTF8_REPLACEMENT UTF8_REPLACEMENT UTF8_REPLACEMENT "\"" },
	};
	struct json_out	j;
	struct buf	b;
	size_t		i;

	(void)unused;
	for (i = 0; i < COUNT(cases); i++) {
		start(&j, &b, 10000);
		json_str(&j, cases[i].in);
		assert_written(&j, cases[i].out);
		buf_free(&b);
	}
}

static void
every_pair_of_bytes_reads_back(void **unused)
{
	struct json_limits	lim = { 1, 1 };
	struct json_error	err;
	struct json_out		j;
	struct buf		b;
	char			in[4];
	size_t			n;
	int			i;

	(void)unused;
	start(&j, &b, 10000);
	for (i = 0; i < 65536; i++) {
		b.len = 0;
		json_out_init(&j, &b);
		in[0] = 'a';
		in[1] = (char)(i >> 8);
		in[2] = (char)i;
		in[3] = 'z';
		json_str(&j, (struct str){ in, sizeof(in) });
		if (json_check(buf_as_str(&b), &lim, &n, &err) != JSON_OK)
			fail_msg("bytes %04x: %.*s", (unsigned int)i, (int)b.len, b.p);
	}
	buf_free(&b);
}

static void
done_means_whole(void **unused)
{
	struct json_out	j;
	struct buf	b;

	(void)unused;
	start(&j, &b, 10000);
	assert_false(json_done(&j));
	json_obj(&j);
	assert_false(json_done(&j));
	json_arr(&j);
	json_arr_end(&j);
	assert_false(json_done(&j));
	json_obj_end(&j);
	assert_true(json_done(&j));
	json_obj_end(&j);
	assert_false(json_done(&j));
	buf_free(&b);
	start(&j, &b, 3);
	json_str(&j, STR("ab"));
	assert_false(json_done(&j));
	buf_free(&b);
}

static void
depth_is_bounded(void **unused)
{
	struct json_out	j;
	struct buf	b;
	int		i;

	(void)unused;
	start(&j, &b, 10000);
	for (i = 0; i < JSON_WRITE_DEPTH; i++)
		json_arr(&j);
	assert_false(b.failed);
	for (i = 0; i < JSON_WRITE_DEPTH; i++)
		json_arr_end(&j);
	assert_true(json_done(&j));
	buf_free(&b);
	start(&j, &b, 10000);
	for (i = 0; i <= JSON_WRITE_DEPTH; i++)
		json_obj(&j);
	assert_true(b.failed);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commas_fall_into_place),
		cmocka_unit_test(absent_values_are_null),
		cmocka_unit_test(strings_are_escaped),
		cmocka_unit_test(every_pair_of_bytes_reads_back),
		cmocka_unit_test(done_means_whole),
		cmocka_unit_test(depth_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
