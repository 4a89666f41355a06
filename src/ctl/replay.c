/*
 * replay: puts stored events back into the queue, for the reaper to apply again. Applying is idempotent, so doing it
 * twice is only work. Goes through many in batches, a transaction each, so that nothing is locked for long; an event
 * that is no longer stored cannot be replayed and stays among the dead.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/json_write.h"
#include "ctl/nouns.h"

#define BATCH		500
#define BATCH_TEXT	"500"
#define ARRAY_BYTES	((size_t)16 * 1024 * 1024)

static const struct table_column columns[] = {
	{ "put back", "requeued", COLUMN_NUMBER, false },
	{ "waiting already", "waiting", COLUMN_NUMBER, false },
	{ "not of a call", "not_calls", COLUMN_NUMBER, false },
	{ "no longer stored", "gone", COLUMN_NUMBER, false },
};

struct replay {
	struct ctl	*c;
	struct buf	 apps, ids, times;	/* three array literals, of the batch */
	int		 n;			/* events in them */
	int64_t		 requeued, waiting, not_calls, gone;
};

static void
array_add(struct buf *b, struct str value)
{
	buf_putc(b, b->len == 0 ? '{' : ',');
	buf_putc(b, '"');
	buf_str(b, value);
	buf_putc(b, '"');
}

/* Uuids and times as the database wrote them: nothing in them needs an escape. */
static void
add(struct replay *p, const struct dbs_result *r, int row)
{
	array_add(&p->apps, dbs_text(r, row, 0));
	array_add(&p->ids, dbs_text(r, row, 1));
	array_add(&p->times, dbs_text(r, row, 2));
	p->n++;
}

static void
replay_reset(struct replay *p)
{
	buf_free(&p->apps);
	buf_free(&p->ids);
	buf_free(&p->times);
	p->n = 0;
}

/* In the caller's transaction. */
static int
put_back(struct replay *p)
{
	char			 actor[CTL_ACTOR_SIZE];
	struct dbs_result	*r;
	int			 inserted, code;

	r = ctl_query(p->c, CTL_REPLAY_QUEUE, 3, (const char *const[]){ p->apps.p, p->ids.p, p->times.p },
	    "events replay");
	if (r == NULL)
		return CTL_FAILED;
	inserted = dbs_rows(r);
	dbs_clear(r);
	r = ctl_query(p->c, CTL_REPLAY_UNDEAD, 2, (const char *const[]){ p->apps.p, p->ids.p }, "events replay");
	if (r == NULL)
		return CTL_FAILED;
	dbs_clear(r);
	code = ctl_run(p->c, CTL_AUDIT_REPLAY, 2, (const char *const[]){ p->apps.p, ctl_actor(actor) }, "events replay");
	if (code != CTL_OK)
		return code;
	p->requeued += inserted;
	p->waiting += p->n - inserted;
	return CTL_OK;
}

static int
flush(struct replay *p)
{
	int code = CTL_OK;

	if (p->n > 0) {
		buf_puts(&p->apps, "}");
		buf_puts(&p->ids, "}");
		buf_puts(&p->times, "}");
		buf_putc(&p->apps, '\0');
		buf_putc(&p->ids, '\0');
		buf_putc(&p->times, '\0');
		if (p->apps.failed || p->ids.failed || p->times.failed)
			code = ctl_fail(CTL_FAILED, "out of memory");
		else if ((code = ctl_begin(p->c, "events replay")) == CTL_OK)
			code = ctl_end(p->c, put_back(p), "events replay");
	}
	replay_reset(p);
	return code;
}

static bool
flag(const struct dbs_result *r, int row)
{
	return str_eq(dbs_text(r, row, 3), STR("t"));
}

/* An id given twice is one event. */
static bool
named_before(const struct args *a, int i)
{
	for (int k = i / BATCH * BATCH; k < i; k++)
		if (str_ieq(str_c(args_word(a, k)), str_c(args_word(a, i))))
			return true;
	return false;
}

/* The ids of the command line, BATCH at a time. */
static int
replay_ids(struct replay *p, const struct args *a)
{
	struct dbs_result	*r;
	struct buf		 wanted;
	int64_t			 unknown = 0;
	int			 code = CTL_OK, end;

	for (int at = 0; at < a->nwords && code == CTL_OK; at = end) {
		buf_init(&wanted, ARRAY_BYTES);
		end = a->nwords - at > BATCH ? at + BATCH : a->nwords;
		for (int i = at; i < end; i++) {
			if (named_before(a, i))
				unknown--;
			array_add(&wanted, str_c(args_word(a, i)));
		}
		buf_putc(&wanted, '}');
		buf_putc(&wanted, '\0');
		r = wanted.failed ? NULL : ctl_query(p->c, CTL_REPLAY_IDS, 1, (const char *const[]){ wanted.p },
		    "events replay");
		buf_free(&wanted);
		if (r == NULL)
			return CTL_FAILED;
		for (int row = 0; row < dbs_rows(r); row++) {
			if (flag(r, row))
				add(p, r, row);
			else
				p->not_calls++;
		}
		unknown += end - at - dbs_rows(r);
		dbs_clear(r);
		code = flush(p);
	}
	p->gone += unknown;
	return code;
}

