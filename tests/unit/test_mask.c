/*
 * mask: what looks like a telephone number does not come through, and nothing else is touched.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/count.h"
#include "base/mask.h"

/* The text with all its numbers masked, as the log does it. */
static void
mask_all(char out[512], struct str s)
{
	char	masked[MASK_SIZE];
	size_t	from, to, n = 0;

	while (mask_find(s, &from, &to)) {
		mask_number(masked, (struct str){ s.p + from, to - from });
		n += (size_t)snprintf(out + n, 512 - n, "%.*s%s", (int)from, s.p, masked);
		s = (struct str){ s.p + to, s.n - to };
	}
	snprintf(out + n, 512 - n, "%.*s", STR_ARG(s));
}

static void
table(void **state)
{
	static const struct { const char *text, *shown; } cases[] = {
		{ "+15550142233", "+1555...233" },
		{ "+442079460123", "+4420...123" },
		{ "+12345678", "+12...78" },		/* 8 digits: four hidden */
		{ "+1234567890", "+12...90" },
		{ "+123456789012345", "+1234...345" },
		{ "from +15550142233 to +442079460123.", "from +1555...233 to +4420...123." },
		{ "(+15550142233)", "(+1555...233)" },
		{ "a+15550142233b", "a+1555...233b" },
		{ "++15550142233", "++1555...233" },
		{ "+15550142233+15550142234", "+1555...233+1555...234" },
		{ "/x/%2B15550142233/y", "/x/+1555...233/y" },
		{ "%2b15550142233", "+1555...233" },
		{ "+1 555 014 2233", "+1555...233" },
		{ "+1-555-014-2233", "+1555...233" },
		{ "+1 (555) 014-2233", "+1555...233" },
		{ "+(1)5550142233", "+1555...233" },
		{ "+ 1 555 0142233", "+1555...233" },
		{ "+1.555.014.2233", "+1555...233" },
		{ "%2B1%20555%20014%202233", "+1555...233" },
		{ "+15550142233 ", "+1555...233 " },
		{ "+15550142233 ext", "+1555...233 ext" },
		{ "+1234567890123456789012", "+1234...012" },	/* too long for a number: still not shown */
		{ "tel:+15550142233;ext=1", "tel:+1555...233;ext=1" },
		{ "\xff+15550142233\xff", "\xff+1555...233\xff" },
		/* not numbers */
		{ "", "" },
		{ "+", "+" },
		{ "%", "%" },
		{ "%2", "%2" },
		{ "%2B", "%2B" },
		{ "+1234567", "+1234567" },
		{ "15550142233", "15550142233" },
		{ "2026-01-27 10:30:00+00 2026-01-28", "2026-01-27 10:30:00+00 2026-01-28" },
		{ "a +1 b 2345678", "a +1 b 2345678" },
		{ "+1,234,567,890", "+1,234,567,890" },
		{ "50% 2B12345678", "50% 2B12345678" },
		{ "c++ 11", "c++ 11" },
	};
	char shown[512];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		mask_all(shown, str_c(cases[i].text));
		assert_string_equal(shown, cases[i].shown);
	}
}

/* Every length at every place, and every cut of a text: reading ends where the text does (the sanitizer looks on). */
static void
bounds(void **state)
{
	static const char text[] = "%2B1 (555) 014-2233 +4420794601 %2b1%20555%20014%202233%";
	char copy[sizeof(text)];
	size_t from, to, n, i;

	(void)state;
	for (n = 0; n < sizeof(text); n++)
		for (i = 0; i <= n; i++) {
			memcpy(copy, text + i, n - i);
			if (mask_find((struct str){ copy, n - i }, &from, &to)) {
				assert_true(from < to && to <= n - i);
				assert_true(copy[to - 1] >= '0' && copy[to - 1] <= '9');
			}
		}
}

/* At least four digits are missing, whatever the length. */
static void
enough_is_hidden(void **state)
{
	char number[64] = "+", shown[MASK_SIZE];
	size_t digits, visible, i;

	(void)state;
	for (digits = 1; digits <= 40; digits++) {
		number[digits] = (char)('1' + digits % 9);
		number[digits + 1] = '\0';
		if (digits < 8)
			continue;
		mask_number(shown, str_c(number));
		for (visible = 0, i = 0; shown[i] != '\0'; i++)
			visible += shown[i] >= '0' && shown[i] <= '9';
		assert_true(digits - visible >= 4);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(bounds),
		cmocka_unit_test(enough_is_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
