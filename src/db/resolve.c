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
#include "base/hash.h"
#include "db/db_internal.h"
#include "loop/offload.h"
#include "net/addr.h"

#define RESOLVE_LIST_MAX	4096	/* bytes of each list */

struct resolve {
	struct db	*db;		/* NULL: given up meanwhile */
	void		(*done)(struct db *, const char *, const char *, const char *, const char *);
	char		*hosts, *ports;	/* as configured, comma separated */
	struct buf	 host, hostaddr, port;
	unsigned	 count;		/* entries in the lists */
	unsigned	 skip;		/* begin with this one */
	char		 error[200];
};

struct address {		/* of a conninfo; NULL = not given; freed with address_free */
	char	*host, *hostaddr, *port;
};

static void
take_value(char **to, const PQconninfoOption *o, const char *keyword)
{
	if (strcmp(o->keyword, keyword) == 0 && o->val[0] != '\0')
		*to = strdup(o->val);
}

/* false: not a conninfo at all. The parsed copies hold the password, so they are wiped. */
static bool
address_read(struct address *a, const struct secret *conninfo)
{
	PQconninfoOption *all = PQconninfoParse((const char *)conninfo->bytes, NULL), *o;

	memset(a, 0, sizeof(*a));
	for (o = all; o != NULL && o->keyword != NULL; o++) {
		if (o->val == NULL)
			continue;
		take_value(&a->host, o, "host");
		take_value(&a->hostaddr, o, "hostaddr");
		take_value(&a->port, o, "port");
		hash_wipe(o->val, strlen(o->val));
	}
	PQconninfoFree(all);
	return all != NULL;
}

static void
address_free(struct address *a)
{
	free(a->host);
	free(a->hostaddr);
	free(a->port);
}

static bool
is_name(struct str host)
{
	struct addr a;

	return host.n > 0 && host.p[0] != '/' && host.p[0] != '@' && !addr_parse_ip(&a, host);
}

enum db_address
db_resolve_needed(const struct secret *conninfo)
{
	struct address a;
	struct str rest, one;
	enum db_address kind = ADDRESS_PLAIN;
	size_t hosts = 0;

	if (!address_read(&a, conninfo)) {
		address_free(&a);
		return ADDRESS_MALFORMED;
	}
	rest = str_c(a.host);
	while (a.hostaddr == NULL && a.host != NULL && str_cut(&rest, ',', &one)) {
		if (is_name(one) || ++hosts > 1)
			kind = ADDRESS_LIST;
		/* An @ inside a host is the rest of a password that was not percent-encoded. */
		if (one.n > 1 && memchr(one.p + 1, '@', one.n - 1) != NULL) {
			kind = ADDRESS_MALFORMED;
			break;
		}
	}
	address_free(&a);
	return kind;
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
	r->count++;
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
		/* Without the name: when a password is badly written, libpq takes part of it for the host. */
		snprintf(r->error, sizeof(r->error), "cannot resolve the database's host: %s", gai_strerror(e));
		return;
	}
	for (a = found; a != NULL; a = a->ai_next)
		if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST) == 0)
			append(r, host, text, port);
	freeaddrinfo(found);
}

/* Moves the first of a comma-separated list to its end. */
static void
rotate(struct buf *list)
{
	char *comma = list->len > 0 ? memchr(list->p, ',', list->len) : NULL;
	struct buf turned;

	if (comma == NULL)
		return;
	buf_init(&turned, list->max);
	buf_put(&turned, comma + 1, list->len - (size_t)(comma + 1 - list->p));
	buf_putc(&turned, ',');
	buf_put(&turned, list->p, (size_t)(comma - list->p));
	buf_free(list);
	*list = turned;
}

static void
in_thread(void *arg)
{
	struct resolve *r = arg;
	struct str hosts = str_c(r->hosts), ports = str_c(r->ports), host, port = STR_NONE, next;
	unsigned turns;

	while (str_cut(&hosts, ',', &host)) {
		if (str_cut(&ports, ',', &next))
			port = next;		/* one port for all, or one each */
		if (is_name(host))
			resolve_one(r, host, port);
		else
			append(r, host, "", port);	/* an empty hostaddr makes libpq use host */
	}
	for (turns = r->count > 0 ? r->skip % r->count : 0; turns > 0; turns--) {
		rotate(&r->host);
		rotate(&r->hostaddr);
		rotate(&r->port);
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
	struct address a;

	if (r == NULL)
		return NULL;
	r->db = db;
	r->done = done;
	address_read(&a, db->cfg.conninfo);
	r->hosts = a.host;
	r->ports = a.port;
	free(a.hostaddr);
	r->skip = db->skip;
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
