/*
 * scoreboard: shared memory, made by the master before the first fork: what `ringctl status`, health and /metrics show.
 *
 * Every number has one writer, so nobody locks and nothing is added twice: a place (struct score) belongs to one child
 * at a time, the queue's numbers to the reaper, everything else to the master. A counter never goes back: it belongs to
 * the place and not to the child, so that the next one who sits there counts on, and a death or a reload moves nothing.
 * What a SIGKILL can cost is the one addition it interrupts.
 *
 * 5 MB of address space; a place nobody ever sat in is never touched, so 4 workers and a reaper fill some 100 kB,
 * twice that after a reload.
 */
#ifndef RINGD_SCOREBOARD_H
#define RINGD_SCOREBOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log_levels.h"
#include "base/report.h"
#include "conf/conf.h"

#define SCORE_SLOTS	(2 * (CONF_MAX_WORKERS + 4))	/* two generations of every role */
#define SCORE_ROLES	8
#define SCORE_ROUTES	48		/* 0: none, whatever was asked for; the others as api_route_index() says */
#define SCORE_BUCKETS	18		/* of a histogram, the last one for what is beyond every bound */
#define SCORE_NAME	16		/* a role's name */
#define SCORE_TEXT	256		/* a sentence */
#define SCORE_LINE	64		/* bytes; no two places share a cache line */
#define SCORE_UNKNOWN	INT64_MIN	/* queue.base before the first look */

enum score_state { SCORE_FREE, SCORE_STARTING, SCORE_READY, SCORE_DRAINING };
enum score_db { SCORE_DB_DOWN, SCORE_DB_UP, SCORE_DB_REFUSED /* wrong schema or role */ };
enum score_class { SCORE_2XX, SCORE_3XX, SCORE_4XX, SCORE_5XX, SCORE_CLASSES };
enum score_cause { SCORE_EXIT, SCORE_SIGNAL, SCORE_SANDBOX, SCORE_TIMEOUT, SCORE_CAUSES };

/* What came of a request to a provider, whose counters stand one after the other. */
enum score_answer {
	SCORE_ANSWER_OK,		/* 2xx and 3xx */
	SCORE_ANSWER_REFUSED,		/* 4xx but 429 */
	SCORE_ANSWER_LIMITED,		/* 429 */
	SCORE_ANSWER_FAILED,		/* 5xx */
	SCORE_ANSWER_UNREACHED,		/* no answer that could be used */
	SCORE_ANSWERS
};

/* What children count. A new one is a line here and a row in proc/metrics.c. */
enum score_counter {
	SCORE_ACCEPTED,			/* connections */
	SCORE_REFUSED,			/* times accepting was paused, connections closed unserved */
	SCORE_HANDSHAKES,		/* of TLS, done */
	SCORE_HANDSHAKES_RESUMED,	/* of those */
	SCORE_HANDSHAKES_FAILED,
	SCORE_CONNECTIONS_LIMITED,	/* closed: their address had too many; among the refused */
	SCORE_BODIES_LIMITED,		/* answered 503: their address sent too many at a time */
	SCORE_REQUESTS_LIMITED,		/* answered 429: the API key's limit */
	SCORE_FAILURES_LIMITED,		/* answered 429: their address had too many failures */
	SCORE_EVENTS_STORED,
	SCORE_EVENTS_DUPLICATE,
	SCORE_EVENTS_REFUSED,		/* for good */
	SCORE_EVENTS_DEFERRED,		/* answered "try again" */
	SCORE_EVENTS_QUEUED,		/* of those stored: the reaper has something to do with them */
	SCORE_EVENTS_APPLIED,
	SCORE_EVENTS_FAILED,		/* attempts */
	SCORE_EVENTS_DEAD,
	SCORE_REQUESTS_RECORDED,	/* in request_logs */
	SCORE_REQUESTS_UNRECORDED,	/* and those that found no place */
	SCORE_DIALPAD,			/* requests to Dialpad: the first of its answers */
	SCORE_EXOTEL = SCORE_DIALPAD + SCORE_ANSWERS,
	SCORE_PROVIDERS_END = SCORE_EXOTEL + SCORE_ANSWERS - 1,
	SCORE_REFRESH_DONE,		/* renewals of Dialpad's tokens: stored */
	SCORE_REFRESH_LATE,		/* came when the connection was no longer ours */
	SCORE_REFRESH_FAILED,		/* will be tried again */
	SCORE_REFRESH_DEAD,		/* the connection needs a new consent */
	SCORE_GAPS_FOUND,		/* of downtime, one for each connection */
	SCORE_GAPS_DONE,		/* of any reason */
	SCORE_GAPS_FAILED,
	SCORE_EVENTS_REPAIRED,		/* that no delivery had brought */
	SCORE_ENDS_INFERRED,		/* legs given up for over */
	SCORE_SIGNATURES,		/* SIP challenges answered for ribbons */
	SCORE_SIGNATURES_REFUSED,
	SCORE_RIBBON_SESSIONS,		/* begun */
	SCORE_RIBBON_NO_ORIGIN,		/* requests of ribbons refused: for their page */
	SCORE_RIBBON_NO_KEY,		/* browser key missing or bad */
	SCORE_RIBBON_NO_AGENT,		/* agent token bad or late, agent unknown or switched off */
	SCORE_RIBBON_NO_ACCOUNT,	/* app or account at Exotel off */
	SCORE_RIBBON_NO_SESSION,	/* none, over or ended */
	SCORE_RIBBON_NO_CALLS,		/* the month's are used up */
	SCORE_RIBBON_PLACED,		/* calls, by what came of asking Exotel */
	SCORE_RIBBON_REFUSED,		/* Exotel said no */
	SCORE_RIBBON_LATER,		/* nothing was done, and may be asked for again */
	SCORE_RIBBON_UNKNOWN,		/* perhaps it was placed */
	SCORE_COUNTERS
};

