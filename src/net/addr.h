/*
 * addr: network addresses and networks as values. IPv4-mapped IPv6 is folded to IPv4, so that 127.0.0.1 is one
 * address.
 */
#ifndef RINGD_ADDR_H
#define RINGD_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/socket.h>

#include "base/str.h"

#define ADDR_TEXT_SIZE	64

struct addr {
	int		family;		/* AF_INET, AF_INET6, AF_UNIX; 0 = unknown */
	unsigned char	ip[16];		/* 4 or 16 bytes used */
	uint16_t	port;
};

struct addr_net {		/* a CIDR block */
	struct addr	base;
	unsigned	bits;
};

/* From the raw bytes of an address: 4 for AF_INET, 16 for AF_INET6, none for AF_UNIX. */
void	addr_from_bytes(struct addr *a, int family, const void *ip, uint16_t port);
bool	addr_from_sockaddr(struct addr *a, const struct sockaddr *sa, socklen_t len);
bool	addr_parse_ip(struct addr *a, struct str s);	/* numeric IPv4, IPv6, [IPv6]; no port, no zone */
/* ip or ip/bits; host bits must be zero; "unix" = any Unix peer. */
bool	addr_parse_net(struct addr_net *n, struct str s);
bool	addr_in_net(const struct addr *a, const struct addr_net *n);
bool	addr_is_loopback(const struct addr *a);		/* 127.0.0.0/8, ::1, and Unix peers: never another machine */
/* An address of the open internet: no private, local, shared, test or multicast one, however it is written (addr_public.c). */
bool	addr_is_public(const struct addr *a);
#define ADDR_OWNER_SIZE	9
/* Of an IP address, what one owner has: an IPv4 address, an IPv6 /64. Bytes to compare and to digest; returns how many. */
size_t	addr_owner(unsigned char out[ADDR_OWNER_SIZE], const struct addr *a);
void	addr_text(char out[ADDR_TEXT_SIZE], const struct addr *a);	/* no port: 192.0.2.1, ::1, unix, unknown */

#endif
