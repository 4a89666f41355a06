/*
 * encode: hex and base64, both alphabets. Strict: one value has one text, because a signature or a token that could be
 * spelt in two ways would get past whoever compares texts. Never reads the system's locale.
 */
#include <sys/types.h>

#include "base/hash.h"

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void
hex_encode(char *out, const void *in, size_t n)
{
	const unsigned char	*p = in;
	size_t			 i;

	for (i = 0; i < n; i++) {
		*out++ = hex_digits[p[i] >> 4];
		*out++ = hex_digits[p[i] & 0x0f];
	}
	*out = '\0';
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

long
hex_decode(unsigned char *out, size_t max, struct str in)
{
	size_t	i;
	int	high, low;

	if (in.n % 2 != 0 || in.n / 2 > max)
		return -1;
	for (i = 0; i < in.n / 2; i++) {
		high = hex_value(in.p[2 * i]);
		low = hex_value(in.p[2 * i + 1]);
		if (high < 0 || low < 0)
			return -1;
		out[i] = (unsigned char)(high << 4 | low);
	}
	return (long)i;
}

static void
encode64(char *out, const unsigned char *in, size_t n, const char *digits, bool pad)
{
	uint32_t group;

	for (; n >= 3; in += 3, n -= 3) {
		group = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
		*out++ = digits[group >> 18];
		*out++ = digits[group >> 12 & 0x3f];
		*out++ = digits[group >> 6 & 0x3f];
		*out++ = digits[group & 0x3f];
	}
	if (n > 0) {
		group = (uint32_t)in[0] << 16 | (n > 1 ? (uint32_t)in[1] << 8 : 0);
		*out++ = digits[group >> 18];
		*out++ = digits[group >> 12 & 0x3f];
		if (n > 1)
			*out++ = digits[group >> 6 & 0x3f];
		for (; pad && n < 3; n++)
			*out++ = '=';
	}
	*out = '\0';
}

static int
value64(char c, const char *digits)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == digits[62])
		return 62;
	return c == digits[63] ? 63 : -1;
}

/* in has no padding any more. */
static long
decode64(unsigned char *out, size_t max, struct str in, const char *digits)
{
	uint32_t	bits = 0;
	size_t		i, n = 0;
	int		value, have = 0;

	if (in.n % 4 == 1)
		return -1;
	for (i = 0; i < in.n; i++) {
		value = value64(in.p[i], digits);
		if (value < 0)
			return -1;
		bits = (bits << 6 | (uint32_t)value) & 0xffff;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		if (n == max)
			return -1;
		out[n++] = (unsigned char)(bits >> have & 0xff);
	}
	return (bits & ((1u << have) - 1)) == 0 ? (long)n : -1;
}

void
base64_encode(char *out, const void *in, size_t n)
{
	encode64(out, in, n, base64_digits, true);
}

long
base64_decode(unsigned char *out, size_t max, struct str in)
{
	int pad;

	if (in.n % 4 != 0)
		return -1;
	for (pad = 0; pad < 2 && in.n > 0 && in.p[in.n - 1] == '='; pad++)
		in.n--;
	return decode64(out, max, in, base64_digits);
}

void
base64url_encode(char *out, const void *in, size_t n)
{
	encode64(out, in, n, base64url_digits, false);
}

long
base64url_decode(unsigned char *out, size_t max, struct str in)
{
	return decode64(out, max, in, base64url_digits);
}
