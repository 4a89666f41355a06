/*
 * errand: see errand.h. What may be sent again: anything that was surely not obeyed (no connection, 429, 503 that says
 * when), and an endpoint of which twice is no more than once. Never keeps a request past its deadline, and never sends
 * one that could not be answered before it.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "courier/budget.h"
#include "courier/errand.h"

#define LIMITS_MAX	2048	/* two of each account at work */
#define PATH_SIZE	4096	/* a list's cursor is long, and percent-encoded */
#define ID_SIZE		(BUDGET_SCOPE_MAX + 1)

struct errand {
	LIST_ENTRY(errand)	 link;
	struct errands		*all;
	const struct endpoint	*api;
	const struct origin	*origin;
	char			 path[PATH_SIZE];
	char			 account[ID_SIZE], user[ID_SIZE];
	const char		*content_type;
	struct secret		 body, authorization;
	int64_t			 deadline_ms, patience_ms;
	unsigned		 tries;
	bool			 once;
	bool			 flawed;	/* too long, or no memory: never sent */
	struct timer		*timer;		/* of a wait; NULL while a request is under way */
	errand_fn		 fn;
	void			*arg;
};

struct errands {
	struct loop		*loop;
	struct client		*client;
	int64_t			 request_ms;
	struct score		*score;
	struct budget		*budget;
	LIST_HEAD(, errand)	 list;
	size_t			 n, waiting;
};

static void	go(void *arg);

static void
stop_waiting(struct errand *e)
{
	if (e->timer == NULL)
		return;
	timer_free(e->timer);
	e->timer = NULL;
	e->all->waiting--;
}

static void
errand_free(struct errand *e)
{
	LIST_REMOVE(e, link);
	e->all->n--;
	stop_waiting(e);
	secret_free(&e->body);
	secret_free(&e->authorization);
	free(e);
}

static void
end(struct errand *e, const struct client_answer *last, int64_t wait_ms)
{
	const struct errand_answer a = { .last = last, .wait_ms = wait_ms, .tries = e->tries };

	e->fn(e->arg, &a);
	errand_free(e);
}

static void
busy(struct errand *e, const char *why)
{
	struct client_answer a = { .outcome = CLIENT_BUSY, .retry_after_ms = -1 };

	snprintf(a.why, sizeof(a.why), "%s", why);
	end(e, &a, 0);
}

static bool
wait_for(struct errand *e, int64_t ms)
{
	if (e->timer == NULL) {
		e->timer = timer_new(e->all->loop, go, e);
		if (e->timer == NULL)
			return false;
		e->all->waiting++;
	}
	timer_set(e->timer, ms);
	return true;
}

/* The account's limit first, then the endpoint's own. */
static size_t
limits_of(const struct errand *e, struct budget_limit limit[2])
{
	const struct provider *p = e->api->provider;

	limit[0] = (struct budget_limit){ p->account, str_c(e->account), p->requests, p->period_ms };
	limit[1] = (struct budget_limit){ e->api->name, str_c(e->api->per_user ? e->user : e->account),
	    e->api->per_minute, ENDPOINT_MINUTE_MS };
	return 2;
}

/* Not obeyed for certain, or harmless if it was. */
static bool
may_try_again(const struct errand *e, const struct client_answer *a)
{
	switch (a->outcome) {
	case CLIENT_UNREACHABLE:
	case CLIENT_BUSY:
		return true;
	case CLIENT_ANSWERED:
		if (e->once)
			return false;
		if (a->status == 429 || (a->status == 503 && a->retry_after_ms >= 0))
			return true;
		return e->api->repeatable && (a->status == 500 || (a->status >= 502 && a->status <= 504));
	case CLIENT_LATE:
	case CLIENT_BROKEN:
		return e->api->repeatable;
	default:
		return false;
	}
}

static enum score_answer
score_of(const struct client_answer *a)
{
	if (a->outcome != CLIENT_ANSWERED)
		return SCORE_ANSWER_UNREACHED;
	if (a->status == 429)
		return SCORE_ANSWER_LIMITED;
	return a->status < 400 ? SCORE_ANSWER_OK : a->status < 500 ? SCORE_ANSWER_REFUSED : SCORE_ANSWER_FAILED;
}

static enum score_counter
counter_of(const struct provider *p, const struct client_answer *a)
{
	static const enum score_counter first[PROVIDERS] = { [PROVIDER_DIALPAD] = SCORE_DIALPAD, [PROVIDER_EXOTEL] = SCORE_EXOTEL };

	return (enum score_counter)((int)first[p->id] + (int)score_of(a));
}

