/*
 * resolve: host names of a conninfo to numeric addresses in an offload thread, because getaddrinfo blocks and libpq would call it
 * inside PQconnectStart. Paths and numeric addresses need none of this. A name with several addresses becomes several
 * host/hostaddr/port entries, which libpq tries in order; the name itself stays for certificate checks.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "db/db_internal.h"
#include "loop/offload.h"
#include "net/addr.h"

#define RESOLVE_LIST_MAX	4096	/* bytes of each list */

struct resolve {
	struct db	*db;		/* NULL: given up meanwhile */
	void		(*done)(struct db *, const char *, const char *, const char *, const char *);
	char		*hosts, *ports;	/* as configured, comma separated */
	struct buf	 host, hostaddr, port;
	char		 error[200];
};

/* Value of one keyword of the conninfo, or NULL. The caller frees. */
static char *
conninfo_value(const struct secret *conninfo, const char *keyword)
{
	PQconninfoOption *all = PQconninfoParse((const char *)conninfo->bytes, NULL), *o;
	char *value = NULL;

	for (o = all; o != NULL && o->keyword != NULL; o++)
		if (strcmp(o->keyword, keyword) == 0 && o->val != NULL && o->val[0] != '\0')
			value = strdup(o->val);
	PQconninfoFree(all);
	return value;
}

static bool
is_name(struct str host)
{
	struct addr a;

	return host.n > 0 && host.p[0] != '/' && host.p[0] != '@' && !addr_parse_ip(&a, host);
}

bool
db_resolve_needed(const struct secret *conninfo)
{
	char *addr = conninfo_value(conninfo, "hostaddr"), *host = conninfo_value(conninfo, "host");
	struct str rest = str_c(host), one;
	bool needed = false;

	while (addr == NULL && host != NULL && str_cut(&rest, ',', &one))
		needed = needed || is_name(one);
	free(addr);
	free(host);
	return needed;
}

static void
append(struct resolve *r, struct str host, const char *address, struct str port)
{
	const char *comma = r->host.len > 0 ? "," : "";

	buf_puts(&r->host, comma);
	buf_str(&r->host, host);
	buf_puts(&r->hostaddr, comma);
	buf_puts(&r->hostaddr, address);
	buf_puts(&r->port, comma);
	buf_str(&r->port, port);
}

static void
resolve_one(struct resolve *r, struct str host, struct str port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found, *a;
	char name[256], text[NI_MAXHOST];
	int e;

	snprintf(name, sizeof(name), "%.*s", STR_ARG(host));
	e = getaddrinfo(name, NULL, &hints, &found);
	if (e != 0) {
		snprintf(r->error, sizeof(r->error), "cannot resolve host \"%.100s\": %s", name, gai_strerror(e));
		return;
	}
	for (a = found; a != NULL; a = a->ai_next)
		if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST) == 0)
			append(r, host, text, port);
	freeaddrinfo(found);
}

static void
in_thread(void *arg)
{
	struct resolve *r = arg;
	struct str hosts = str_c(r->hosts), ports = str_c(r->ports), host, port = STR_NONE, next;

	while (str_cut(&hosts, ',', &host)) {
		if (str_cut(&ports, ',', &next))
			port = next;		/* one port for all, or one each */
		if (is_name(host))
			resolve_one(r, host, port);
		else
			append(r, host, "", port);	/* an empty hostaddr makes libpq use host */
	}
}

static void
resolve_free(struct resolve *r)
{
	free(r->hosts);
	free(r->ports);
	buf_free(&r->host);
	buf_free(&r->hostaddr);
	buf_free(&r->port);
	free(r);
}

static void
finished(void *arg)
{
	struct resolve *r = arg;

	buf_putc(&r->host, '\0');
	buf_putc(&r->hostaddr, '\0');
	buf_putc(&r->port, '\0');
	if (r->db != NULL) {
		if (r->host.failed || r->hostaddr.failed || r->port.failed)
			r->done(r->db, NULL, NULL, NULL, "too many database addresses");
		else if (r->host.len <= 1)
			r->done(r->db, NULL, NULL, NULL, r->error);
		else
			r->done(r->db, r->host.p, r->hostaddr.p, r->port.p, NULL);
	}
	resolve_free(r);
}

struct resolve *
db_resolve_start(struct db *db, void (*done)(struct db *, const char *, const char *, const char *, const char *))
{
	struct resolve *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->db = db;
	r->done = done;
	r->hosts = conninfo_value(db->cfg.conninfo, "host");
	r->ports = conninfo_value(db->cfg.conninfo, "port");
	buf_init(&r->host, RESOLVE_LIST_MAX);
	buf_init(&r->hostaddr, RESOLVE_LIST_MAX);
	buf_init(&r->port, RESOLVE_LIST_MAX);
	if (r->hosts == NULL || !offload(db->loop, in_thread, finished, r)) {
		resolve_free(r);
		return NULL;
	}
	return r;
}

void
db_resolve_abandon(struct resolve *r)
{
	r->db = NULL;
}
