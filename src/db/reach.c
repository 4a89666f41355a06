/*
 * reach: what libpq touches of this machine for the connections of a conninfo: Unix sockets, ports, and files that it
 * reads by itself (passwords, certificates, services, Kerberos tickets), named in the conninfo, by the environment, or
 * in the user's home. For the list that a process is confined to; opens nothing. What a service file names in its turn
 * is not seen here: its files must stand in the usual places, and with it every port is allowed.
 */
#include <sys/types.h>

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/count.h"
#include "base/hash.h"
#include "base/num.h"
#include "db/db_internal.h"

#define PATH_SIZE	4096
#define PORT_MAX	65535

struct places {			/* as the options give them; NULL: not given */
	const char	*host, *hostaddr, *port;
};

/* A relative path begins where the process stands, which is where libpq will look. */
static void
add_file(struct reach *r, const char *path)
{
	char here[PATH_SIZE], whole[2 * PATH_SIZE];

	if (*path != '/' && getcwd(here, sizeof(here)) != NULL) {
		snprintf(whole, sizeof(whole), "%s/%s", here, path);
		path = whole;
	}
	reach_path(r, REACH_READ, path);
}

static void
add_home(struct reach *r, const char *home)
{
	static const char *const files[] = { ".pgpass", ".pg_service.conf", ".postgresql" };
	char path[PATH_SIZE];

	for (size_t i = 0; home != NULL && *home == '/' && i < COUNT(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", home, files[i]);
		reach_path(r, REACH_READ, path);
	}
}

/* libpq's own folder for it is fixed when it is built; these are where systems put it. */
static void
add_service_files(struct reach *r)
{
	static const char *const folders[] = {
		"/etc/postgresql-common", "/etc/postgresql", "/etc/sysconfig/pgsql", "/usr/local/etc/postgresql",
		"/usr/pkg/etc/postgresql",
	};
	const char *folder = getenv("PGSYSCONFDIR"), *file = getenv("PGSERVICEFILE");
	char path[PATH_SIZE];

	for (size_t i = 0; i < COUNT(folders); i++) {
		snprintf(path, sizeof(path), "%s/pg_service.conf", folders[i]);
		reach_path(r, REACH_READ, path);
	}
	if (folder != NULL) {
		snprintf(path, sizeof(path), "%s/pg_service.conf", folder);
		add_file(r, path);
	}
	if (file != NULL)
		add_file(r, file);
}

static void
add_tickets(struct reach *r)
{
	const char *cache = getenv("KRB5CCNAME"), *settings = getenv("KRB5_CONFIG");
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "/tmp/krb5cc_%lu", (unsigned long)geteuid());
	reach_path(r, REACH_READ, path);
	if (cache != NULL)
		reach_path(r, REACH_READ, strncmp(cache, "FILE:", 5) == 0 ? cache + 5 : cache);
	if (settings != NULL)
		reach_path(r, REACH_READ, settings);
}

static void
add_port(struct reach *r, struct str text, struct str hosts)
{
	char path[PATH_SIZE];
	struct str host;
	int64_t port;

	if (!num_i64(text, 1, PORT_MAX, &port))
		return;
	reach_port(r, (unsigned)port);
	for (struct str rest = hosts; str_cut(&rest, ',', &host); ) {
		snprintf(path, sizeof(path), "%.*s/.s.PGSQL.%lld", STR_ARG(host), (long long)port);
		if (host.n > 0 && (host.p[0] == '/' || host.p[0] == '@'))
			reach_path(r, REACH_SOCKET, path);
	}
}

/* Every port with every host: which belong together does not matter for what may be reached. */
static void
add_servers(struct reach *r, const struct places *p)
{
	struct str hosts = str_c(p->host), ports = str_c(p->port), port;

	if (p->host == NULL && p->hostaddr == NULL)
		hosts = STR("/var/run/postgresql,/run/postgresql,/tmp");	/* one of them was built into libpq */
	while (str_cut(&ports, ',', &port))
		add_port(r, port.n > 0 ? port : STR("5432"), hosts);
}

static void
add_option(struct reach *r, struct places *p, const PQconninfoOption *o, const char *value)
{
	static const char *const files[] = { "passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir" };

	if (strcmp(o->keyword, "host") == 0)
		p->host = value;
	else if (strcmp(o->keyword, "hostaddr") == 0)
		p->hostaddr = value;
	else if (strcmp(o->keyword, "port") == 0)
		p->port = value;
	else if (strcmp(o->keyword, "service") == 0) {
		add_service_files(r);
		reach_port(r, 0);
	}
	for (size_t i = 0; i < COUNT(files); i++)
		if (strcmp(o->keyword, files[i]) == 0)
			add_file(r, value);
}

void
db_reach(struct reach *r, const struct secret *conninfo)
{
	PQconninfoOption *all = PQconninfoParse((const char *)conninfo->bytes, NULL), *o;
	const struct passwd *user = getpwuid(geteuid());
	struct places p = { NULL, NULL, NULL };
	const char *value;

	for (o = all; o != NULL && o->keyword != NULL; o++) {
		value = o->val != NULL || o->envvar == NULL ? o->val : getenv(o->envvar);
		if (value == NULL || *value == '\0')
			value = o->compiled;
		if (value != NULL && *value != '\0')
			add_option(r, &p, o, value);
	}
	add_servers(r, &p);
	add_home(r, getenv("HOME"));
	add_home(r, user != NULL ? user->pw_dir : NULL);
	add_tickets(r);
	for (o = all; o != NULL && o->keyword != NULL; o++)	/* the copies hold the password */
		if (o->val != NULL)
			hash_wipe(o->val, strlen(o->val));
	PQconninfoFree(all);
}
