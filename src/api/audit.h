/*
 * audit: a worker's rows of the audit log. What is done is noted in the job that does it, by that journey's own statement (those
 * that call ringd_audit() in db/stmt_worker.c), the last of its job: it holds the head of the app's chain until the transaction
 * ends, and whoever took a lock after it could wait for somebody who waits for the head. What is refused
 * has no such job: audit_refused() notes it beside the request, which never waits for it. The first of a kind is written
 * at once; a flood of the same is written as one row with their number now and then, so neither memory nor the
 * database has more work the more is refused. What finds no room is counted in the log.
 *
 * Kept by the worker only: no secret in it, telephone numbers as the log has them (base/mask.h).
 */
#ifndef RINGD_API_AUDIT_H
#define RINGD_API_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/uuid.h"
#include "db/db.h"
#include "loop/loop.h"

#define AUDIT_KINDS	64	/* of refusals (app, action, code) counted at once */
#define AUDIT_UNDERWAY	4	/* jobs for refusals at once */
#define AUDIT_PERIOD_MS	10000	/* a kind is written so often, and after its first */
#define AUDIT_TEXT_MAX	1024	/* bytes of any one text; what is longer is cut */

/* Texts may be anything: what is no UTF-8 becomes U+FFFD. NULL: there is none. app: an id. */
struct audit_entry {
	const char	*app;
	const char	*actor;		/* session:ID, key:ID */
	const char	*action;	/* ribbon.init */
	const char	*subject;
	const char	*detail;	/* compact JSON; of a refusal made here */
	const char	*request_id;
};

struct audit;

struct audit	*audit_new(struct loop *l, struct db *db);	/* NULL: no memory */
void		 audit_free(struct audit *a);			/* after db_free() */
void		 audit_refused(struct audit *a, const struct audit_entry *e, const char *code);
/* The end: what was counted is written, then done(arg) is called; before long in any case. */
void		 audit_drain(struct audit *a, loop_fn done, void *arg);

#endif
