/*
 * changes: see changes.h. Walks the groups of a batch: joins what is stored of each leg with what the batch says,
 * derives the call and puts down what differs. Pure but for memory; a group's legs live in a scratch arena that is
 * given back before the next.
 */
#include <sys/types.h>
#include <stdlib.h>

#include "base/count.h"
#include "base/hash.h"
#include "base/num.h"
#include "model/call.h"
#include "model/dial_tag.h"
#include "reaper/changes.h"

#define SCRATCH_MAX	((size_t)256 << 20)	/* legs of one call, read */
#define RECORDING_KEY_MAX	512
#define STATE_MAX	((size_t)16 << 20)	/* one leg's record */

const enum db_type leg_types[LEGS_COLUMNS] = { DB_UUID, DB_TEXT, DB_TEXT, DB_UUID, DB_JSON };
static const enum db_type merged_types[MERGED_COLUMNS] = { DB_UUID, DB_UUID, DB_UUID };
static const enum db_type dial_types[DIAL_COLUMNS] = { DB_UUID, DB_UUID, DB_UUID };
static const enum db_type ribbon_types[RIBBON_COLUMNS] = { DB_UUID, DB_TEXT, DB_UUID, DB_UUID };
static const enum db_type recording_types[REC_COLUMNS] = {
	DB_UUID, DB_UUID, DB_TEXT, DB_TEXT, DB_TEXT, DB_TIME, DB_BIGINT
};
static const enum db_type dead_types[DEAD_COLUMNS] = { DB_UUID, DB_UUID, DB_TEXT, DB_INTEGER, DB_TEXT };
/* All others are text. */
static const enum db_type call_types[CALL_COLUMNS] = {
	[CALL_APP_ID] = DB_UUID, [CALL_ID] = DB_UUID, [CALL_DIALPAD_ID] = DB_BIGINT, [CALL_STATE_AT] = DB_TIME,
	[CALL_STARTED] = DB_TIME, [CALL_RANG] = DB_TIME, [CALL_CONNECTED] = DB_TIME, [CALL_ENDED_AT] = DB_TIME,
	[CALL_TALK] = DB_BIGINT, [CALL_HOLD] = DB_BIGINT, [CALL_DURATION] = DB_BIGINT, [CALL_HAS_RECORDING] = DB_BOOL,
	[CALL_IS_INTERNAL] = DB_BOOL, [CALL_IS_TRANSFERRED] = DB_BOOL, [CALL_END_INFERRED] = DB_BOOL,
	[CALL_LEGS] = DB_INTEGER,
};

void
columns_begin(struct db_array *columns, const enum db_type *types, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		db_array_init(&columns[i], types[i], CHANGES_COLUMN_MAX);
}

void
columns_end(struct db_array *columns, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		db_array_free(&columns[i]);
}

bool
columns_failed(const struct db_array *columns, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (columns[i].b.failed)
			return true;
	return false;
}

void
changes_begin(struct changes *c)
{
	columns_begin(c->legs, leg_types, LEGS_COLUMNS);
	columns_begin(c->merged, merged_types, MERGED_COLUMNS);
	columns_begin(c->calls, call_types, CALL_COLUMNS);
	columns_begin(c->dials, dial_types, DIAL_COLUMNS);
	columns_begin(c->ribbon, ribbon_types, RIBBON_COLUMNS);
	columns_begin(c->recordings, recording_types, REC_COLUMNS);
	columns_begin(c->dead, dead_types, DEAD_COLUMNS);
}

void
changes_end(struct changes *c)
{
	columns_end(c->legs, LEGS_COLUMNS);
	columns_end(c->merged, MERGED_COLUMNS);
	columns_end(c->calls, CALL_COLUMNS);
	columns_end(c->dials, DIAL_COLUMNS);
	columns_end(c->ribbon, RIBBON_COLUMNS);
	columns_end(c->recordings, REC_COLUMNS);
	columns_end(c->dead, DEAD_COLUMNS);
}

