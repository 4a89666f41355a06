/*
 * sync: libpq in its blocking form. Never prints a connection string, whole or in part: libpq's own complaint about a
 * malformed one quotes it, password included, so that one is replaced. Every error is one line.
 */
#include <sys/types.h>

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "db/sync.h"

#define CONNECT_TIMEOUT_S	"10"	/* unless the address says otherwise */
#define ERROR_SIZE		1024

struct dbs {
	PGconn	*conn;
	char	 error[ERROR_SIZE];
	char	 sqlstate[6];
};

struct dbs_result {
	PGresult	*res;
};

/* PostgreSQL's messages come in several lines and end in one. */
static void
one_line(char *out, size_t size, const char *text)
{
	size_t	n = 0;
	bool	gap = false;

	for (; *text != '\0' && n + 3 < size; text++) {
		if ((unsigned char)*text < 0x20) {
			gap = n > 0;
			continue;
		}
		if (gap && *text != ' ')
			out[n++] = ' ';
		gap = false;
		out[n++] = *text;
	}
	out[n] = '\0';
}

static void
keep_error(struct dbs *c, const PGresult *res)
{
	const char	*primary = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	const char	*detail = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL);
	const char	*state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	char		 text[ERROR_SIZE];

	snprintf(c->sqlstate, sizeof(c->sqlstate), "%s", state != NULL ? state : "");
	if (primary == NULL)
		one_line(c->error, sizeof(c->error), PQerrorMessage(c->conn));
	else {
		snprintf(text, sizeof(text), detail != NULL ? "%s (%s)" : "%s", primary, detail);
		one_line(c->error, sizeof(c->error), text);
	}
	if (c->error[0] == '\0')
		snprintf(c->error, sizeof(c->error), "the database gave no reason");
}

static bool
succeeded(ExecStatusType status)
{
	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY ||
	    status == PGRES_SINGLE_TUPLE;
}

static bool
well_formed(const char *conninfo)
{
	char			*why = NULL;
	PQconninfoOption	*options = PQconninfoParse(conninfo, &why);
	bool			 ok = options != NULL;

	PQconninfoFree(options);
	PQfreemem(why);
	return ok;
}

struct dbs *
dbs_open(const char *conninfo, const char *name, char *err, size_t errsize)
{
	/* What stands after dbname wins over the address, what stands before it gives way. */
	static const char *const	 keys[] = {
		"connect_timeout", "dbname", "application_name", "client_encoding", NULL,
	};
	const char *const		 values[] = { CONNECT_TIMEOUT_S, conninfo, name, "UTF8", NULL };
	struct dbs			*c;

	if (!well_formed(conninfo)) {
		snprintf(err, errsize, "the database address is neither a postgresql:// URL nor keyword=value pairs");
		return NULL;
	}
	if ((c = calloc(1, sizeof(*c))) == NULL) {
		snprintf(err, errsize, "out of memory");
		return NULL;
	}
	c->conn = PQconnectdbParams(keys, values, 1);
	if (PQstatus(c->conn) != CONNECTION_OK)
		one_line(err, errsize, PQerrorMessage(c->conn));
	else if (!dbs_script(c, "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET search_path = public; "
	    "SET client_min_messages = warning"))
		snprintf(err, errsize, "%s", c->error);
	else
		return c;
	dbs_close(c);
	return NULL;
}

void
dbs_close(struct dbs *c)
{
	if (c == NULL)
		return;
	PQfinish(c->conn);
	free(c);
}

struct dbs_result *
dbs_query(struct dbs *c, const char *sql, int nparams, const char *const *params)
{
	PGresult		*res = PQexecParams(c->conn, sql, nparams, NULL, params, NULL, NULL, 0);
	struct dbs_result	*r;

	if (!succeeded(PQresultStatus(res))) {
		keep_error(c, res);
		PQclear(res);
		return NULL;
	}
	if ((r = malloc(sizeof(*r))) == NULL) {
		snprintf(c->error, sizeof(c->error), "out of memory");
		PQclear(res);
		return NULL;
	}
	r->res = res;
	return r;
}

/* Where in the string the database stopped, for whoever wrote it. PostgreSQL counts characters, from 1. */
static size_t
line_of(const char *sql, const char *position)
{
	int64_t	at;
	size_t	line = 1;

	if (position == NULL || !num_i64(str_c(position), 1, INT32_MAX, &at))
		return 0;
	for (; *sql != '\0' && at > 1; sql++) {
		if (*sql == '\n')
			line++;
		if (((unsigned char)sql[1] & 0xc0) != 0x80)
			at--;
	}
	return line;
}

bool
dbs_script(struct dbs *c, const char *sql)
{
	PGresult	*res = PQexec(c->conn, sql);
	bool		 ok = succeeded(PQresultStatus(res));
	char		 text[ERROR_SIZE];
	size_t		 line;

	if (!ok) {
		keep_error(c, res);
		line = line_of(sql, PQresultErrorField(res, PG_DIAG_STATEMENT_POSITION));
		if (line > 0) {
			memcpy(text, c->error, sizeof(text));
			snprintf(c->error, sizeof(c->error), "line %zu: %.*s", line, ERROR_SIZE - 32, text);
		}
	}
	PQclear(res);
	return ok;
}

bool
dbs_in_transaction(const struct dbs *c)
{
	PGTransactionStatusType status = PQtransactionStatus(c->conn);

	return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

const char *
dbs_error(const struct dbs *c)
{
	return c->error;
}

const char *
dbs_sqlstate(const struct dbs *c)
{
	return c->sqlstate;
}

int
dbs_rows(const struct dbs_result *r)
{
	return PQntuples(r->res);
}

struct str
dbs_text(const struct dbs_result *r, int row, int col)
{
	if (PQgetisnull(r->res, row, col))
		return STR_NONE;
	return (struct str){ PQgetvalue(r->res, row, col), (size_t)PQgetlength(r->res, row, col) };
}

int64_t
dbs_affected(const struct dbs_result *r)
{
	int64_t n;

	return num_i64(str_c(PQcmdTuples(r->res)), 0, INT64_MAX, &n) ? n : 0;
}

void
dbs_clear(struct dbs_result *r)
{
	if (r == NULL)
		return;
	PQclear(r->res);
	free(r);
}
