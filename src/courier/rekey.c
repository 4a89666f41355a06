/*
 * rekey: seals anew, under the newest key, what is sealed under another. A step is one page of one column: read, opened,
 * sealed, written where it has not changed meanwhile. There is no state between steps but the rows themselves: who asks
 * says where to go on, and a pass that was interrupted is made again and finds only what is left. What does not open is
 * reported and left as it is, for a key that may come back.
 */
#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "courier/internal.h"
#include "db/array.h"

#define POSITION_SIZE	(64 + 2 * UUID_TEXT_SIZE)
#define RECORDS_MAX	((size_t)64 * 1024 * 1024)	/* of a page: COURIER_PAGE records of ENVELOPE_MAX, with room */
#define PROBLEMS_MAX	50				/* described in one answer; all are counted and logged */

struct position {
	size_t		column;		/* of sealed_columns */
	struct uuid	app, row;	/* the last one done */
};

struct step {
	struct courier		*courier;
	struct link_request	*rq;
	struct position		 at;
	bool			 last;		/* nothing comes after it */
	int64_t			 seen, resealed, unreadable;
	struct db_array		 apps, ids, old, fresh;
	struct buf		 problems;	/* JSON: objects of an array that is not closed yet */
	struct json_out		 problem;
};

/* "TABLE.COLUMN APP ROW"; empty: the beginning. */
static bool
parse_position(struct position *p, struct str text)
{
	struct str name, app;
	char column[64];

	*p = (struct position){ .column = 0 };
	if (text.n == 0)
		return true;
	if (!str_cut(&text, ' ', &name) || !str_cut(&text, ' ', &app) || !uuid_parse(app, &p->app) ||
	    !uuid_parse(text, &p->row))
		return false;
	for (; p->column < SEALED_COLUMNS; p->column++) {
		snprintf(column, sizeof(column), "%s.%s", sealed_columns[p->column].table,
		    sealed_columns[p->column].column);
		if (str_eq(name, str_c(column)))
			return true;
	}
	return false;
}

static void
format_position(char out[POSITION_SIZE], const struct position *p)
{
	char app[UUID_TEXT_SIZE], row[UUID_TEXT_SIZE];

	uuid_format(app, p->app);
	uuid_format(row, p->row);
	snprintf(out, POSITION_SIZE, "%s.%s %s %s", sealed_columns[p->column].table, sealed_columns[p->column].column, app, row);
}

static void
step_free(struct step *s)
{
	db_array_free(&s->apps);
	db_array_free(&s->ids);
	db_array_free(&s->old);
	db_array_free(&s->fresh);
	buf_free(&s->problems);
	free(s);
}

static void
failed(struct step *s, const struct db_result *r)
{
	courier_answer_db(s->rq, r);
	step_free(s);
}

static void
finish(struct step *s)
{
	char next[POSITION_SIZE];
	struct json_out j;
	struct buf b;

	format_position(next, &s->at);
	json_arr_end(&s->problem);
	buf_init(&b, COURIER_JSON_MAX);
	json_out_init(&j, &b);
	json_obj(&j);
	json_kint(&j, "newest", keyring_newest(&s->courier->keys)->id);
	json_kint(&j, "seen", s->seen);
	json_kint(&j, "resealed", s->resealed);
	json_kint(&j, "unreadable", s->unreadable);
	json_key(&j, "problems");
	json_raw_value(&j, buf_as_str(&s->problems));
	json_kstr(&j, "next", s->last ? STR_NONE : str_c(next));
	json_obj_end(&j);
	courier_answer_json(s->rq, &j);
	step_free(s);
}

static void
written(void *arg, const struct db_result *r)
{
	struct step *s = arg;

	if (db_outcome(r) != DB_OK) {
		failed(s, r);
		return;
	}
	s->resealed = db_affected(r, 0);
	finish(s);
}

static void
add_problem(struct step *s, const struct envelope_place *at, enum envelope_result result)
{
	char id[UUID_TEXT_SIZE];

	if (++s->unreadable > PROBLEMS_MAX)
		return;
	json_obj(&s->problem);
	json_kstr(&s->problem, "table", str_c(at->table));
	json_kstr(&s->problem, "column", str_c(at->column));
	uuid_format(id, at->app);
	json_kstr(&s->problem, "app_id", str_c(id));
	uuid_format(id, at->row);
	json_kstr(&s->problem, "id", str_c(id));
	json_kstr(&s->problem, "why", str_c(envelope_result_text(result)));
	json_obj_end(&s->problem);
}

/* One record, in hex, to its successor. */
static void
reseal(struct step *s, const struct envelope_place *at, struct str hex)
{
	unsigned char *record = malloc(hex.n / 2 + 1);
	long n = record != NULL ? hex_decode(record, hex.n / 2, hex) : -1;
	struct secret plain = { 0 };
	struct buf fresh;
	enum envelope_result result = n < 0 ? ENVELOPE_NO_MEMORY :
	    courier_open(s->courier, &plain, at, (struct str){ (char *)record, (size_t)n });

	buf_init(&fresh, ENVELOPE_MAX);
	if (result == ENVELOPE_OK && !courier_seal(s->courier, &fresh, at, &plain))
		result = ENVELOPE_NO_MEMORY;
	if (result == ENVELOPE_OK) {
		db_array_uuid(&s->apps, at->app);
		db_array_uuid(&s->ids, at->row);
		db_array_bytes(&s->old, record, (size_t)n);
		db_array_bytes(&s->fresh, fresh.p, fresh.len);
	} else
		add_problem(s, at, result);
	secret_free(&plain);
	buf_free(&fresh);
	free(record);
}