/* A leg's row; said NULL: only named. */
static bool
put_leg(struct db_array legs[LEGS_COLUMNS], const struct alias *a, struct uuid call_id, const struct leg *state)
{
	struct buf b;
	bool ok;

	buf_init(&b, STATE_MAX);
	if (state != NULL)
		leg_write(state, &b);
	ok = !b.failed;
	db_array_uuid(&legs[LEGS_APP], a->app);
	db_array_str(&legs[LEGS_PROVIDER], a->provider);
	db_array_str(&legs[LEGS_ID], a->id);
	db_array_uuid(&legs[LEGS_CALL], call_id);
	db_array_str(&legs[LEGS_STATE], state != NULL ? buf_as_str(&b) : STR_NONE);
	buf_free(&b);
	return ok;
}

bool
changes_new_legs(struct db_array legs[LEGS_COLUMNS], struct batch *b)
{
	size_t i;

	for (i = 0; i < b->naliases; i++)
		if (!put_leg(legs, &b->alias[i], b->alias[i].candidate, b->alias[i].said))
			return false;
	return !columns_failed(legs, LEGS_COLUMNS);
}

/* The legs of one group that were seen, being collected. */
struct legs {
	struct arena		 scratch;
	const struct leg	**leg;
	size_t			 n;
	bool			 changed;	/* something differs from what is stored */
};

static struct leg *
read_state(struct legs *l, struct str state)
{
	struct leg *leg = arena_alloc(&l->scratch, sizeof(*leg));

	/* The record is ours; one that cannot be read must not be overwritten in silence. */
	return leg != NULL && leg_read(leg, &l->scratch, state) ? leg : NULL;
}

static bool
take_alias(struct changes *c, struct legs *l, const struct group *g, struct alias *a)
{
	struct leg *now = a->said, *before = NULL, *copy;
	bool said_more = false;

	if (a->state.p != NULL) {
		before = read_state(l, a->state);
		copy = arena_alloc(&l->scratch, sizeof(*copy));
		if (before == NULL || copy == NULL)
			return false;
		*copy = *before;
		if (a->said != NULL)
			leg_join(copy, a->said);
		said_more = !leg_equal(before, copy);
		now = copy;
	} else if (!a->fresh)
		said_more = a->said != NULL;
	if (now != NULL)
		l->leg[l->n++] = now;
	if (said_more || (a->fresh && uuid_cmp(a->call_id, g->id) != 0)) {
		if (!put_leg(c->legs, a, g->id, now))
			return false;
	}
	l->changed = l->changed || said_more || a->fresh;
	return true;
}

static int
compare_legs(const void *a, const void *b)
{
	return str_cmp((*(const struct leg *const *)a)->id, (*(const struct leg *const *)b)->id);
}

static bool
collect_legs(struct changes *c, struct batch *b, const struct group *g, struct legs *l)
{
	size_t i, n = 0;

	for (i = g->aliases; i != BATCH_NONE; i = b->alias[i].next)
		n++;
	for (i = g->siblings; i != BATCH_NONE; i = b->sibling[i].next)
		n++;
	l->leg = arena_alloc(&l->scratch, n * sizeof(*l->leg));
	if (l->leg == NULL)
		return false;
	for (i = g->aliases; i != BATCH_NONE; i = b->alias[i].next)
		if (!take_alias(c, l, g, &b->alias[i]))
			return false;
	for (i = g->siblings; i != BATCH_NONE; i = b->sibling[i].next)
		if (b->sibling[i].state.p != NULL && (l->leg[l->n++] = read_state(l, b->sibling[i].state)) == NULL)
			return false;
	/* Of an endless call every batch must look at the same legs, however they came. */
	if (l->n > CALL_LEGS_MAX) {
		qsort(l->leg, l->n, sizeof(*l->leg), compare_legs);
		l->n = CALL_LEGS_MAX;
	}
	return true;
}

