/*
 * found: see found.h. A set is stored in two jobs, as a worker's batch is: look (which digests and which legs are known),
 * then add. Somebody who adds the same event in the same moment is met at the unique key of event_dedupe: the later one's
 * job fails whole and looks again. A set the database refuses for its data goes in one by one, and the bad one is left out.
 */
#include <sys/types.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "courier/found.h"
#include "db/array.h"
#include "providers/dialpad.h"
#include "providers/dialpad_rest.h"

#define MEMORY_MAX	((size_t)256 * 1024 * 1024)
#define TEXT_MAX	((size_t)64 * 1024 * 1024)	/* courier.body_bytes is no more */
#define FACTS_MAX	((size_t)2 * 1024 * 1024)	/* every field at its own limit, every byte of it escaped */
#define LOOKS_MAX	4
#define HEX_SIZE	(2 * SHA256_SIZE + 1)
#define ADDS		3				/* statements before the caller's */

struct one {
	struct uuid	 id;
	struct event	 e;
	unsigned char	 by_payload[SHA256_SIZE];	/* its digest when it adds to a leg that is known */
	struct str	 facts, payload;
	bool		 fresh, unheard;
};

struct found {
	struct courier	*courier;
	struct uuid	 app;
	struct arena	 arena;
	struct one	*list;
	size_t		 n, max;
	int64_t		 now_ms;
	size_t		 from, to;	/* those of the step under way */
	bool		 singly;
	unsigned	 looks;
	size_t		 step_fresh, fresh, unheard;
	found_also	 also;
	found_fn	 fn;
	void		*arg;
};

static const struct json_limits limits = { .depth = 64, .tokens = 65536 };

static void	look(struct found *f);

/* ---- the set */

struct found *
found_new(struct courier *c, struct uuid app, size_t max)
{
	struct found *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->courier = c;
	f->app = app;
	f->max = max;
	f->now_ms = clock_real_ms();
	arena_init(&f->arena, MEMORY_MAX);
	f->list = max > 0 ? arena_alloc(&f->arena, max * sizeof(*f->list)) : NULL;
	if (f->list == NULL && max > 0) {
		found_free(f);
		return NULL;
	}
	return f;
}

void
found_free(struct found *f)
{
	if (f == NULL)
		return;
	arena_free(&f->arena);
	free(f);
}

size_t
found_count(const struct found *f)
{
	return f->n;
}

size_t
found_unheard(const struct found *f)
{
	return f->unheard;
}

/* Facts, ids and digests of an event whose payload and mapping are there. */
static bool
complete(struct found *f, struct one *o)
{
	struct buf b;

	buf_init(&b, FACTS_MAX);
	leg_write(&o->e.leg, &b);
	o->facts = b.failed ? STR_NONE : arena_str(&f->arena, buf_as_str(&b));
	buf_free(&b);
	if (o->facts.p == NULL)
		return false;
	o->id = uuid_v7(f->now_ms);
	hash_sha256_parts(o->by_payload, (struct str[]){ STR("repair"), o->payload }, 2);
	f->n++;
	return true;
}

bool
found_record(struct found *f, struct json record)
{
	struct one *o = &f->list[f->n];
	struct json_error err;
	struct json_doc doc;
	struct buf b;

	if (f->n == f->max)
		return false;
	buf_init(&b, TEXT_MAX);
	if (!dialpad_call_event(&b, record)) {
		buf_free(&b);
		return true;
	}
	o->payload = b.failed ? STR_NONE : arena_str(&f->arena, buf_as_str(&b));
	buf_free(&b);
	if (o->payload.p == NULL || !json_parse(&doc, &f->arena, o->payload, &limits, &err) ||
	    !dialpad_event(&o->e, &f->arena, o->payload, &doc, f->now_ms))
		return false;
	return !o->e.is_call || complete(f, o);
}

bool
found_presumed(struct found *f, struct str leg_id, const char *why)
{
	struct one *o = &f->list[f->n];
	struct event *e = &o->e;
	struct json_out j;
	char ts[24];
	struct buf b;

	if (f->n == f->max)
		return false;
	*e = (struct event){ .provider = "dialpad", .type = STR("ringd.end_inferred"), .is_call = true, .event_ts = f->now_ms };
	leg_init(&e->leg);
	e->leg.id = arena_str(&f->arena, leg_id);
	e->leg.presumed = f->now_ms;
	buf_init(&b, FACTS_MAX);
	json_out_init(&j, &b);
	json_obj(&j);
	json_kstr(&j, "event_type", e->type);
	json_kstr(&j, "call_id", leg_id);
	json_kint(&j, "event_timestamp", e->event_ts);
	json_kstr(&j, "why", str_c(why));
	json_obj_end(&j);
	o->payload = b.failed ? STR_NONE : arena_str(&f->arena, buf_as_str(&b));
	buf_free(&b);
	if (e->leg.id.p == NULL || o->payload.p == NULL)
		return false;
	snprintf(ts, sizeof(ts), "%" PRId64, e->event_ts);
	hash_sha256_parts(e->digest, (struct str[]){ STR("dialpad"), e->leg.id, e->type, str_c(ts) }, 4);
	return complete(f, o);
}

