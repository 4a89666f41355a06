/*
 * calls_query: what a client asks of GET /api/calls, checked; and the cursor, which is opaque, authenticated, and bound to the tenant and to the
 * filters it was made for, so that it is of no use to anybody else nor for another question.
 */
#ifndef RINGD_CALLS_QUERY_H
#define RINGD_CALLS_QUERY_H

#include "base/arena.h"
#include "base/secret.h"
#include "base/uuid.h"
#include "conf/conf.h"
#include "db/param.h"
#include "db/stmt_worker.h"

#define CURSOR_TEXT_SIZE	80	/* base64url of a cursor, and a NUL */

struct calls_query {
	enum calls_by	by;
	int64_t		limit, offset;
	struct str	status, direction, number, agent;
	int		has_recording;		/* -1 not asked */
	int64_t		from_us, to_us;		/* INT64_MIN, INT64_MAX: open */
	struct str	cursor_text;		/* as sent; absent when none */
	/* out of the cursor: */
	bool		resumed;
	int64_t		after_us;		/* last row's started_at; INT64_MAX at the start */
	struct uuid	after_id;
	int64_t		total;			/* -1 unknown */
	bool		total_capped;
};

/* Parses and checks. On false *code is a stable word and message (of size n) says what, where and what was expected. only_active: the /active
 * route, which takes limit, offset and cursor alone. */
bool	calls_query_parse(struct calls_query *q, struct arena *a, struct str query, const struct conf *c, bool only_active,
	    const char **code, char *message, size_t n);
/* Opens q->cursor_text for this tenant and these filters; false: not one of ours, or for another question. */
bool	calls_cursor_open(struct calls_query *q, const struct secret *key, const char *app);
void	calls_cursor_make(char out[CURSOR_TEXT_SIZE], const struct calls_query *q, const struct secret *key, const char *app,
	    int64_t after_us, struct uuid after_id, int64_t total, bool total_capped);
/* Parameters $3 to $13 of a page or a total. */
void	calls_query_params(struct db_params *a, const struct calls_query *q, int64_t rows, int64_t offset);

#endif
