/*
 * worker: assembles one process: loop, database, hooks, keys, ingest, two HTTP servers (public, admin), signals. Must never block and never make an
 * outbound connection other than PostgreSQL's. TERM drains: what is under way is answered, then the process ends.
 */
#include <sys/types.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/api.h"
#include "api/auth.h"
#include "api/hooks.h"
#include "base/log.h"
#include "db/stmt_worker.h"
#include "http/server.h"
#include "worker/ingest.h"
#include "worker/worker.h"

#define SCORE_PERIOD_MS	250

struct worker {
	const struct heritage	*h;
	struct loop		*loop;
	struct db		*db;
	struct api		 api;
	struct ingest		*ingest;
	struct http_server	*public, *admin;
	struct http_routes	 public_routes, admin_routes;
	struct timer		*score_timer;
	struct watch		*master_watch;
	bool			 listening;
	int			 draining;	/* servers still draining; 0 = not asked */
	int			 exit_code;
};

static void
write_score(void *arg)
{
	struct worker *w = arg;
	const struct http_stats *s = http_server_stats(w->public);

	SCORE_SET(w->h->score->connections, s->open);
	SCORE_SET(w->h->score->accepted, s->accepted);
	SCORE_SET(w->h->score->requests, s->requests);
	SCORE_SET(w->h->score->connections_limited, s->crowded);
	timer_set(w->score_timer, SCORE_PERIOD_MS);
}

static void
drained(void *arg)
{
	struct worker *w = arg;

	if (--w->draining == 0)
		loop_stop(w->loop);
}

static void
drain(void *arg)
{
	struct worker *w = arg;

	if (w->draining > 0)
		return;
	log_info("draining: %zu connections open", http_server_stats(w->public)->open);
	w->draining = 2;
	http_server_drain(w->public, w->h->conf->http_drain_timeout_ms, drained, w);
	http_server_drain(w->admin, w->h->conf->http_drain_timeout_ms, drained, w);
}

static void
stop_now(void *arg)
{
	struct worker *w = arg;

	loop_stop(w->loop);
}

static void
reopen_log(void *arg)
{
	(void)arg;
	if (log_reopen() != 0)
		log_errno("cannot reopen the log file");
}

/* The master's end of the pipe is only ever closed by its death. */
static void
master_gone(void *arg, unsigned what)
{
	struct worker *w = arg;

	(void)what;
	log_error("the master is gone; leaving");
	w->exit_code = EXIT_FAULT;
	loop_stop(w->loop);
}


static bool
listen_all(struct http_server *s, const struct conf_listen *address, size_t n, const int *fd, const struct http_routes *routes)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!http_server_listen(s, fd[i], address[i].proxy_protocol, routes))
			return false;
	return true;
}

/* Only now: a worker that accepted before it could answer would take requests from the generation that still can. */
static void
begin_service(void *arg)
{
	struct worker *w = arg;
	const struct conf *c = w->h->conf;

	if (w->listening || w->draining > 0)
		return;
	w->listening = true;
	if (!listen_all(w->public, c->listen, c->nlisten, w->h->listen_fd, &w->public_routes) ||
	    !listen_all(w->admin, c->admin, c->nadmin, w->h->admin_fd, &w->admin_routes)) {
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

	SCORE_SET(w->h->score->db, s == DB_READY ? SCORE_DB_UP : s == DB_REFUSED ? SCORE_DB_REFUSED : SCORE_DB_DOWN);
	if (s == DB_READY) {
		api_database_ready(&w->api, begin_service, w);
	} else if (w->h->must_connect && !w->listening) {
		log_error("no database with this configuration, though there was one before: %s", db_state_reason(w->db));
		w->exit_code = EXIT_FAULT;
		loop_stop(w->loop);
	} else {
		begin_service(w);
	}
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
		.body_memory = (size_t)c->http_body_memory,
		.header_timeout_ms = c->http_header_timeout_ms, .body_timeout_ms = c->http_body_timeout_ms,
		.idle_timeout_ms = c->http_idle_timeout_ms, .write_timeout_ms = c->http_write_timeout_ms,
		.connections = (size_t)c->http_connections, .reserve_fds = (size_t)c->http_reserve_fds,
		.requests_per_connection = (size_t)c->http_requests_per_connection,
		.tally = w->h->tally, .member = w->h->slot, .per_address = (uint32_t)c->limit_connections,
	};

	crowd_join(w->h->tally->connections, w->h->slot);
	w->loop = loop_new();
	if (w->loop == NULL)
		return false;
	w->db = db_new(w->loop, &db);
	w->api = (struct api){ .conf = c, .loop = w->loop, .db = w->db, .keys = keys_new(), .board = w->h->board, .score = w->h->score,
	    .tally = w->h->tally, .member = w->h->slot, .use_fd = w->h->use_write_fd, .store = ingest_store };
	if (w->db == NULL || w->api.keys == NULL)
		return false;
	w->api.hooks = hooks_new(w->loop, w->db, c->webhook_refresh_ms);
	w->ingest = ingest_new(w->db, c, w->h->score, w->h->wake_write_fd);
	w->api.store_ctx = w->ingest;
	w->public = http_server_new(w->loop, &lim, c->trusted, c->ntrusted, c->log_access);
	lim.tally = NULL;		/* the administrator is not counted */
	w->admin = http_server_new(w->loop, &lim, NULL, 0, false);
	w->score_timer = timer_new(w->loop, write_score, w);
	w->master_watch = watch_new(w->loop, w->h->master_fd, master_gone, w);
	if (w->api.hooks == NULL || w->ingest == NULL || w->public == NULL || w->admin == NULL || w->score_timer == NULL ||
	    w->master_watch == NULL)
		return false;
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
	write_score(&w);
	loop_run(w.loop);
	write_score(&w);

	http_server_free(w.public);
	http_server_free(w.admin);
	db_free(w.db);
	hooks_free(w.api.hooks);
	keys_free(w.api.keys);
	secret_free(&w.api.cursor_key);
	ingest_free(w.ingest);
	timer_free(w.score_timer);
	watch_free(w.master_watch);
	loop_free(w.loop);
	return w.exit_code;
}
