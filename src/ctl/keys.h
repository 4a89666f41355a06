/*
 * keys: making an API key, for `app create` and `key create`.
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
};

/* Inside the caller's transaction. key is the one copy there is: the caller shows and wipes it. */
int	ctl_key_store(struct ctl *c, const char *app_id, const struct key_wish *wish, char id[UUID_TEXT_SIZE],
	    char key[TOKEN_SIZE]);

#endif