/* ---- add */

static void
end(struct found *f, enum found_outcome outcome, int64_t touched, const char *why)
{
	char byte = 0;

	/* A full pipe means the reaper has been told; its own polling is the truth. */
	if (f->fresh > 0 && write(f->courier->h->wake_write_fd, &byte, 1) < 0)
		log_debug("the reaper has been woken already");
	f->fn(f->arg, outcome, f->fresh, touched, why);
}

static void
count_step(struct found *f)
{
	f->fresh += f->step_fresh;
	for (size_t i = f->from; i < f->to; i++)
		f->unheard += f->list[i].fresh && f->list[i].unheard;
}

static void
next_step(struct found *f)
{
	count_step(f);
	f->from = f->to;
	f->looks = 0;
	look(f);
}

static void
refused(struct found *f, const struct db_result *r)
{
	const char *state = db_error_sqlstate(r);
	bool unique = strcmp(state, "23505") == 0;
	bool datas_fault = strncmp(state, "22", 2) == 0 || (strncmp(state, "23", 2) == 0 && !unique &&
	    db_error_constraint(r)[0] != '\0');	/* without a constraint's name it is the day's partition that is missing */

	log_about_app(f->app);
	if ((unique || strncmp(state, "40", 2) == 0) && f->looks < LOOKS_MAX) {
		look(f);
	} else if (datas_fault && f->step_fresh > 0 && !f->singly) {
		f->singly = true;
		look(f);
	} else if (datas_fault && f->step_fresh > 0) {
		log_event(LEVEL_ERROR, "a call that was found is refused by the database", LOG_C("error", db_error_text(r)),
		    LOG_C("sqlstate", state), LOG_STR("leg", f->list[f->from].e.leg.id));
		f->list[f->from] = f->list[f->n - 1];
		f->n--;
		look(f);
	} else {
		log_event(LEVEL_ERROR, "what was found is not stored", LOG_C("error", db_error_text(r)), LOG_C("sqlstate", state));
		end(f, FOUND_AWAY, 0, db_error_text(r));
	}
}

static void
added(void *arg, const struct db_result *r)
{
	struct found *f = arg;

	if (db_outcome(r) == DB_DISTURBED && f->looks < LOOKS_MAX) {
		look(f);
	} else if (db_outcome(r) == DB_FAILED) {
		refused(f, r);
	} else if (db_outcome(r) != DB_OK) {
		end(f, FOUND_AWAY, 0, db_error_text(r));
	} else if (f->to < f->n) {
		next_step(f);
	} else {
		count_step(f);
		end(f, FOUND_STORED, db_affected(r, f->step_fresh > 0 ? ADDS : 0), "");
	}
}

enum { DIGESTS, IDS, TYPES, TIMES, LEGS, FACTS, PAYLOADS, COLUMNS };

static void
add_rows(struct found *f, struct db_job *j, struct db_array column[COLUMNS])
{
	DB_PARAMS(dedupe, 3);
	DB_PARAMS(events, COLUMNS + 2);
	DB_PARAMS(queue, 3);

	db_put_uuid(&dedupe, f->app);
	db_put_time_ms(&dedupe, f->now_ms);
	db_put_array(&dedupe, &column[DIGESTS]);
	db_job_add(j, C_DEDUPE_ADD, dedupe.p, dedupe.n);
	db_put_uuid(&events, f->app);
	db_put_time_ms(&events, f->now_ms);
	for (int i = 0; i < COLUMNS; i++)
		db_put_array(&events, &column[i]);
	db_job_add(j, C_EVENTS_ADD, events.p, events.n);
	db_put_uuid(&queue, f->app);
	db_put_time_ms(&queue, f->now_ms);
	db_put_array(&queue, &column[IDS]);
	db_job_add(j, C_QUEUE_ADD, queue.p, queue.n);
}

static void
add(struct found *f)
{
	static const enum db_type types[COLUMNS] = { DB_BYTEA, DB_UUID, DB_TEXT, DB_TIME, DB_TEXT, DB_JSON, DB_JSON };
	struct db_array column[COLUMNS];
	struct db_job *j;
	bool failed = false;

	for (int i = 0; i < COLUMNS; i++)
		db_array_init(&column[i], types[i], MEMORY_MAX);
	for (size_t i = f->from; i < f->to; i++) {
		const struct one *o = &f->list[i];

		if (!o->fresh)
			continue;
		db_array_bytes(&column[DIGESTS], o->e.digest, SHA256_SIZE);
		db_array_uuid(&column[IDS], o->id);
		db_array_str(&column[TYPES], o->e.type);
		db_array_time_ms(&column[TIMES], o->e.event_ts);
		db_array_str(&column[LEGS], o->e.leg.id);
		db_array_str(&column[FACTS], o->facts);
		db_array_str(&column[PAYLOADS], o->payload);
	}
	for (int i = 0; i < COLUMNS; i++)
		failed = failed || column[i].b.failed;
	if (failed) {
		end(f, FOUND_AWAY, 0, "out of memory");
	} else {
		j = db_job_new(f->courier->db, 0, added, f);
		if (f->step_fresh > 0)
			add_rows(f, j, column);
		if (f->to == f->n)
			f->also(f->arg, j, f->fresh + f->step_fresh);
		db_job_submit(j);
	}
	for (int i = 0; i < COLUMNS; i++)
		db_array_free(&column[i]);
}

