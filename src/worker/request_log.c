/*
 * request_log: see request_log.h. Two stores and a batch: `single` is a ring of requests; `sums` is a table that is
 * emptied as a whole, into `ready`, so that counting can go on while it is written. One job is under way at a time, of
 * at most WORKER_BATCH_MAX rows: a read that comes meanwhile stands behind that one job and no more. A row keeps its id
 * until it is known to be stored, so a batch whose answer was lost is simply sent again.
 */
#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "db/stmt_worker.h"
#include "http/router.h"
#include "worker/request_log.h"
#include "worker/rows.h"

#define INDEX_SIZE	(2 * REQUEST_SUMS)	/* a power of two */
#define TRIES_MAX	3	/* of a batch that the database refuses, a period apart */
#define DRAIN_MS	3000	/* a database that is away may be back by then */
#define DRAIN_TRY_MS	100
#define SAY_MS		60000	/* what is lost is told so often */
#define MINUTE_US	((int64_t)60 * 1000000)

struct row {
	struct uuid	 app, id;
	int64_t		 created_us;	/* real time; of a sum its minute */
	const char	*method, *route;
	int		 status;
	int32_t		 requests;
	int64_t		 duration_us, db_us, bytes;
	struct addr	 client;	/* family 0: not kept */
	char		 request_id[HTTP_ID_SIZE];	/* "" of a sum */
};

struct sums {
	struct row	 row[REQUEST_SUMS];
	size_t		 n;
};

struct outgoing {
	struct row	 row;
	char		 client[ADDR_TEXT_SIZE];
};

struct request_log {
	struct loop		*loop;
	struct db		*db;
	const struct conf	*conf;
	struct score		*score;
	struct timer		*timer, *drain_timer;
	struct row		*single;	/* conf->request_logs_queue of them */
	size_t			 first, n, due;	/* due: of n, those this period writes */
	struct sums		*sums, *ready;
	uint16_t		 index[INDEX_SIZE];	/* place + 1 in sums, 0 = empty */
	int64_t			 sums_due_ms;
	struct outgoing		 batch[WORKER_BATCH_MAX];
	size_t			 nbatch;
	int			 tries;
	bool			 busy;		/* the batch is under way */
	uint64_t		 id_high, id_count;
	uint64_t		 lost;		/* not told yet */
	int64_t			 say_ms;
	loop_fn			 drained;	/* while draining */
	void			*drained_arg;
};

static void	next(struct request_log *rl);
static void	on_period(void *arg);
static void	end_drain(void *arg);

struct request_log *
request_log_new(struct loop *l, struct db *db, const struct conf *c, struct score *score)
{
	struct request_log *rl = calloc(1, sizeof(*rl));

	if (rl == NULL)
		return NULL;
	rl->loop = l;
	rl->db = db;
	rl->conf = c;
	rl->score = score;
	hash_random(&rl->id_high, sizeof(rl->id_high));
	rl->single = calloc((size_t)c->request_logs_queue, sizeof(*rl->single));
	rl->sums = calloc(1, sizeof(*rl->sums));
	rl->ready = calloc(1, sizeof(*rl->ready));
	rl->timer = timer_new(l, on_period, rl);
	rl->drain_timer = timer_new(l, end_drain, rl);
	if (rl->single == NULL || rl->sums == NULL || rl->ready == NULL || rl->timer == NULL || rl->drain_timer == NULL) {
		request_log_free(rl);
		return NULL;
	}
	rl->sums_due_ms = loop_now_ms(l) + c->request_logs_rollup_ms;
	if (c->request_logs != REQUEST_LOGS_OFF)
		timer_set(rl->timer, c->request_logs_period_ms);
	return rl;
}

/* ---- lost ones */

static void
lose(struct request_log *rl, uint64_t requests)
{
	rl->lost += requests;
	score_count(rl->score, SCORE_REQUESTS_UNRECORDED, requests);
}

static void
tell_lost(struct request_log *rl)
{
	if (rl->lost == 0 || loop_now_ms(rl->loop) < rl->say_ms)
		return;
	log_event(LEVEL_WARN, "requests not recorded in request_logs", LOG_INT("requests", rl->lost));
	rl->lost = 0;
	rl->say_ms = loop_now_ms(rl->loop) + SAY_MS;
}

/* ---- adding */

/* A UUID of version 8: unlike any other of this process, and by its random half of any other process. */
static struct uuid
new_id(struct request_log *rl)
{
	struct uuid id;

	rl->id_count++;
	memcpy(id.b, &rl->id_high, 8);
	for (int i = 0; i < 8; i++)
		id.b[15 - i] = (unsigned char)(rl->id_count >> (8 * i));
	id.b[6] = (unsigned char)((id.b[6] & 0x0f) | 0x80);
	id.b[8] = (unsigned char)((id.b[8] & 0x3f) | 0x80);
	return id;
}

