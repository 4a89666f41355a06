/*
 * crowding: what one address may hold: connections, all workers together, asked before a byte is read or, behind a PROXY
 * header, as soon as it names the client; and memory for bodies, in this worker, so that few slow clients do not take
 * what all share. Who stands for many is not counted: Unix sockets, trusted hops.
 */
#include <sys/types.h>

#include <string.h>

#include "base/log.h"
#include "http/conn.h"

/* Of one client, for all that is known. */
static bool
is_ones_own(const struct http_server *s, const struct addr *a)
{
	return (a->family == AF_INET || a->family == AF_INET6) && !forwarded_trusts(a, s->trusted, s->ntrusted);
}

static bool
is_counted(const struct http_server *s, const struct addr *peer)
{
	return s->limits.tally != NULL && s->limits.per_address > 0 && is_ones_own(s, peer);
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

/* What bodies being received from the address of this owner have reserved. */
static size_t
reserved_by(const struct http_server *s, const unsigned char *owner, size_t n)
{
	unsigned char	 other[ADDR_OWNER_SIZE];
	struct http_conn *c;
	size_t		 all = 0;

	TAILQ_FOREACH(c, &s->receiving, receiving)
		if (addr_owner(other, &c->rq->client) == n && memcmp(other, owner, n) == 0)
			all += c->reserved;
	return all;
}

/* One body may always be sent, however large it is. */
const char *
crowding_of_bodies(struct http_conn *c, size_t room)
{
	struct http_server	*s = c->listener->server;
	unsigned char		 owner[ADDR_OWNER_SIZE];
	char			 text[ADDR_TEXT_SIZE];
	uint64_t		 times;
	size_t			 held;

	if (room > s->limits.body_memory - s->bodies)
		return "Too many bodies are being received; try again";
	if (s->limits.body_memory_per_address == 0 || TAILQ_EMPTY(&s->receiving) || !is_ones_own(s, &c->rq->client))
		return NULL;
	held = reserved_by(s, owner, addr_owner(owner, &c->rq->client));
	if (held == 0 || held + room <= s->limits.body_memory_per_address)
		return NULL;
	s->stats.bodies_refused++;
	server_tell(s);
	if (pace_due(&s->greedy, loop_now_ms(s->loop), &times)) {
		addr_text(text, &c->rq->client);
		log_event(LEVEL_WARN, "body refused: its address sends too many at a time (limits.body_memory_per_address)",
		    LOG_C("client", text), LOG_INT("bytes", held), LOG_INT("refused_since_last_line", times));
	}
	return "Too many bodies are being received from your address; try again";
}
