/*
 * dialpad_api: what Dialpad's API offers and how often it may be asked, as data. Pure. Dialpad's documentation: 20 requests a
 * second for a company over all, and for some calls less, by the minute; a minute of 1200 says no more than the first.
 */
#ifndef RINGD_DIALPAD_API_H
#define RINGD_DIALPAD_API_H

#include <stdbool.h>
#include <stdint.h>

#define DIALPAD_COMPANY_REQUESTS	20	/* in DIALPAD_COMPANY_MS, whatever is asked */
#define DIALPAD_COMPANY_MS		1000
#define DIALPAD_ENDPOINT_MS		60000

enum dialpad_endpoint {
	DIALPAD_TOKEN,			/* exchange and refresh */
	DIALPAD_DEAUTHORIZE,
	DIALPAD_ME,			/* whose token is this? also: does Dialpad answer? */
	DIALPAD_WEBHOOKS,		/* list */
	DIALPAD_WEBHOOK_CREATE,
	DIALPAD_WEBHOOK_CHANGE,
	DIALPAD_WEBHOOK_DELETE,
	DIALPAD_SUBSCRIPTIONS,
	DIALPAD_SUBSCRIPTION_CREATE,
	DIALPAD_SUBSCRIPTION_CHANGE,
	DIALPAD_SUBSCRIPTION_DELETE,
	DIALPAD_CALLS,
	DIALPAD_CALL,
	DIALPAD_CALL_START,
	DIALPAD_ENDPOINTS,
};

struct dialpad_api {
	const char	*name;		/* for logs */
	const char	*method;
	const char	*path;		/* an id is appended to one that ends in '/' */
	int64_t		 per_minute;	/* 0: only the company's limit */
	bool		 per_user;	/* that limit is each user's, not the company's */
	bool		 repeatable;	/* asking twice does no more than asking once */
};

const struct dialpad_api *dialpad_api(enum dialpad_endpoint e);

#endif
