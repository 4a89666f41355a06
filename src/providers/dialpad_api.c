/*
 * dialpad_api: the table.
 */
#include <sys/types.h>

#include "providers/dialpad_api.h"

static const struct provider dialpad = { PROVIDER_DIALPAD, "Dialpad", "company", 20, 1000 };

static const struct endpoint table[DIALPAD_ENDPOINTS] = {
	[DIALPAD_TOKEN] = { &dialpad, "token", "POST", "/oauth2/token", 0, false, false },
	[DIALPAD_DEAUTHORIZE] = { &dialpad, "deauthorize", "POST", "/oauth2/deauthorize", 0, false, true },
	[DIALPAD_ME] = { &dialpad, "me", "GET", "/api/v2/users/me", 0, false, true },
	[DIALPAD_WEBHOOKS] = { &dialpad, "webhooks", "GET", "/api/v2/webhooks", 0, false, true },
	[DIALPAD_WEBHOOK_CREATE] = { &dialpad, "webhook_create", "POST", "/api/v2/webhooks", 100, false, false },
	[DIALPAD_WEBHOOK_CHANGE] = { &dialpad, "webhook_change", "PATCH", "/api/v2/webhooks/", 0, false, true },
	[DIALPAD_WEBHOOK_DELETE] = { &dialpad, "webhook_delete", "DELETE", "/api/v2/webhooks/", 0, false, true },
	[DIALPAD_SUBSCRIPTIONS] = { &dialpad, "subscriptions", "GET", "/api/v2/subscriptions/call", 0, false, true },
	[DIALPAD_SUBSCRIPTION_CREATE] = { &dialpad, "subscription_create", "POST", "/api/v2/subscriptions/call", 0, false, false },
	[DIALPAD_SUBSCRIPTION_CHANGE] = { &dialpad, "subscription_change", "PATCH", "/api/v2/subscriptions/call/", 0, false, true },
	[DIALPAD_SUBSCRIPTION_DELETE] = { &dialpad, "subscription_delete", "DELETE", "/api/v2/subscriptions/call/", 0, false, true },
	[DIALPAD_CALLS] = { &dialpad, "calls", "GET", "/api/v2/call", 0, false, true },
	[DIALPAD_CALL] = { &dialpad, "call", "GET", "/api/v2/call/", 10, false, true },
	[DIALPAD_CALL_START] = { &dialpad, "call_start", "POST", "/api/v2/call", 5, true, false },
};

const struct endpoint *
dialpad_api(enum dialpad_endpoint e)
{
	return &table[e];
}
