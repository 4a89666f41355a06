/*
 * auth: from the header x-app-api-key to a tenant. A malformed key costs no query. Which app a key belongs to never changes, so the
 * worker remembers it; whether the key is still good is part of every read's own statement.
 *
 * Every request of a good key counts against the key's limit, whatever it is answered. Of a key that was good when last asked about, that
 * is decided before the database has any work; of others when its answer is there.
 */
#ifndef RINGD_AUTH_H
#define RINGD_AUTH_H

#include "api/api.h"
#include "db/param.h"

struct caller {
	char		app[UUID_TEXT_SIZE];
	unsigned char	key_hash[SHA256_SIZE];
	bool		counted;	/* against the key's limit */
};

typedef void (*auth_fn)(struct api *api, struct http_request *rq);

struct keys	*keys_new(void);		/* NULL without memory */
void		 keys_free(struct keys *k);

/* Finds the tenant of the request's key, then calls next, now or later; answers the request itself when there is none. caller must live in
 * the request's arena. */
void	auth_begin(struct api *api, struct http_request *rq, struct caller *caller, auth_fn next);
/* The same for another secret than a server's key, whose hash stands in caller: stmt says whose it is, by that hash. Of one that is
 * nobody's, unknown is called. What is remembered to be good counts against its limit here. */
void	auth_find(struct api *api, struct http_request *rq, struct caller *caller, int stmt, auth_fn next, auth_fn unknown);
/* It is good, with this limit of its own ("5000/900", or absent): remembers so, and counts if that has not been done. false: answered. */
bool	auth_good(struct api *api, struct http_request *rq, struct caller *caller, struct str own_limit);
void	auth_bad(struct api *api, const struct caller *caller);	/* it is good no longer */
/* A session was begun with a key of this limit: what limits failures knows it for good from now on. */
void	auth_begun(struct api *api, const struct caller *caller, struct str own_limit);
/* A key was used: tells the reaper, now and then. */
void	auth_used(struct api *api, const struct caller *caller);
/* The first two parameters of every statement by key. */
void	auth_params(struct db_params *a, const struct caller *caller);
/* Looks at statement i's first columns, the key's state and limit. true: good, and counted; else the request has been answered. */
bool	auth_accepts(struct api *api, struct http_request *rq, struct caller *caller, const struct db_result *r, int i);

#endif
