/*
 * sync: the same database for a tool at a terminal: blocking, one statement at a time, no loop. For ringctl and tests,
 * never for a daemon's process. The session's times are UTC, its names are found in schema public only.
 */
#ifndef RINGD_SYNC_H
#define RINGD_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct dbs;			/* a connection */
struct dbs_result;

/* NULL with one line in err, which holds nothing of conninfo. */
struct dbs	*dbs_open(const char *conninfo, const char *name, char *err, size_t errsize);
void		 dbs_close(struct dbs *c);
/* Parameterised (text; NULL = SQL NULL). NULL on error: dbs_error(). The caller clears the result. */
struct dbs_result *dbs_query(struct dbs *c, const char *sql, int nparams, const char *const *params);
/* Several commands in one string, no parameters: migrations. The error names the line of the string. */
bool		 dbs_script(struct dbs *c, const char *sql);
bool		 dbs_in_transaction(const struct dbs *c);
const char	*dbs_error(const struct dbs *c);		/* one line */
const char	*dbs_sqlstate(const struct dbs *c);		/* five characters, or "" */
int		 dbs_rows(const struct dbs_result *r);
/* Absent for NULL; valid until cleared. */
struct str	 dbs_text(const struct dbs_result *r, int row, int col);
int64_t		 dbs_affected(const struct dbs_result *r);
void		 dbs_clear(struct dbs_result *r);

#endif
