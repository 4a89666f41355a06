/*
 * connect: the life of the one connection: resolve, connect, set up, serve, lose, wait, again. Never blocks: every step is a
 * callback of the loop. One log line per change of state, not per try. Backoff doubles with jitter, so that a restarted
 * database is not met by all workers of all hosts in the same millisecond.
 */
#include <sys/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "db/db_internal.h"

#define CONNECT_KEYWORDS	16

void
db_one_line(char *out, size_t size, const char *text)
{
	size_t n = 0;
	bool blank = true;

	for (; text != NULL && *text != '\0' && n + 1 < size; text++) {
		bool space = *text == '\n' || *text == '\t' || *text == ' ';
		if (space && blank)
			continue;
		out[n++] = space ? ' ' : *text;
		blank = space;
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
}

/* Logs a change once: down with its reason, ready, refused. Repeated failures for the same reason stay silent. */
void
db_set_state(struct db *db, enum db_state s, const char *reason)
{
	bool first = !db->attempted, changed = s != db->state;

	snprintf(db->reason, sizeof(db->reason), "%s", reason);
	db->attempted = true;
	db->state = s;
	if (changed || first || strcmp(db->logged, reason) != 0) {
		if (s == DB_READY)
			log_event(LEVEL_INFO, "database ready", LOG_C("endpoint", db->endpoint));
		else if (s == DB_REFUSED)
			log_event(LEVEL_ERROR, "database refused", LOG_C("reason", reason), LOG_INT("again_in_ms", db->cfg.reconnect_max_ms));
		else
			log_event(LEVEL_WARN, "database away", LOG_C("reason", reason));
		snprintf(db->logged, sizeof(db->logged), "%s", reason);
	}
	if ((changed || first) && db->on_state != NULL)
		db->on_state(db->on_state_arg, s);
}

static int64_t
jittered(int64_t ms)
{
	uint32_t r;

	hash_random(&r, sizeof(r));
	return ms / 2 + (int64_t)(r % (uint32_t)(ms > 1 ? ms : 1));
}

void
db_disconnect(struct db *db)
{
	db_cancel_abandon(db);
	if (db->resolve != NULL) {
		db_resolve_abandon(db->resolve);
		db->resolve = NULL;
	}
	watch_free(db->watch);
	db->watch = NULL;
	db->watch_fd = -1;
	loop_hook_cancel(&db->flush);
	PQfinish(db->pg);
	db->pg = NULL;
	db->broken = false;
}

static void
plan_next_attempt(struct db *db)
{
	int64_t wait = db->state == DB_REFUSED ? db->cfg.reconnect_max_ms : db->backoff_ms;

	db->phase = PHASE_WAITING;
	db->backoff_ms = db->backoff_ms * 2 > db->cfg.reconnect_max_ms ? db->cfg.reconnect_max_ms : db->backoff_ms * 2;
	timer_set(db->timer, jittered(wait));
}

void
db_lost(struct db *db, const char *why)
{
	char reason[DB_REASON_SIZE];

	db_one_line(reason, sizeof(reason), why);	/* why may point into the connection being freed */
	if (db->reading) {				/* a result is being handled: finish there first */
		db->broken = true;
		snprintf(db->broken_why, sizeof(db->broken_why), "%s", reason);
		return;
	}
	db_disconnect(db);
	db->phase = PHASE_WAITING;
	db_set_state(db, db->refusing ? DB_REFUSED : DB_DOWN, reason);
	db->refusing = false;
	plan_next_attempt(db);
	db_pipe_drop_all(db, DB_AWAY);
}

/* The watch follows libpq's socket, which changes when it tries the next address. */
static bool
follow_socket(struct db *db, unsigned what, loop_watch_fn fn)
{
	int fd = PQsocket(db->pg);

	if (fd < 0)
		return false;
	/* libpq may close one socket and get the same number for the next, so the watch is made anew while connecting. */
	watch_free(db->watch);
	db->watch = watch_new(db->loop, fd, fn, db);
	db->watch_fd = fd;
	return db->watch != NULL && watch_set(db->watch, what);
}

static void
connect_event(void *arg, unsigned what)
{
	db_connect_readable(arg, what);
}

void
db_connect_readable(struct db *db, unsigned what)
{
	unsigned next = LOOP_READ;

	(void)what;
	switch (PQconnectPoll(db->pg)) {
	case PGRES_POLLING_OK:
		timer_stop(db->timer);
		if (PQsetnonblocking(db->pg, 1) != 0 || PQenterPipelineMode(db->pg) != 1 ||
		    !follow_socket(db, LOOP_READ, db_pipe_event)) {
			db_lost(db, PQerrorMessage(db->pg));
			return;
		}
		db->phase = PHASE_SETUP;
		timer_set(db->timer, db->cfg.connect_timeout_ms);
		db_setup_begin(db);
		return;
	case PGRES_POLLING_WRITING:
		next = LOOP_WRITE;
		break;
	case PGRES_POLLING_READING:
		break;
	default:
		db_lost(db, PQerrorMessage(db->pg));
		return;
	}
	if (!follow_socket(db, next, connect_event))
		db_lost(db, "no socket to wait for");
}

static void
keep_notice(void *arg, const PGresult *res)
{
	struct db *db = arg;

	db_one_line(db->last_words, sizeof(db->last_words), PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY));
}

