/*
 * audit: see audit.h.
 */
#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/audit.h"
#include "base/json_write.h"
#include "base/log.h"
#include "base/utf8.h"
#include "db/param.h"
#include "db/stmt_worker.h"

#define ACTION_SIZE	48
#define CODE_SIZE	48
#define WHO_SIZE	64	/* "session:" and an id */
#define SUBJECT_SIZE	256
#define LOOK_MS		1000
#define DRAIN_MS	2000
#define SAY_MS		60000
#define VARIOUS		"various"	/* actors of one row */

/* A kind of refusal. Empty: no app. */
struct kind {
	char		app[UUID_TEXT_SIZE];
	char		action[ACTION_SIZE], code[CODE_SIZE];
	char		actor[WHO_SIZE], subject[SUBJECT_SIZE];	/* of those counted; subject "": none, or several */
	uint64_t	times;		/* not written yet */
	int64_t		due_ms;
};

/* A row under way: what it stands for, should it not arrive. */
struct row {
	struct audit	*audit;
	struct kind	 kind;
	bool		 busy;
};

struct audit {
	struct loop	*loop;
	struct db	*db;
	struct timer	*look, *end;
	struct kind	 kind[AUDIT_KINDS];
	struct row	 row[AUDIT_UNDERWAY];
	uint64_t	 lost;		/* not told yet */
	int64_t		 say_ms;
	bool		 looking;
	loop_fn		 drained;
	void		*drained_arg;
};

static void	look(void *arg);
static void	end_drain(void *arg);

/* ---- texts */

/* At most AUDIT_TEXT_MAX bytes of s, all of them UTF-8: one bad byte would lose the whole transaction. */
static void
put_text(struct db_params *p, struct buf *b, const char *s)
{
	size_t from, len, left = s != NULL ? strlen(s) : 0;
	bool good;

	if (s == NULL) {
		db_put_null(p);
		return;
	}
	buf_reserve(b, AUDIT_TEXT_MAX);		/* does not move any more: the database is shown the bytes later */
	from = b->len;
	for (; left > 0; s += len, left -= len) {
		good = utf8_next(s, left, &len);
		if (b->len - from + (good ? len : sizeof(UTF8_REPLACEMENT) - 1) > AUDIT_TEXT_MAX)
			break;
		if (good)
			buf_put(b, s, len);
		else
			buf_puts(b, UTF8_REPLACEMENT);
	}
	db_put_str(p, (struct str){ b->p + from, b->len - from });
}

static void
add_row(struct db_job *j, const struct audit_entry *e)
{
	const char *const text[] = { e->actor, e->action, e->subject, e->detail, e->request_id };
	struct buf b[5];
	DB_PARAMS(p, 6);

	db_put_cstr(&p, e->app);
	for (size_t i = 0; i < 5; i++) {
		buf_init(&b[i], AUDIT_TEXT_MAX);
		put_text(&p, &b[i], text[i]);
	}
	/* Without memory a text is missing, and an actor that is missing makes the statement fail: nothing is done unseen. */
	db_job_add(j, W_AUDIT, p.p, p.n);
	for (size_t i = 0; i < 5; i++)
		buf_free(&b[i]);
}

/* ---- refusals */

static void
lose(struct audit *a, uint64_t times)
{
	a->lost += times;
	if (a->lost == 0 || loop_now_ms(a->loop) < a->say_ms)
		return;
	log_event(LEVEL_WARN, "refusals not written to the audit log", LOG_INT("refusals", a->lost));
	a->lost = 0;
	a->say_ms = loop_now_ms(a->loop) + SAY_MS;
}

static bool
same_kind(const struct kind *k, const char *app, const char *action, const char *code)
{
	return strcmp(k->app, app) == 0 && strcmp(k->code, code) == 0 && strcmp(k->action, action) == 0;
}

/* The kind, or a place for it; NULL: neither. */
static struct kind *
find(struct audit *a, const char *app, const char *action, const char *code)
{
	struct kind *empty = NULL;

	for (size_t i = 0; i < AUDIT_KINDS; i++) {
		if (a->kind[i].app[0] == '\0')
			empty = empty != NULL ? empty : &a->kind[i];
		else if (same_kind(&a->kind[i], app, action, code))
			return &a->kind[i];
	}
	return empty;
}

static void
copy(char *out, size_t size, const char *s)
{
	snprintf(out, size, "%s", s != NULL ? s : "");
}

/* One more, or several that did not arrive: what they have in common stays. */
static void
count(struct kind *k, const char *actor, const char *subject, uint64_t times)
{
	char who[WHO_SIZE], what[SUBJECT_SIZE];

	copy(who, sizeof(who), actor);
	copy(what, sizeof(what), subject);
	if (k->times > 0 && strcmp(k->actor, who) != 0)
		copy(who, sizeof(who), VARIOUS);
	if (k->times > 0 && strcmp(k->subject, what) != 0)
		what[0] = '\0';
	memcpy(k->actor, who, sizeof(who));
	memcpy(k->subject, what, sizeof(what));
	k->times += times;
}

static void
arm(struct audit *a)
{
	if (a->looking)
		return;
	a->looking = true;
	timer_set(a->look, LOOK_MS);
}

static bool
idle(const struct audit *a)
{
	for (size_t i = 0; i < AUDIT_UNDERWAY; i++)
		if (a->row[i].busy)
			return false;
	for (size_t i = 0; i < AUDIT_KINDS; i++)
		if (a->kind[i].times > 0)
			return false;
	return true;
}