/* A call must have begun: when nobody said so, at the first time told, and failing that when its id was made. */
static int64_t
begun(const struct call *call, struct uuid id)
{
	const int64_t told[] = { call->started, call->rang, call->connected, call->state_ts, call->ended };
	int64_t ms = 0;
	size_t i;

	for (i = 0; i < COUNT(told); i++)
		if (told[i] >= 0 && told[i] <= DB_TIME_MAX_MS)
			return told[i];
	for (i = 0; i < 6; i++)
		ms = ms << 8 | id.b[i];
	return ms;
}

static void
put_call(struct db_array *to, const struct alias *a, const struct group *g, const struct call *call)
{
	int64_t number = INT64_MIN;

	if (str_eq(a->provider, STR("dialpad")) && !num_i64(call->provider_id, 1, INT64_MAX, &number))
		number = INT64_MIN;
	db_array_uuid(&to[CALL_APP_ID], a->app);
	db_array_uuid(&to[CALL_ID], g->id);
	db_array_str(&to[CALL_PROVIDER], a->provider);
	db_array_str(&to[CALL_PROVIDER_ID], call->provider_id);
	db_array_int(&to[CALL_DIALPAD_ID], number);
	db_array_str(&to[CALL_DIRECTION], call->direction);
	db_array_str(&to[CALL_FROM], call->from);
	db_array_str(&to[CALL_TO], call->to);
	db_array_str(&to[CALL_EXTERNAL], call->external);
	db_array_str(&to[CALL_INTERNAL], call->internal);
	db_array_str(&to[CALL_STATUS], str_c(call_status_word(call->status)));
	db_array_str(&to[CALL_OUTCOME], str_c(call->outcome));
	db_array_str(&to[CALL_STATE], call->state);
	db_array_time_ms(&to[CALL_STATE_AT], call->state_ts);
	db_array_time_ms(&to[CALL_STARTED], begun(call, g->id));
	db_array_time_ms(&to[CALL_RANG], call->rang);
	db_array_time_ms(&to[CALL_CONNECTED], call->connected);
	db_array_time_ms(&to[CALL_ENDED_AT], call->ended);
	db_array_int(&to[CALL_TALK], call->talk_ms);
	db_array_int(&to[CALL_HOLD], call->hold_ms);
	db_array_int(&to[CALL_DURATION], call->duration_ms);
	db_array_str(&to[CALL_AGENT_ID], call->agent_id);
	db_array_str(&to[CALL_AGENT_NAME], call->agent_name);
	db_array_str(&to[CALL_AGENT_EMAIL], call->agent_email);
	db_array_str(&to[CALL_GROUP_TYPE], call->group_type);
	db_array_str(&to[CALL_GROUP_ID], call->group_id);
	db_array_str(&to[CALL_GROUP_NAME], call->group_name);
	db_array_str(&to[CALL_CONTACT_ID], call->contact_id);
	db_array_str(&to[CALL_CONTACT_NAME], call->contact_name);
	db_array_str(&to[CALL_CUSTOM_DATA], call->custom_data);
	db_array_str(&to[CALL_TRANSCRIPTION], call->transcription);
	db_array_str(&to[CALL_RECORDING_URL], call->recording_url);
	db_array_str(&to[CALL_RECORDING_TYPE], call->recording_type);
	db_array_bool(&to[CALL_HAS_RECORDING], call->nrec > 0 || call->recording_url.n > 0);
	db_array_bool(&to[CALL_IS_INTERNAL], call->internal_call);
	db_array_bool(&to[CALL_IS_TRANSFERRED], call->transferred);
	db_array_bool(&to[CALL_END_INFERRED], call->end_inferred);
	db_array_int(&to[CALL_LEGS], g->legs < INT32_MAX ? g->legs : INT32_MAX);
}