struct score_histogram {
	_Atomic uint64_t	bucket[SCORE_BUCKETS];	/* by the bounds it was observed with; not cumulative */
	_Atomic uint64_t	sum;			/* of what was observed, in the bounds' unit */
};

struct score_bounds {			/* a value belongs to the first bucket whose bound it does not exceed */
	size_t	n;
	int64_t	at[SCORE_BUCKETS - 1];
};

extern const char *const score_answer_names[SCORE_ANSWERS];	/* "ok" */
extern const char *const score_class_names[SCORE_CLASSES];	/* "2xx" */
extern const char *const score_cause_names[SCORE_CAUSES];	/* "signal" */
extern const struct score_bounds score_times;	/* microseconds: 50 us ... 10 s */
extern const struct score_bounds score_rows;	/* 1 ... 64 */

/* A sentence that may change while it is read: see score_say() and score_hear(). */
struct score_text {
	_Atomic uint32_t	turn;		/* odd: being written, or its writer was killed over it */
	_Atomic uint64_t	word[SCORE_TEXT / sizeof(uint64_t)];
};

struct score {
	/* written by the master */
	_Alignas(SCORE_LINE) _Atomic int state;	/* enum score_state */
	_Atomic int		pid;
	_Atomic unsigned	role;		/* into the board's names */
	_Atomic unsigned	generation;
	_Atomic unsigned	index;
	_Atomic uint64_t	started_ms;	/* real time */
	_Atomic uint64_t	before[SCORE_COUNTERS];	/* what the place had counted when this child sat down */
	_Atomic uint64_t	requests_before;

	/* written by the child */
	_Alignas(SCORE_LINE) _Atomic int db;	/* enum score_db */
	_Atomic uint64_t	connections;	/* open now */
	struct score_text	db_reason;	/* why the database is not up; empty when it is */
	_Atomic uint64_t	counter[SCORE_COUNTERS];
	struct score_histogram	batch_rows, commit_us;		/* of a worker's ingest */
	struct score_histogram	http_us[SCORE_ROUTES][SCORE_CLASSES];
};

/*
 * The queue between looks. The reaper looks about once a second and says how many wait; from then on, workers' and
 * reapers' counters carry the number on, so that it grows also while no reaper is able to look. Written by the reaper
 * (during a reload by two, who see the same queue).
 */
struct score_queue {
	_Atomic int64_t	base;		/* depth at the last look, less what was queued before, plus what was taken */
	_Atomic int64_t	oldest_ms;	/* when the one waiting longest came; when it was seen to be empty */
	_Atomic int64_t	caught_up_ms;	/* up to when all that was due has been taken and applied; 0: not yet known */
};

struct score_certificate {
	_Atomic int64_t		not_after;	/* unix seconds */
	char			name[TLS_NAME_SIZE];
};

struct score_certificates {
	_Atomic unsigned		n;
	struct score_certificate	one[CONF_MAX_CERTIFICATES];
};

