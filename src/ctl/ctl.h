/*
 * ctl: what every command of ringctl shares: where the database is, how to say that something failed, how to show rows.
 * The commands themselves are declared in nouns.h and listed in commands.c.
 */
#ifndef RINGD_CTL_CTL_H
#define RINGD_CTL_CTL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/uuid.h"
#include "conf/conf.h"
#include "ctl/args.h"
#include "ctl/table.h"
#include "db/stmt_ctl.h"
#include "db/sync.h"

enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILED = 1,
	CTL_USAGE = 2,		/* usage or configuration */
	CTL_NOT_FOUND = 3,
};

struct ctl {
	const char	*config_path;
	const char	*database_url;		/* of --database; NULL when not given */
	bool		 json;
	bool		 out_tty, err_tty;
	bool		 colour;		/* of standard output */
	struct conf	*conf;			/* once ctl_conf was asked */
	struct dbs	*db;			/* once ctl_db was asked */
};

struct ctl_app {
	char	id[UUID_TEXT_SIZE];
	char	name[256];
};

void	 ctl_init(struct ctl *c, const struct args *a);
void	 ctl_close(struct ctl *c);

/* One line on standard error, "ringctl: ..."; returns code, so that a command can `return ctl_fail(...)`. */
int	 ctl_fail(enum ctl_exit code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void	 ctl_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The configuration, read once; CTL_OK, or the failure has been told. */
int	 ctl_conf(struct ctl *c);
/* The database, opened once: --database, else RINGCTL_DATABASE_URL, else database.owner_url. */
int	 ctl_db(struct ctl *c);
bool	 ctl_db_named(struct ctl *c);		/* is there such an address? Says nothing */
/* Runs a statement of stmt_ctl. NULL: the failure has been told, as "what: reason". The caller clears the result. */
struct dbs_result *ctl_query(struct ctl *c, enum ctl_stmt stmt, int nparams, const char *const *params,
		    const char *what);
/* The same when nobody needs the rows: CTL_OK, CTL_FAILED, or, untold, CTL_NOT_FOUND if it touched none. */
int	 ctl_run(struct ctl *c, enum ctl_stmt stmt, int nparams, const char *const *params, const char *what);
/* Into the app's audit log: names and values of the detail, both texts, a NULL after the last; a NULL value is left out. Holds
 * the app's chain until the transaction ends, so it is the last statement in it. */
int	 ctl_audit(struct ctl *c, const char *app_id, const char *action, const char *subject, ...) __attribute__((sentinel));
/* The same for what was done outside the database, in the installation's log; nothing where no address of the database is known. */
void	 ctl_audit_installation(struct ctl *c, const char *action, const char *subject, ...) __attribute__((sentinel));
#define CTL_ACTOR_SIZE	128
const char *ctl_actor(char out[CTL_ACTOR_SIZE]);	/* "ringctl:USER" */
int	 ctl_begin(struct ctl *c, const char *what);
int	 ctl_commit(struct ctl *c, const char *what);
/* Ends a transaction as `code` demands: commits CTL_OK (and returns what came of it), rolls back anything else. */
int	 ctl_end(struct ctl *c, int code, const char *what);

/* An app by id or by a name only one app has. Opens the database. */
int	 ctl_find_app(struct ctl *c, const char *id_or_name, struct ctl_app *out);

/* Appends all rows of r to t, whose columns are the statement's, in order. */
void	 ctl_fill(struct table *t, const struct dbs_result *r);
/* Both print text or JSON, free nothing, return the exit code. ctl_show says `empty` on standard error for no rows. */
int	 ctl_show(struct ctl *c, const struct table *t, const char *empty);
int	 ctl_show_record(struct ctl *c, const struct table *t);
/* Shows what stmt gives of the app that the first word names; columns in the order of the statement. */
int	 ctl_list_of_app(struct ctl *c, const struct args *a, enum ctl_stmt stmt, const struct table_column *columns, size_t n,
	    const char *what, const char *empty);
/* Writes b to standard output, all of it. */
int	 ctl_print(const struct buf *b);
struct table_style ctl_style(const struct ctl *c);
size_t	 ctl_screen_lines(void);		/* of the terminal; SIZE_MAX when there is none */

/* Whole digits as text for a parameter. */
#define CTL_I64_SIZE	21
const char *ctl_i64(char out[CTL_I64_SIZE], int64_t v);

#endif
