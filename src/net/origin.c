/*
 * origin: strict, because what is compared with an allow-list must be spelt in one way only.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "net/addr.h"
#include "net/origin.h"

static bool
is_name(struct str host)
{
	size_t label = 0;

	for (size_t i = 0; i < host.n; i++) {
		char c = host.p[i];

		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    (c == '-' && label > 0)) {
			label++;
		} else
			return false;
	}
	return label > 0;
}

/* Digits and dots alone: an address, or what some resolvers take for one (0x7f.1 does not get here, 127.1 does). */
static bool
looks_numeric(struct str host)
{
	struct str last = host, part = host;

	while (str_cut(&last, '.', &part))
		;
	return part.n > 0 && part.p[0] >= '0' && part.p[0] <= '9';
}

static bool
take_host(struct origin *o, struct str host)
{
	struct addr a;

	if (host.n == 0 || host.n >= sizeof(o->host))
		return false;
	if (host.p[0] == '[') {
		if (!addr_parse_ip(&a, host))
			return false;
	} else if (looks_numeric(host) ? !addr_parse_ip(&a, host) : !is_name(host))
		return false;
	for (size_t i = 0; i < host.n; i++)
		o->host[i] = (char)(host.p[i] >= 'A' && host.p[i] <= 'Z' ? host.p[i] - 'A' + 'a' : host.p[i]);
	o->host[host.n] = '\0';
	return true;
}

bool
origin_parse(struct origin *o, struct str text)
{
	const struct str schemes[] = { STR("http://"), STR("https://") };
	struct str port = STR_NONE;
	int64_t number;
	size_t i;

	memset(o, 0, sizeof(*o));
	if (str_starts(text, schemes[1]))
		o->https = true;
	else if (!str_starts(text, schemes[0]))
		return false;
	text.p += schemes[o->https].n;
	text.n -= schemes[o->https].n;
	o->port = o->https ? 443 : 80;
	/* The last colon begins a port, unless it stands inside of brackets. */
	for (i = text.n; i > 0 && text.p[i - 1] != ':' && text.p[i - 1] != ']'; i--)
		;
	if (i > 0 && text.p[i - 1] == ':') {
		port = (struct str){ text.p + i, text.n - i };
		text.n = i - 1;
	}
	if (port.p != NULL) {
		if (!num_i64(port, 1, 65535, &number))
			return false;
		o->port = (uint16_t)number;
	}
	return take_host(o, text);
}

bool
origin_equal(const struct origin *a, const struct origin *b)
{
	return a->https == b->https && a->port == b->port && strcmp(a->host, b->host) == 0;
}

bool
origin_is_local(const struct origin *o)
{
	struct addr a;

	return strcmp(o->host, "localhost") == 0 || (addr_parse_ip(&a, str_c(o->host)) && addr_is_loopback(&a));
}

bool
origin_is_address(const struct origin *o)
{
	struct addr a;

	return addr_parse_ip(&a, str_c(o->host));
}

void
origin_short(char out[ORIGIN_TEXT_SIZE], const struct origin *o)
{
	if (o->port != (o->https ? 443 : 80))
		origin_text(out, o);
	else
		snprintf(out, ORIGIN_TEXT_SIZE, "%s://%s", o->https ? "https" : "http", o->host);
}

void
origin_text(char out[ORIGIN_TEXT_SIZE], const struct origin *o)
{
	snprintf(out, ORIGIN_TEXT_SIZE, "%s://%s:%u", o->https ? "https" : "http", o->host, (unsigned)o->port);
}
