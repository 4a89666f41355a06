/*
 * Refusals on their way into the audit log while there is no database: counted by kind, in bounded memory, and what finds
 * no room, or is left at the end, is told once.
 */
#include <sys/types.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "api/audit.h"
#include "base/log.h"
#include "db/stmt.h"

struct rig {
	struct loop	*loop;
	struct db	*db;
	struct secret	 nowhere;
	struct audit	*audit;
	char		 log[64];
	int		 drained;
};

static void
begin(struct rig *r)
{
	static const struct db_stmt_table none = { NULL, 0 };
	struct db_config cfg = { .name = "test", .connect_timeout_ms = 1000, .statement_timeout_ms = 1000, .job_timeout_ms = 1000,
	    .queue_max = 8, .reconnect_min_ms = 1000, .reconnect_max_ms = 1000, .stmts = &none };
	int fd;

	memset(r, 0, sizeof(*r));
	snprintf(r->log, sizeof(r->log), "/tmp/ringd-test-refusals-XXXXXX");
	fd = mkstemp(r->log);
	assert_true(fd >= 0);
	close(fd);
	log_open(LOG_TO_FILE, r->log, LEVEL_WARN);
	assert_true(secret_set(&r->nowhere, STR("host=/nowhere dbname=x")));
	cfg.conninfo = &r->nowhere;
	r->loop = loop_new();
	r->db = db_new(r->loop, &cfg);		/* down: its loop runs only to drain */
	assert_non_null(r->db);
	r->audit = audit_new(r->loop, r->db);
	assert_non_null(r->audit);
}

/* Ends it all; how many refusals the log says are lost. */
static long
end(struct rig *r)
{
	char line[4096], *at;
	long lost = 0;
	FILE *f;

	db_free(r->db);
	audit_free(r->audit);
	loop_free(r->loop);
	secret_free(&r->nowhere);
	log_open(LOG_TO_STDERR, NULL, LEVEL_ERROR);
	f = fopen(r->log, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if ((at = strstr(line, "refusals=")) != NULL)
			lost += strtol(at + strlen("refusals="), NULL, 10);
	fclose(f);
	unlink(r->log);
	return lost;
}

static void
refuse(struct rig *r, unsigned app, const char *code, const char *actor, const char *subject)
{
	char id[64];

	snprintf(id, sizeof(id), "0190aaaa-0000-7000-8000-%012x", app);
	audit_refused(r->audit, &(struct audit_entry){ .app = id, .actor = actor, .action = "ribbon.refused", .subject = subject }, code);
}

static void
a_flood_of_one_kind_is_one_count(void **state)
{
	struct rig r;

	(void)state;
	begin(&r);
	for (int i = 0; i < 100000; i++)
		refuse(&r, 1, "origin_not_allowed", "key:1", "https://evil.example");
	assert_int_equal(end(&r), 100000);
}

static void
kinds_beyond_the_table_are_told(void **state)
{
	struct rig r;

	(void)state;
	begin(&r);
	for (unsigned i = 0; i < AUDIT_KINDS; i++) {
		refuse(&r, i, "a", "key:1", NULL);
		refuse(&r, i, "a", "key:2", "x");
	}
	for (unsigned i = 0; i < 1000; i++)
		refuse(&r, i, "b", NULL, NULL);
	assert_int_equal(end(&r), 2 * AUDIT_KINDS + 1000);
}

static void
what_is_no_app_or_too_long_harms_nothing(void **state)
{
	char text[5000];
	struct rig r;

	(void)state;
	begin(&r);
	memset(text, 0xe2, sizeof(text));
	text[sizeof(text) - 1] = '\0';
	audit_refused(r.audit, &(struct audit_entry){ .app = "no app", .actor = "x", .action = "x" }, "x");
	refuse(&r, 1, text, text, text);
	refuse(&r, 1, text, text, text);
	assert_int_equal(end(&r), 3);
}

static void
drained(void *arg)
{
	struct rig *r = arg;

	if (r->drained++ > 0)
		loop_stop(r->loop);
}

/* Without a database the end comes all the same, in time, once. */
static void
draining_ends(void **state)
{
	struct rig r;

	(void)state;
	begin(&r);
	audit_drain(r.audit, drained, &r);
	assert_int_equal(r.drained, 1);		/* nothing to write: at once */
	refuse(&r, 1, "a", "key:1", NULL);
	audit_drain(r.audit, drained, &r);
	assert_int_equal(r.drained, 1);
	loop_run(r.loop);
	assert_int_equal(r.drained, 2);
	assert_int_equal(end(&r), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flood_of_one_kind_is_one_count),
		cmocka_unit_test(kinds_beyond_the_table_are_told),
		cmocka_unit_test(what_is_no_app_or_too_long_harms_nothing),
		cmocka_unit_test(draining_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
