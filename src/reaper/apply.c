/*
 * apply: from the events of a batch to the calls they touch. Serialises with other reapers by two things only:
 * inserting leg ids, in one order, and locking calls, in one order. Whoever holds a call's lock is the only one to
 * change its legs, so what is read after the lock is true until the commit. Nothing here decides what a call is: model/
 * does.
 */
#include <sys/types.h>

#include "base/clock.h"
#include "model/call.h"
#include "reaper/internal.h"

#define STATE_BYTES_MAX	((int64_t)64 << 20)	/* of all stored legs of a batch's calls */

_Static_assert(REAPER_CALL_LEGS_LOADED == CALL_LEGS_MAX + 1, "one more than is looked at, to know that there are more");

enum lock_result { LOCK_APP, LOCK_ID, LOCK_LEGS };
enum { ADDED, LOCKED, FOUND };		/* statements of the first job */
enum { LOADED, STATES };		/* of the second */

static void	on_locked(void *arg, const struct db_result *result);
static void	on_loaded(void *arg, const struct db_result *result);

static const char too_big[] = "the calls of a batch hold too many bytes, or a stored leg cannot be read";

void
apply_begin(struct reaper *r)
{
	struct batch *b = &r->batch;
	struct db_array legs[LEGS_COLUMNS];
	struct db_job *j;
	int i;
	DB_PARAMS(p, LEGS_COLUMNS + 1);

	if (!batch_name_aliases(b)) {
		retry_fault(r, AFTER_SPLIT, too_big);
		return;
	}
	if (b->naliases == 0) {		/* dead ones only */
		write_begin(r);
		return;
	}
	columns_begin(legs, leg_types, LEGS_COLUMNS);
	if (!changes_new_legs(legs, b)) {
		columns_end(legs, LEGS_COLUMNS);
		retry_fault(r, AFTER_SPLIT, too_big);
		return;
	}
	for (i = 0; i < LEGS_COLUMNS; i++)
		db_put_array(&p, &legs[i]);
	db_put_time_ms(&p, b->now_ms);
	j = reaper_job(r, on_locked);
	db_job_add(j, R_LEGS_ADD, p.p, p.n);
	db_job_add(j, R_CALLS_LOCK, p.p, LEGS_ID + 1);
	db_job_add(j, R_ALIASES, p.p, LEGS_ID + 1);
	db_job_submit(j);
	columns_end(legs, LEGS_COLUMNS);
}

static bool
keep_calls(struct batch *b, const struct db_result *result)
{
	int i, n = db_rows(result, LOCKED);

	b->call = batch_array(b, (size_t)n, sizeof(*b->call));
	if (b->call == NULL)
		return false;
	for (i = 0; i < n; i++) {
		struct known_call *c = &b->call[i];
		if (!db_uuid(result, LOCKED, i, LOCK_APP, &c->app) || !db_uuid(result, LOCKED, i, LOCK_ID, &c->id))
			return false;
		c->legs = db_i64(result, LOCKED, i, LOCK_LEGS, 0);
	}
	b->ncalls = (size_t)n;
	return true;
}

/* Every alias must lead to a call that is new or locked by us; a merge that was quicker may have moved one. */
static bool
place_aliases(struct batch *b, const struct db_result *result)
{
	struct uuid call;
	int64_t ord;
	size_t placed = 0;
	int i, n = db_rows(result, FOUND);

	for (i = 0; i < n; i++) {
		ord = db_i64(result, FOUND, i, 0, 0);
		if (ord < 1 || (size_t)ord > b->naliases || !db_uuid(result, FOUND, i, 1, &call) ||
		    !batch_alias_found(b, (size_t)ord - 1, call))
			return false;
		placed++;
	}
	return placed == b->naliases;
}

/* Leaves only the calls that an alias leads to. */
static void
drop_untouched(struct batch *b)
{
	size_t i, n = 0;

	for (i = 0; i < b->ncalls; i++)
		if (b->call[i].provider.p != NULL)
			b->call[n++] = b->call[i];
	b->ncalls = n;
}