static bool
same_sum(const struct row *a, const struct row *b)
{
	return uuid_cmp(a->app, b->app) == 0 && a->created_us == b->created_us && a->status == b->status &&
	    a->route == b->route && a->method == b->method;
}

static size_t
first_place(const struct row *r)
{
	uint64_t x;

	memcpy(&x, r->app.b + 8, sizeof(x));
	x ^= (uint64_t)(uintptr_t)r->route + (uint64_t)r->status + (uint64_t)(uintptr_t)r->method * 31 +
	    (uint64_t)r->created_us;
	return (size_t)((x * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (INDEX_SIZE - 1);
}

static void
add_to_sums(struct request_log *rl, struct row *r)
{
	struct sums *s = rl->sums;
	struct row *sum;
	size_t i;

	r->created_us -= r->created_us % MINUTE_US;
	r->client.family = 0;
	r->request_id[0] = '\0';
	for (i = first_place(r); rl->index[i] != 0; i = (i + 1) & (INDEX_SIZE - 1)) {
		sum = &s->row[rl->index[i] - 1];
		if (!same_sum(sum, r))
			continue;
		sum->requests += r->requests;
		sum->duration_us += r->duration_us;
		sum->db_us += r->db_us;
		sum->bytes += r->bytes;
		return;
	}
	if (s->n == REQUEST_SUMS) {
		lose(rl, (uint64_t)r->requests);
		return;
	}
	r->id = new_id(rl);
	s->row[s->n++] = *r;
	rl->index[i] = (uint16_t)s->n;
}

void
request_log_add(struct request_log *rl, const struct http_request *rq, int status, size_t bytes, int64_t now_us)
{
	size_t queue = (size_t)rl->conf->request_logs_queue;
	struct row sum = { .requests = 1 }, *to = &sum;
	bool single;

	if (!rq->counted || rq->route == NULL || rl->conf->request_logs == REQUEST_LOGS_OFF)
		return;
	single = rl->conf->request_logs == REQUEST_LOGS_FULL && rl->n < queue;
	if (single)
		to = &rl->single[(rl->first + rl->n) % queue];
	if (!uuid_parse(str_c(rq->app), &to->app))
		return;
	to->created_us = clock_real_ms() * 1000;
	to->method = http_method_name(rq->method);
	to->route = rq->route->name;
	to->status = status;
	to->requests = 1;
	to->duration_us = now_us - rq->started_us;
	to->db_us = rq->db_wait_us + rq->db_run_us;
	to->bytes = (int64_t)bytes;
	if (!single) {
		add_to_sums(rl, to);
		return;
	}
	to->id = new_id(rl);
	to->client = rq->client;
	if (!rl->conf->request_logs_client)
		to->client.family = 0;
	memcpy(to->request_id, rq->id, sizeof(to->request_id));
	rl->n++;
}

/* ---- writing */

static void
put_request(struct db_params *a, const void *row)
{
	const struct outgoing *o = row;
	const struct row *r = &o->row;

	db_put_uuid(a, r->app);
	db_put_time_us(a, r->created_us);
	db_put_uuid(a, r->id);
	db_put_i32(a, r->requests);
	db_put_cstr(a, r->method);
	db_put_cstr(a, r->route);
	db_put_i32(a, r->status);
	db_put_i64(a, r->duration_us);
	db_put_i64(a, r->db_us);
	db_put_i64(a, r->bytes);
	db_put_cstr(a, r->client.family != 0 ? o->client : NULL);
	db_put_cstr(a, r->request_id[0] != '\0' ? r->request_id : NULL);
}

static void
put_out(struct request_log *rl, const struct row *r)
{
	struct outgoing *o = &rl->batch[rl->nbatch++];

	o->row = *r;
	addr_text(o->client, &r->client);
}

/* The next rows that are due: single ones first. */
static void
fill_batch(struct request_log *rl)
{
	size_t queue = (size_t)rl->conf->request_logs_queue;

	while (rl->nbatch < WORKER_BATCH_MAX && rl->due > 0) {
		put_out(rl, &rl->single[rl->first]);
		rl->first = (rl->first + 1) % queue;
		rl->n--;
		rl->due--;
	}
	if (rl->n == 0)
		rl->first = 0;		/* at low load the same few rows, not the whole ring */
	while (rl->nbatch < WORKER_BATCH_MAX && rl->ready->n > 0)
		put_out(rl, &rl->ready->row[--rl->ready->n]);
	rl->tries = 0;
}

static uint64_t
requests_in_batch(const struct request_log *rl)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < rl->nbatch; i++)
		sum += (uint64_t)rl->batch[i].row.requests;
	return sum;
}

