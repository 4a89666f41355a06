/*
 * worker: assembles one process: loop, database, hooks, keys, ingest, two HTTP servers (public, admin), signals. Must never block and never make an
 * outbound connection other than PostgreSQL's. TERM drains: what is under way is answered, then the process ends.
 */
#include <sys/types.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/api.h"
#include "api/audit.h"
#include "api/auth.h"
#include "api/hooks.h"
#include "api/ribbon_files.h"
#include "base/json_read.h"
#include "base/log.h"
#include "db/stmt_worker.h"
#include "http/server.h"
#include "worker/day.h"
#include "worker/front.h"
#include "worker/ingest.h"
#include "worker/request_log.h"
#include "worker/worker.h"

#define ADMIN_DRAIN_MS	2000	/* for who asked just before the end */
#define STALE_PERIOD_MS	5000	/* while the database is away: are its files still the ones we may read? */

struct worker {
	const struct heritage	*h;
	struct loop		*loop;
	struct db		*db;
	struct api		 api;
	struct ingest		*ingest;
	struct day		*day;
	struct request_log	*requests;
	struct http_server	*public, *admin;
	struct front		 front;
	struct ribbon_files	*ribbon;
	struct http_routes	 public_routes, admin_routes;
	struct http_stats	 told;		/* of the public server, as the scoreboard has it */
	struct watch		*master_watch;
	struct reach		 reach;		/* what the sandbox lets us touch */
	struct timer		*stale_timer;
	bool			 listening;
	int			 draining;	/* servers still draining; 0 = not asked */
	bool			 last;		/* nobody comes after us: ringd stops */
	int			 exit_code;
};

static void
connections_changed(void *arg, const struct http_stats *now)
{
	struct worker *w = arg;

	SCORE_SET(w->h->score->connections, now->open);
	score_count(w->h->score, SCORE_ACCEPTED, now->accepted - w->told.accepted);
	score_count(w->h->score, SCORE_REFUSED, now->refused - w->told.refused);
	score_count(w->h->score, SCORE_CONNECTIONS_LIMITED, now->crowded - w->told.crowded);
	score_count(w->h->score, SCORE_BODIES_LIMITED, now->bodies_refused - w->told.bodies_refused);
	score_count(w->h->score, SCORE_HANDSHAKES, now->handshakes - w->told.handshakes);
	score_count(w->h->score, SCORE_HANDSHAKES_RESUMED, now->handshakes_resumed - w->told.handshakes_resumed);
	score_count(w->h->score, SCORE_HANDSHAKES_FAILED, now->handshakes_failed - w->told.handshakes_failed);
	w->told = *now;
}

static void
request_finished(void *arg, const struct http_request *rq, int status, size_t bytes, int64_t now_us)
{
	struct worker *w = arg;

	(void)bytes;
	score_http(w->h->score, api_route_index(rq->route), status, now_us - rq->started_us);
}

static void
public_finished(void *arg, const struct http_request *rq, int status, size_t bytes, int64_t now_us)
{
	struct worker *w = arg;

	request_finished(w, rq, status, bytes, now_us);
	request_log_add(w->requests, rq, status, bytes, now_us);
}

static const char *
admin_admit(void *arg, const struct http_request *rq)
{
	const struct worker *w = arg;

	return api_admin_admit(&w->api, rq);
}

static void
stop_now(void *arg)
{
	struct worker *w = arg;

	loop_stop(w->loop);
}

static void
logs_drained(void *arg)
{
	struct worker *w = arg;

	audit_drain(w->api.audit, stop_now, w);
}

static void
drained(void *arg)
{
	struct worker *w = arg;

	if (--w->draining == 0)
		request_log_drain(w->requests, logs_drained, w);
}

/* An address that no other process serves refuses from now on, instead of taking clients whom nobody will answer. */
static void
close_listeners(const struct heritage *h, bool admin_too)
{
	for (size_t i = 0; i < h->conf->nlisten; i++)
		close(h->listen_fd[i]);
	for (size_t i = 0; i < h->conf->nadmin && admin_too; i++)
		close(h->admin_fd[i]);
}

static void
public_drained(void *arg)
{
	struct worker *w = arg;

	if (w->last)
		http_server_drain(w->admin, ADMIN_DRAIN_MS, drained, w);
	drained(w);
}

