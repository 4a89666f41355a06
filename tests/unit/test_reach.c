/*
 * reach: the list, its bounds, and what a PostgreSQL address puts on it.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/reach.h"
#include "db/db.h"

static bool
has(const struct reach *r, enum reach_kind kind, const char *path)
{
	for (size_t i = 0; i < r->npaths; i++)
		if (r->path[i].kind == kind && strcmp(r->path[i].path, path) == 0)
			return true;
	return false;
}

static bool
has_port(const struct reach *r, unsigned port)
{
	for (size_t i = 0; i < r->nports; i++)
		if (r->port[i] == port)
			return true;
	return false;
}

static void
paths_are_kept_once(void **state)
{
	struct reach r = { .npaths = 0 };
	char path[] = "/a/b";

	(void)state;
	reach_path(&r, REACH_READ, path);
	path[1] = 'x';
	reach_path(&r, REACH_READ, "/a/b");
	reach_path(&r, REACH_APPEND, "/a/b");
	reach_path(&r, REACH_READ, "a/b");
	reach_path(&r, REACH_READ, "");
	reach_path(&r, REACH_READ, "@a");
	reach_path(&r, REACH_SOCKET, "@a");
	assert_int_equal(r.npaths, 3);
	assert_true(has(&r, REACH_READ, "/a/b") && has(&r, REACH_APPEND, "/a/b") && has(&r, REACH_SOCKET, "@a"));
	reach_free(&r);
	assert_int_equal(r.npaths, 0);
}

static void
folders(void **state)
{
	struct reach r = { .npaths = 0 };

	(void)state;
	reach_folder_of(&r, REACH_APPEND, "/var/log/ringd/ringd.log");
	reach_folder_of(&r, REACH_APPEND, "/ringd.log");
	reach_folder_of(&r, REACH_APPEND, "ringd.log");
	assert_int_equal(r.npaths, 2);
	assert_true(has(&r, REACH_APPEND, "/var/log/ringd") && has(&r, REACH_APPEND, "/"));
	reach_free(&r);
}

static void
what_does_not_fit_is_said(void **state)
{
	struct reach r = { .npaths = 0 };
	char path[32];

	(void)state;
	for (int i = 0; i < REACH_PATHS_MAX; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		reach_path(&r, REACH_READ, path);
	}
	assert_false(r.incomplete);
	reach_path(&r, REACH_READ, "/0");
	assert_false(r.incomplete);
	reach_path(&r, REACH_READ, "/one more");
	assert_true(r.incomplete);
	reach_free(&r);
	for (unsigned i = 1; i <= REACH_PORTS_MAX; i++)
		reach_port(&r, i);
	reach_port(&r, 1);
	assert_false(r.incomplete || r.any_port);
	assert_int_equal(r.nports, REACH_PORTS_MAX);
	reach_port(&r, 0);
	assert_true(r.any_port);
	assert_false(r.incomplete);
	reach_port(&r, 65535);
	assert_true(r.incomplete);
	reach_free(&r);
}

static struct reach
reach_of(const char *conninfo)
{
	struct reach r = { .npaths = 0 };
	struct secret s = { .bytes = NULL };

	assert_true(secret_set(&s, str_c(conninfo)));
	db_reach(&r, &s);
	secret_free(&s);
	assert_false(r.incomplete);
	return r;
}

static void
a_socket_of_postgresql(void **state)
{
	struct reach r = reach_of("postgresql://ringd_worker@/ringd?host=/run/pg,@abs&port=5555");

	(void)state;
	assert_true(has(&r, REACH_SOCKET, "/run/pg/.s.PGSQL.5555") && has(&r, REACH_SOCKET, "@abs/.s.PGSQL.5555"));
	assert_int_equal(r.nports, 1);
	assert_true(has_port(&r, 5555));
	assert_false(r.any_port);
	reach_free(&r);
	r = reach_of("dbname=ringd");
	assert_true(has(&r, REACH_SOCKET, "/tmp/.s.PGSQL.5432") && has_port(&r, 5432));
	reach_free(&r);
}

static void
hosts_and_files(void **state)
{
	struct reach r = reach_of("host=a,b,/s port=1,,3 sslrootcert=/tls/root.crt sslcert=/tls/c sslkey=/tls/k passfile=/p");
	char here[4096], crl[5000];

	(void)state;
	assert_true(has_port(&r, 1) && has_port(&r, 5432) && has_port(&r, 3));
	assert_int_equal(r.nports, 3);
	assert_true(has(&r, REACH_SOCKET, "/s/.s.PGSQL.3"));
	assert_true(has(&r, REACH_READ, "/tls/root.crt") && has(&r, REACH_READ, "/tls/c") && has(&r, REACH_READ, "/tls/k") &&
	    has(&r, REACH_READ, "/p"));
	reach_free(&r);
	assert_non_null(getcwd(here, sizeof(here)));
	snprintf(crl, sizeof(crl), "%s/x.crl", here);
	r = reach_of("host=a sslcrl=x.crl");
	assert_true(has(&r, REACH_READ, crl));
	reach_free(&r);
}

static void
what_the_environment_and_the_home_add(void **state)
{
	struct reach r;

	(void)state;
	setenv("HOME", "/home/of/ringd", 1);
	setenv("PGPASSFILE", "/from/env", 1);
	setenv("PGPORT", "7777", 1);
	setenv("PGSERVICEFILE", "/services", 1);
	r = reach_of("host=a");
	assert_true(has(&r, REACH_READ, "/home/of/ringd/.pgpass") && has(&r, REACH_READ, "/home/of/ringd/.postgresql"));
	assert_true(has(&r, REACH_READ, "/from/env") && has_port(&r, 7777));
	assert_false(r.any_port || has(&r, REACH_READ, "/services"));
	reach_free(&r);
	r = reach_of("service=ringd");
	assert_true(r.any_port && has(&r, REACH_READ, "/services"));
	reach_free(&r);
	unsetenv("PGPASSFILE");
	unsetenv("PGPORT");
	unsetenv("PGSERVICEFILE");
}

/* What will be refused anyway, with words, must do no harm before. */
static void
malformed(void **state)
{
	struct reach r = reach_of("postgresql://u:p@w@h/x");

	(void)state;
	reach_free(&r);
	r = reach_of("host=a port=x,70000,-1");
	assert_int_equal(r.nports, 0);
	reach_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_kept_once),
		cmocka_unit_test(folders),
		cmocka_unit_test(what_does_not_fit_is_said),
		cmocka_unit_test(a_socket_of_postgresql),
		cmocka_unit_test(hosts_and_files),
		cmocka_unit_test(what_the_environment_and_the_home_add),
		cmocka_unit_test(malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