static void
write_back(struct step *s, size_t column)
{
	struct db_job *j;
	DB_PARAMS(p, 4);

	if (s->apps.b.failed || s->ids.b.failed || s->old.b.failed || s->fresh.b.failed) {
		courier_answer_text(s->rq, FRAME_BUSY, "out of memory for a page of records");
		step_free(s);
		return;
	}
	db_put_array(&p, &s->apps);
	db_put_array(&p, &s->ids);
	db_put_array(&p, &s->old);
	db_put_array(&p, &s->fresh);
	j = db_job_new(s->courier->db, 0, written, s);
	db_job_add(j, C_RESEAL + (int)column, p.p, p.n);
	db_job_submit(j);
}

static void
got_page(void *arg, const struct db_result *r)
{
	struct step *s = arg;
	size_t column = s->at.column;
	struct envelope_place at = { sealed_columns[column].table, sealed_columns[column].column, { { 0 } }, { { 0 } } };
	int rows = db_rows(r, 0);

	if (db_outcome(r) != DB_OK) {
		failed(s, r);
		return;
	}
	for (int i = 0; i < rows; i++) {
		if (!db_uuid(r, 0, i, 0, &at.app) || !db_uuid(r, 0, i, 1, &at.row))
			continue;
		s->seen++;
		s->at.app = at.app;
		s->at.row = at.row;
		if (db_text(r, 0, i, 2).p != NULL)
			reseal(s, &at, db_text(r, 0, i, 2));
	}
	if (rows < COURIER_PAGE) {
		s->last = column + 1 == SEALED_COLUMNS;
		if (!s->last)
			s->at = (struct position){ .column = column + 1 };
	}
	if (s->apps.n > 0)
		write_back(s, column);
	else
		finish(s);
}

void
courier_rekey(struct courier *c, struct link_request *rq)
{
	unsigned char head[ENVELOPE_HEAD];
	struct position from;
	struct db_job *j;
	struct step *s;
	DB_PARAMS(p, 3);

	if (rq->nfields != 1 || !parse_position(&from, rq->field[0])) {
		courier_answer_text(rq, FRAME_INVALID, "not a place to go on from");
		return;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL) {
		courier_answer_text(rq, FRAME_BUSY, "out of memory");
		return;
	}
	s->courier = c;
	s->rq = rq;
	s->at = from;
	db_array_init(&s->apps, DB_UUID, RECORDS_MAX);
	db_array_init(&s->ids, DB_UUID, RECORDS_MAX);
	db_array_init(&s->old, DB_BYTEA, RECORDS_MAX);
	db_array_init(&s->fresh, DB_BYTEA, RECORDS_MAX);
	buf_init(&s->problems, COURIER_JSON_MAX / 2);
	json_out_init(&s->problem, &s->problems);
	json_arr(&s->problem);
	envelope_head(head, keyring_newest(&c->keys)->id);
	db_put_bytes(&p, head, sizeof(head));
	db_put_uuid(&p, from.app);
	db_put_uuid(&p, from.row);
	j = db_job_new(c->db, 0, got_page, s);
	db_job_add(j, C_PAGE + (int)from.column, p.p, p.n);
	db_job_submit(j);
}

/* ---- how much there is to do */

struct count {
	struct courier		*courier;
	struct link_request	*rq;
};

static void
counted(void *arg, const struct db_result *r)
{
	struct count *k = arg;
	struct json_out j;
	int64_t stale = 0;
	struct buf b;

	if (db_outcome(r) != DB_OK) {
		courier_answer_db(k->rq, r);
		free(k);
		return;
	}
	for (int i = 0; i < SEALED_COLUMNS; i++)
		stale += db_i64(r, i, 0, 0, 0);
	buf_init(&b, COURIER_JSON_MAX);
	json_out_init(&j, &b);
	json_obj(&j);
	courier_write_keys(k->courier, &j);
	json_kint(&j, "stale", stale);
	json_obj_end(&j);
	courier_answer_json(k->rq, &j);
	free(k);
}

void
courier_keys(struct courier *c, struct link_request *rq)
{
	struct count *k = calloc(1, sizeof(*k));
	unsigned char head[ENVELOPE_HEAD];
	struct db_job *j;
	DB_PARAMS(p, 1);

	if (k == NULL) {
		courier_answer_text(rq, FRAME_BUSY, "out of memory");
		return;
	}
	k->courier = c;
	k->rq = rq;
	envelope_head(head, keyring_newest(&c->keys)->id);
	db_put_bytes(&p, head, sizeof(head));
	j = db_job_new(c->db, 0, counted, k);
	for (int i = 0; i < SEALED_COLUMNS; i++)
		db_job_add(j, C_STALE + i, p.p, p.n);
	db_job_submit(j);
}