/* ---- look */

static bool
known(const struct db_result *r, const unsigned char digest[SHA256_SIZE])
{
	char hex[HEX_SIZE];

	hex_encode(hex, digest, SHA256_SIZE);
	for (int i = 0; i < db_rows(r, 0); i++)
		if (str_eq(db_text(r, 0, i, 0), str_c(hex)))
			return true;
	return false;
}

/* What is known of the event's leg; false: nothing. */
static bool
known_leg(struct leg *l, struct arena *a, const struct db_result *r, struct str id)
{
	for (int i = 0; i < db_rows(r, 1); i++)
		if (str_eq(db_text(r, 1, i, 0), id))
			return leg_read(l, a, db_text(r, 1, i, 1));
	return false;
}

/*
 * Of a leg we know nothing of, the event is the one a delivery would have brought, and has its digest. What adds to a leg we
 * know (a recording that came late, an end of another date) is an event of its own, even when its digest was used up by
 * one that said less.
 */
static bool
judge(struct one *o, struct arena *a, const struct db_result *r)
{
	struct leg l;

	o->unheard = !known_leg(&l, a, r, o->e.leg.id);
	if (!o->unheard) {
		if (!leg_adds(&l, &o->e.leg))
			return false;
		memcpy(o->e.digest, o->by_payload, SHA256_SIZE);
	}
	return !known(r, o->e.digest);
}

static int
by_digest(const void *a, const void *b)
{
	const struct one *x = a, *y = b;

	return memcmp(x->e.digest, y->e.digest, SHA256_SIZE);
}

static void
looked(void *arg, const struct db_result *r)
{
	struct found *f = arg;
	struct arena scratch;

	if (db_outcome(r) == DB_DISTURBED && f->looks < LOOKS_MAX) {
		look(f);
		return;
	}
	if (db_outcome(r) != DB_OK) {
		end(f, FOUND_AWAY, 0, db_error_text(r));
		return;
	}
	arena_init(&scratch, MEMORY_MAX);
	for (size_t i = f->from; i < f->to; i++)
		f->list[i].fresh = judge(&f->list[i], &scratch, r);
	arena_free(&scratch);
	/* Everybody takes the unique keys in one order: two jobs wait for each other's commit but never in a ring. */
	qsort(f->list + f->from, f->to - f->from, sizeof(*f->list), by_digest);
	f->step_fresh = 0;
	for (size_t i = f->from; i < f->to; i++) {
		if (i > f->from && by_digest(&f->list[i], &f->list[i - 1]) == 0)
			f->list[i].fresh = false;
		f->step_fresh += f->list[i].fresh;
	}
	if (f->step_fresh > 0 || f->to == f->n)
		add(f);
	else
		next_step(f);
}

static void
look(struct found *f)
{
	struct db_array digests, legs;
	struct db_job *j;
	bool failed;
	DB_PARAMS(p, 2);
	DB_PARAMS(q, 2);

	f->looks++;
	f->to = f->singly && f->from < f->n ? f->from + 1 : f->n;
	f->step_fresh = 0;
	if (f->from == f->n) {
		add(f);
		return;
	}
	db_array_init(&digests, DB_BYTEA, MEMORY_MAX);
	db_array_init(&legs, DB_TEXT, MEMORY_MAX);
	for (size_t i = f->from; i < f->to; i++) {
		db_array_bytes(&digests, f->list[i].e.digest, SHA256_SIZE);
		db_array_bytes(&digests, f->list[i].by_payload, SHA256_SIZE);
		db_array_str(&legs, f->list[i].e.leg.id);
	}
	failed = digests.b.failed || legs.b.failed;
	if (failed) {
		end(f, FOUND_AWAY, 0, "out of memory");
	} else {
		db_put_uuid(&p, f->app);
		db_put_array(&p, &digests);
		db_put_uuid(&q, f->app);
		db_put_array(&q, &legs);
		j = db_job_new(f->courier->db, 0, looked, f);
		db_job_add(j, C_DEDUPE_LOOK, p.p, p.n);
		db_job_add(j, C_LEGS_LOOK, q.p, q.n);
		db_job_submit(j);
	}
	db_array_free(&digests);
	db_array_free(&legs);
}

void
found_store(struct found *f, found_also also, found_fn fn, void *arg)
{
	f->also = also;
	f->fn = fn;
	f->arg = arg;
	look(f);
}