static void
start_connecting(struct db *db, const char *host, const char *hostaddr, const char *port)
{
	const char *key[CONNECT_KEYWORDS], *value[CONNECT_KEYWORDS];
	int n = 0;

	/* The configured string first, expanded; what follows wins over it. */
	key[n] = "dbname", value[n++] = (const char *)secret_bytes(db->cfg.conninfo).p;
	if (hostaddr != NULL) {
		key[n] = "host", value[n++] = host;
		key[n] = "hostaddr", value[n++] = hostaddr;
		key[n] = "port", value[n++] = port;
	}
	key[n] = "application_name", value[n++] = db->cfg.name;
	key[n] = "client_encoding", value[n++] = "UTF8";
	/* A host that vanished without a word must not hold jobs for the two hours TCP would. */
	key[n] = "keepalives_idle", value[n++] = "5";
	key[n] = "keepalives_interval", value[n++] = "2";
	key[n] = "keepalives_count", value[n++] = "3";
	key[n] = "tcp_user_timeout", value[n++] = "8000";
	key[n] = NULL, value[n] = NULL;

	db->pg = PQconnectStartParams(key, value, 1);
	if (db->pg == NULL) {
		db_lost(db, "out of memory");
		return;
	}
	PQsetNoticeReceiver(db->pg, keep_notice, db);
	if (PQstatus(db->pg) == CONNECTION_BAD) {
		db_lost(db, PQerrorMessage(db->pg));
		return;
	}
	db->phase = PHASE_CONNECTING;
	timer_set(db->timer, db->cfg.connect_timeout_ms);
	if (!follow_socket(db, LOOP_WRITE, connect_event))
		db_lost(db, "no socket to wait for");
}

static void
resolved(struct db *db, const char *host, const char *hostaddr, const char *port, const char *error)
{
	db->resolve = NULL;
	if (error != NULL)
		db_lost(db, error);
	else
		start_connecting(db, host, hostaddr, port);
}

void
db_connect_begin(struct db *db)
{
	db->endpoint[0] = '\0';
	db->last_words[0] = '\0';
	switch (db_resolve_needed(db->cfg.conninfo)) {
	case ADDRESS_PLAIN:
		start_connecting(db, NULL, NULL, NULL);
		return;
	case ADDRESS_MALFORMED:		/* libpq's own words would quote it, password and all */
		db_lost(db, "the database address is malformed (is a character of the password not percent-encoded?)");
		return;
	case ADDRESS_LIST:
		break;
	}
	db->phase = PHASE_RESOLVING;
	timer_set(db->timer, db->cfg.connect_timeout_ms);
	db->resolve = db_resolve_start(db, resolved);
	if (db->resolve == NULL)
		db_lost(db, "no thread for name resolution");
}
