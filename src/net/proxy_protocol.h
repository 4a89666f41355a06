/*
 * proxy_protocol: the preamble a load balancer puts before the client's bytes (haproxy's PROXY protocol, versions 1
 * and 2). Pure: bytes in, verdict out. Read only on listeners that ask for it, and then required.
 */
#ifndef RINGD_PROXY_PROTOCOL_H
#define RINGD_PROXY_PROTOCOL_H

#include "base/str.h"
#include "net/addr.h"

#define PROXY_PROTOCOL_V1_MAX	107
#define PROXY_PROTOCOL_V2_MAX	(16 + 1024)	/* our bound on address block and TLVs */

/* >0: header of that many bytes, *client filled (family 0 for LOCAL/UNKNOWN: keep the socket's own peer).
 * 0: more bytes needed. -1: not a valid header, close without an answer. */
int	proxy_protocol_parse(struct str in, struct addr *client);

#endif
