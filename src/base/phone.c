/*
 * phone: see phone.h. E.164 has 15 digits at most; shorter ones than 7 reach nobody from abroad.
 */
#include <sys/types.h>

#include "base/phone.h"

#define DIGITS_MIN	7
#define DIGITS_MAX	15

bool
phone_is_e164(struct str number)
{
	if (number.n < 1 + DIGITS_MIN || number.n > 1 + DIGITS_MAX || number.p[0] != '+' || number.p[1] == '0')
		return false;
	for (size_t i = 1; i < number.n; i++)
		if (number.p[i] < '0' || number.p[i] > '9')
			return false;
	return true;
}
