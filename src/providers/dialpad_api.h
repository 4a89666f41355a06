/*
 * dialpad_api: what Dialpad's API offers and how often it may be asked, as data. Pure. Dialpad's documentation: 20 requests a
 * second for a company over all, and for some calls less, by the minute; a minute of 1200 says no more than the first.
 */
#ifndef RINGD_DIALPAD_API_H
#define RINGD_DIALPAD_API_H

#include "providers/endpoint.h"

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

const struct endpoint *dialpad_api(enum dialpad_endpoint e);

#endif
