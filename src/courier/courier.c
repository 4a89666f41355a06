/*
 * courier: the process: loop, key ring, one connection to the database, the line to the workers, the client to providers,
 * signals. Parses nothing that a browser sent but the small framed requests workers make of it. A courier that is asked
 * to leave goes when the last worker of its generation has hung up, so that no request of a draining worker is lost, and
 * when no token is being renewed: the answer to that is the only place where the new one stands.
 */
#include <sys/types.h>

#include <signal.h>
#include <unistd.h>

#include "base/count.h"
#include "base/log.h"
#include "courier/budget.h"
#include "courier/courier.h"
#include "courier/grant.h"
#include "courier/internal.h"
#include "courier/registrar.h"
#include "courier/repair.h"

#define JOBS_MAX	256
#define STALE_PERIOD_MS	5000	/* while the database is away: are its files still the ones we may read? */

static void
serve(void *arg, struct link_request *rq)
{
	struct courier *c = arg;

	switch (rq->kind) {
	case FRAME_STATUS:
		courier_status(c, rq);
		break;
	case FRAME_KEYS:
		courier_keys(c, rq);
		break;
	case FRAME_REKEY:
		courier_rekey(c, rq);
		break;
	case FRAME_PROBE:
		courier_probe(c, rq);
		break;
	case FRAME_CONNECT:
		courier_connect(c, rq);
		break;
	case FRAME_REFRESH:
		courier_refresh(c, rq);
		break;
	case FRAME_ROTATE:
		courier_rotate(c, rq);
		break;
	case FRAME_DISCONNECT:
		courier_disconnect(c, rq);
		break;
	case FRAME_DIAL:
		courier_dial(c, rq);
		break;
	case FRAME_RIBBON_LINE:
		courier_ribbon_line(c, rq);
		break;
	case FRAME_RIBBON_DIAL:
		courier_ribbon_dial(c, rq);
		break;
	case FRAME_RIBBON_SIGN:
		courier_ribbon_sign(c, rq);
		break;
	case FRAME_EXOTEL_SYNC:
		courier_exotel_sync(c, rq);
		break;
	case FRAME_HELLO:
	case FRAME_KINDS:
		courier_answer_text(rq, FRAME_INVALID, "not a question");
		break;
	}
}

static void
on_state(void *arg, enum db_state state)
{
	static const enum score_db shown[] = {
		[DB_DOWN] = SCORE_DB_DOWN, [DB_READY] = SCORE_DB_UP, [DB_REFUSED] = SCORE_DB_REFUSED,
	};
	struct courier *c = arg;

	score_db(c->h->score, shown[state], db_state_reason(c->db));
	if (state != DB_READY && c->h->must_connect && !c->attempted) {
		log_event(LEVEL_ERROR, "no database with this configuration, though there was one before", LOG_C("reason", db_state_reason(c->db)));
		child_unfit(c->h, db_state_reason(c->db));
		c->exit_code = EXIT_FAULT;
		loop_stop(c->loop);
		return;
	}
	c->attempted = true;
	child_ready(c->h);
}

static void
leave(void *arg)
{
	struct courier *c = arg;

	loop_stop(c->loop);
}

void
courier_leave_if_done(struct courier *c)
{
	if (c->hung_up && c->renewals == 0)
		loop_stop(c->loop);
}

static void
hung_up(void *arg)
{
	struct courier *c = arg;

	c->hung_up = true;
	courier_leave_if_done(c);
}

static void
leave_if_stale(void *arg)
{
	struct courier *c = arg;

	timer_set(c->stale, STALE_PERIOD_MS);
	if (db_state(c->db) != DB_READY && !c->leaving && reach_outdated(&c->reach))
		loop_stop(c->loop);
}

static void
on_stop(void *arg)
{
	struct courier *c = arg;

	if (c->leaving)
		return;
	c->leaving = true;
	log_event(LEVEL_INFO, "leaving when all workers have hung up", LOG_INT("workers", link_server_peers(c->line)),
	    LOG_INT("renewals", c->renewals));
	timer_set(c->last_call, c->conf->http_drain_timeout_ms);
	repair_leave(c);
	link_server_drain(c->line, hung_up, c);
}

static void
on_master(void *arg, unsigned what)
{
	struct courier *c = arg;

	(void)what;
	if (!child_is_orphan(c->h))
		return;
	log_warn("the master is gone; leaving");
	loop_stop(c->loop);
}

static void
on_reopen(void *arg)
{
	(void)arg;
	if (log_reopen() != 0)
		log_errno("cannot reopen the log");
}

static void
close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* What only workers need, and what only the reaper reads; what wakes it we write to. */
static void
close_foreign(const struct heritage *h)
{
	for (size_t i = 0; i < h->conf->nlisten; i++)
		close_if_open(h->listen_fd[i]);
	for (size_t i = 0; i < h->conf->nadmin; i++)
		close_if_open(h->admin_fd[i]);
	close_if_open(h->wake_read_fd);
	close_if_open(h->wake_write_fd);
	close_if_open(h->use_read_fd);
	close_if_open(h->use_write_fd);
	close_if_open(h->worker_end_fd);
}

