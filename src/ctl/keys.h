/*
 * keys: making an API key, for `app create` and `key create`; what the commands on keys share.
 */
#ifndef RINGD_CTL_KEYS_H
#define RINGD_CTL_KEYS_H

#include "base/token.h"
#include "ctl/ctl.h"

struct key_wish {
	const char	*kind;		/* "server" */
	const char	*scopes;	/* "read,dial" */
	const char	*note;		/* NULL = none */
	const char	*expires_ms;	/* digits; NULL = never */
	const char	*requests, *seconds;	/* digits: a limit of its own; NULL = as configured */
};

/* A limit as parameters; both NULL: as configured. The texts are its own. */
struct ctl_rate {
	const char	*requests, *seconds;
	char		 requests_text[CTL_I64_SIZE], seconds_text[CTL_I64_SIZE];
};

int	ctl_rate_read(struct ctl_rate *r, const char *text);	/* CTL_OK, or the failure has been told */
int	ctl_key_id(const char *id);				/* likewise: is it one? */

/* After the statement that changed a key, r (NULL: it failed): its row into t, a row into the audit log, and the end of the
 * transaction. Clears r. */
int	ctl_key_changed(struct ctl *c, struct dbs_result *r, const struct ctl_app *app, const char *id, const char *action,
	    const char *limit, struct table *t);

/* Inside the caller's transaction. key is the one copy there is: the caller shows and wipes it. */
int	ctl_key_store(struct ctl *c, const char *app_id, const struct key_wish *wish, char id[UUID_TEXT_SIZE],
	    char key[TOKEN_SIZE]);

#endif