/* The stored legs of the calls; the aliases' own besides when a call has more legs than are read. */
static void
ask_legs(struct reaper *r)
{
	struct batch *b = &r->batch;
	static const enum db_type types[] = { DB_UUID, DB_UUID, DB_UUID, DB_TEXT, DB_TEXT };
	struct db_array column[5];
	struct db_job *j;
	bool more = false;
	size_t i;
	DB_PARAMS(calls, 3);
	DB_PARAMS(aliases, 3);

	columns_begin(column, types, 5);
	for (i = 0; i < b->ncalls; i++) {
		db_array_uuid(&column[0], b->call[i].app);
		db_array_uuid(&column[1], b->call[i].id);
		more = more || b->call[i].legs > CALL_LEGS_MAX;
	}
	for (i = 0; more && i < b->naliases; i++) {
		db_array_uuid(&column[2], b->alias[i].app);
		db_array_str(&column[3], b->alias[i].provider);
		db_array_str(&column[4], b->alias[i].id);
	}
	if (columns_failed(column, 5)) {
		columns_end(column, 5);
		retry_fault(r, AFTER_SPLIT, too_big);
		return;
	}
	db_put_array(&calls, &column[0]);
	db_put_array(&calls, &column[1]);
	db_put_i64(&calls, STATE_BYTES_MAX);
	for (i = 2; i < 5; i++)
		db_put_array(&aliases, &column[i]);
	j = reaper_job(r, on_loaded);
	db_job_add(j, R_LEGS_LOAD, calls.p, calls.n);
	if (more)
		db_job_add(j, R_STATES, aliases.p, aliases.n);
	db_job_submit(j);
	columns_end(column, 5);
}

static void
on_locked(void *arg, const struct db_result *result)
{
	struct reaper *r = arg;
	struct batch *b = &r->batch;

	if (db_outcome(result) != DB_OK) {
		retry_failed(r, result);
		return;
	}
	if (!keep_calls(b, result)) {
		retry_fault(r, AFTER_SPLIT, too_big);
		return;
	}
	if (!place_aliases(b, result)) {
		retry_fault(r, AFTER_AGAIN, "another reaper merged the same calls meanwhile");
		return;
	}
	drop_untouched(b);
	if (b->ncalls > 0)
		ask_legs(r);
	else
		write_begin(r);
}

static bool
keep_legs(struct batch *b, const struct db_result *result)
{
	int i, n = db_rows(result, LOADED);
	int64_t ord;

	b->sibling = batch_array(b, (size_t)n, sizeof(*b->sibling));
	if (b->sibling == NULL || n >= REAPER_LEG_ROWS_MAX)
		return false;
	for (i = 0; i < n; i++) {
		ord = db_i64(result, LOADED, i, 0, 0);
		if (ord < 1 || (size_t)ord > b->ncalls || !db_bool(result, LOADED, i, 3) ||
		    !batch_leg_loaded(b, (size_t)ord - 1, db_text(result, LOADED, i, 1), db_text(result, LOADED, i, 2)))
			return false;
	}
	return true;
}

static bool
keep_states(struct batch *b, const struct db_result *result)
{
	int i, n = db_rows(result, STATES);
	struct alias *a;
	struct str state;
	int64_t ord;

	for (i = 0; i < n; i++) {
		ord = db_i64(result, STATES, i, 0, 0);
		if (ord < 1 || (size_t)ord > b->naliases)
			return false;
		a = &b->alias[ord - 1];
		state = db_text(result, STATES, i, 1);
		if (a->loaded)
			continue;
		a->state = arena_str(&b->arena, state);
		a->loaded = a->state.p != NULL || state.p == NULL;
	}
	return true;
}

static void
on_loaded(void *arg, const struct db_result *result)
{
	struct reaper *r = arg;
	struct batch *b = &r->batch;
	size_t i;

	if (db_outcome(result) != DB_OK) {
		retry_failed(r, result);
		return;
	}
	if (!keep_legs(b, result) || !keep_states(b, result)) {
		retry_fault(r, AFTER_SPLIT, too_big);
		return;
	}
	for (i = 0; i < b->naliases; i++) {
		if (!b->alias[i].loaded) {	/* its state would be overwritten unread */
			retry_fault(r, AFTER_AGAIN, "a leg moved while its call was locked");
			return;
		}
	}
	write_begin(r);
}
