/*
 * routes: the two surfaces of the program. Everything a client can ask for stands in these tables.
 */
#include <sys/types.h>

#include "api/api.h"
#include "api/dial.h"
#include "api/hooks.h"
#include "api/ribbon.h"
#include "base/count.h"
#include "db/stmt_worker.h"

static const struct http_route public_routes[] = {
	{ "/api/calls/active", ROUTE_GET, api_calls_active, "calls_active", 0, false },
	{ "/api/calls", ROUTE_GET | ROUTE_POST, api_calls, "calls", DIAL_BODY_MAX, false },
	{ "/api/calls/{}", ROUTE_GET, api_call, "call", 0, false },
	{ "/api/ribbon/usage", ROUTE_GET | ROUTE_OPTIONS, api_ribbon_usage, "ribbon_usage", 0, false },
	{ "/api/ribbon/init", ROUTE_POST | ROUTE_OPTIONS, api_ribbon_init, "ribbon_init", RIBBON_BODY_MAX, false },
	{ "/api/ribbon/renew", ROUTE_POST | ROUTE_OPTIONS, api_ribbon_renew, "ribbon_renew", 0, false },
	{ "/api/ribbon/end", ROUTE_POST | ROUTE_OPTIONS, api_ribbon_end, "ribbon_end", 0, false },
	{ "/api/ribbon/calls", ROUTE_GET | ROUTE_POST | ROUTE_OPTIONS, api_ribbon_calls, "ribbon_calls", RIBBON_BODY_MAX, false },
	{ "/api/ribbon/calls/{}", ROUTE_GET | ROUTE_OPTIONS, api_ribbon_call, "ribbon_call", 0, false },
	{ "/api/ribbon/calls/{}/end", ROUTE_POST | ROUTE_OPTIONS, api_ribbon_call_end, "ribbon_call_end", RIBBON_BODY_MAX, false },
	{ "/api/ribbon/calls/{}/state", ROUTE_POST | ROUTE_OPTIONS, api_ribbon_call_state, "ribbon_call_state", RIBBON_BODY_MAX, false },
	{ "/api/ribbon/calls/{}/note", ROUTE_POST | ROUTE_OPTIONS, api_ribbon_call_note, "ribbon_call_note", RIBBON_BODY_MAX, false },
	{ "/api/ribbon/incoming", ROUTE_POST | ROUTE_OPTIONS, api_ribbon_incoming, "ribbon_incoming", RIBBON_BODY_MAX, false },
	{ "/api/ribbon/sign", ROUTE_POST | ROUTE_OPTIONS, api_ribbon_sign, "ribbon_sign", RIBBON_BODY_MAX, false },
	{ "/webhooks/dialpad/{}", ROUTE_POST, api_hook_dialpad, "hook_dialpad", SIZE_MAX, true },
	{ "/webhooks/dialpad", ROUTE_POST, api_hook_dialpad, "hook_dialpad", SIZE_MAX, false },
	{ "/webhooks/exotel/{}", ROUTE_GET | ROUTE_POST, api_hook_exotel, "hook_exotel", SIZE_MAX, true },
	{ "/ribbon/{}", ROUTE_GET, api_ribbon_file, "ribbon_file", 0, false },
	{ "/auth/dialpad/connect", ROUTE_GET | ROUTE_POST, api_oauth_connect, "oauth_connect", 0, false },
	{ "/auth/dialpad/callback", ROUTE_GET, api_oauth_callback, "oauth_callback", 0, false },
};

static const struct http_route admin_routes[] = {
	{ "/health/live", ROUTE_GET, api_health_live, "health_live", 0, false },
	{ "/health/ready", ROUTE_GET, api_health_ready, "health_ready", 0, false },
	{ "/status", ROUTE_GET, api_status, "status", 0, false },
	{ "/metrics", ROUTE_GET, api_metrics, "metrics", 0, false },
	{ "/courier", ROUTE_GET, api_courier_status, "courier", 0, false },
	{ "/courier/probe", ROUTE_POST, api_courier_probe, "courier_probe", 0, false },
	{ "/keyring", ROUTE_GET, api_keyring, "keyring", 0, false },
	{ "/keyring/rekey", ROUTE_POST, api_keyring_rekey, "keyring_rekey", 0, false },
	{ "/log", ROUTE_GET | ROUTE_POST, api_log, "log", 4096, false },
	{ "/dialpad/refresh", ROUTE_POST, api_dialpad_refresh, "dialpad_refresh", 0, false },
	{ "/dialpad/rotate", ROUTE_POST, api_dialpad_rotate, "dialpad_rotate", 0, false },
	{ "/dialpad/disconnect", ROUTE_POST, api_dialpad_disconnect, "dialpad_disconnect", 0, false },
	{ "/exotel/sync", ROUTE_POST, api_exotel_sync, "exotel_sync", 0, false },
};

_Static_assert(1 + COUNT(public_routes) + COUNT(admin_routes) <= SCORE_ROUTES, "SCORE_ROUTES is too small");

void
api_public_routes(struct http_routes *rs, struct api *api)
{
	*rs = (struct http_routes){ .route = public_routes, .count = COUNT(public_routes), .error = api_problem, .ctx = api };
}

void
api_admin_routes(struct http_routes *rs, struct api *api)
{
	*rs = (struct http_routes){ .route = admin_routes, .count = COUNT(admin_routes), .error = api_problem, .ctx = api };
}

size_t
api_route_index(const struct http_route *route)
{
	size_t i;

	for (i = 0; i < COUNT(public_routes); i++)
		if (route == &public_routes[i])
			return 1 + i;
	for (i = 0; i < COUNT(admin_routes); i++)
		if (route == &admin_routes[i])
			return 1 + COUNT(public_routes) + i;
	return 0;
}

void
api_route_names(const char *names[SCORE_ROUTES])
{
	size_t i, n = 0;

	names[n++] = "none";
	for (i = 0; i < COUNT(public_routes); i++)
		names[n++] = public_routes[i].name;
	for (i = 0; i < COUNT(admin_routes); i++)
		names[n++] = admin_routes[i].name;
	while (n < SCORE_ROUTES)
		names[n++] = NULL;
}

static void
got_instance_keys(void *arg, const struct db_result *r)
{
	struct api *api = arg;
	unsigned char key[64];

	for (int i = 0; i < db_rows(r, 0); i++) {
		struct secret *to = str_eq(db_text(r, 0, i, 0), STR("oauth_key")) ? &api->oauth_key : &api->cursor_key;
		long n = hex_decode(key, sizeof(key), db_text(r, 0, i, 1));

		if (n > 0)
			secret_set(to, (struct str){ (const char *)key, (size_t)n });
	}
	hash_wipe(key, sizeof(key));
}

void
api_database_ready(struct api *api, loop_fn done, void *arg)
{
	struct db_job *j = db_job_new(api->db, 0, got_instance_keys, api);

	db_job_add(j, W_INSTANCE_KEYS, NULL, 0);
	db_job_submit(j);
	hooks_database_ready(api->hooks, done, arg);
}
