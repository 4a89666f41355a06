/*
 * The worker's store of requests while there is no database: bounded, summed up before anything is lost, and what is
 * lost is counted, once.
 */
#include <sys/types.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/log.h"
#include "db/stmt.h"
#include "http/router.h"
#include "worker/request_log.h"

#define QUEUE	100

struct rig {
	struct loop		*loop;
	struct db		*db;
	struct secret		 nowhere;
	struct conf		 conf;
	struct score		 score;
	struct request_log	*rl;
	int			 told;
};

static const struct http_route routes[] = {
	{ "/a", ROUTE_GET, NULL, "a", 0, false },
	{ "/b", ROUTE_GET, NULL, "b", 0, false },
};

static void
begin(struct rig *r, enum request_logs mode)
{
	static const struct db_stmt_table none = { NULL, 0 };
	struct db_config cfg = { .name = "test", .connect_timeout_ms = 1000, .statement_timeout_ms = 1000, .job_timeout_ms = 1000,
	    .queue_max = 8, .reconnect_min_ms = 1000, .reconnect_max_ms = 1000, .stmts = &none };

	memset(r, 0, sizeof(*r));
	log_open(LOG_TO_STDERR, NULL, LEVEL_ERROR);
	r->conf = (struct conf){ .request_logs = mode, .request_logs_period_ms = 1000, .request_logs_rollup_ms = 60000,
	    .request_logs_queue = QUEUE, .request_logs_client = true };
	assert_true(secret_set(&r->nowhere, STR("host=/nowhere dbname=x")));
	cfg.conninfo = &r->nowhere;
	r->loop = loop_new();
	assert_non_null(r->loop);
	r->db = db_new(r->loop, &cfg);		/* down: its loop never runs */
	assert_non_null(r->db);
	r->rl = request_log_new(r->loop, r->db, &r->conf, &r->score);
	assert_non_null(r->rl);
}

static uint64_t
unrecorded(struct rig *r)
{
	return score_own(&r->score, SCORE_REQUESTS_UNRECORDED);
}

static void
end(struct rig *r)
{
	db_free(r->db);
	request_log_free(r->rl);
	loop_free(r->loop);
	secret_free(&r->nowhere);
}

static void
ask(struct rig *r, unsigned app, int status, size_t route, bool counted)
{
	struct http_request rq = { .method = HTTP_GET, .route = &routes[route], .counted = counted, .id = "x" };

	snprintf(rq.app, sizeof(rq.app), "0190aaaa-0000-7000-8000-%012x", app);
	request_log_add(r->rl, &rq, status, 10, 5);
}

static void
single_then_sums_then_lost(void **state)
{
	struct rig r;
	unsigned i;

	(void)state;
	begin(&r, REQUEST_LOGS_FULL);
	for (i = 0; i < QUEUE; i++)
		ask(&r, i, 200, 0, true);
	for (i = 0; i < REQUEST_SUMS / 2; i++) {	/* two sums for each app, many requests in each */
		ask(&r, i, 200, 0, true);
		ask(&r, i, 200, 1, true);
		ask(&r, i, 200, 1, true);
	}
	assert_int_equal(unrecorded(&r), 0);
	ask(&r, 1, 404, 0, true);		/* a sum of its own, and there is no room for one more */
	assert_int_equal(unrecorded(&r), 1);
	ask(&r, 1, 200, 0, true);		/* one that is there grows on */
	assert_int_equal(unrecorded(&r), 1);
	end(&r);
	assert_int_equal(unrecorded(&r), 1 + QUEUE + REQUEST_SUMS / 2 * 3 + 1);	/* the process ended: all of it */
	assert_int_equal(score_own(&r.score, SCORE_REQUESTS_RECORDED), 0);
}

static void
a_minute_may_pass_between(struct rig *r, unsigned from, unsigned to)
{
	unsigned i;

	for (i = from; i < to; i++)
		ask(r, i, 200, 0, true);
}

static void
sums_only(void **state)
{
	struct rig r;
	unsigned i;

	(void)state;
	begin(&r, REQUEST_LOGS_ROLLUP);
	for (i = 0; i < 100; i++)
		a_minute_may_pass_between(&r, 0, 250);		/* at most twice as many sums */
	assert_int_equal(unrecorded(&r), 0);
	a_minute_may_pass_between(&r, 250, REQUEST_SUMS + 1);
	assert_true(unrecorded(&r) >= 1);
	end(&r);
	assert_int_equal(unrecorded(&r), 100 * 250 + REQUEST_SUMS + 1 - 250);
}

static void
not_every_request(void **state)
{
	struct rig r;
	struct http_request no_route = { .counted = true, .app = "0190aaaa-0000-7000-8000-000000000001" };

	(void)state;
	begin(&r, REQUEST_LOGS_FULL);
	ask(&r, 1, 200, 0, false);
	request_log_add(r.rl, &no_route, 404, 0, 0);
	end(&r);
	assert_int_equal(unrecorded(&r), 0);
	begin(&r, REQUEST_LOGS_OFF);
	ask(&r, 1, 200, 0, true);
	end(&r);
	assert_int_equal(unrecorded(&r), 0);
}

static void
drained(void *arg)
{
	struct rig *r = arg;

	r->told++;
	loop_stop(r->loop);
}

/* With nothing to write it ends at once; else a database that stays away is waited for, and not for ever. */
static void
draining_ends(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, REQUEST_LOGS_FULL);
	request_log_drain(r.rl, drained, &r);
	assert_int_equal(r.told, 1);
	end(&r);
	begin(&r, REQUEST_LOGS_FULL);
	ask(&r, 1, 200, 0, true);
	request_log_drain(r.rl, drained, &r);
	assert_int_equal(r.told, 0);
	loop_run(r.loop);
	assert_int_equal(r.told, 1);
	end(&r);
	assert_int_equal(unrecorded(&r), 1);
	assert_int_equal(r.told, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_then_sums_then_lost),
		cmocka_unit_test(sums_only),
		cmocka_unit_test(not_every_request),
		cmocka_unit_test(draining_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
