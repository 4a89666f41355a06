/*
 * setup: what every new connection is told and asked before it may serve: settings, who am I, which schema, all PREPAREs, in
 * one flight. A superuser or a role that may pass row-level security is refused: the tenant wall would be painted on.
 */
#include <sys/types.h>
#include <stdio.h>
#include <string.h>

#include "base/count.h"
#include "base/log.h"
#include "db/db_internal.h"

/*
 * jit is off because our statements run for microseconds and compiling one takes a second: a plan that must use what was disabled has
 * a cost beyond every threshold. No tenant in these: they ask about the connection itself.
 */
static const char settings_sql[] =
    "SELECT set_config('statement_timeout', $1, false), set_config('idle_in_transaction_session_timeout', $2, false), "
    "set_config('plan_cache_mode', 'force_generic_plan', false), set_config('timezone', 'UTC', false), "
    "set_config('datestyle', 'ISO', false), set_config('enable_seqscan', $3, false), set_config('enable_bitmapscan', $3, false), "
    "set_config('enable_sort', $3, false), set_config('jit', 'off', false)";
static const char check_sql[] =
    "SELECT current_user, rolsuper OR rolbypassrls, current_database(), (SELECT max(version) FROM schema_version) "
    "FROM pg_roles WHERE rolname = current_user";

static void
refuse(struct db *db, const char *reason)
{
	db->refusing = true;
	db_lost(db, reason);
}

/* What passes by itself (a lock, a full server, a restart) makes the connection be tried again soon, nothing more. */
static bool
passes(const struct db_result *r)
{
	static const char *const classes[] = { "08", "40", "53", "55", "57" };
	size_t i;

	for (i = 0; i < COUNT(classes); i++)
		if (strncmp(db_error_sqlstate(r), classes[i], 2) == 0)
			return true;
	return false;
}

static void
checked(void *arg, const struct db_result *r)
{
	struct db *db = arg;
	char why[DB_REASON_SIZE];
	int64_t version;

	if (r->outcome == DB_FAILED && passes(r)) {
		db_lost(db, db_error_text(r));
		return;
	}
	if (r->outcome == DB_FAILED && strcmp(db_error_sqlstate(r), "42P01") == 0) {
		refuse(db, "no ringd schema in this database; run: ringctl migrate");
		return;
	}
	if (r->outcome == DB_FAILED) {
		refuse(db, db_error_text(r));
		return;
	}
	if (r->outcome != DB_OK)
		return;			/* the connection is gone; db_lost has planned the next */
	version = db_i64(r, 1, 0, 3, 0);
	if (db_bool(r, 1, 0, 1)) {
		snprintf(why, sizeof(why), "role %.*s is a superuser or passes row-level security; use the role made for this process",
		    STR_ARG(db_text(r, 1, 0, 0)));
		refuse(db, why);
		return;
	}
	if (version != SCHEMA_VERSION) {
		snprintf(why, sizeof(why), "schema version %lld, this ringd needs %d; run: ringctl migrate", (long long)version,
		    SCHEMA_VERSION);
		refuse(db, why);
		return;
	}
	snprintf(db->endpoint, sizeof(db->endpoint), "%.*s as %.*s on %s", STR_ARG(db_text(r, 1, 0, 2)),
	    STR_ARG(db_text(r, 1, 0, 0)), PQhost(db->pg) != NULL ? PQhost(db->pg) : "?");
}

static void
prepared(void *arg, const struct db_result *r)
{
	struct db *db = arg;
	char why[DB_REASON_SIZE];

	if (db->refusing || db->broken)
		return;
	if (r->outcome == DB_FAILED && passes(r)) {
		db_lost(db, db_error_text(r));
		return;
	}
	if (r->outcome == DB_FAILED) {
		snprintf(why, sizeof(why), "cannot prepare statements: %s", db_error_text(r));
		refuse(db, why);
		return;
	}
	if (r->outcome != DB_OK)
		return;
	timer_stop(db->timer);
	db->phase = PHASE_READY;
	db->backoff_ms = db->cfg.reconnect_min_ms;
	db_set_state(db, DB_READY, "");
}

void
db_setup_begin(struct db *db)
{
	char statement_ms[24], idle_ms[24];
	const char *params[3] = { statement_ms, idle_ms, db->cfg.index_order_only ? "off" : "on" };
	struct db_job *j;
	size_t i;

	snprintf(statement_ms, sizeof(statement_ms), "%lld", (long long)db->cfg.statement_timeout_ms);
	/* Twice a statement: our own transactions never idle, so this only meets a bug or a stopped process. */
	snprintf(idle_ms, sizeof(idle_ms), "%lld", (long long)db->cfg.statement_timeout_ms * 2 + 5000);

	j = db_job_internal(db, checked, db);
	if (j != NULL) {
		db_job_query(j, settings_sql, params, 3);
		db_job_query(j, check_sql, NULL, 0);
		db_job_submit(j);
	}
	j = db_job_internal(db, prepared, db);
	if (j != NULL) {
		for (i = 0; i < db->cfg.stmts->count; i++)
			db_job_prepare(j, &db->cfg.stmts->stmt[i]);
		db_job_submit(j);
	}
}
