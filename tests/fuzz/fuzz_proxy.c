/*
 * Fuzzer: a PROXY header's verdict on all bytes must agree with the verdicts on each shorter piece of them, and a
 * header that is taken is a sane one. Starts from good headers of its own and needs no corpus.
 */
#include <sys/types.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "net/proxy_protocol.h"

#define SEED_ONE_IN	64
#define SIGNATURE	"\r\n\r\n\0\r\nQUIT\n"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t	LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t	LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static void
need(bool holds)
{
	if (!holds)
		abort();
}

/* From memory of exactly n bytes. */
static int
parse(const uint8_t *data, size_t n, struct addr *client)
{
	char	*copy = malloc(n > 0 ? n : 1);
	int	 r;

	need(copy != NULL);
	if (n > 0)
		memcpy(copy, data, n);
	client->family = 77;
	r = proxy_protocol_parse((struct str){ copy, n }, client);
	free(copy);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct addr	client;
	char		text[ADDR_TEXT_SIZE];
	size_t		n;
	int		r, last = 0;

	for (n = 0; n <= size; n++) {
		r = parse(data, n, &client);
		need(r >= -1 && r <= PROXY_PROTOCOL_V2_MAX);
		need(last == 0 || r == last);		/* once decided, more bytes change nothing */
		need(last != 0 || r <= 0 || (size_t)r == n);	/* decided at the header's last byte, not later */
		need(client.family == 0 || (r > 0 && (client.family == AF_INET || client.family == AF_INET6 ||
		    client.family == AF_UNIX)));
		addr_text(text, &client);
		need(strlen(text) < ADDR_TEXT_SIZE);
		last = r;
	}
	return 0;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static const struct str seeds[] = {
		STR("PROXY TCP4 192.0.2.1 198.51.100.2 8080 443\r\nGET"),
		STR("PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 8080 443\r\n"),
		STR("PROXY UNKNOWN x y z\r\n"),
		STR(SIGNATURE "\x21\x11\0\x0c\300\0\002\001\300\0\002\002\037\220\001\273GET"),
		STR(SIGNATURE "\x21\x21\0\x24" "0123456789abcdef0123456789abcdef\1\2\3\4"),
		STR(SIGNATURE "\x20\0\0\0"),
		STR(SIGNATURE "\x21\x11\0\x13\300\0\002\001\300\0\002\002\037\220\001\273\4\0\4abcd"),
	};
	struct str pick = seeds[seed / SEED_ONE_IN % (COUNT(seeds))];

	if (seed % SEED_ONE_IN == 0 && pick.n <= max) {
		memcpy(data, pick.p, pick.n);
		size = pick.n;
	}
	return LLVMFuzzerMutate(data, size, max);
}
