/*
 * uuid: making, reading and writing UUIDs. Never makes one from the clock alone: 74 bits come from the kernel.
 */
#include <sys/types.h>

#include <string.h>

#include "base/hash.h"
#include "base/uuid.h"

#define UUID_V7_MS_MAX	((int64_t)0xffffffffffff)	/* 48 bits of time */

struct uuid
uuid_v7(int64_t real_ms)
{
	struct uuid	u;
	uint64_t	ms;
	int		i;

	ms = real_ms < 0 ? 0 : real_ms > UUID_V7_MS_MAX ? (uint64_t)UUID_V7_MS_MAX : (uint64_t)real_ms;
	hash_random(u.b + 6, sizeof(u.b) - 6);
	for (i = 5; i >= 0; i--) {
		u.b[i] = (unsigned char)(ms & 0xff);
		ms >>= 8;
	}
	u.b[6] = (unsigned char)(0x70 | (u.b[6] & 0x0f));
	u.b[8] = (unsigned char)(0x80 | (u.b[8] & 0x3f));
	return u;
}

static bool
is_dash(size_t at)
{
	return at == 8 || at == 13 || at == 18 || at == 23;
}

bool
uuid_parse(struct str s, struct uuid *out)
{
	char	digits[32];
	size_t	i, n = 0;

	if (s.n != UUID_TEXT_SIZE - 1)
		return false;
	for (i = 0; i < s.n; i++) {
		if (!is_dash(i))
			digits[n++] = s.p[i];
		else if (s.p[i] != '-')
			return false;
	}
	return hex_decode(out->b, sizeof(out->b), (struct str){ digits, n }) == (long)sizeof(out->b);
}

void
uuid_format(char out[UUID_TEXT_SIZE], struct uuid u)
{
	char	digits[33];
	size_t	i, n = 0;

	hex_encode(digits, u.b, sizeof(u.b));
	for (i = 0; i < UUID_TEXT_SIZE - 1; i++)
		out[i] = is_dash(i) ? '-' : digits[n++];
	out[i] = '\0';
}

int
uuid_cmp(struct uuid a, struct uuid b)
{
	return memcmp(a.b, b.b, sizeof(a.b));
}

bool
uuid_is_nil(struct uuid u)
{
	static const struct uuid nil;

	return uuid_cmp(u, nil) == 0;
}
