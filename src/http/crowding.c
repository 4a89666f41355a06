/*
 * crowding: how many connections one address may hold, all workers together. Asked before a byte is read; behind a
 * PROXY header, as soon as it names the client. Who stands for many is not counted: Unix sockets, trusted hops.
 */
#include <sys/types.h>

#include "base/log.h"
#include "http/conn.h"

static bool
is_counted(const struct http_server *s, const struct addr *peer)
{
	return s->limits.tally != NULL && s->limits.per_address > 0 &&
	    (peer->family == AF_INET || peer->family == AF_INET6) && !forwarded_trusts(peer, s->trusted, s->ntrusted);
}

bool
crowding_enter(struct http_conn *c)
{
	struct http_server	*s = c->listener->server;
	unsigned char		 owner[ADDR_OWNER_SIZE];
	char			 text[ADDR_TEXT_SIZE];
	uint64_t		 id, times;
	bool			 counted;

	if (!is_counted(s, &c->peer))
		return true;
	id = tally_id(s->limits.tally, (struct str){ (const char *)owner, addr_owner(owner, &c->peer) });
	if (crowd_enter(s->limits.tally->connections, s->limits.member, id, s->limits.per_address, &counted)) {
		c->crowd_id = counted ? id : 0;
		return true;
	}
	s->stats.crowded++;
	if (pace_due(&s->crowded, loop_now_ms(s->loop), &times)) {
		addr_text(text, &c->peer);
		log_event(LEVEL_WARN, "connection closed: its address holds too many (limits.connections_per_address)",
		    LOG_C("client", text), LOG_INT("holds", s->limits.per_address), LOG_INT("closed_since_last_line", times));
	}
	return false;
}

void
crowding_leave(struct http_conn *c)
{
	struct http_server *s = c->listener->server;

	if (c->crowd_id != 0)
		crowd_leave(s->limits.tally->connections, s->limits.member, c->crowd_id);
	c->crowd_id = 0;
}
