/*
 * Fuzzer: a frame that is taken is written again as the same bytes, its fields lie inside of it, and a verdict on some bytes
 * never changes when more come. The same bytes as a key file: what is taken has ids in order and is read again as it is.
 */
#include <sys/types.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "crypt/keyring.h"
#include "link/frames.h"

#define SEED_ONE_IN	64
#define KEY		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t	LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t	LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static void
need(bool holds)
{
	if (!holds)
		abort();
}

static void
check_frame(const char *p, size_t size)
{
	struct frame f;
	struct buf b;
	long n, last = 0;

	for (size_t len = 0; len <= size && len < 4096; len++) {
		n = frame_parse(&f, (struct str){ p, len });
		need(last == 0 || n == last);
		need(n <= (long)len);
		last = n;
	}
	n = frame_parse(&f, (struct str){ p, size });
	if (n <= 0)
		return;
	for (unsigned i = 0; i < f.nfields; i++)
		need(f.field[i].p >= p + FRAME_HEAD && f.field[i].p + f.field[i].n <= p + n);
	buf_init(&b, FRAME_MAX);
	frame_write(&b, &f);
	need(!b.failed && b.len == (size_t)n && memcmp(b.p, p, b.len) == 0);
	buf_free(&b);
}

static void
check_ring(const char *p, size_t size)
{
	char why[KEYRING_WHY_SIZE], line[KEYRING_LINE_SIZE], text[KEYRING_MAX * KEYRING_LINE_SIZE] = "";
	struct keyring k, again;

	if (!keyring_parse(&k, (struct str){ p, size }, "ring", why)) {
		need(k.n == 0 && strlen(why) > 0 && strlen(why) < sizeof(why));
		return;
	}
	need(k.n > 0 && k.n <= KEYRING_MAX);
	for (size_t i = 0; i < k.n; i++) {
		need(k.key[i].id > (i > 0 ? k.key[i - 1].id : 0));
		key_line(line, &k.key[i]);
		strcat(text, line);
	}
	need(keyring_parse(&again, str_c(text), "ring", why) && again.n == k.n);
	for (size_t i = 0; i < k.n; i++)
		need(again.key[i].id == k.key[i].id && memcmp(again.key[i].bytes, k.key[i].bytes, sizeof(k.key[i].bytes)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size > 0 ? size : 1);	/* of exactly that size, so that reading past it is seen */

	need(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	check_frame(copy, size);
	check_ring(copy, size);
	free(copy);
	return 0;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static const struct str seeds[] = {
		STR("\0\0\0\x0c" "\0\0\0\1" "\1\0\0\0" "\0\0\0\0"),
		STR("\0\0\0\x17" "\0\0\0\1" "\4\0\1\0" "\0\0\1\0" "\0\0\0\7dialpad"),
		STR("\0\0\0\x15" "\0\0\0\1" "\3\2\2\0" "\0\0\0\0" "\0\0\0\0" "\0\0\0\1x"),
		STR("# ring\n1:" KEY ":2026-11-26T21:14:43Z\n\n"),
		STR("2:ff" KEY),
	};
	struct str pick = seeds[seed / SEED_ONE_IN % (COUNT(seeds))];

	if (seed % SEED_ONE_IN == 0 && pick.n <= max) {
		memcpy(data, pick.p, pick.n);
		size = pick.n;
	}
	return LLVMFuzzerMutate(data, size, max);
}
