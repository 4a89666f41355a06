/*
 * audit: what the commands about the audit log share.
 */
#ifndef RINGD_CTL_AUDIT_H
#define RINGD_CTL_AUDIT_H

#include "ctl/ctl.h"

/* The chain of what belongs to no app: the configuration, the key ring, the schema, the log's levels. */
#define INSTALLATION_APP	UNROUTED_APP

/* The chain of the first word: an app's, or the installation's by its nil id. app.id is "" without a word: all. Opens the
 * database. */
int	audit_chain(struct ctl *c, const struct args *a, struct ctl_app *app);

#endif
