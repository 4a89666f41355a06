/*
 * endpoint: what can be asked of a provider, as data: how, and how often. Each provider has a table of these (dialpad_api.c,
 * exotel_api.c); who sends (courier/errand.c) knows no more of a provider than stands here. Pure.
 */
#ifndef RINGD_ENDPOINT_H
#define RINGD_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#define ENDPOINT_MINUTE_MS	60000

enum provider_id { PROVIDER_DIALPAD, PROVIDER_EXOTEL, PROVIDERS };

struct provider {
	enum provider_id id;
	const char	*name;		/* for people: "Dialpad" */
	const char	*account;	/* what its limit over all is called; no two providers' may be the same */
	int64_t		 requests, period_ms;	/* of one account, whatever is asked */
};

struct endpoint {
	const struct provider *provider;
	const char	*name;		/* for logs, and of its own limit: no two the same */
	const char	*method;
	const char	*path;		/* an id is appended to one that ends in '/' */
	int64_t		 per_minute;	/* 0: only the account's limit */
	bool		 per_user;	/* that limit is each user's, not the account's */
	bool		 repeatable;	/* asking twice does no more than asking once */
};

#endif
