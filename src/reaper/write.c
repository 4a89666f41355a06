/*
 * write: the last job of a batch: everything it changes, one statement a table, and the commit. If any statement fails
 * the rest is skipped, the commit too, and the batch is rolled back.
 */
#include <sys/types.h>

#include "reaper/internal.h"

static void
put_columns(struct db_params *p, struct db_array *columns, int n)
{
	int i;

	for (i = 0; i < n; i++)
		db_put_array(p, &columns[i]);
}

static void
add_merges(struct db_job *j, struct changes *c, int64_t now_ms)
{
	DB_PARAMS(p, MERGED_COLUMNS + 1);

	put_columns(&p, c->merged, MERGED_COLUMNS);
	db_put_time_ms(&p, now_ms);
	db_job_add(j, R_LEGS_MOVE, p.p, p.n);
	db_job_add(j, R_REDIRECTS_MOVE, p.p, MERGED_COLUMNS);
	db_job_add(j, R_REDIRECTS_ADD, p.p, MERGED_COLUMNS);
	db_job_add(j, R_RECORDINGS_DROP, p.p, MERGED_LOSER + 1);
	db_job_add(j, R_CALLS_DROP, p.p, MERGED_LOSER + 1);
}

static void
add_columns(struct db_job *j, int stmt, struct db_array *columns, int n, bool with_now, int64_t now_ms)
{
	DB_PARAMS(p, CALL_COLUMNS + 1);

	if (columns[0].n == 0)
		return;
	put_columns(&p, columns, n);
	if (with_now)
		db_put_time_ms(&p, now_ms);
	db_job_add(j, stmt, p.p, p.n);
}

static void
on_written(void *arg, const struct db_result *result)
{
	struct reaper *r = arg;
	size_t applied = r->batch.nlive, dead = r->batch.nevents - r->batch.nlive;

	changes_end(&r->changes);
	if (db_outcome(result) != DB_OK)
		retry_failed(r, result);
	else
		retry_succeeded(r, applied, dead);
}

void
write_begin(struct reaper *r)
{
	struct batch *b = &r->batch;
	struct changes *c = &r->changes;
	struct db_job *j;

	changes_begin(c);
	if (!batch_group(b) || !changes_from_batch(c, b)) {
		changes_end(c);
		retry_fault(r, AFTER_SPLIT, "the calls of a batch hold too many bytes, or a stored leg cannot be read");
		return;
	}
	j = reaper_job(r, on_written);
	add_columns(j, R_LEGS_WRITE, c->legs, LEGS_COLUMNS, true, b->now_ms);
	if (c->merged[0].n > 0)
		add_merges(j, c, b->now_ms);
	add_columns(j, R_CALLS_WRITE, c->calls, CALL_COLUMNS, true, b->now_ms);
	add_columns(j, R_DIALS_JOIN, c->dials, DIAL_COLUMNS, false, 0);
	add_columns(j, R_RIBBON_JOIN, c->ribbon, RIBBON_COLUMNS, true, b->now_ms);
	add_columns(j, R_RECORDINGS_TRIM, c->recordings, REC_ID + 1, false, 0);
	add_columns(j, R_RECORDINGS_WRITE, c->recordings, REC_COLUMNS, false, 0);
	add_columns(j, R_DEAD_ADD, c->dead, DEAD_COLUMNS, true, b->now_ms);
	db_job_add(j, R_COMMIT, NULL, 0);
	db_job_submit(j);
}