struct scoreboard {
	char			role[SCORE_ROLES][SCORE_NAME];	/* given before the first fork */
	unsigned		nroles;
	/* written by the master */
	_Atomic uint64_t	started_ms;
	_Atomic unsigned	generation;	/* the serving one */
	_Atomic int		stopping;	/* everybody was told to go */
	_Atomic unsigned	used;		/* places from here on were never taken */
	_Atomic uint64_t	restarts[SCORE_ROLES][SCORE_CAUSES];	/* children that died without being asked */
	_Atomic uint64_t	reloads, reloads_failed;
	_Atomic int		master_pid;
	struct report_board	report;		/* of the last reload or upgrade */

	_Alignas(SCORE_LINE) struct score_queue	queue;
	struct score		slot[SCORE_SLOTS];
	struct score_certificates certificates[2];	/* those of the serving generation, and those before */
	_Atomic unsigned	certificates_now;	/* which are which */
	struct log_levels	log_levels;	/* everybody's; written by workers at an administrator's word */
};

#define SCORE_SET(field, v)	atomic_store_explicit(&(field), (v), memory_order_relaxed)
#define SCORE_GET(field)	atomic_load_explicit(&(field), memory_order_relaxed)
/* For the only writer: no other can come between, so it needs no locked instruction. */
#define SCORE_ADD(field, n)	SCORE_SET(field, SCORE_GET(field) + (n))

/* Anonymous shared mapping, zeroed but for the roles' names and an unknown queue; NULL with errno. */
struct scoreboard *scoreboard_new(const char *const *roles, unsigned nroles);

/* The master's: a child of this role will sit down (before its fork); the one who sat there is gone. */
void	 scoreboard_seat(struct scoreboard *b, struct score *s, unsigned role, unsigned index, unsigned generation);
void	 scoreboard_vacate(struct score *s);
void	 scoreboard_set_state(struct score *s, enum score_state state);
/* The master's, when a generation begins to serve: what certificates it has. */
void	 scoreboard_certify(struct scoreboard *b, const struct conf *c);

/* The child's. */
static inline void
score_count(struct score *s, enum score_counter c, uint64_t n)
{
	SCORE_ADD(s->counter[c], n);
}

void	 score_observe(struct score_histogram *h, const struct score_bounds *bounds, int64_t v);
void	 score_http(struct score *s, size_t route, int status, int64_t us);	/* status 499: the client left first */
void	 score_db(struct score *s, enum score_db db, const char *reason);
void	 score_say(struct score_text *t, const char *sentence);

/* Anybody's. */
/* Asked first: what the master wrote before it is then seen. */
enum score_state scoreboard_state(const struct score *s);
bool	 score_hear(const struct score_text *t, char out[SCORE_TEXT]);	/* false: none, or it is being written */
const char *scoreboard_role(const struct scoreboard *b, const struct score *s);
/* Is every ready child of this role in the serving generation connected, and is there one? */
bool	 scoreboard_database_up(const struct scoreboard *b, unsigned role);
uint64_t scoreboard_restarts(const struct scoreboard *b);
/* Of every child there ever was. */
uint64_t scoreboard_sum(const struct scoreboard *b, enum score_counter c);
uint64_t scoreboard_requests(const struct scoreboard *b);
/* Of the child who sits there now; of all who sat there. */
uint64_t score_own(const struct score *s, enum score_counter c);
uint64_t score_own_requests(const struct score *s);
uint64_t score_requests(const struct score *s);
/* Those of the serving generation; they stay as they are until the reload after the next. */
const struct score_certificates	*scoreboard_certificates(const struct scoreboard *b);

struct score_totals {
	uint64_t	bucket[SCORE_BUCKETS], count, sum;
};

#define SCORE_HTTP(route, class)	/* offset of one of http_us */			\
	(offsetof(struct score, http_us) + ((route) * SCORE_CLASSES + (class)) * sizeof(struct score_histogram))

/* Adds the histogram at this offset of struct score, of every child there ever was. */
void	 scoreboard_add(const struct scoreboard *b, size_t offset, struct score_totals *t);
/* What so many per cent do not exceed, by straight lines between bounds; at most the last bound; -1 of nothing. */
int64_t	 score_quantile(const struct score_totals *t, const struct score_bounds *bounds, unsigned percent);

/* The reaper's look: so many wait (-1: it cannot know), the oldest since then (of none: ignored). */
void	 scoreboard_queue_seen(struct scoreboard *b, int64_t depth, int64_t oldest_ms, int64_t now_ms);
/* How many wait, for how long the oldest has, and for how long the reaper has been behind; -1 each: unknown. */
struct score_waiting { int64_t depth, oldest_ms, lag_ms; };
struct score_waiting scoreboard_queue(const struct scoreboard *b, int64_t now_ms);

#endif
