/*
 * exotel_api: what Exotel's interfaces offer and how often they may be asked, as data. Pure. Exotel documents 200 requests a
 * minute and account for the voice API and nothing for the other host; both are counted together, which cannot be wrong.
 */
#ifndef RINGD_EXOTEL_API_H
#define RINGD_EXOTEL_API_H

#include "providers/endpoint.h"

enum exotel_endpoint {
	/* exotel.base_url, with the app's token */
	EXOTEL_APP,			/* whose token is this? also: does Exotel answer? */
	EXOTEL_USERS,			/* agents, by pages */
	EXOTEL_OUTBOUND_CALL,		/* rings an agent's SIP, then the customer */
	/* exotel.api_url, with the API's key and token */
	EXOTEL_CONNECT,			/* rings one telephone, then another */
	EXOTEL_PING,			/* only: does it answer? */
	EXOTEL_ENDPOINTS,
};

const struct endpoint *exotel_api(enum exotel_endpoint e);

#endif
