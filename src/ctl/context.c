/*
 * context: the configuration and the database of one run of ringctl, each opened when first needed. Never shows a
 * database address: it may hold a password.
 */
#include <sys/types.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/paths.h"

#define STATEMENT_TIMEOUT	"SET statement_timeout = '60s'; SET lock_timeout = '10s'"

void
ctl_init(struct ctl *c, const struct args *a)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	*c = (struct ctl){ .config_path = args_text(a, "config"), .database_url = args_text(a, "database") };
	c->json = args_given(a, "json");
	c->out_tty = isatty(STDOUT_FILENO) == 1;
	c->err_tty = isatty(STDERR_FILENO) == 1;
	c->colour = c->out_tty && (no_color == NULL || no_color[0] == '\0') && term != NULL &&
	    strcmp(term, "dumb") != 0;
}

void
ctl_close(struct ctl *c)
{
	dbs_close(c->db);
	if (c->conf != NULL)
		conf_free(c->conf);
	c->db = NULL;
	c->conf = NULL;
}

int
ctl_fail(enum ctl_exit code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("ringctl: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	return (int)code;
}

void
ctl_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("ringctl: warning: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

int
ctl_conf(struct ctl *c)
{
	struct conf_error err;

	if (c->conf != NULL)
		return CTL_OK;
	c->conf = conf_load(c->config_path, &err);
	return c->conf != NULL ? CTL_OK : ctl_fail(CTL_USAGE, "%s", err.text);
}

/* The address, or NULL after saying why there is none. */
static const char *
database_address(struct ctl *c)
{
	const char *env = getenv("RINGCTL_DATABASE_URL");

	if (c->database_url != NULL)
		return c->database_url;
	if (env != NULL && env[0] != '\0')
		return env;
	if (access(c->config_path, F_OK) == 0) {
		if (ctl_conf(c) != CTL_OK)
			return NULL;
		if (secret_present(&c->conf->owner_url))
			return (const char *)c->conf->owner_url.bytes;
	}
	ctl_fail(CTL_USAGE, "no database address: give --database URL, set RINGCTL_DATABASE_URL, or write "
	    "database.owner_url in %s", c->config_path);
	return NULL;
}

bool
ctl_db_named(struct ctl *c)
{
	const char *env = getenv("RINGCTL_DATABASE_URL");
	struct conf_error err;

	if (c->db != NULL || c->database_url != NULL || (env != NULL && env[0] != '\0'))
		return true;
	if (c->conf == NULL)
		c->conf = conf_load(c->config_path, &err);
	return c->conf != NULL && secret_present(&c->conf->owner_url);
}

int
ctl_db(struct ctl *c)
{
	const char	*address;
	char		 err[512];

	if (c->db != NULL)
		return CTL_OK;
	address = database_address(c);
	if (address == NULL)
		return CTL_USAGE;
	c->db = dbs_open(address, "ringctl", err, sizeof(err));
	if (c->db == NULL)
		return ctl_fail(CTL_FAILED, "database: %s", err);
	if (!dbs_script(c->db, STATEMENT_TIMEOUT))
		return ctl_fail(CTL_FAILED, "database: %s", dbs_error(c->db));
	return CTL_OK;
}

struct dbs_result *
ctl_query(struct ctl *c, enum ctl_stmt stmt, int nparams, const char *const *params, const char *what)
{
	struct dbs_result *r = dbs_query(c->db, stmt_ctl.stmt[stmt].sql, nparams, params);

	if (r != NULL)
		return r;
	if (strcmp(dbs_sqlstate(c->db), "42P01") == 0)
		ctl_fail(CTL_FAILED, "%s: this database has no ringd schema (%s); 'ringctl migrate' makes it", what,
		    dbs_error(c->db));
	else
		ctl_fail(CTL_FAILED, "%s: %s", what, dbs_error(c->db));
	return NULL;
}

int
ctl_run(struct ctl *c, enum ctl_stmt stmt, int nparams, const char *const *params, const char *what)
{
	struct dbs_result	*r = ctl_query(c, stmt, nparams, params, what);
	int			 code;

	if (r == NULL)
		return CTL_FAILED;
	code = dbs_rows(r) == 0 && dbs_affected(r) == 0 ? CTL_NOT_FOUND : CTL_OK;
	dbs_clear(r);
	return code;
}

int
ctl_begin(struct ctl *c, const char *what)
{
	return dbs_script(c->db, "BEGIN") ? CTL_OK : ctl_fail(CTL_FAILED, "%s: %s", what, dbs_error(c->db));
}

int
ctl_commit(struct ctl *c, const char *what)
{
	return dbs_script(c->db, "COMMIT") ? CTL_OK : ctl_fail(CTL_FAILED, "%s: %s", what, dbs_error(c->db));
}

int
ctl_end(struct ctl *c, int code, const char *what)
{
	if (code == CTL_OK)
		return ctl_commit(c, what);
	/* A failure here changes nothing: closing the connection rolls back as well. */
	if (dbs_in_transaction(c->db))
		(void)dbs_script(c->db, "ROLLBACK");
	return code;
}

int
ctl_find_app(struct ctl *c, const char *id_or_name, struct ctl_app *out)
{
	const char *const	 params[] = { id_or_name };
	struct dbs_result	*r;
	struct uuid		 id;
	int			 rows, code = ctl_db(c);

	if (code != CTL_OK)
		return code;
	r = ctl_query(c, uuid_parse(str_c(id_or_name), &id) ? CTL_APP_BY_ID : CTL_APP_BY_NAME, 1, params,
	    "finding the app");
	if (r == NULL)
		return CTL_FAILED;
	rows = dbs_rows(r);
	if (rows == 1) {
		snprintf(out->id, sizeof(out->id), "%.*s", STR_ARG(dbs_text(r, 0, 0)));
		snprintf(out->name, sizeof(out->name), "%.*s", STR_ARG(dbs_text(r, 0, 1)));
	}
	dbs_clear(r);
	if (rows == 0)
		return ctl_fail(CTL_NOT_FOUND, "no app '%s'; 'ringctl app list' shows them", id_or_name);
	if (rows > 1)
		return ctl_fail(CTL_USAGE, "more than one app is called '%s': give its id, 'ringctl app list' shows it",
		    id_or_name);
	return CTL_OK;
}
