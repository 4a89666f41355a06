/*
 * server: listeners, the list of connections, and what is done once for all of them: accepting with a reserve, the
 * sweep of deadlines, the end of the turn, draining. One timer walks the list twice a second instead of a timer per
 * connection. Never spins on a full table: at the limit, or when descriptors run out, the listeners are left alone
 * until a connection closes or a second has passed; waiting clients stay in the kernel's queue, for other workers too.
 */
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "http/conn.h"

#define ACCEPT_BATCH	16	/* per readiness, so that accepting never starves the accepted */
#define ACCEPT_RETRY_MS	1000
#define ACCEPT_CALM_MS	5000	/* without a pause for so long: "accepting again" */
#define SWEEP_MS	500
#define SWEEP_DRAIN_MS	100

static void on_turn_end(void *arg);
static void on_sweep(void *arg);
static void on_resume(void *arg);
static void on_drain_timeout(void *arg);

/* Descriptors from this number on are kept free for the database, logs and reloads. The kernel hands out the lowest
 * free one, so an accepted descriptor's number says how many are in use. */
static int
descriptor_ceiling(size_t reserve)
{
	struct rlimit	rl;
	int		most = INT_MAX;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < (rlim_t)INT_MAX)
		most = (int)rl.rlim_cur;
	if (reserve >= (size_t)most) {
		log_event(LEVEL_WARN, "the descriptor limit leaves no room for a reserve: running without one", LOG_INT("limit", most),
		    LOG_INT("reserve", reserve));
		return most;
	}
	return most - (int)reserve;
}

struct http_server *
http_server_new(struct loop *l, const struct http_limits *lim, const struct addr_net *trusted, size_t ntrusted,
    bool access)
{
	struct http_server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->loop = l;
	s->limits = *lim;
	s->guard = (struct guard_limits){ .head_bytes = lim->header_bytes, .url_bytes = lim->url_bytes,
	    .header_count = lim->header_count, .body_bytes = lim->body_bytes, .trailer_bytes = lim->header_bytes };
	s->access_log = access;
	s->hook = (struct loop_hook){ .fn = on_turn_end, .arg = s };
	TAILQ_INIT(&s->conns);
	TAILQ_INIT(&s->ready);
	TAILQ_INIT(&s->receiving);
	s->fd_ceiling = descriptor_ceiling(lim->reserve_fds);
	hash_random(&s->id_seed, sizeof(s->id_seed));
	s->date_second = INT64_MIN;
	s->sweep = timer_new(l, on_sweep, s);
	s->resume = timer_new(l, on_resume, s);
	s->drain = timer_new(l, on_drain_timeout, s);
	s->trusted = calloc(ntrusted + 1, sizeof(*s->trusted));
	if (s->sweep == NULL || s->resume == NULL || s->drain == NULL || s->trusted == NULL) {
		http_server_free(s);
		return NULL;
	}
	if (ntrusted > 0)
		memcpy(s->trusted, trusted, ntrusted * sizeof(*trusted));
	s->ntrusted = ntrusted;
	return s;
}

void
http_server_free(struct http_server *s)
{
	struct http_listener	*listener;
	struct http_conn	*c;

	if (s == NULL)
		return;
	s->accepting = ACCEPT_DRAINING;		/* dropping must not make room for new ones */
	s->drained = NULL;
	while ((c = TAILQ_FIRST(&s->conns)) != NULL)
		conn_drop(c);
	loop_hook_cancel(&s->hook);
	while ((listener = s->listeners) != NULL) {
		s->listeners = listener->next;
		watch_free(listener->watch);
		free(listener);
	}
	while (s->nspare > 0)
		parse_free(s->spare[--s->nspare]);
	timer_free(s->sweep);
	timer_free(s->resume);
	timer_free(s->drain);
	free(s->trusted);
	free(s);
}

void
http_server_set_owner(struct http_server *s, const struct http_owner *owner)
{
	s->owner = *owner;
}

void
server_tell(struct http_server *s)
{
	if (s->owner.connections != NULL)
		s->owner.connections(s->owner.arg, &s->stats);
}

void
server_finished(struct http_server *s, const struct http_request *rq, int status, size_t bytes, int64_t now_us)
{
	if (s->owner.finished != NULL)
		s->owner.finished(s->owner.arg, rq, status, bytes, now_us);
}

const struct http_stats *
http_server_stats(const struct http_server *s)
{
	return &s->stats;
}

struct parse *
server_parse_get(struct http_server *s)
{
	if (s->nspare > 0)
		return s->spare[--s->nspare];
	return parse_new(&s->guard, s->limits.header_count);
}

void
server_parse_put(struct http_server *s, struct parse *p)
{
	if (s->nspare < SERVER_SPARE_PARSERS)
		s->spare[s->nspare++] = p;
	else
		parse_free(p);
}