static void
sent(void *arg, const struct db_result *r)
{
	struct request_log *rl = arg;

	rl->busy = false;
	if (db_outcome(r) == DB_OK) {
		score_count(rl->score, SCORE_REQUESTS_RECORDED, requests_in_batch(rl));
		rl->nbatch = 0;
		next(rl);
		return;
	}
	/* Kept, and sent again when the next period is over; not for ever when the database has read it and refuses. */
	if (db_outcome(r) == DB_FAILED && ++rl->tries >= TRIES_MAX) {
		log_event(LEVEL_ERROR, "rows of request_logs refused by the database", LOG_C("error", db_error_text(r)),
		    LOG_C("sqlstate", db_error_sqlstate(r)), LOG_INT("rows", rl->nbatch));
		lose(rl, requests_in_batch(rl));
		rl->nbatch = 0;
	}
}

static void
send_batch(struct request_log *rl)
{
	struct db_job *j = db_job_new(rl->db, 0, sent, rl);
	const void *rows[WORKER_BATCH_MAX];
	size_t i;

	for (i = 0; i < rl->nbatch; i++)
		rows[i] = &rl->batch[i];
	db_job_add(j, W_NO_WAIT, NULL, 0);
	rows_add(j, W_REQUESTS_ADD, W_REQUEST_COLS, put_request, rows, (int)rl->nbatch);
	rl->busy = true;
	db_job_submit(j);
}

/* Everything that is here now. Sums only when the ones before are gone. */
static void
all_is_due(struct request_log *rl, bool with_sums)
{
	struct sums *full = rl->sums;

	rl->due = rl->n;
	if (!with_sums || rl->ready->n > 0 || full->n == 0)
		return;
	rl->sums = rl->ready;
	rl->ready = full;
	memset(rl->index, 0, sizeof(rl->index));
}

/* Sends what is due; while draining that is everything, and then comes the end. */
static void
next(struct request_log *rl)
{
	if (rl->busy)
		return;
	if (rl->nbatch == 0)
		fill_batch(rl);
	if (rl->nbatch == 0 && rl->drained != NULL) {
		all_is_due(rl, true);
		fill_batch(rl);
	}
	if (rl->nbatch > 0 && db_state(rl->db) == DB_READY)
		send_batch(rl);
	else if (rl->nbatch == 0 && rl->drained != NULL)
		end_drain(rl);
}

static void
on_period(void *arg)
{
	struct request_log *rl = arg;
	int64_t now = loop_now_ms(rl->loop);
	bool sums = now >= rl->sums_due_ms;

	if (sums)
		rl->sums_due_ms = now + rl->conf->request_logs_rollup_ms;
	all_is_due(rl, sums);
	timer_set(rl->timer, rl->drained != NULL ? DRAIN_TRY_MS : rl->conf->request_logs_period_ms);
	tell_lost(rl);
	next(rl);
}

/* ---- the end */

static uint64_t
requests_left(const struct request_log *rl)
{
	uint64_t sum = requests_in_batch(rl) + rl->n;

	for (size_t i = 0; i < rl->ready->n; i++)
		sum += (uint64_t)rl->ready->row[i].requests;
	for (size_t i = 0; i < rl->sums->n; i++)
		sum += (uint64_t)rl->sums->row[i].requests;
	return sum;
}

static void
end_drain(void *arg)
{
	struct request_log *rl = arg;
	loop_fn done = rl->drained;

	rl->drained = NULL;
	timer_stop(rl->drain_timer);
	timer_stop(rl->timer);
	done(rl->drained_arg);
}

void
request_log_drain(struct request_log *rl, loop_fn done, void *arg)
{
	rl->drained = done;
	rl->drained_arg = arg;
	timer_set(rl->timer, DRAIN_TRY_MS);
	timer_set(rl->drain_timer, DRAIN_MS);
	next(rl);
}

void
request_log_free(struct request_log *rl)
{
	if (rl == NULL)
		return;
	if (rl->sums != NULL && rl->ready != NULL) {
		lose(rl, requests_left(rl));
		rl->say_ms = 0;
		tell_lost(rl);
	}
	timer_free(rl->timer);
	timer_free(rl->drain_timer);
	free(rl->single);
	free(rl->sums);
	free(rl->ready);
	free(rl);
}