/* A call that we placed says so in its custom data. From here on that is what the client gave, and nothing else. */
static void
put_origin(struct changes *c, const struct alias *a, const struct group *g, struct call *call)
{
	struct uuid dial = { 0 };
	bool tagged = dial_tag_take(&call->custom_data, &dial);

	if (str_eq(a->provider, STR("exotel"))) {	/* its calls may be known by their id alone */
		db_array_uuid(&c->ribbon[RIBBON_APP], a->app);
		db_array_str(&c->ribbon[RIBBON_SID], call->provider_id);
		db_array_uuid(&c->ribbon[RIBBON_ID], dial);
		db_array_uuid(&c->ribbon[RIBBON_CALL], g->id);
	} else if (tagged) {
		db_array_uuid(&c->dials[DIAL_APP], a->app);
		db_array_uuid(&c->dials[DIAL_ID], dial);
		db_array_uuid(&c->dials[DIAL_CALL], g->id);
	}
}

/* The key of a recording's row. Addresses can be longer than an index takes, so long ones stand for themselves by their digest. */
static void
put_recording_key(struct db_array *to, const struct leg_recording *r)
{
	struct str key = leg_recording_key(r);
	char text[7 + 2 * SHA256_SIZE + 1] = "sha256:";
	unsigned char digest[SHA256_SIZE];

	if (key.n > RECORDING_KEY_MAX) {
		hash_sha256(digest, key);
		hex_encode(text + 7, digest, sizeof(digest));
		key = str_c(text);
	}
	db_array_str(to, key);
}

static void
put_recordings(struct db_array *to, const struct alias *a, const struct group *g, const struct call *call)
{
	size_t i;

	for (i = 0; i < call->nrec; i++) {
		const struct leg_recording *r = &call->rec[i];
		db_array_uuid(&to[REC_APP], a->app);
		db_array_uuid(&to[REC_CALL], g->id);
		put_recording_key(&to[REC_ID], r);
		db_array_str(&to[REC_TYPE], r->type);
		db_array_str(&to[REC_URL], r->url);
		db_array_time_ms(&to[REC_START], r->start_ms);
		db_array_int(&to[REC_DURATION], r->duration_ms);
	}
}

static bool
take_group(struct changes *c, struct batch *b, const struct group *g)
{
	const struct alias *a = &b->alias[g->aliases];
	struct legs l = { 0 };
	struct call call;
	size_t i;
	bool ok;

	arena_init(&l.scratch, SCRATCH_MAX);
	ok = collect_legs(c, b, g, &l);
	if (ok && (l.changed || g->nlosers > 0)) {
		call_derive(&call, l.leg, l.n);
		put_origin(c, a, g, &call);
		put_call(c->calls, a, g, &call);
		put_recordings(c->recordings, a, g, &call);
	}
	for (i = 0; ok && i < g->nlosers; i++) {
		db_array_uuid(&c->merged[MERGED_APP], a->app);
		db_array_uuid(&c->merged[MERGED_LOSER], g->losers[i]);
		db_array_uuid(&c->merged[MERGED_WINNER], g->id);
	}
	arena_free(&l.scratch);
	return ok;
}

static void
take_dead(struct changes *c, const struct event_at_work *e)
{
	db_array_uuid(&c->dead[DEAD_APP], e->app);
	db_array_uuid(&c->dead[DEAD_ID], e->id);
	db_array_str(&c->dead[DEAD_RECEIVED], e->received_at);
	db_array_int(&c->dead[DEAD_ATTEMPTS], e->attempts);
	db_array_str(&c->dead[DEAD_REASON], str_c(e->dead));
}

bool
changes_from_batch(struct changes *c, struct batch *b)
{
	size_t i;

	for (i = 0; i < b->ngroups; i++)
		if (!take_group(c, b, &b->group[i]))
			return false;
	for (i = b->nlive; i < b->nevents; i++)
		take_dead(c, &b->event[i]);
	return !columns_failed(c->legs, LEGS_COLUMNS) && !columns_failed(c->merged, MERGED_COLUMNS) &&
	    !columns_failed(c->calls, CALL_COLUMNS) && !columns_failed(c->dials, DIAL_COLUMNS) &&
	    !columns_failed(c->ribbon, RIBBON_COLUMNS) && !columns_failed(c->recordings, REC_COLUMNS) &&
	    !columns_failed(c->dead, DEAD_COLUMNS);
}
