/*
 * token: makes and checks the texts of ringd's own secrets. Never keeps one: the caller shows it once and stores its
 * hash. Checking here proves nothing but good spelling; whether a token is known is the database's word.
 */
#include <sys/types.h>

#include <string.h>

#include "base/token.h"

#define TOKEN_RANDOM_BYTES	32	/* 62^43 is just above 2^256 */

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* Writes the big-endian number in n bytes as `width` base62 digits; number is used up on the way. */
static void
base62(char *out, size_t width, unsigned char *number, size_t n)
{
	unsigned int	rest;
	size_t		i;

	while (width-- > 0) {
		rest = 0;
		for (i = 0; i < n; i++) {
			rest = rest << 8 | number[i];
			number[i] = (unsigned char)(rest / 62);
			rest %= 62;
		}
		out[width] = digits[rest];
	}
}

static void
crc_text(char out[TOKEN_CRC_CHARS], struct str covered)
{
	uint32_t	crc = hash_crc32(covered);
	unsigned char	bytes[4] = {
		(unsigned char)(crc >> 24), (unsigned char)(crc >> 16), (unsigned char)(crc >> 8), (unsigned char)crc,
	};

	base62(out, TOKEN_CRC_CHARS, bytes, sizeof(bytes));
}

void
token_make(char out[TOKEN_SIZE], const char *prefix)
{
	unsigned char	number[TOKEN_RANDOM_BYTES];
	size_t		n = strlen(prefix);

	hash_random(number, sizeof(number));
	if (n > TOKEN_PREFIX_MAX)
		n = TOKEN_PREFIX_MAX;
	memcpy(out, prefix, n);
	base62(out + n, TOKEN_RANDOM_CHARS, number, sizeof(number));
	n += TOKEN_RANDOM_CHARS;
	crc_text(out + n, (struct str){ out, n });
	out[n + TOKEN_CRC_CHARS] = '\0';
	hash_wipe(number, sizeof(number));
}

bool
token_valid(struct str token, const char *prefix)
{
	struct str	start = str_c(prefix);
	char		crc[TOKEN_CRC_CHARS];
	size_t		i, covered = start.n + TOKEN_RANDOM_CHARS;

	if (token.n != covered + TOKEN_CRC_CHARS || !str_starts(token, start))
		return false;
	for (i = start.n; i < token.n; i++)
		if (token.p[i] == '\0' || strchr(digits, token.p[i]) == NULL)
			return false;
	crc_text(crc, (struct str){ token.p, covered });
	return memcmp(crc, token.p + covered, sizeof(crc)) == 0;
}

void
token_hash(unsigned char out[SHA256_SIZE], struct str token)
{
	hash_sha256(out, token);
}
