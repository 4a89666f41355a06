/*
 * ghosts: calls whose end was lost beyond what a list can tell: ringing or active, and silent for dialpad.ghost_after. Each
 * leg is asked about by itself, one of an app at a time and seldom enough for the ten questions a minute that Dialpad
 * allows, whoever asks. Dialpad's record becomes an event; a call that goes on is left alone for a while; where nobody can
 * say (Dialpad knows no such call, or was asked in vain too often, or nobody is connected who could ask) the leg is
 * presumed over, which a true end, however late, corrects.
 */
#include <sys/types.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "courier/found.h"
#include "courier/grant.h"
#include "courier/repair.h"
#include "providers/dialpad_fields.h"
#include "providers/dialpad_rest.h"

#define LOOK_MS		1000		/* how often for one whose turn it is */
#define FIND_MS		5000		/* how often for new ones */
#define GHOSTS_AT_ONCE	8
#define TURN_MS		6500		/* of an app: nine questions a minute */
#define ASK_MS		15000
#define HELD_MS		60000		/* one that is asked about: over that, and time to store */
#define AGAIN_MS	60000		/* Dialpad could not be asked */
#define RESOLVED_MS	600000		/* until the reaper has surely seen it, and it is no ghost any more */
#define VAIN_MIN_MS	600000
#define VAIN_MAX_MS	3600000
#define VAIN_MAX	5		/* questions */
#define ALIVE_MIN_MS	60000		/* a call that goes on: a quarter of ghost_after, within these */
#define ALIVE_MAX_MS	3600000
#define LEG_SIZE	(DIALPAD_ID_MAX + 1)
#define MEMORY_MAX	((size_t)32 * 1024 * 1024)
#define WHY_SIZE	320

struct ghost {
	LIST_ENTRY(ghost) link;
	struct courier	*courier;
	struct uuid	 app;
	char		 leg[LEG_SIZE];
	int64_t		 attempts;	/* in vain */
	bool		 presumed;	/* what is being stored */
	char		 why[WHY_SIZE];
	struct found	*event;
};

struct ghosts {
	struct courier	*courier;
	struct timer	*timer;		/* NULL: we are leaving */
	int64_t		 find_at_ms;	/* monotonic */
	LIST_HEAD(, ghost) list;
	size_t		 n;
};

static void
ghost_free(struct ghost *g)
{
	LIST_REMOVE(g, link);
	g->courier->ghosts->n--;
	found_free(g->event);
	free(g);
}

static bool
leaving(const struct ghost *g)
{
	return g->courier->ghosts->timer == NULL;
}

/* ---- its next turn */

static void
add_turn(const struct ghost *g, struct db_job *j, int64_t wait_ms, int64_t attempts)
{
	DB_PARAMS(p, 4);

	db_put_uuid(&p, g->app);
	db_put_cstr(&p, g->leg);
	db_put_time_ms(&p, clock_real_ms() + wait_ms);
	db_put_i32(&p, (int32_t)attempts);
	db_job_add(j, C_GHOST_LATER, p.p, p.n);
}

static void
put_off(void *arg, const struct db_result *r)
{
	struct ghost *g = arg;

	if (db_outcome(r) == DB_FAILED)
		log_event(LEVEL_ERROR, "a ghost's turn could not be moved", LOG_C("error", db_error_text(r)), LOG_C("leg", g->leg));
	ghost_free(g);
}

static void
later(struct ghost *g, int64_t wait_ms, int64_t attempts)
{
	struct db_job *j;

	if (leaving(g)) {
		ghost_free(g);
		return;
	}
	j = db_job_new(g->courier->db, 0, put_off, g);
	add_turn(g, j, wait_ms, attempts);
	db_job_submit(j);
}

/* ---- what is known now is stored */

static void
add_resolved(void *arg, struct db_job *j, size_t fresh)
{
	(void)fresh;
	add_turn(arg, j, RESOLVED_MS, 0);
}