static void
answered(void *arg, const struct client_answer *a)
{
	struct errand *e = arg;
	struct errands *es = e->all;
	int64_t now = loop_now_ms(es->loop), wait;
	struct budget_limit limit[2];
	uint32_t random;

	score_count(es->score, counter_of(e->api->provider, a), 1);
	budget_done(es->budget, limit, limits_of(e, limit), now);
	hash_random(&random, sizeof(random));
	wait = budget_backoff_ms(e->tries, ERRAND_BACKOFF_MIN_MS, ERRAND_BACKOFF_MAX_MS, random);
	if (a->outcome == CLIENT_ANSWERED && (a->status == 429 || a->status == 503)) {
		/* Said of this endpoint, and 429 of the account's budget too: whoever else asks now waits as well. */
		wait = a->retry_after_ms > wait ? a->retry_after_ms : wait;
		budget_pause(es->budget, &limit[1], wait, now);
		if (a->status == 429)
			budget_pause(es->budget, &limit[0], wait, now);
		log_event(LEVEL_WARN, "a provider asks for a pause", LOG_C("provider", e->api->provider->name), LOG_C("endpoint", e->api->name),
		    LOG_INT("status", a->status), LOG_INT("wait_ms", wait));
	}
	if (e->tries >= ERRAND_TRIES || !may_try_again(e, a) || now + wait >= e->deadline_ms || wait > e->patience_ms ||
	    !wait_for(e, wait))
		end(e, a, 0);
}

/* Also the timer's: the first time, after the budget's wait, before a new try. */
static void
go(void *arg)
{
	struct errand *e = arg;
	struct errands *es = e->all;
	int64_t now = loop_now_ms(es->loop), left = e->deadline_ms - now, wait;
	struct client_request rq = { .origin = e->origin, .method = e->api->method, .path = e->path,
	    .content_type = e->content_type, .body = secret_bytes(&e->body),
	    .authorization = secret_present(&e->authorization) ? &e->authorization : NULL };
	struct budget_limit limit[2];

	if (e->flawed || es->n > ERRANDS_MAX) {
		busy(e, e->flawed ? "the request is too long" : "too many requests wait for providers");
		return;
	}
	wait = budget_take(es->budget, limit, limits_of(e, limit), now);
	if (wait >= left || wait > e->patience_ms) {
		end(e, NULL, wait);
	} else if (wait > 0) {
		if (!wait_for(e, wait))
			busy(e, "out of memory");
	} else {
		stop_waiting(e);
		e->tries++;
		rq.timeout_ms = left < es->request_ms ? left : es->request_ms;
		rq.once = !e->api->repeatable;
		client_send(es->client, &rq, answered, e);
	}
}

struct errands *
errands_new(struct loop *l, struct client *client, int64_t request_ms, struct score *score)
{
	struct errands *es = calloc(1, sizeof(*es));

	if (es == NULL)
		return NULL;
	es->loop = l;
	es->client = client;
	es->request_ms = request_ms;
	es->score = score;
	es->budget = budget_new(LIMITS_MAX);
	if (es->budget == NULL) {
		free(es);
		return NULL;
	}
	LIST_INIT(&es->list);
	return es;
}

void
errands_free(struct errands *es)
{
	struct errand *e;

	if (es == NULL)
		return;
	while ((e = LIST_FIRST(&es->list)) != NULL)
		end(e, NULL, 0);
	budget_free(es->budget);
	free(es);
}

static bool
copy_text(char *to, size_t size, struct str s)
{
	if (s.n >= size)
		return false;
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	to[s.n] = '\0';
	return true;
}

void
errand_send(struct errands *es, const struct errand_request *rq, errand_fn fn, void *arg)
{
	struct errand *e = calloc(1, sizeof(*e));
	int n;

	if (e == NULL) {
		log_errno("out of memory for an errand");
		abort();
	}
	e->all = es;
	e->api = rq->endpoint;
	e->origin = rq->origin;
	e->once = rq->once;
	e->content_type = rq->content_type;
	e->deadline_ms = rq->deadline_ms;
	e->patience_ms = rq->patience_ms > 0 ? rq->patience_ms : INT64_MAX;
	e->fn = fn;
	e->arg = arg;
	n = snprintf(e->path, sizeof(e->path), "%s%s", rq->path != NULL ? rq->path : e->api->path,
	    rq->id != NULL ? rq->id : "");
	e->flawed = n < 0 || (size_t)n >= sizeof(e->path) || !copy_text(e->account, sizeof(e->account), rq->account) ||
	    !copy_text(e->user, sizeof(e->user), rq->user) ||
	    (rq->body.p != NULL && !secret_set(&e->body, rq->body)) ||
	    (rq->authorization != NULL && !secret_set(&e->authorization, secret_bytes(rq->authorization)));
	LIST_INSERT_HEAD(&es->list, e, link);
	es->n++;
	if (!wait_for(e, 0))
		abort();
}

size_t
errands_waiting(const struct errands *es)
{
	return es->waiting;
}
