/*
 * migrate: brings the schema to this release. Each file is one transaction that first locks schema_version and then
 * looks what is applied: two of us at once do each file once. Waits five seconds for a lock, no more: behind a
 * waiting ALTER TABLE every reader would queue. Never runs on a database that is newer than the files.
 */
#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/count.h"
#include "base/num.h"
#include "ctl/migrations.h"
#include "ctl/nouns.h"
#include "ctl/paths.h"

#define SESSION			"SET lock_timeout = '5s'; SET statement_timeout = 0"
#define LOCK_NOT_AVAILABLE	"55P03"
#define UNIQUE_VIOLATION	"23505"
#define DUPLICATE_TABLE		"42P07"
#define TABLE_TRIES		3

static const struct table_column columns[] = {
	{ "version", "version", COLUMN_NUMBER, false },
	{ "name", "name", COLUMN_TEXT, false },
	{ "applied", "applied_at", COLUMN_TEXT, false },
	{ "state", "state", COLUMN_STATE, false },
};

static const char *
directory(const struct args *a)
{
	const char *env = getenv("RINGD_SQL_DIR");

	if (args_given(a, "dir"))
		return args_text(a, "dir");
	if (env != NULL && env[0] != '\0')
		return env;
	return access(SQLDIR, R_OK | X_OK) == 0 ? SQLDIR : "./sql";
}

static int
failed(struct ctl *c, const char *what)
{
	if (strcmp(dbs_sqlstate(c->db), LOCK_NOT_AVAILABLE) == 0)
		return ctl_fail(CTL_FAILED, "%s: no lock within 5 s; nothing of it is applied, try again", what);
	return ctl_fail(CTL_FAILED, "%s: %s", what, dbs_error(c->db));
}

/*
 * CREATE TABLE IF NOT EXISTS can lose a race against another one, early (a row of a catalogue) or late (the name):
 * the loser then finds the table.
 */
static bool
lost_race(const struct ctl *c)
{
	const char *state = dbs_sqlstate(c->db);

	return strcmp(state, UNIQUE_VIOLATION) == 0 || strcmp(state, DUPLICATE_TABLE) == 0;
}

static int
make_version_table(struct ctl *c)
{
	struct dbs_result *r = NULL;

	for (int i = 0; i < TABLE_TRIES && r == NULL; i++) {
		r = dbs_query(c->db, stmt_ctl.stmt[CTL_VERSION_TABLE].sql, 0, NULL);
		if (r == NULL && !lost_race(c))
			break;
	}
	if (r == NULL)
		return failed(c, "schema_version");
	dbs_clear(r);
	return CTL_OK;
}

/* The highest version applied; 0 for none, -1 when it could not be asked. *r is cleared by the caller. */
static int64_t
applied_version(struct ctl *c, struct dbs_result **r)
{
	int64_t version;

	*r = dbs_query(c->db, stmt_ctl.stmt[CTL_VERSION_LIST].sql, 0, NULL);
	if (*r == NULL)
		return strcmp(dbs_sqlstate(c->db), "42P01") == 0 ? 0 : -1;
	if (dbs_rows(*r) == 0)
		return 0;
	return num_i64(dbs_text(*r, dbs_rows(*r) - 1, 0), 0, INT32_MAX, &version) ? version : -1;
}

static int
refuse_newer(int64_t have, const struct migrations *m)
{
	return ctl_fail(CTL_FAILED, "the database has schema version %lld, the files end at %zu: this ringctl is older "
	    "than the database, nothing is changed", (long long)have, m->n);
}

/* Inside the transaction of one file. CTL_NOT_FOUND: somebody else has just applied it. */
static int
apply_locked(struct ctl *c, const char *dir, const struct migration *m, const struct migrations *all)
{
	char			 err[MIGRATIONS_ERROR_SIZE], version[CTL_I64_SIZE], *text;
	struct dbs_result	*r;
	int64_t			 have;
	bool			 ok;

	r = dbs_query(c->db, stmt_ctl.stmt[CTL_VERSION_LOCK].sql, 0, NULL);
	if (r == NULL)
		return failed(c, m->name);
	dbs_clear(r);
	have = applied_version(c, &r);
	dbs_clear(r);
	if (have < 0)
		return failed(c, m->name);
	if (have > (int64_t)all->n)
		return refuse_newer(have, all);
	if (have >= m->version)
		return CTL_NOT_FOUND;
	text = migration_text(dir, m, err);
	if (text == NULL)
		return ctl_fail(CTL_FAILED, "%s", err);
	ok = dbs_script(c->db, text);
	free(text);
	if (!ok)
		return failed(c, m->name);
	if (!dbs_in_transaction(c->db))
		return ctl_fail(CTL_FAILED, "%s ends the transaction it runs in; part of it may be applied", m->name);
	r = dbs_query(c->db, stmt_ctl.stmt[CTL_VERSION_INSERT].sql, 2,
	    (const char *const[]){ ctl_i64(version, m->version), m->name });
	if (r == NULL)
		return failed(c, m->name);
	dbs_clear(r);
	return CTL_OK;
}