static void
written(void *arg, const struct db_result *r)
{
	struct row *row = arg;
	struct audit *a = row->audit;
	struct kind *k = find(a, row->kind.app, row->kind.action, row->kind.code);

	row->busy = false;
	if (db_outcome(r) == DB_FAILED) {
		log_event(LEVEL_ERROR, "audit row refused", LOG_C("error", db_error_text(r)), LOG_C("sqlstate", db_error_sqlstate(r)));
		lose(a, row->kind.times);
	} else if (db_outcome(r) != DB_OK && k == NULL) {
		lose(a, row->kind.times);
	} else if (db_outcome(r) != DB_OK) {
		/* Counted again, if perhaps twice: an answer that was lost may have been a good one. */
		if (k->app[0] == '\0') {
			*k = row->kind;
			k->times = 0;
			k->due_ms = loop_now_ms(a->loop) + AUDIT_PERIOD_MS;
		}
		count(k, row->kind.actor, row->kind.subject, row->kind.times);
		arm(a);
	}
	if (a->drained != NULL && idle(a))
		end_drain(a);
}

static void
put_detail(struct buf *b, const struct kind *k)
{
	struct json_out j;

	json_out_init(&j, b);
	json_obj(&j);
	json_kstr(&j, "code", str_c(k->code));
	if (k->times > 1)
		json_kint(&j, "times", (int64_t)k->times);
	json_obj_end(&j);
	buf_putc(b, '\0');
}

/* false: too much is under way, or the database is away; later. */
static bool
write_row(struct audit *a, struct kind *k, const char *request_id)
{
	struct audit_entry e = { .app = k->app, .actor = k->actor, .action = k->action, .request_id = request_id };
	struct row *row = NULL;
	struct db_job *j;
	struct buf b;

	for (size_t i = 0; i < AUDIT_UNDERWAY && row == NULL; i++)
		if (!a->row[i].busy)
			row = &a->row[i];
	if (row == NULL || db_state(a->db) != DB_READY)
		return false;
	*row = (struct row){ .audit = a, .kind = *k, .busy = true };
	buf_init(&b, AUDIT_TEXT_MAX);
	put_detail(&b, k);
	e.detail = b.failed ? NULL : b.p;
	e.subject = k->subject[0] != '\0' ? k->subject : NULL;
	j = db_job_new(a->db, 0, written, row);
	add_row(j, &e);
	db_job_submit(j);
	buf_free(&b);
	k->times = 0;
	k->due_ms = loop_now_ms(a->loop) + AUDIT_PERIOD_MS;
	return true;
}

/* Kinds that are due are written; those that did not come again are forgotten. */
static void
look(void *arg)
{
	struct audit *a = arg;
	int64_t now = loop_now_ms(a->loop);
	bool any = false;

	a->looking = false;
	for (size_t i = 0; i < AUDIT_KINDS; i++) {
		struct kind *k = &a->kind[i];

		if (k->app[0] == '\0')
			continue;
		if (now >= k->due_ms && k->times == 0)
			k->app[0] = '\0';
		else if (k->times > 0 && (now >= k->due_ms || a->drained != NULL))
			write_row(a, k, NULL);
		any = any || k->app[0] != '\0';
	}
	lose(a, 0);
	if (any)
		arm(a);
}

void
audit_refused(struct audit *a, const struct audit_entry *e, const char *code)
{
	char action[ACTION_SIZE], word[CODE_SIZE];
	struct uuid app;
	struct kind *k;

	copy(action, sizeof(action), e->action);
	copy(word, sizeof(word), code);
	k = uuid_parse(str_c(e->app), &app) ? find(a, e->app, action, word) : NULL;
	if (k == NULL) {
		lose(a, 1);
		return;
	}
	if (k->app[0] != '\0') {
		count(k, e->actor, e->subject, 1);
		return;
	}
	*k = (struct kind){ .due_ms = loop_now_ms(a->loop) + AUDIT_PERIOD_MS };
	uuid_format(k->app, app);
	copy(k->action, sizeof(k->action), action);
	copy(k->code, sizeof(k->code), word);
	count(k, e->actor, e->subject, 1);
	if (!write_row(a, k, e->request_id))
		k->due_ms = loop_now_ms(a->loop);
	arm(a);
}

/* ---- the beginning and the end */

struct audit *
audit_new(struct loop *l, struct db *db)
{
	struct audit *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->loop = l;
	a->db = db;
	a->look = timer_new(l, look, a);
	a->end = timer_new(l, end_drain, a);
	if (a->look == NULL || a->end == NULL) {
		audit_free(a);
		return NULL;
	}
	return a;
}

static void
end_drain(void *arg)
{
	struct audit *a = arg;
	loop_fn done = a->drained;

	a->drained = NULL;
	timer_stop(a->end);
	done(a->drained_arg);
}

void
audit_drain(struct audit *a, loop_fn done, void *arg)
{
	a->drained = done;
	a->drained_arg = arg;
	timer_set(a->end, DRAIN_MS);
	timer_stop(a->look);
	look(a);
	if (idle(a))
		end_drain(a);
}

void
audit_free(struct audit *a)
{
	uint64_t left = 0;

	if (a == NULL)
		return;
	for (size_t i = 0; i < AUDIT_KINDS; i++)
		left += a->kind[i].times;
	a->say_ms = 0;
	lose(a, left);
	timer_free(a->look);
	timer_free(a->end);
	free(a);
}
