/*
 * dialpad_api: the table.
 */
#include <sys/types.h>

#include "providers/dialpad_api.h"

static const struct dialpad_api table[DIALPAD_ENDPOINTS] = {
	[DIALPAD_TOKEN] = { "token", "POST", "/oauth2/token", 0, false, false },
	[DIALPAD_DEAUTHORIZE] = { "deauthorize", "POST", "/oauth2/deauthorize", 0, false, true },
	[DIALPAD_ME] = { "me", "GET", "/api/v2/users/me", 0, false, true },
	[DIALPAD_WEBHOOKS] = { "webhooks", "GET", "/api/v2/webhooks", 0, false, true },
	[DIALPAD_WEBHOOK_CREATE] = { "webhook_create", "POST", "/api/v2/webhooks", 100, false, false },
	[DIALPAD_WEBHOOK_CHANGE] = { "webhook_change", "PATCH", "/api/v2/webhooks/", 0, false, true },
	[DIALPAD_WEBHOOK_DELETE] = { "webhook_delete", "DELETE", "/api/v2/webhooks/", 0, false, true },
	[DIALPAD_SUBSCRIPTIONS] = { "subscriptions", "GET", "/api/v2/subscriptions/call", 0, false, true },
	[DIALPAD_SUBSCRIPTION_CREATE] = { "subscription_create", "POST", "/api/v2/subscriptions/call", 0, false, false },
	[DIALPAD_SUBSCRIPTION_CHANGE] = { "subscription_change", "PATCH", "/api/v2/subscriptions/call/", 0, false, true },
	[DIALPAD_SUBSCRIPTION_DELETE] = { "subscription_delete", "DELETE", "/api/v2/subscriptions/call/", 0, false, true },
	[DIALPAD_CALLS] = { "calls", "GET", "/api/v2/call", 0, false, true },
	[DIALPAD_CALL] = { "call", "GET", "/api/v2/call/", 10, false, true },
	[DIALPAD_CALL_START] = { "call_start", "POST", "/api/v2/call", 5, true, false },
};

const struct dialpad_api *
dialpad_api(enum dialpad_endpoint e)
{
	return &table[e];
}