/* When all of ringd stops, the admin listener stays to the end and says so; after a reload others have it already. */
static void
drain(void *arg)
{
	struct worker *w = arg;

	if (w->draining > 0)
		return;
	log_event(LEVEL_INFO, "draining", LOG_INT("connections", http_server_stats(w->public)->open));
	w->draining = 2;
	w->api.draining = true;
	w->last = SCORE_GET(w->h->board->stopping) != 0;
	http_server_drain(w->public, w->h->conf->http_drain_timeout_ms, public_drained, w);
	if (!w->last)
		http_server_drain(w->admin, w->h->conf->http_drain_timeout_ms, drained, w);
	close_listeners(w->h, !w->last);
}

static void
leave_if_stale(void *arg)
{
	struct worker *w = arg;

	timer_set(w->stale_timer, STALE_PERIOD_MS);
	if (db_state(w->db) != DB_READY && w->draining == 0 && reach_outdated(&w->reach))
		drain(w);
}

static void
reopen_log(void *arg)
{
	(void)arg;
	if (log_reopen() != 0)
		log_errno("cannot reopen the log file");
}

static void
master_gone(void *arg, unsigned what)
{
	struct worker *w = arg;

	(void)what;
	if (!child_is_orphan(w->h))
		return;
	log_error("the master is gone; leaving");
	w->exit_code = EXIT_FAULT;
	loop_stop(w->loop);
}

static bool
listen_admin(struct worker *w)
{
	const struct conf *c = w->h->conf;

	for (size_t i = 0; i < c->nadmin; i++) {
		const struct http_listen what = { .fd = w->h->admin_fd[i], .proxy_protocol = c->admin[i].proxy_protocol,
		    .routes = &w->admin_routes };

		if (!http_server_listen(w->admin, &what))
			return false;
	}
	return true;
}

/* Only now: a worker that accepted before it could answer would take requests from the generation that still can. */
static void
begin_service(void *arg)
{
	struct worker *w = arg;

	if (w->listening || w->draining > 0)
		return;
	w->listening = true;
	if (!front_listen(&w->front, w->public, w->h->listen_fd, &w->public_routes) || !listen_admin(w)) {
		log_errno("cannot watch the listeners");
		w->exit_code = EXIT_FAULT;
		loop_stop(w->loop);
		return;
	}
	child_ready(w->h);
}

/* Without a database a worker serves all the same (503 and health), unless it is to replace workers that have one. */
static void
database_changed(void *arg, enum db_state s)
{
	struct worker *w = arg;

	score_db(w->h->score, s == DB_READY ? SCORE_DB_UP : s == DB_REFUSED ? SCORE_DB_REFUSED : SCORE_DB_DOWN,
	    db_state_reason(w->db));
	if (s == DB_READY) {
		api_database_ready(&w->api, begin_service, w);
		day_database_ready(w->day);
	} else if (w->h->must_connect && !w->listening) {
		log_event(LEVEL_ERROR, "no database with this configuration, though there was one before", LOG_C("reason", db_state_reason(w->db)));
		child_unfit(w->h, db_state_reason(w->db));
		w->exit_code = EXIT_FAULT;
		loop_stop(w->loop);
	} else {
		begin_service(w);
	}
}

/* What a reload brings must be whole before the old generation is asked to leave: a folder that cannot be served is a fault. */
static bool
read_ribbon(struct worker *w)
{
	const char	*folder = w->h->conf->ribbon_files;
	char		 why[RIBBON_FILES_WHY_SIZE], fault[sizeof("ribbon.files: ") + RIBBON_FILES_WHY_SIZE];

	if (folder == NULL || (w->ribbon = ribbon_files_read(folder, why)) != NULL)
		return true;
	snprintf(fault, sizeof(fault), "ribbon.files: %s", why);
	log_error("%s", fault);
	child_unfit(w->h, fault);
	return false;
}

