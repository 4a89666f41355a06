/*
 * mask: see mask.h. More than E.164's 15 digits are masked too: a number does not become printable by being too long.
 */
#include <sys/types.h>

#include <stdio.h>

#include "base/mask.h"

#define DIGITS_LEAST	8
#define DIGITS_LONG	11	/* from here on one more digit may show at the end and two at the front */
#define FRONT_MOST	4
#define END_MOST	3

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Length of what stands for c at s.p[i]: 1 for itself, 3 for %XX, 0 when it is something else. */
static size_t
stands(struct str s, size_t i, char c, const char *hex)
{
	if (i < s.n && s.p[i] == c)
		return 1;
	return s.n - i >= 3 && i < s.n && s.p[i] == '%' && s.p[i + 1] == hex[0] && (s.p[i + 2] | 0x20) == hex[1] ? 3 : 0;
}

/* Length of one separator at s.p[i], or 0. */
static size_t
separator(struct str s, size_t i)
{
	static const struct { char c; const char *hex; } known[] = {
		{ ' ', "20" }, { '-', "2d" }, { '.', "2e" }, { '(', "28" }, { ')', "29" },
	};
	size_t k, n = 0;

	for (k = 0; k < sizeof(known) / sizeof(known[0]) && n == 0; k++)
		n = stands(s, i, known[k].c, known[k].hex);
	return n;
}

/* Where the number ends whose first digit is at i, and how many digits it has; the end is right behind a digit. */
static size_t
number_end(struct str s, size_t i, size_t *digits)
{
	size_t end = i, n;

	*digits = 0;
	while (i < s.n) {
		if (is_digit(s.p[i])) {
			end = ++i;
			++*digits;
			continue;
		}
		n = separator(s, i);
		if (n > 0)
			n += separator(s, i + n);	/* ") " */
		if (n == 0 || i + n >= s.n || !is_digit(s.p[i + n]))
			break;
		i += n;
	}
	return end;
}

bool
mask_find(struct str s, size_t *from, size_t *to)
{
	size_t i, sign, digits;

	for (i = 0; i < s.n; i++) {
		sign = s.p[i] == '+' || s.p[i] == '%' ? stands(s, i, '+', "2b") : 0;
		if (sign == 0)
			continue;
		sign += separator(s, i + sign);		/* "+ 1 555", "+(1)" */
		if (i + sign >= s.n || !is_digit(s.p[i + sign]) || s.p[i + sign] == '0')
			continue;
		*to = number_end(s, i + sign, &digits);
		*from = i;
		if (digits >= DIGITS_LEAST)
			return true;
	}
	return false;
}

void
mask_number(char out[MASK_SIZE], struct str number)
{
	char front[FRONT_MOST + 1] = "", end[END_MOST + 1] = "";
	size_t i, digits = 0, at = 0, show_front, show_end, sign = stands(number, 0, '+', "2b");

	number_end(number, sign + separator(number, sign), &digits);
	show_front = digits >= DIGITS_LONG ? FRONT_MOST : FRONT_MOST - 2;
	show_end = digits >= DIGITS_LONG ? END_MOST : END_MOST - 1;
	for (i = sign + separator(number, sign); i < number.n; i++) {
		size_t skip = separator(number, i);

		if (skip > 0) {
			i += skip - 1;
			continue;
		}
		if (at < show_front)
			front[at] = number.p[i];
		else if (at >= digits - show_end)
			end[at - (digits - show_end)] = number.p[i];
		at++;
	}
	snprintf(out, MASK_SIZE, "+%s...%s", front, end);
}