/* Pages through what a statement finds, in the order of its keys: last is where the next page goes on. */
struct page {
	char	app[UUID_TEXT_SIZE], id[UUID_TEXT_SIZE];
};

static void
remember(struct page *last, const struct dbs_result *r)
{
	snprintf(last->app, sizeof(last->app), "%.*s", STR_ARG(dbs_text(r, dbs_rows(r) - 1, 0)));
	snprintf(last->id, sizeof(last->id), "%.*s", STR_ARG(dbs_text(r, dbs_rows(r) - 1, 1)));
}

static int
replay_pages(struct replay *p, enum ctl_stmt stmt, int nparams, const char *const *params, struct page *last)
{
	struct dbs_result	*r;
	int			 code = CTL_OK, rows = BATCH;

	while (code == CTL_OK && rows == BATCH) {
		r = ctl_query(p->c, stmt, nparams, params, "events replay");
		if (r == NULL)
			return CTL_FAILED;
		rows = dbs_rows(r);
		for (int row = 0; row < rows; row++) {
			if (flag(r, row))
				add(p, r, row);
			else
				p->gone++;
		}
		if (rows > 0)
			remember(last, r);
		dbs_clear(r);
		code = flush(p);
	}
	return code;
}

static int
replay_dead(struct replay *p, const char *app_id)
{
	struct page last = { UNROUTED_APP, UNROUTED_APP };

	return replay_pages(p, CTL_REPLAY_DEAD, 4, (const char *const[]){ app_id, last.app, last.id, BATCH_TEXT },
	    &last);
}

static int
replay_since(struct replay *p, const char *app_id, const struct args *a)
{
	struct page	last = { UNROUTED_APP, UNROUTED_APP };
	char		since[CTL_I64_SIZE], until[CTL_I64_SIZE];

	ctl_i64(since, args_number(a, "since"));
	ctl_i64(until, args_given(a, "until") ? args_number(a, "until") : clock_real_ms());
	return replay_pages(p, CTL_REPLAY_SINCE, 5, (const char *const[]){ app_id, since, until, last.id, BATCH_TEXT },
	    &last);
}

static int
show_result(struct replay *p)
{
	const int64_t	numbers[] = { p->requeued, p->waiting, p->not_calls, p->gone };
	char		text[CTL_I64_SIZE];
	struct table	t;
	int		code;

	table_init(&t, columns, COUNT(columns));
	for (size_t i = 0; i < COUNT(numbers); i++)
		table_cell(&t, str_c(ctl_i64(text, numbers[i])));
	code = ctl_show_record(p->c, &t);
	table_free(&t);
	return code;
}

/* Which of the three ways is meant? CTL_OK, or what is wrong has been told. */
static int
check_usage(const struct args *a)
{
	bool		dead = args_given(a, "dead"), since = args_given(a, "since");
	struct uuid	u;

	if (dead && (since || args_given(a, "until")))
		return ctl_fail(CTL_USAGE, "--dead and --since are two different things to ask for");
	if (args_given(a, "until") && !since)
		return ctl_fail(CTL_USAGE, "--until needs --since");
	if (since && a->nwords != 1)
		return ctl_fail(CTL_USAGE, "--since needs one APP");
	if (since && args_given(a, "until") && args_number(a, "until") <= args_number(a, "since"))
		return ctl_fail(CTL_USAGE, "--until is not after --since");
	if (dead && a->nwords > 1)
		return ctl_fail(CTL_USAGE, "--dead takes one APP, or none for all");
	if (!dead && !since && a->nwords == 0)
		return ctl_fail(CTL_USAGE, "which events? give their ids, or --dead [APP], or APP --since T");
	for (int i = 0; !dead && !since && i < a->nwords; i++)
		if (!uuid_parse(str_c(args_word(a, i)), &u))
			return ctl_fail(CTL_USAGE, "'%.60s' is no event id; for an app add --dead or --since T",
			    args_word(a, i));
	return CTL_OK;
}

int
ctl_events_replay(struct ctl *c, const struct args *a)
{
	struct replay	p = { .c = c };
	bool		dead = args_given(a, "dead"), since = args_given(a, "since");
	struct ctl_app	app;
	int		code = check_usage(a);

	buf_init(&p.apps, ARRAY_BYTES);
	buf_init(&p.ids, ARRAY_BYTES);
	buf_init(&p.times, ARRAY_BYTES);
	if (code == CTL_OK)
		code = (dead || since) && a->nwords == 1 ? ctl_find_app(c, args_word(a, 0), &app) : ctl_db(c);
	if (code != CTL_OK)
		return code;
	if (dead)
		code = replay_dead(&p, a->nwords == 1 ? app.id : NULL);
	else if (since)
		code = replay_since(&p, app.id, a);
	else
		code = replay_ids(&p, a);
	replay_reset(&p);
	if (code == CTL_OK)
		code = show_result(&p);
	/* Of ids that were named, not one was there. */
	if (code == CTL_OK && !dead && !since && p.requeued + p.waiting + p.not_calls == 0)
		code = ctl_fail(CTL_NOT_FOUND, "no such event is stored");
	return code;
}
