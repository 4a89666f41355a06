/*
 * gap: see gap.h. Calls are listed page by page, and each page's new events and the place where the list goes on are stored
 * in one transaction, so that whoever takes the gap next (we failed, or died) goes on exactly there. The end of the list is
 * fixed when the gap is made: calls that end meanwhile do not shift its pages, and a time in the future, which Dialpad
 * refuses, is never named. Pages are asked for slowly enough to leave most of the company's budget to those who wait for
 * an answer.
 */
#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "courier/gap.h"
#include "courier/grant.h"

#define PAGE_MS		250	/* between two pages of one gap */
#define PAGE_MAX	1000	/* calls of a page */
#define PAGE_MEMORY	((size_t)128 * 1024 * 1024)
#define CALLS_MAX	5000000	/* of a gap: a list without an end is a fault */
#define ASK_MS		15000	/* longest wait for a page, a renewal of the token and new tries included */
#define RETRY_MIN_MS	2000
#define RETRY_MAX_MS	(10 * 60 * 1000)
#define ATTEMPTS_MAX	100	/* failures in a row: some 16 hours */
#define QUERY_SIZE	4096

void
gap_free(struct gap *g)
{
	LIST_REMOVE(g, link);
	g->courier->repair->n--;
	found_free(g->events);
	timer_free(g->timer);
	free(g);
}

bool
gap_leaving(const struct gap *g)
{
	return g->courier->repair->timer == NULL;
}

void
gap_put_mine(struct db_params *p, const struct gap *g)
{
	db_put_uuid(p, g->app);
	db_put_uuid(p, g->id);
	db_put_uuid(p, g->owner);
}

/* ---- what did not work */

static void
put_off(void *arg, const struct db_result *r)
{
	struct gap *g = arg;

	log_about_app(g->app);
	if (db_outcome(r) != DB_OK)		/* then the lease ends by itself */
		log_event(LEVEL_WARN, "a gap in the events could not be put off", LOG_C("error", db_error_text(r)));
	gap_free(g);
}

static void
later(struct gap *g, int64_t wait_ms, bool from_the_start, const char *why)
{
	bool failed = g->over || g->attempts + 1 >= ATTEMPTS_MAX;
	int64_t backoff = repair_backoff_ms(g->attempts, RETRY_MIN_MS, RETRY_MAX_MS), now = clock_real_ms();
	struct db_job *j;
	DB_PARAMS(p, 8);

	log_about_app(g->app);
	if (gap_leaving(g)) {
		gap_free(g);
		return;
	}
	if (failed) {
		score_count(g->courier->h->score, SCORE_GAPS_FAILED, 1);
		log_event(LEVEL_ERROR, "lost events cannot be asked for; 'ringctl gap repair' asks again", LOG_C("reason", why));
	} else
		log_event(LEVEL_WARN, "lost events could not be asked for, it will be tried again", LOG_C("reason", why));
	gap_put_mine(&p, g);
	db_put_time_ms(&p, now + (wait_ms > backoff ? wait_ms : backoff));
	db_put_cstr(&p, why);
	db_put_bool(&p, from_the_start);
	db_put_cstr(&p, failed ? "failed" : "open");
	db_put_time_ms(&p, now);
	j = db_job_new(g->courier->db, 0, put_off, g);
	db_job_add(j, C_GAP_LATER, p.p, p.n);
	db_job_submit(j);
}

/* ---- a page is stored, and how far the list has come */

static void
put_progress(struct db_params *p, const struct gap *g, size_t fresh)
{
	db_put_i32(p, (int32_t)g->page_seen);
	db_put_i32(p, (int32_t)fresh);
	db_put_time_ms(p, g->page_oldest_ms);
}

static void
add_page(struct gap *g, struct db_job *j, size_t fresh)
{
	DB_PARAMS(p, 8);

	gap_put_mine(&p, g);
	db_put_cstr(&p, g->next);
	put_progress(&p, g, fresh);
	db_put_time_ms(&p, g->courier->leaving ? INT64_MIN : clock_real_ms() + GAP_LEASE_MS);
	db_job_add(j, C_GAP_PAGE, p.p, p.n);
}

/* Live calls from before the oldest that was listed stay unknown to the list: those are asked about one by one. */
static void
add_done(struct gap *g, struct db_job *j, size_t fresh)
{
	int64_t now = clock_real_ms();
	DB_PARAMS(done, 7);
	DB_PARAMS(old, 4);

	gap_put_mine(&done, g);
	db_put_time_ms(&done, now);
	put_progress(&done, g, fresh);
	db_job_add(j, C_GAP_DONE, done.p, done.n);
	db_job_add(j, C_GAP_RECONCILED, done.p, 2);
	db_job_add(j, C_GAP_FORGET, done.p, 2);
	if (strcmp(g->reason, "downtime") != 0)
		return;
	db_put_time_ms(&old, now);
	db_put_time_ms(&old, g->from_ms);
	db_put_time_ms(&old, g->from_ms - g->courier->conf->dialpad_longest_call_ms);
	db_put_uuid(&old, g->app);
	db_job_add(j, C_GHOSTS_OLD, old.p, old.n);
}

static void
add_progress(void *arg, struct db_job *j, size_t fresh)
{
	struct gap *g = arg;

	if (g->next[0] != '\0')
		add_page(g, j, fresh);
	else
		add_done(g, j, fresh);
}