static void
stored(void *arg, enum found_outcome outcome, size_t fresh, int64_t touched, const char *why)
{
	struct ghost *g = arg;

	(void)touched;
	log_about_app(g->app);
	if (outcome != FOUND_STORED) {
		log_event(LEVEL_WARN, "the end of a call could not be stored", LOG_C("error", why), LOG_C("leg", g->leg));
	} else if (g->presumed) {
		score_count(g->courier->h->score, SCORE_ENDS_INFERRED, fresh);
		log_event(LEVEL_WARN, "call presumed over", LOG_C("reason", g->why), LOG_C("leg", g->leg));
	} else {
		score_count(g->courier->h->score, SCORE_EVENTS_REPAIRED, fresh);
		log_event(LEVEL_INFO, "the lost end of a call was found", LOG_C("leg", g->leg));
	}
	ghost_free(g);		/* what was not stored has its turn again by itself */
}

static void
presume(struct ghost *g, const char *why)
{
	snprintf(g->why, sizeof(g->why), "%s", why);
	g->presumed = true;
	g->event = found_new(g->courier, g->app, 1);
	if (g->event == NULL || !found_presumed(g->event, str_c(g->leg), g->why))
		later(g, AGAIN_MS, g->attempts);
	else
		found_store(g->event, add_resolved, stored, g);
}

static void
in_vain(struct ghost *g, const char *why)
{
	char text[WHY_SIZE];

	if (g->attempts + 1 < VAIN_MAX) {
		log_event(LEVEL_DEBUG, "asked about a call in vain", LOG_C("reason", why), LOG_C("leg", g->leg));
		later(g, repair_backoff_ms(g->attempts, VAIN_MIN_MS, VAIN_MAX_MS), g->attempts + 1);
		return;
	}
	snprintf(text, sizeof(text), "asked in vain %d times, the last time: %s", VAIN_MAX, why);
	presume(g, text);
}

/* ---- asking */

static void
goes_on(struct ghost *g)
{
	int64_t wait = g->courier->conf->dialpad_ghost_after_ms / 4;

	wait = wait < ALIVE_MIN_MS ? ALIVE_MIN_MS : wait > ALIVE_MAX_MS ? ALIVE_MAX_MS : wait;
	log_event(LEVEL_DEBUG, "a call without a sign of life goes on", LOG_C("leg", g->leg));
	later(g, wait, 0);
}

static void
read_record(struct ghost *g, struct str body)
{
	const struct json_limits limits = { .depth = 32, .tokens = 65536 };
	struct json_error err;
	struct json_doc doc;
	struct arena a;
	bool ours, good;

	arena_init(&a, MEMORY_MAX);
	ours = json_parse(&doc, &a, body, &limits, &err) && json_type(json_root(&doc)) == JSON_OBJECT &&
	    str_eq(dialpad_call_id(json_get(json_root(&doc), "call_id")), str_c(g->leg));
	g->event = ours ? found_new(g->courier, g->app, 1) : NULL;
	good = g->event != NULL && found_record(g->event, json_root(&doc));
	arena_free(&a);
	if (!ours)
		in_vain(g, "Dialpad's answer is no record of this call");
	else if (!good)
		later(g, AGAIN_MS, g->attempts);
	else if (found_count(g->event) == 0)
		goes_on(g);
	else
		found_store(g->event, add_resolved, stored, g);
}

static void
take_answer(struct ghost *g, const struct client_answer *a)
{
	char why[WHY_SIZE];

	switch (a->status) {
	case 200:
		read_record(g, a->body);
		break;
	case 404:
		presume(g, "Dialpad knows no such call");
		break;
	case 429:
		later(g, a->retry_after_ms > AGAIN_MS ? a->retry_after_ms : AGAIN_MS, g->attempts);
		break;
	default:
		snprintf(why, sizeof(why), "Dialpad answers %d", a->status);
		in_vain(g, why);
		break;
	}
}

static void
answered(void *arg, enum grant_outcome outcome, const struct client_answer *a)
{
	struct ghost *g = arg;

	if (leaving(g)) {
		ghost_free(g);
		return;
	}
	switch (outcome) {
	case GRANT_ANSWERED:
		take_answer(g, a);
		break;
	case GRANT_NONE:
	case GRANT_DEAD:
		in_vain(g, "the app is not connected with Dialpad");
		break;
	case GRANT_AWAY:
		if (a != NULL)
			in_vain(g, a->why);
		else		/* nothing was sent */
			later(g, AGAIN_MS, g->attempts);
		break;
	}
}

