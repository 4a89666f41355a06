/*
 * uuid: 16 bytes. New ones are version 7 (RFC 9562): time-ordered, so that index inserts stay at one end.
 */
#ifndef RINGD_UUID_H
#define RINGD_UUID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define UUID_TEXT_SIZE	37	/* 36 characters and a NUL */

struct uuid {
	unsigned char	b[16];
};

struct uuid uuid_v7(int64_t real_ms);			/* random part from the system's CSPRNG */
bool	uuid_parse(struct str s, struct uuid *out);	/* 8-4-4-4-12, either case */
void	uuid_format(char out[UUID_TEXT_SIZE], struct uuid u);
int	uuid_cmp(struct uuid a, struct uuid b);
bool	uuid_is_nil(struct uuid u);

#endif