static bool
open_outside(struct courier *c)
{
	const struct conf *f = c->conf;
	const struct client_config client = {
		.origins = c->origin, .norigins = COUNT(c->origin), .allow_private = f->courier_allow_private,
		.ca_file = f->courier_ca_file, .connect_timeout_ms = f->courier_connect_timeout_ms,
		.body_max = (size_t)f->courier_body_bytes, .requests_max = (size_t)f->courier_requests,
	};

	/* Which the configuration's check has done before. */
	origin_parse(&c->origin[ORIGIN_DIALPAD], str_c(f->dialpad_base_url));
	origin_parse(&c->origin[ORIGIN_DIALPAD_OAUTH], str_c(f->dialpad_oauth_url != NULL ? f->dialpad_oauth_url : f->dialpad_base_url));
	origin_parse(&c->origin[ORIGIN_EXOTEL], str_c(f->exotel_base_url));
	origin_parse(&c->origin[ORIGIN_EXOTEL_API], str_c(f->exotel_api_url));
	c->client = client_new(c->loop, &client);
	if (c->client != NULL)
		c->errands = errands_new(c->loop, c->client, f->courier_timeout_ms, c->h->score);
	return c->errands != NULL;
}

/* What libcurl reads at each handshake, wherever a system has it; and any port: providers choose their own. */
static void
reach_outside(struct courier *c)
{
	static const char *const files[] = {
		"/etc/ssl/certs", "/etc/ssl/cert.pem", "/etc/ssl/openssl.cnf", "/usr/lib/ssl", "/usr/share/ca-certificates",
		"/etc/pki", "/etc/openssl", "/usr/local/share/certs", "/usr/local/etc/ssl", "/usr/pkg/etc/openssl",
	};

	for (size_t i = 0; i < COUNT(files); i++)
		reach_path(&c->reach, REACH_READ, files[i]);
	if (c->conf->courier_ca_file != NULL)
		reach_path(&c->reach, REACH_READ, c->conf->courier_ca_file);
	reach_port(&c->reach, 0);
}

static bool
open_database(struct courier *c)
{
	const struct conf *f = c->conf;
	const struct db_config config = {
		.conninfo = &f->courier_url, .name = "ringd courier", .connect_timeout_ms = f->db_connect_timeout_ms,
		.statement_timeout_ms = f->db_statement_timeout_ms, .job_timeout_ms = f->db_job_timeout_ms,
		.queue_max = JOBS_MAX, .reconnect_min_ms = f->db_reconnect_min_ms,
		.reconnect_max_ms = f->db_reconnect_max_ms, .stmts = &stmt_courier,
	};

	c->db = db_new(c->loop, &config);
	if (c->db != NULL)
		db_on_state(c->db, on_state, c);
	return c->db != NULL;
}

static bool
open_everything(struct courier *c)
{
	c->loop = loop_new();
	if (c->loop == NULL || !open_outside(c))
		return false;
	reach_outside(c);
	db_reach(&c->reach, &c->conf->courier_url);
	child_confine(c->h, &c->reach);
	if (!open_database(c))
		return false;
	c->line = link_server_new(c->loop, c->h->courier_end_fd, serve, c);
	c->last_call = timer_new(c->loop, leave, c);
	c->stale = timer_new(c->loop, leave_if_stale, c);
	if (c->stale != NULL)
		timer_set(c->stale, STALE_PERIOD_MS);
	c->master = watch_new(c->loop, c->h->master_fd, on_master, c);
	return keeper_start(c) && registrar_start(c) && gaps_start(c) && repair_start(c) && ghosts_start(c) && signatures_start(c) && ribbon_sweep_start(c) &&
	    c->line != NULL && c->last_call != NULL && c->stale != NULL && c->master != NULL &&
	    watch_set(c->master, LOOP_READ) && loop_on_signal(c->loop, SIGTERM, on_stop, c) &&
	    loop_on_signal(c->loop, SIGQUIT, leave, c) && loop_on_signal(c->loop, SIGUSR1, on_reopen, c);
}

/* In this order: first what works on requests, then the line they came by. */
static void
close_everything(struct courier *c)
{
	keeper_stop(c);
	registrar_stop(c);
	gaps_stop(c);
	repair_stop(c);
	ghosts_stop(c);
	ribbon_sweep_stop(c);
	client_free(c->client);
	errands_free(c->errands);
	db_free(c->db);
	c->db = NULL;
	grant_stop(c);
	keeper_free(c);
	registrar_free(c);
	gaps_free(c);
	repair_free(c);
	ghosts_free(c);
	budget_free(c->signatures);
	link_server_free(c->line);
	timer_free(c->last_call);
	timer_free(c->stale);
	watch_free(c->master);
	loop_free(c->loop);
	reach_free(&c->reach);
	keyring_wipe(&c->keys);
}

int
courier_main(const struct heritage *h)
{
	struct courier c = { .h = h, .conf = h->conf };
	char why[KEYRING_WHY_SIZE];

	close_foreign(h);
	if (!keyring_parse(&c.keys, secret_bytes(&h->conf->keyring), h->conf->courier_key_file, why)) {
		log_error("%s", why);
		return EXIT_CONFIG;
	}
	if (!open_everything(&c)) {
		log_errno("the courier cannot set up");
		return EXIT_FAULT;
	}
	log_event(LEVEL_INFO, "key ring", LOG_INT("newest", keyring_newest(&c.keys)->id), LOG_INT("keys", c.keys.n));
	loop_run(c.loop);
	close_everything(&c);
	return c.exit_code;
}
