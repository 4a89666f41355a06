/*
 * addr_public: is this an address that a provider on the internet can have? What the special-purpose registries of IANA
 * (RFC 6890 and after) say is not reachable globally is refused, and so is what leads to such an address by another
 * name: IPv4 inside of IPv6.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <string.h>

#include "base/count.h"
#include "net/addr.h"

struct block {
	unsigned char	ip[16];
	unsigned	bits;
};

static const struct block closed4[] = {
	{ { 0 }, 8 },			/* this network */
	{ { 10 }, 8 },			/* private */
	{ { 100, 64 }, 10 },		/* shared by a carrier's customers */
	{ { 127 }, 8 },			/* loopback */
	{ { 169, 254 }, 16 },		/* link-local, and the metadata of clouds */
	{ { 172, 16 }, 12 },		/* private */
	{ { 192, 0, 0 }, 24 },		/* protocol assignments */
	{ { 192, 0, 2 }, 24 },		/* documentation */
	{ { 192, 88, 99 }, 24 },	/* 6to4 relays, gone */
	{ { 192, 168 }, 16 },		/* private */
	{ { 198, 18 }, 15 },		/* benchmarks */
	{ { 198, 51, 100 }, 24 },	/* documentation */
	{ { 203, 0, 113 }, 24 },	/* documentation */
	{ { 224 }, 4 },			/* multicast */
	{ { 240 }, 4 },			/* reserved, broadcast */
};

/* Within 2000::/3, outside of which nothing is public but NAT64. */
static const struct block closed6[] = {
	{ { 0x20, 0x01 }, 23 },			/* protocol assignments, Teredo among them */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 },	/* documentation */
	{ { 0x20, 0x02 }, 16 },			/* 6to4: holds any IPv4 address */
	{ { 0x3f, 0xff, 0x00 }, 20 },		/* documentation */
};

static const struct block global6 = { { 0x20 }, 3 };
static const struct block nat64 = { { 0x00, 0x64, 0xff, 0x9b }, 96 };

static bool
inside(const struct addr *a, const struct block *b)
{
	struct addr_net net = { .base = { .family = a->family }, .bits = b->bits };

	memcpy(net.base.ip, b->ip, sizeof(net.base.ip));
	return addr_in_net(a, &net);
}

static bool
in_any(const struct addr *a, const struct block *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (inside(a, &list[i]))
			return true;
	return false;
}

bool
addr_is_public(const struct addr *a)
{
	struct addr within;

	if (a->family == AF_INET)
		return !in_any(a, closed4, COUNT(closed4));
	if (a->family != AF_INET6)
		return false;
	if (inside(a, &nat64)) {
		addr_from_bytes(&within, AF_INET, a->ip + 12, a->port);
		return addr_is_public(&within);
	}
	return inside(a, &global6) && !in_any(a, closed6, COUNT(closed6));
}
