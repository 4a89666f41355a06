/*
 * call_recordings: the recordings of all legs as one list, each once, and the one to show first. As everywhere in the
 * model, what is kept when there are too many may not depend on the order of arrival.
 */
#include <sys/types.h>

#include <stdlib.h>

#include "base/count.h"
#include "model/call_tree.h"

static int
recording_by_start(const void *a, const void *b)
{
	const struct leg_recording	*ra = a, *rb = b;
	int				 c;

	if (ra->start_ms != rb->start_ms) {
		if (ra->start_ms == LEG_NONE || rb->start_ms == LEG_NONE)
			return ra->start_ms == LEG_NONE ? 1 : -1;
		return ra->start_ms < rb->start_ms ? -1 : 1;
	}
	if ((c = str_cmp(leg_recording_key(ra), leg_recording_key(rb))) != 0)
		return c;
	return (rb->id.p != NULL) - (ra->id.p != NULL);
}

/* A bare address that one event gave and another gave with an id, or as an id, is one recording. Those with an id stand first. */
static bool
is_repeated(const struct call *c, const struct leg_recording *r)
{
	size_t	i;

	for (i = 0; i < c->nrec && r->id.p == NULL && c->rec[i].id.p != NULL; i++) {
		if (str_eq(c->rec[i].url, r->url) || str_eq(c->rec[i].id, r->url))
			return true;
	}
	return false;
}

static size_t
recording_worth(const struct leg_recording *r)
{
	static const char *const	preferred[] = { "voicemail", "admincallrecording", "callrecording" };
	size_t				i;

	for (i = COUNT(preferred); i > 0; i--) {
		if (str_eq(r->type, str_c(preferred[i - 1])))
			return i;
	}
	return 0;
}

void
call_take_recordings(struct call *c, const struct call_tree *t)
{
	const struct leg_recording	*best = NULL;
	size_t				 i, k, kept = 0;

	for (i = 0; i < t->n; i++) {
		for (k = 0; k < t->legs[i]->nrec; k++)
			c->nrec = leg_recording_put(c->rec, c->nrec, CALL_RECORDINGS_MAX, &t->legs[i]->rec[k]);
	}
	for (i = 0; i < c->nrec; i++) {
		if (!is_repeated(c, &c->rec[i]))
			c->rec[kept++] = c->rec[i];
	}
	c->nrec = kept;
	qsort(c->rec, c->nrec, sizeof(c->rec[0]), recording_by_start);
	for (i = 0; i < c->nrec; i++) {
		if (c->rec[i].url.p != NULL && (best == NULL || recording_worth(&c->rec[i]) > recording_worth(best)))
			best = &c->rec[i];
	}
	if (best == NULL)
		return;
	c->recording_url = best->url;
	c->recording_type = best->type;
}