static bool
set_up(struct worker *w)
{
	const struct conf *c = w->h->conf;
	struct db_config db = {
		.conninfo = &c->worker_url, .name = "ringd worker", .connect_timeout_ms = c->db_connect_timeout_ms,
		.statement_timeout_ms = c->db_statement_timeout_ms, .job_timeout_ms = c->db_job_timeout_ms,
		.queue_max = (size_t)c->db_queue, .reconnect_min_ms = c->db_reconnect_min_ms,
		.reconnect_max_ms = c->db_reconnect_max_ms, .stmts = stmt_worker_table(), .index_order_only = true,
	};
	struct http_limits lim = {
		.header_bytes = (size_t)c->http_header_bytes, .header_count = (size_t)c->http_header_count,
		.url_bytes = (size_t)c->http_url_bytes, .body_bytes = (size_t)c->http_body_bytes,
		.body_memory = (size_t)c->http_body_memory, .handshake_timeout_ms = c->tls_handshake_timeout_ms,
		/* A delivery is decoded once as a whole and once field by field, and parsed. */
		.handler_bytes = 2 * (size_t)c->http_body_bytes + (size_t)c->json_tokens * JSON_TOKEN_BYTES,
		.header_timeout_ms = c->http_header_timeout_ms, .body_timeout_ms = c->http_body_timeout_ms,
		.idle_timeout_ms = c->http_idle_timeout_ms, .write_timeout_ms = c->http_write_timeout_ms,
		.connections = (size_t)c->http_connections, .reserve_fds = (size_t)c->http_reserve_fds,
		.requests_per_connection = (size_t)c->http_requests_per_connection,
		.tally = w->h->tally, .member = w->h->slot, .per_address = (uint32_t)c->limit_connections,
		.body_memory_per_address = (size_t)c->limit_bodies,
	};

	crowd_join(w->h->tally->connections, w->h->slot);
	if (!read_ribbon(w))
		return false;
	w->loop = loop_new();
	if (w->loop == NULL || !front_open(&w->front, w->h, w->loop, api_problem))
		return false;
	/* What this process reads from disk for itself is read before this line; db_new() may start its first thread. */
	db_reach(&w->reach, &c->worker_url);
	child_confine(w->h, &w->reach);
	w->db = db_new(w->loop, &db);
	w->api = (struct api){ .conf = c, .loop = w->loop, .db = w->db, .keys = keys_new(), .ribbon = w->ribbon, .board = w->h->board, .score = w->h->score,
	    .admins = w->h->admins, .tally = w->h->tally, .member = w->h->slot, .use_fd = w->h->use_write_fd,
	    .store = ingest_store };
	if (w->db == NULL || w->api.keys == NULL)
		return false;
	if (w->h->worker_end_fd != -1 && (w->api.courier = link_client_new(w->loop, w->h->worker_end_fd)) == NULL)
		return false;
	w->api.hooks = hooks_new(w->loop, w->db, c->webhook_refresh_ms);
	w->api.audit = audit_new(w->loop, w->db);
	w->ingest = ingest_new(w->db, c, w->h->score, w->h->wake_write_fd);
	w->api.store_ctx = w->ingest;
	w->requests = request_log_new(w->loop, w->db, c, w->h->score);
	w->day = day_new(&w->api);
	w->public = http_server_new(w->loop, &lim, c->trusted, c->ntrusted, c->log_access);
	lim.tally = NULL;		/* the administrator is not counted */
	lim.body_memory_per_address = 0;
	w->admin = http_server_new(w->loop, &lim, NULL, 0, false);
	w->master_watch = watch_new(w->loop, w->h->master_fd, master_gone, w);
	w->stale_timer = timer_new(w->loop, leave_if_stale, w);
	if (w->api.hooks == NULL || w->api.audit == NULL || w->ingest == NULL || w->requests == NULL || w->day == NULL || w->public == NULL ||
	    w->admin == NULL || w->master_watch == NULL || w->stale_timer == NULL)
		return false;
	timer_set(w->stale_timer, STALE_PERIOD_MS);
	http_server_set_owner(w->public, &(struct http_owner){
	    .finished = public_finished, .connections = connections_changed, .arg = w });
	http_server_set_owner(w->admin, &(struct http_owner){
	    .admit = admin_admit, .finished = request_finished, .arg = w });
	api_public_routes(&w->public_routes, &w->api);
	api_admin_routes(&w->admin_routes, &w->api);
	db_on_state(w->db, database_changed, w);
	return watch_set(w->master_watch, LOOP_READ) && loop_on_signal(w->loop, SIGTERM, drain, w) &&
	    loop_on_signal(w->loop, SIGQUIT, stop_now, w) && loop_on_signal(w->loop, SIGUSR1, reopen_log, w);
}

int
worker_main(const struct heritage *h)
{
	struct worker w = { .h = h };

	if (!set_up(&w)) {
		log_errno("cannot set up");
		return EXIT_FAULT;
	}
	loop_run(w.loop);

	http_server_free(w.public);
	http_server_free(w.admin);
	link_client_free(w.api.courier);
	front_free(&w.front);
	ribbon_files_free(w.ribbon);
	db_free(w.db);
	hooks_free(w.api.hooks);
	audit_free(w.api.audit);
	day_free(w.day);
	keys_free(w.api.keys);
	secret_free(&w.api.cursor_key);
	secret_free(&w.api.oauth_key);
	ingest_free(w.ingest);
	request_log_free(w.requests);
	watch_free(w.master_watch);
	timer_free(w.stale_timer);
	loop_free(w.loop);
	reach_free(&w.reach);
	return w.exit_code;
}
