/*
 * exotel_api: the table.
 */
#include <sys/types.h>

#include "providers/exotel_api.h"

static const struct provider exotel = { PROVIDER_EXOTEL, "Exotel", "exotel_account", 200, ENDPOINT_MINUTE_MS };

static const struct endpoint table[EXOTEL_ENDPOINTS] = {
	[EXOTEL_APP] = { &exotel, "exotel_app", "GET", "/v2/integrations/app", 0, false, true },
	[EXOTEL_USERS] = { &exotel, "usermapping", "GET", "/v2/integrations/usermapping", 0, false, true },
	[EXOTEL_OUTBOUND_CALL] = { &exotel, "outbound_call", "POST", "/v2/integrations/call/outbound_call", 0, false, false },
	[EXOTEL_PING] = { &exotel, "exotel_accounts", "GET", "/v1/Accounts/", 0, false, true },
	[EXOTEL_CONNECT] = { &exotel, "calls_connect", "POST", "/v1/Accounts/", 0, false, false },
};

const struct endpoint *
exotel_api(enum exotel_endpoint e)
{
	return &table[e];
}
