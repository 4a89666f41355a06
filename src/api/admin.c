/*
 * admin: who may use the admin listener. Health is for whoever can connect: a load balancer has no account here. All
 * else is for root, for the user the daemon runs as, and for those admin.users and admin.groups name: the kernel says
 * who is at the other end of a Unix socket. TCP says nothing about its peer, so on loopback TCP one may only read.
 */
#include <sys/types.h>
#include <unistd.h>

#include "api/api.h"
#include "base/log.h"

static bool
admin_knows(const struct peer_list *admins, const struct peer_cred *who)
{
	return who->known && (who->uid == 0 || who->uid == geteuid() || peer_list_has(admins, who));
}

const char *
api_admin_admit(const struct api *api, const struct http_request *rq)
{
	bool reads = rq->method == HTTP_GET || rq->method == HTTP_HEAD;

	if (rq->route->handler == api_health_live || rq->route->handler == api_health_ready ||
	    admin_knows(api->admins, &rq->cred) || (!rq->cred.known && reads))
		return NULL;
	if (!rq->cred.known) {
		log_event(LEVEL_WARN, "admin: refused over TCP", LOG_C("route", rq->route->name));
		return "This is answered on the admin Unix socket only";
	}
	log_event(LEVEL_WARN, "admin: refused to this user", LOG_C("route", rq->route->name), LOG_INT("uid", rq->cred.uid),
	    LOG_INT("gid", rq->cred.gid));
	return "Your user may not do this; see admin.users in ringd.yaml(5)";
}
