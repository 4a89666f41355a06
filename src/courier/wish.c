/*
 * wish: see wish.h.
 */
#include <sys/types.h>

#include <stdlib.h>

#include "base/clock.h"
#include "courier/wish.h"

static struct wish *
find(const struct wishes *all, struct uuid app, struct uuid id)
{
	struct wish *w;

	LIST_FOREACH(w, all, link)
		if (uuid_cmp(w->id, id) == 0 && uuid_cmp(w->app, app) == 0)
			return w;
	return NULL;
}

enum wish_begun
wish_begin(struct wish **out, struct wishes *all, struct courier *c, struct link_request *rq, size_t size)
{
	struct uuid app, id;
	struct wish *w;

	if (rq->nfields != 2 || !uuid_parse(rq->field[0], &app) || !uuid_parse(rq->field[1], &id)) {
		courier_answer_text(rq, FRAME_INVALID, "expected an app and a call");
		return WISH_JOINED;
	}
	w = find(all, app, id);
	if (w != NULL && w->nwaiters == WISH_WAITERS)
		return WISH_CROWDED;
	if (w != NULL) {
		w->waiter[w->nwaiters++] = rq;
		return WISH_JOINED;
	}
	w = calloc(1, size);
	if (w == NULL) {
		courier_answer_text(rq, FRAME_BUSY, "out of memory");
		return WISH_JOINED;
	}
	LIST_INSERT_HEAD(all, w, link);
	w->courier = c;
	w->app = app;
	w->id = id;
	w->waiter[w->nwaiters++] = rq;
	w->deadline_ms = rq->deadline_ms - 2 * FRAME_MARGIN_MS;
	*out = w;
	return WISH_NEW;
}

void
wish_take(struct wish *w, enum courier_stmt take, db_fn taken)
{
	struct db_job *j;
	DB_PARAMS(p, 3);

	db_put_uuid(&p, w->app);
	db_put_uuid(&p, w->id);
	db_put_time_ms(&p, clock_real_ms());
	j = db_job_new(w->courier->db, 0, taken, w);
	db_job_add(j, (int)take, p.p, p.n);
	db_job_submit(j);
}

void
wish_db_failed(struct wish *w, const struct db_result *r)
{
	for (size_t i = 0; i < w->nwaiters; i++)
		courier_answer_db(w->waiter[i], r);
	wish_free(w);
}

void
wish_free(struct wish *w)
{
	LIST_REMOVE(w, link);
	free(w);
}