/* Applies what is missing; rows of t are what was applied. */
static int
apply_all(struct ctl *c, const char *dir, const struct migrations *m, int64_t have, struct table *t)
{
	char	version[CTL_I64_SIZE];
	int	code;

	for (size_t i = (size_t)have; i < m->n; i++) {
		code = ctl_begin(c, m->list[i].name);
		if (code != CTL_OK)
			return code;
		code = ctl_end(c, apply_locked(c, dir, &m->list[i], m), m->list[i].name);
		if (code == CTL_NOT_FOUND) {
			if (!c->json)
				printf("%s: another ringctl applied it meanwhile\n", m->list[i].name);
			continue;
		}
		if (code != CTL_OK)
			return code;
		if (!c->json)
			printf("%s: applied\n", m->list[i].name);
		fflush(stdout);
		table_cell(t, str_c(ctl_i64(version, m->list[i].version)));
		table_cell(t, str_c(m->list[i].name));
	}
	return CTL_OK;
}

/* What was applied, also when the next file failed. */
static void
note(struct ctl *c, const struct table *t, int64_t from)
{
	char first[CTL_I64_SIZE], last[CTL_I64_SIZE];
	struct str version = table_get(t, table_rows(t) - 1, 0);

	snprintf(last, sizeof(last), "%.*s", STR_ARG(version));
	ctl_audit_installation(c, "schema.migrate", last, "from", ctl_i64(first, from), NULL);
}

static int
apply(struct ctl *c, const char *dir, const struct migrations *m, int64_t have)
{
	struct table	 t;
	struct json_out	 j;
	struct buf	 b;
	int		 code;

	table_init(&t, columns, 2);
	buf_init(&b, TABLE_BYTES);
	code = have < (int64_t)m->n ? make_version_table(c) : CTL_OK;
	if (code == CTL_OK)
		code = apply_all(c, dir, m, have, &t);
	if (table_rows(&t) > 0)
		note(c, &t, have);
	if (code == CTL_OK && c->json) {
		json_out_init(&j, &b);
		json_obj(&j);
		json_kint(&j, "version", (int64_t)m->n);
		json_key(&j, "applied");
		table_json(&t, &j);
		json_obj_end(&j);
		buf_putc(&b, '\n');
		code = ctl_print(&b);
	} else if (code == CTL_OK)
		printf("the schema is at version %zu\n", m->n);
	buf_free(&b);
	table_free(&t);
	return code;
}

static int
show_status(struct ctl *c, const struct migrations *m, const struct dbs_result *applied)
{
	int		rows = applied != NULL ? dbs_rows(applied) : 0, code;
	char		version[CTL_I64_SIZE];
	struct table	t;

	table_init(&t, columns, COUNT(columns));
	for (int row = 0; row < rows; row++) {
		for (int column = 0; column < 3; column++)
			table_cell(&t, dbs_text(applied, row, column));
		table_cell(&t, (size_t)row < m->n ? STR("applied") : STR("unknown here"));
	}
	for (size_t i = (size_t)rows; i < m->n; i++) {
		table_cell(&t, str_c(ctl_i64(version, m->list[i].version)));
		table_cell(&t, str_c(m->list[i].name));
		table_cell(&t, STR_NONE);
		table_cell(&t, STR("pending"));
	}
	code = ctl_show(c, &t, "nothing there");
	table_free(&t);
	return code == CTL_OK && (size_t)rows != m->n ? CTL_FAILED : code;
}

int
ctl_migrate(struct ctl *c, const struct args *a)
{
	const char		*dir = directory(a);
	char			 err[MIGRATIONS_ERROR_SIZE];
	struct dbs_result	*applied = NULL;
	struct migrations	 m;
	int64_t			 have;
	int			 code = CTL_OK;

	if (!migrations_read(&m, dir, err))
		code = ctl_fail(CTL_USAGE, "%s", err);
	else if ((code = ctl_db(c)) == CTL_OK && !dbs_script(c->db, SESSION))
		code = failed(c, "database");
	if (code == CTL_OK) {
		have = applied_version(c, &applied);
		if (have < 0)
			code = failed(c, "schema_version");
		else if (args_given(a, "status"))
			code = show_status(c, &m, applied);
		else if (have > (int64_t)m.n)
			code = refuse_newer(have, &m);
		else
			code = apply(c, dir, &m, have);
		if (code == CTL_OK && m.n != SCHEMA_VERSION)
			ctl_warn("%s ends at version %zu, but this release's ringd needs %d", dir, m.n, SCHEMA_VERSION);
	}
	dbs_clear(applied);
	migrations_free(&m);
	return code;
}