static void
tell_done(const struct gap *g)
{
	char from[CLOCK_RFC3339_SIZE], to[CLOCK_RFC3339_SIZE];
	bool routine = strcmp(g->reason, "routine") == 0;

	clock_rfc3339(from, g->from_ms);
	clock_rfc3339(to, g->to_ms);
	/* Nothing was known to be wrong, and yet no delivery ever told of these. */
	log_about_app(g->app);
	if (routine && g->unheard > 0)
		log_event(LEVEL_WARN, "calls were known to Dialpad only: do its deliveries reach this server?", LOG_INT("calls", g->unheard),
		    LOG_C("from", from), LOG_C("to", to));
	else if (!routine || g->found > 0)
		log_event(LEVEL_INFO, "lost events asked for", LOG_INT("calls", g->seen), LOG_INT("news", g->found),
		    LOG_C("why", g->reason), LOG_C("from", from), LOG_C("to", to));
}

static void
stored(void *arg, enum found_outcome outcome, size_t fresh, int64_t touched, const char *why)
{
	struct gap *g = arg;
	char text[GAP_WHY_SIZE];

	snprintf(text, sizeof(text), "%s", why);
	g->unheard += (int64_t)found_unheard(g->events);
	found_free(g->events);
	g->events = NULL;
	score_count(g->courier->h->score, SCORE_EVENTS_REPAIRED, fresh);
	g->found += (int64_t)fresh;
	g->seen += g->page_seen;
	if (outcome != FOUND_STORED) {
		later(g, 0, false, text);
	} else if (touched != 1) {
		log_about_app(g->app);
		log_warn("a gap in the events was taken over by another courier");
		gap_free(g);
	} else if (g->next[0] == '\0') {
		score_count(g->courier->h->score, SCORE_GAPS_DONE, 1);
		tell_done(g);
		gap_free(g);
	} else if (g->courier->leaving || gap_leaving(g)) {
		gap_free(g);
	} else {
		memcpy(g->cursor, g->next, sizeof(g->cursor));
		g->attempts = 0;
		g->pausing = true;
		timer_set(g->timer, PAGE_MS);
	}
}

/* ---- a page */

/* false: it cannot be used, and g->why says so. */
static bool
read_page(struct gap *g, struct arena *a, struct str body)
{
	struct dialpad_page page;
	int64_t started;

	if (!dialpad_page(&page, a, body)) {
		snprintf(g->why, sizeof(g->why), "Dialpad's answer is no list of calls");
		return false;
	}
	if (json_count(page.items) > PAGE_MAX || g->seen > CALLS_MAX ||
	    (page.cursor.p != NULL && str_eq(page.cursor, str_c(g->cursor)))) {
		snprintf(g->why, sizeof(g->why), "Dialpad's list of calls is too long, or goes in a circle");
		return false;
	}
	g->page_seen = json_count(page.items);
	g->page_oldest_ms = INT64_MIN;
	snprintf(g->next, sizeof(g->next), "%.*s", STR_ARG(page.cursor));
	g->events = found_new(g->courier, g->app, (size_t)g->page_seen);
	for (struct json e = json_first(page.items); json_type(e) != JSON_ABSENT; e = json_next(e)) {
		started = dialpad_call_started(e);
		if (started != INT64_MIN && (g->page_oldest_ms == INT64_MIN || started < g->page_oldest_ms))
			g->page_oldest_ms = started;
		if (g->events == NULL || !found_record(g->events, e)) {
			snprintf(g->why, sizeof(g->why), "no memory for a page of calls");
			return false;
		}
	}
	return g->events != NULL;
}

static void
take_page(struct gap *g, struct str body)
{
	struct arena a;
	bool good;

	arena_init(&a, PAGE_MEMORY);
	good = read_page(g, &a, body);
	arena_free(&a);
	if (good) {
		found_store(g->events, add_progress, stored, g);
		return;
	}
	found_free(g->events);
	g->events = NULL;
	later(g, 0, false, g->why);
}

static void
not_listed(struct gap *g, const struct client_answer *a)
{
	switch (a->status) {
	case 403:
		g->over = true;
		later(g, 0, false, "Dialpad answers 403 to the list of calls: the scope calls:list is missing, or who agreed is no administrator");
		break;
	case 400:	/* a cursor does not live for ever */
		later(g, 0, g->cursor[0] != '\0', "Dialpad answers 400 to the list of calls");
		break;
	default:
		snprintf(g->why, sizeof(g->why), "Dialpad answers %d to the list of calls", a->status);
		later(g, a->retry_after_ms, false, g->why);
		break;
	}
}

static void
answered(void *arg, enum grant_outcome outcome, const struct client_answer *a)
{
	struct gap *g = arg;

	if (gap_leaving(g)) {
		gap_free(g);
		return;
	}
	switch (outcome) {
	case GRANT_ANSWERED:
		if (a->status == 200)
			take_page(g, a->body);
		else
			not_listed(g, a);
		break;
	case GRANT_NONE:
	case GRANT_DEAD:
		later(g, 0, false, "the app is not connected with Dialpad any more");
		break;
	case GRANT_AWAY:
		later(g, 0, false, a != NULL && a->why[0] != '\0' ? a->why : "no answer in time");
		break;
	}
}

void
gap_ask(void *arg)
{
	struct gap *g = arg;
	char query[QUERY_SIZE];
	struct grant_request rq = { .app = g->app, .endpoint = DIALPAD_CALLS, .id = query,
	    .deadline_ms = loop_now_ms(g->courier->loop) + ASK_MS };
	struct buf b;

	g->pausing = false;
	buf_init(&b, sizeof(query));
	dialpad_calls_query(&b, g->from_ms - g->courier->conf->dialpad_longest_call_ms, g->to_ms,
	    g->cursor[0] != '\0' ? str_c(g->cursor) : STR_NONE);
	snprintf(query, sizeof(query), "%.*s", STR_ARG(buf_as_str(&b)));
	buf_free(&b);
	grant_send(g->courier, &rq, answered, g);
}
