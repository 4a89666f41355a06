/*
 * proxy_protocol: reads one PROXY header, version 1 (a line of text) or 2 (binary), from the first bytes of a
 * connection. It decides whom we believe the client to be, so it is strict: one form, exact separators, everything
 * bounded, nothing guessed. Never reads beyond the header and never takes a byte of the request behind it.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <string.h>

#include "base/num.h"
#include "net/proxy_protocol.h"

#define V1_PREFIX	"PROXY "
#define V2_SIGNATURE	"\r\n\r\n\0\r\nQUIT\n"
#define V2_HEAD		16
#define V2_UNIX_BYTES	216	/* two paths of 108 */
#define TLV_HEAD	3

enum { V2_LOCAL = 0x20, V2_PROXY = 0x21 };
enum { V2_TCP4 = 0x11, V2_TCP6 = 0x21, V2_UNIX_STREAM = 0x31 };

/* Could `in`, short as it may be, begin with `want`? */
static bool
begins(struct str in, struct str want)
{
	return memcmp(in.p, want.p, in.n < want.n ? in.n : want.n) == 0;
}

/* Decimal without leading zeros: an octal reading must not be possible. */
static bool
v1_port(struct str s, int64_t *port)
{
	return s.n >= 1 && s.n <= 5 && (s.n == 1 || s.p[0] != '0') && num_i64(s, 0, UINT16_MAX, port);
}

static bool
v1_address(struct addr *a, struct str s, bool six)
{
	if (s.n == 0 || s.p[0] == '[' || (memchr(s.p, ':', s.n) != NULL) != six)
		return false;
	return addr_parse_ip(a, s);
}

/* The words after "PROXY ", without CR LF. */
static bool
v1_words(struct str line, struct addr *client)
{
	struct str	word[5];
	struct addr	server;
	int64_t		port, server_port;
	size_t		n = 0;
	bool		six;

	if (str_eq(line, STR("UNKNOWN")) || str_starts(line, STR("UNKNOWN ")))
		return true;
	while (n < 5 && str_cut(&line, ' ', &word[n]))
		n++;
	if (n != 5 || line.p != NULL)
		return false;
	six = str_eq(word[0], STR("TCP6"));
	if (!six && !str_eq(word[0], STR("TCP4")))
		return false;
	if (!v1_address(client, word[1], six) || !v1_address(&server, word[2], six))
		return false;
	if (!v1_port(word[3], &port) || !v1_port(word[4], &server_port))
		return false;
	client->port = (uint16_t)port;
	return true;
}

static int
v1(struct str in, struct addr *client)
{
	struct str	prefix = STR(V1_PREFIX);
	size_t		max = in.n < PROXY_PROTOCOL_V1_MAX ? in.n : PROXY_PROTOCOL_V1_MAX;
	const char	*cr, *lf;
	size_t		len;

	if (!begins(in, prefix))
		return -1;
	if (in.n < prefix.n)
		return 0;
	cr = memchr(in.p, '\r', max);
	lf = memchr(in.p, '\n', max);
	if (lf == NULL && max < PROXY_PROTOCOL_V1_MAX && (cr == NULL || cr == in.p + max - 1))
		return 0;
	if (cr == NULL || lf != cr + 1)
		return -1;
	len = (size_t)(cr - in.p);
	if (!v1_words((struct str){ in.p + prefix.n, len - prefix.n }, client)) {
		*client = (struct addr){ .family = 0 };
		return -1;
	}
	return (int)len + 2;
}

/* Type-length-value fields fill what is left exactly; what they say is not ours to know. */
static bool
v2_extras_valid(const unsigned char *p, size_t n)
{
	size_t len;

	while (n > 0) {
		if (n < TLV_HEAD)
			return false;
		len = TLV_HEAD + ((size_t)p[1] << 8 | p[2]);
		if (len > n)
			return false;
		p += len;
		n -= len;
	}
	return true;
}

static bool
v2_addresses(unsigned form, const unsigned char *p, size_t n, struct addr *client)
{
	size_t ip = form == V2_TCP4 ? 4 : 16;
	size_t block = form == V2_UNIX_STREAM ? V2_UNIX_BYTES : 2 * ip + 4;

	if (n < block || !v2_extras_valid(p + block, n - block))
		return false;
	if (form == V2_UNIX_STREAM)
		addr_from_bytes(client, AF_UNIX, NULL, 0);
	else
		addr_from_bytes(client, form == V2_TCP4 ? AF_INET : AF_INET6, p,
		    (uint16_t)(p[2 * ip] << 8 | p[2 * ip + 1]));
	return true;
}

static int
v2(struct str in, struct addr *client)
{
	const unsigned char	*p = (const unsigned char *)in.p;
	size_t			 len;
	unsigned		 form;

	if (!begins(in, STR(V2_SIGNATURE)))
		return -1;
	if (in.n < V2_HEAD)
		return in.n > 12 && p[12] != V2_LOCAL && p[12] != V2_PROXY ? -1 : 0;
	form = p[13];
	len = (size_t)p[14] << 8 | p[15];
	if ((p[12] != V2_LOCAL && p[12] != V2_PROXY) || len > PROXY_PROTOCOL_V2_MAX - V2_HEAD)
		return -1;
	if (p[12] == V2_PROXY && (form >> 4 > 3 || (form & 0x0f) > 2))
		return -1;		/* family or transport that the protocol does not have */
	if (in.n < V2_HEAD + len)
		return 0;
	if (p[12] == V2_PROXY && (form == V2_TCP4 || form == V2_TCP6 || form == V2_UNIX_STREAM) &&
	    !v2_addresses(form, p + V2_HEAD, len, client))
		return -1;
	return (int)(V2_HEAD + len);
}

int
proxy_protocol_parse(struct str in, struct addr *client)
{
	*client = (struct addr){ .family = 0 };
	if (in.n == 0)
		return 0;
	return in.p[0] == '\r' ? v2(in, client) : v1(in, client);
}