/* The Date header's value, made once a second; names as RFC 9110 wants them, not as a locale would. */
const char *
server_date(struct http_server *s)
{
	static const char	days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t			second = clock_real_ms() / 1000;
	time_t			t = (time_t)second;
	struct tm		tm;

	if (second == s->date_second || gmtime_r(&t, &tm) == NULL)
		return s->date;
	snprintf(s->date, sizeof(s->date), "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + tm.tm_wday * 3,
	    tm.tm_mday % 100, months + tm.tm_mon * 3, (tm.tm_year + 1900) % 10000, tm.tm_hour % 100, tm.tm_min % 100,
	    tm.tm_sec % 100);
	s->date_second = second;
	return s->date;
}

/* 16 hex digits: a counter mixed so that neighbours do not look alike (SplitMix64, one-to-one, hence no repeats here),
 * started at a random place so that processes do not collide. */
void
server_request_id(struct http_server *s, char out[HTTP_ID_SIZE])
{
	static const char	hex[] = "0123456789abcdef";
	uint64_t		x = s->id_seed + ++s->id_count * UINT64_C(0x9e3779b97f4a7c15);
	int			i;

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	x ^= x >> 31;
	for (i = 0; i < 16; i++, x >>= 4)
		out[i] = hex[x & 15];
	out[16] = '\0';
}

void
server_conn_ready(struct http_conn *c)
{
	struct http_server *s = c->listener->server;

	if (!c->is_ready) {
		c->is_ready = true;
		TAILQ_INSERT_TAIL(&s->ready, c, ready);
	}
	loop_at_turn_end(s->loop, &s->hook);
}

/* One pass over those ready now; who becomes ready on the way waits for the next. drained() comes last: it may free the
 * server. */
static void
on_turn_end(void *arg)
{
	struct http_server	*s = arg;
	struct http_conn	*c, *last = TAILQ_LAST(&s->ready, conn_list);
	loop_fn			 drained = s->drained;
	bool			 more = last != NULL;

	while (more) {
		c = TAILQ_FIRST(&s->ready);
		more = c != last;
		TAILQ_REMOVE(&s->ready, c, ready);
		c->is_ready = false;
		conn_turn_end(c);
	}
	if (drained != NULL && s->stats.open == 0) {
		s->drained = NULL;
		timer_stop(s->drain);
		drained(s->drained_arg);
	}
}

static void
on_sweep(void *arg)
{
	struct http_server	*s = arg;
	struct http_conn	*c, *next;
	int64_t			 now = loop_now_ms(s->loop);

	for (c = TAILQ_FIRST(&s->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (now >= c->deadline_ms)
			conn_timeout(c);
	}
	if (s->paused_told && s->accepting == ACCEPT_YES && now - s->paused_ms >= ACCEPT_CALM_MS) {
		s->paused_told = false;
		log_info("accepting connections again without pause");
	}
	s->sweeping = s->stats.open > 0 || s->paused_told;
	if (s->sweeping)
		timer_set(s->sweep, s->accepting == ACCEPT_DRAINING ? SWEEP_DRAIN_MS : SWEEP_MS);
}

static void
watch_listeners(struct http_server *s, unsigned what)
{
	struct http_listener *l;

	for (l = s->listeners; l != NULL; l = l->next)
		if (!watch_set(l->watch, what))
			log_error("a listener cannot be watched");
}

static void
pause_accepting(struct http_server *s, enum accepting why)
{
	s->accepting = why;
	s->paused_ms = loop_now_ms(s->loop);
	s->stats.refused++;
	watch_listeners(s, 0);
	timer_set(s->resume, ACCEPT_RETRY_MS);
	if (!s->paused_told)
		log_event(LEVEL_WARN, "accepting paused", LOG_C("reason", why == ACCEPT_FULL ?
		    "the limit of connections is reached" : "descriptors are running out"), LOG_INT("connections", s->stats.open));
	s->paused_told = true;
	server_tell(s);
}

/* Which number the next descriptor would get, found by taking it. */
static bool
descriptors_free(const struct http_server *s)
{
	int fd = fcntl(s->listeners->fd, F_DUPFD_CLOEXEC, 0);

	if (fd == -1)
		return false;
	close(fd);
	return fd < s->fd_ceiling;
}

static void
on_resume(void *arg)
{
	struct http_server *s = arg;

	if (s->stats.open < s->limits.connections && (s->accepting != ACCEPT_NO_FDS || descriptors_free(s))) {
		s->accepting = ACCEPT_YES;
		timer_stop(s->resume);
		watch_listeners(s, LOOP_READ);
	} else {
		timer_set(s->resume, ACCEPT_RETRY_MS);
	}
}

void
server_conn_gone(struct http_server *s)
{
	server_tell(s);
	if (s->accepting == ACCEPT_FULL || s->accepting == ACCEPT_NO_FDS)
		on_resume(s);
	else if (s->accepting == ACCEPT_DRAINING && s->stats.open == 0)
		loop_at_turn_end(s->loop, &s->hook);
}

/* accept4 failed. true: worth another try at once. EAGAIN is everyday life: another worker took it. */
static bool
accept_again(struct http_server *s)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return false;
	if (errno == EINTR || errno == ECONNABORTED)
		return true;
	if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
		log_errno("accept");
	pause_accepting(s, ACCEPT_NO_FDS);
	return false;
}

