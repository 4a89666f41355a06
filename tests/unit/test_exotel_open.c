/* Deliveries in all their forms to what is kept of them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/count.h"
#include "exotel_rig.h"

#define MULTIPART	"multipart/form-data; boundary=B"
#define NAME(n)		"Content-Disposition: form-data; name=\"" n "\"\r\n\r\n"

struct given {
	const char		*type, *body, *query;
	enum exotel_verdict	 verdict;
	const char		*payload;
};

static void
open_all(const struct given *table, size_t n)
{
	struct str	payload;
	const char	*why;
	size_t		i;

	for (i = 0; i < n; i++) {
		enum exotel_verdict	v = exotel_open(&payload, &arena, str_c(table[i].type), str_c(table[i].body),
		    str_c(table[i].query), &why);

		if (v != table[i].verdict)
			fail_msg("%zu: verdict %d, expected %d (%s)", i, (int)v, (int)table[i].verdict, why);
		if (v == EXOTEL_OPENED)
			assert_str(payload, table[i].payload);
		assert_true(v != EXOTEL_MALFORMED || why[0] != '\0');
	}
}

static void
forms_and_queries(void **state)
{
	static const struct given table[] = {
		{ NULL, "a=1&b=x+y", NULL, EXOTEL_OPENED, "{\"a\":\"1\",\"b\":\"x y\"}" },
		{ "application/x-www-form-urlencoded", "a=%E2%82%AC", "q=1", EXOTEL_OPENED, "{\"a\":\"\xe2\x82\xac\"}" },
		{ "application/json", "a=1", NULL, EXOTEL_OPENED, "{\"a\":\"1\"}" },
		{ NULL, "", "a=1&&b", EXOTEL_OPENED, "{\"a\":\"1\",\"b\":\"\"}" },
		{ MULTIPART, "", "a=1", EXOTEL_OPENED, "{\"a\":\"1\"}" },
		{ NULL, NULL, "a=%", EXOTEL_OPENED, "{\"a\":\"%\"}" },
		{ NULL, NULL, "a=%4", EXOTEL_OPENED, "{\"a\":\"%4\"}" },
		{ NULL, NULL, "a=%4g%41", EXOTEL_OPENED, "{\"a\":\"%4gA\"}" },
		{ NULL, NULL, "a=%00%ff%22%5c", EXOTEL_OPENED, "{\"a\":\"\\u0000\xef\xbf\xbd\\\"\\\\\"}" },
		{ NULL, NULL, "a=b=c", EXOTEL_OPENED, "{\"a\":\"b=c\"}" },
		{ NULL, NULL, "=", EXOTEL_OPENED, "{\"\":\"\"}" },
		{ NULL, NULL, "Legs%5B0%5D%5BStatus%5D=busy", EXOTEL_OPENED, "{\"Legs[0][Status]\":\"busy\"}" },
		{ NULL, NULL, "nothing", EXOTEL_MALFORMED, NULL },
		{ NULL, "&&&", NULL, EXOTEL_MALFORMED, NULL },
		{ NULL, NULL, NULL, EXOTEL_EMPTY, NULL },
		{ "application/json", "", "", EXOTEL_EMPTY, NULL },
	};

	(void)state;
	open_all(table, COUNT(table));
}

static void
json_as_it_comes(void **state)
{
	static const struct given table[] = {
		{ "application/json", "{\"a\": 1}", "q=1", EXOTEL_OPENED, "{\"a\": 1}" },
		{ NULL, " \r\n\t[1", NULL, EXOTEL_OPENED, " \r\n\t[1" },
		{ "application/x-www-form-urlencoded", "{not json", NULL, EXOTEL_OPENED, "{not json" },
		{ "application/json", "7", NULL, EXOTEL_MALFORMED, NULL },
		{ "application/json", "   ", NULL, EXOTEL_MALFORMED, NULL },
	};

	(void)state;
	open_all(table, COUNT(table));
}

static void
multipart(void **state)
{
	static const struct given table[] = {
		{ MULTIPART, "--B\r\n" NAME("a") "1\r\n--B\r\n" NAME("b") "\r\n--B--\r\n", NULL, EXOTEL_OPENED,
		    "{\"a\":\"1\",\"b\":\"\"}" },
		{ "MULTIPART/form-data;boundary=\"B\"", "x\r\n--B  \r\n" NAME("a") "1\r\n2\n--B\r\n--B--", NULL, EXOTEL_OPENED,
		    "{\"a\":\"1\\r\\n2\\n--B\"}" },
		{ MULTIPART, "--B\r\nContent-Disposition: form-data; filename=\"n;ame=z\"; name=\"a\\\"%22\\\\b\"\r\n\r\n1\r\n--B--", NULL,
		    EXOTEL_OPENED, "{\"a\\\"\\\"\\\\b\":\"1\"}" },
		{ MULTIPART, "--B--", NULL, EXOTEL_OPENED, "{}" },
		{ MULTIPART, "{\"a\":1}", NULL, EXOTEL_MALFORMED, NULL },
		{ MULTIPART, "--B\r\n" NAME("a") "1\r\n--B", NULL, EXOTEL_MALFORMED, NULL },
		{ MULTIPART, "--B\r\n" NAME("a") "1\r\n--Bx\r\n--B--", NULL, EXOTEL_MALFORMED, NULL },
		{ MULTIPART, "--B\r\n" NAME("a") "1\r\n", NULL, EXOTEL_MALFORMED, NULL },
		{ MULTIPART, "--B\r\nContent-Type: text/plain\r\n\r\n1\r\n--B--", NULL, EXOTEL_MALFORMED, NULL },
		{ MULTIPART, "--B\r\nContent-Disposition: form-data; name=\"a", NULL, EXOTEL_MALFORMED, NULL },
		{ MULTIPART, "--B\r\nContent-Disposition: form-data; name=\"a\\", NULL, EXOTEL_MALFORMED, NULL },
		{ MULTIPART, "--B\n", NULL, EXOTEL_MALFORMED, NULL },
		{ "multipart/form-data", "--\r\n" NAME("a") "1\r\n----", NULL, EXOTEL_MALFORMED, NULL },
		{ "multipart/form-data; boundary=", "--B--", NULL, EXOTEL_MALFORMED, NULL },
		{ "multipart/form-data; boundary=1234567890123456789012345678901234567890123456789012345678901234567890x", "--1", NULL,
		    EXOTEL_MALFORMED, NULL },
	};

	(void)state;
	open_all(table, COUNT(table));
}

/* Nothing a form can hold is longer as JSON than is allowed for; what is too large is said to be. */
static void
the_worst_of_every_kind_has_room(void **state)
{
	static const char *const units[] = { "\x01&", "\x01", "=&", "a=&", "%01", "\xff&", "&&=", "\"=" };
	struct str	payload, form;
	const char	*why;
	char		*text = malloc(EXOTEL_FORM_MAX + 1);
	size_t		i, k, n, unit;

	(void)state;
	assert_non_null(text);
	for (i = 0; i < COUNT(units); i++) {
		unit = strlen(units[i]);
		for (n = 1; n <= 4096; n = n < 16 ? n + 1 : n * 2) {
			for (k = 0; k < n; k++)
				text[k] = units[i][k % unit];
			text[0] = '=';
			form = (struct str){ text, n };
			assert_int_equal(exotel_open(&payload, &arena, STR_NONE, form, STR_NONE, &why), EXOTEL_OPENED);
		}
	}
	memset(text, 0x01, EXOTEL_FORM_MAX + 1);
	text[0] = '=';
	form = (struct str){ text, EXOTEL_FORM_MAX };
	assert_int_equal(exotel_open(&payload, &arena, STR_NONE, form, STR_NONE, &why), EXOTEL_OPENED);
	form.n++;
	assert_int_equal(exotel_open(&payload, &arena, STR_NONE, form, STR_NONE, &why), EXOTEL_TOO_LARGE);
	free(text);
}

static void
without_memory_it_says_so(void **state)
{
	struct arena	small;
	struct str	payload;
	const char	*why;

	(void)state;
	arena_init(&small, 1);
	assert_int_equal(exotel_open(&payload, &small, STR_NONE, STR("a=1"), STR_NONE, &why), EXOTEL_NO_MEMORY);
	arena_free(&small);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(forms_and_queries, setup, teardown),
		cmocka_unit_test_setup_teardown(json_as_it_comes, setup, teardown),
		cmocka_unit_test_setup_teardown(multipart, setup, teardown),
		cmocka_unit_test_setup_teardown(the_worst_of_every_kind_has_room, setup, teardown),
		cmocka_unit_test_setup_teardown(without_memory_it_says_so, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
