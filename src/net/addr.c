/*
 * addr: addresses as plain values that can be compared byte by byte. Folds ::ffff:a.b.c.d to a.b.c.d at every
 * entrance, so that no rule about IPv4 is passed by writing the address differently. Reads numbers only, never asks a
 * resolver.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "base/num.h"
#include "net/addr.h"

#define MAPPED_BITS	96

static const unsigned char mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static size_t
ip_bytes(int family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

void
addr_from_bytes(struct addr *a, int family, const void *ip, uint16_t port)
{
	const unsigned char *b = ip;

	*a = (struct addr){ .family = family, .port = port };
	if (family == AF_INET6 && memcmp(b, mapped_prefix, sizeof(mapped_prefix)) == 0) {
		a->family = AF_INET;
		b += sizeof(mapped_prefix);
	}
	if (ip_bytes(a->family) > 0)
		memcpy(a->ip, b, ip_bytes(a->family));
}

bool
addr_from_sockaddr(struct addr *a, const struct sockaddr *sa, socklen_t len)
{
	struct sockaddr_in	in;
	struct sockaddr_in6	in6;

	*a = (struct addr){ .family = 0 };
	if (len < (socklen_t)(offsetof(struct sockaddr, sa_family) + sizeof(sa->sa_family)))
		return false;
	switch (sa->sa_family) {
	case AF_INET:
		if (len < (socklen_t)sizeof(in))
			return false;
		memcpy(&in, sa, sizeof(in));
		addr_from_bytes(a, AF_INET, &in.sin_addr, ntohs(in.sin_port));
		return true;
	case AF_INET6:
		if (len < (socklen_t)sizeof(in6))
			return false;
		memcpy(&in6, sa, sizeof(in6));
		addr_from_bytes(a, AF_INET6, &in6.sin6_addr, ntohs(in6.sin6_port));
		return true;
	case AF_UNIX:
		a->family = AF_UNIX;
		return true;
	default:
		return false;
	}
}

/* The bytes of a numeric address as written, not folded; returns its family or 0. */
static int
ip_parse(unsigned char out[16], struct str s)
{
	char	text[INET6_ADDRSTRLEN];
	bool	bracketed = s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']';

	if (bracketed)
		s = (struct str){ s.p + 1, s.n - 2 };
	if (s.n == 0 || s.n >= sizeof(text) || memchr(s.p, '\0', s.n) != NULL)
		return 0;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (!bracketed && inet_pton(AF_INET, text, out) == 1)
		return AF_INET;
	return inet_pton(AF_INET6, text, out) == 1 ? AF_INET6 : 0;
}

bool
addr_parse_ip(struct addr *a, struct str s)
{
	unsigned char	ip[16];
	int		family = ip_parse(ip, s);

	*a = (struct addr){ .family = 0 };
	if (family == 0)
		return false;
	addr_from_bytes(a, family, ip, 0);
	return true;
}

/* Are all bits from `bits` on zero? */
static bool
host_bits_zero(const unsigned char *ip, size_t bytes, unsigned bits)
{
	size_t i;

	for (i = bits; i < bytes * 8; i++)
		if ((ip[i / 8] & (0x80 >> i % 8)) != 0)
			return false;
	return true;
}

bool
addr_parse_net(struct addr_net *n, struct str s)
{
	unsigned char	ip[16];
	struct str	text;
	int64_t		bits;
	int		family;

	*n = (struct addr_net){ .bits = 0 };
	if (str_eq(s, STR("unix"))) {
		n->base.family = AF_UNIX;
		return true;
	}
	if (!str_cut(&s, '/', &text) || (family = ip_parse(ip, text)) == 0)
		return false;
	bits = (int64_t)ip_bytes(family) * 8;
	if (s.p != NULL && (s.n > 3 || !num_i64(s, 0, bits, &bits)))
		return false;
	if (!host_bits_zero(ip, ip_bytes(family), (unsigned)bits))
		return false;
	addr_from_bytes(&n->base, family, ip, 0);
	n->bits = (unsigned)bits;
	if (family == n->base.family)
		return true;
	n->bits -= MAPPED_BITS;		/* folded: its last two prefix bytes are ones, so bits is 96 or more */
	return true;
}

bool
addr_in_net(const struct addr *a, const struct addr_net *n)
{
	unsigned	whole = n->bits / 8, rest = n->bits % 8;

	if (a->family != n->base.family || a->family == 0)
		return false;
	if (memcmp(a->ip, n->base.ip, whole) != 0)
		return false;
	return rest == 0 || (a->ip[whole] ^ n->base.ip[whole]) >> (8 - rest) == 0;
}

bool
addr_is_loopback(const struct addr *a)
{
	static const unsigned char one[16] = { [15] = 1 };

	switch (a->family) {
	case AF_UNIX:
		return true;
	case AF_INET:
		return a->ip[0] == 127;
	case AF_INET6:
		return memcmp(a->ip, one, sizeof(one)) == 0;
	default:
		return false;
	}
}

size_t
addr_owner(unsigned char out[ADDR_OWNER_SIZE], const struct addr *a)
{
	size_t n = a->family == AF_INET ? 4 : 8;

	out[0] = a->family == AF_INET ? 4 : 6;
	memcpy(out + 1, a->ip, n);
	return n + 1;
}

void
addr_text(char out[ADDR_TEXT_SIZE], const struct addr *a)
{
	if (a->family == AF_UNIX)
		memcpy(out, "unix", sizeof("unix"));
	else if (ip_bytes(a->family) == 0 || inet_ntop(a->family, a->ip, out, ADDR_TEXT_SIZE) == NULL)
		memcpy(out, "unknown", sizeof("unknown"));
}
