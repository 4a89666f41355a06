/*
 * month: see month.h.
 */
#include <sys/types.h>

#include <string.h>

#include "base/clock.h"
#include "base/month.h"
#include "base/num.h"

void
month_of(char out[MONTH_SIZE], int64_t real_ms)
{
	char text[CLOCK_RFC3339_SIZE];

	clock_rfc3339(text, real_ms);
	memcpy(out, text, MONTH_SIZE - 1);
	out[MONTH_SIZE - 1] = '\0';
}

bool
month_parse(char out[MONTH_SIZE], struct str s)
{
	struct str rest = s, year;
	int64_t n;

	if (s.n != MONTH_SIZE - 1 || !str_cut(&rest, '-', &year) || year.n != 4 || !num_i64(year, 2000, 9998, &n) ||
	    rest.n != 2 || !num_i64(rest, 1, 12, &n))
		return false;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}