/* Who a Unix socket's peer is, if anybody wants to know. false: the kernel will not say, so nobody can be admitted. */
static bool
find_cred(const struct http_listener *l, int fd, struct peer_cred *cred)
{
	if (l->server->owner.admit == NULL || l->family != AF_UNIX || peer_cred_of(fd, cred))
		return true;
	log_event(LEVEL_INFO, "connection closed: the kernel does not say whose it is", LOG_C("error", strerror(errno)));
	close(fd);
	return false;
}

static void
accepted(struct http_listener *l, int fd, const struct sockaddr *sa, socklen_t len)
{
	struct http_server	*s = l->server;
	struct addr		 peer = { .family = AF_UNIX };
	struct peer_cred	 cred = { .known = false };

	if (l->family != AF_UNIX && !addr_from_sockaddr(&peer, sa, len))
		peer.family = 0;
	s->stats.accepted++;
	if (!find_cred(l, fd, &cred) || !conn_new(l, fd, &peer, &cred))
		s->stats.refused++;
	server_tell(s);
	if (s->stats.open >= s->limits.connections)
		pause_accepting(s, ACCEPT_FULL);
	else if (fd + 1 >= s->fd_ceiling)
		pause_accepting(s, ACCEPT_NO_FDS);
	if (!s->sweeping) {
		s->sweeping = true;
		timer_set(s->sweep, SWEEP_MS);
	}
}

/* false: nobody waits, or we take no more. */
static bool
accept_one(struct http_listener *l)
{
	struct sockaddr_storage	 ss;
	socklen_t		 len = sizeof(ss);
	int			 fd;

	if (l->server->accepting != ACCEPT_YES)
		return false;
	fd = accept4(l->fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1)
		return accept_again(l->server);
	accepted(l, fd, (struct sockaddr *)&ss, len);
	return true;
}

static void
on_acceptable(void *arg, unsigned what)
{
	struct http_listener	*l = arg;
	int			 tries;

	(void)what;
	for (tries = 0; tries < ACCEPT_BATCH && accept_one(l); tries++)
		;
}

/* Made once: it is the same in every answer. */
static void
set_hsts(struct http_listener *l, int64_t seconds)
{
	int n = 0;

	if (l->tls != NULL && seconds > 0)
		n = snprintf(l->hsts, sizeof(l->hsts), "Strict-Transport-Security: max-age=%lld\r\n", (long long)seconds);
	l->hsts_len = (size_t)n;
}

bool
http_server_listen(struct http_server *s, const struct http_listen *what)
{
	struct http_listener	*l = calloc(1, sizeof(*l));
	struct sockaddr_storage	 ss = { .ss_family = AF_UNSPEC };
	socklen_t		 len = sizeof(ss);

	if (l == NULL || getsockname(what->fd, (struct sockaddr *)&ss, &len) == -1 ||
	    (l->watch = watch_new(s->loop, what->fd, on_acceptable, l)) == NULL || !watch_set(l->watch, LOOP_READ)) {
		log_errno("a listener cannot be watched");
		if (l != NULL)
			watch_free(l->watch);
		free(l);
		return false;
	}
	l->server = s;
	l->routes = what->routes;
	l->fd = what->fd;
	l->family = ss.ss_family;
	l->proxy_protocol = what->proxy_protocol;
	l->tls = what->tls;
	set_hsts(l, what->hsts_s);
	l->next = s->listeners;
	s->listeners = l;
	return true;
}

/* Who is in a queue when its last holder closes it is reset. Most often others go on with it, and it does no harm. */
static void
accept_waiting(struct http_server *s)
{
	struct http_listener	*l;
	int			 tries;

	for (l = s->listeners; l != NULL; l = l->next)
		for (tries = 0; tries < CONN_LAST_ACCEPTS && accept_one(l); tries++)
			;
}

void
http_server_drain(struct http_server *s, int64_t timeout_ms, loop_fn done, void *arg)
{
	struct http_conn	*c;
	int64_t			 grace = loop_now_ms(s->loop) + CONN_GRACE_MS;

	accept_waiting(s);
	s->accepting = ACCEPT_DRAINING;
	timer_stop(s->resume);
	watch_listeners(s, 0);
	TAILQ_FOREACH(c, &s->conns, link)
		if (c->state == CONN_IDLE && c->answered > 0 && !c->blocked && c->deadline_ms > grace)
			c->deadline_ms = grace;
	if (s->sweeping)
		timer_set(s->sweep, SWEEP_DRAIN_MS);
	s->drained = done;
	s->drained_arg = arg;
	timer_set(s->drain, timeout_ms);
	loop_at_turn_end(s->loop, &s->hook);
}

static void
on_drain_timeout(void *arg)
{
	struct http_server	*s = arg;
	struct http_conn	*c;

	if (s->stats.open > 0)
		log_event(LEVEL_WARN, "drain: connections closed unfinished", LOG_INT("connections", s->stats.open),
		    LOG_INT("with_a_request", s->stats.busy));
	while ((c = TAILQ_FIRST(&s->conns)) != NULL)
		conn_drop(c);
	loop_at_turn_end(s->loop, &s->hook);
}
