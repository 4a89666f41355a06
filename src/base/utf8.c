/*
 * utf8: the table of RFC 3629, section 4, as code: the first byte fixes how many follow and what the second may be.
 */
#include <sys/types.h>

#include "base/utf8.h"

bool
utf8_next(const char *p, size_t n, size_t *len)
{
	const unsigned char	*b = (const unsigned char *)p;
	unsigned char		 low = 0x80, high = 0xbf;	/* bounds of the second byte */
	size_t			 want, i;

	*len = 1;
	if (b[0] < 0x80)
		return true;
	if (b[0] < 0xc2 || b[0] > 0xf4)
		return false;
	want = b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
	if (b[0] == 0xe0)
		low = 0xa0;
	else if (b[0] == 0xed)
		high = 0x9f;
	else if (b[0] == 0xf0)
		low = 0x90;
	else if (b[0] == 0xf4)
		high = 0x8f;
	for (i = 1; i < want && i < n && b[i] >= low && b[i] <= high; i++) {
		low = 0x80;
		high = 0xbf;
	}
	*len = i;
	return i == want;
}

size_t
utf8_put(char out[4], uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}