static void
ask(struct ghost *g)
{
	struct grant_request rq = { .app = g->app, .endpoint = DIALPAD_CALL, .id = g->leg,
	    .deadline_ms = loop_now_ms(g->courier->loop) + ASK_MS };

	grant_send(g->courier, &rq, answered, g);
}

/* ---- whose turn is it? */

enum { TURN, ORPHAN };			/* results of the job */
enum { TURN_APP, TURN_LEG, TURN_ATTEMPTS };

static struct ghost *
ghost_new(struct ghosts *gs, const struct db_result *r, int i)
{
	struct ghost *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->courier = gs->courier;
	db_uuid(r, i, 0, TURN_APP, &g->app);
	snprintf(g->leg, sizeof(g->leg), "%.*s", STR_ARG(db_text(r, i, 0, TURN_LEG)));
	g->attempts = i == TURN ? db_i64(r, i, 0, TURN_ATTEMPTS, 0) : 0;
	LIST_INSERT_HEAD(&gs->list, g, link);
	gs->n++;
	return g;
}

static void
looked(void *arg, const struct db_result *r)
{
	struct ghosts *gs = arg;
	struct ghost *g;
	bool more = false;

	if (gs->timer == NULL)
		return;
	if (db_outcome(r) == DB_FAILED)
		log_event(LEVEL_ERROR, "cannot look for calls without a sign of life", LOG_C("error", db_error_text(r)));
	if (db_outcome(r) == DB_OK && db_rows(r, TURN) == 1 && (g = ghost_new(gs, r, TURN)) != NULL) {
		ask(g);
		more = true;
	}
	if (db_outcome(r) == DB_OK && db_rows(r, ORPHAN) == 1 && (g = ghost_new(gs, r, ORPHAN)) != NULL) {
		presume(g, "nobody can ask: the app is not connected with Dialpad");
		more = true;
	}
	timer_set(gs->timer, more ? 0 : LOOK_MS);
}

static void
add_find(struct ghosts *gs, struct db_job *j)
{
	int64_t now = loop_now_ms(gs->courier->loop), real = clock_real_ms();
	DB_PARAMS(p, 2);

	if (now < gs->find_at_ms)
		return;
	gs->find_at_ms = now + FIND_MS;
	db_put_time_ms(&p, real);
	db_put_time_ms(&p, real - gs->courier->conf->dialpad_ghost_after_ms);
	db_job_add(j, C_GHOSTS_FIND, p.p, p.n);
	db_job_add(j, C_GHOSTS_FORGET, NULL, 0);
}

static void
look(void *arg)
{
	struct ghosts *gs = arg;
	struct courier *c = gs->courier;
	int64_t now = clock_real_ms();
	struct db_job *j;
	DB_PARAMS(turn, 3);
	DB_PARAMS(orphan, 2);

	/* A turn and an orphan may come of it. */
	if (db_state(c->db) != DB_READY || c->leaving || gs->n + 2 > GHOSTS_AT_ONCE) {
		timer_set(gs->timer, LOOK_MS);
		return;
	}
	db_put_time_ms(&turn, now);
	db_put_time_ms(&turn, now + TURN_MS);
	db_put_time_ms(&turn, now + HELD_MS);
	db_put_time_ms(&orphan, now);
	db_put_time_ms(&orphan, now + HELD_MS);
	j = db_job_new(c->db, 0, looked, gs);
	db_job_add(j, C_GHOST_TURN, turn.p, turn.n);
	db_job_add(j, C_GHOST_ORPHAN, orphan.p, orphan.n);
	add_find(gs, j);
	db_job_submit(j);
}

bool
ghosts_start(struct courier *c)
{
	struct ghosts *gs = calloc(1, sizeof(*gs));

	if (gs == NULL)
		return false;
	gs->courier = c;
	LIST_INIT(&gs->list);
	gs->timer = timer_new(c->loop, look, gs);
	c->ghosts = gs;
	if (gs->timer == NULL)
		return false;
	timer_set(gs->timer, LOOK_MS);
	return true;
}

void
ghosts_stop(struct courier *c)
{
	if (c->ghosts == NULL)
		return;
	timer_free(c->ghosts->timer);
	c->ghosts->timer = NULL;
}

/* All that was under way has come back when client and database were closed. */
void
ghosts_free(struct courier *c)
{
	free(c->ghosts);
	c->ghosts = NULL;
}
