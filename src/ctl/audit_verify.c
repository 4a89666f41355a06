/*
 * audit_verify: follows the chains of the audit log from their first row to their head, in one snapshot of the database,
 * a page at a time, and says of each whether it is whole, or which row is the first that does not fit, and why.
 */
#include <sys/types.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/audit.h"
#include "base/clock.h"
#include "base/count.h"
#include "base/num.h"
#include "ctl/audit.h"
#include "ctl/nouns.h"
#include "ctl/progress.h"

#define PAGE		1000
#define PAGE_TEXT	"1000"
/* Rows that are written meanwhile are neither here nor in the heads. In the order of the key, whatever the statistics say: a
 * plan that sorted what is left of the chain for each page would take hours where this takes seconds. */
#define SNAPSHOT	"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off"
#define FIRST_SEQ	"-9223372036854775808"
#define HEX_SIZE	(2 * AUDIT_HASH_SIZE + 1)
#define WHY_SIZE	256

static const struct table_column columns[] = {
	{ "app", "app", COLUMN_TEXT, true },
	{ NULL, "app_id", COLUMN_TEXT, false },
	{ "rows", "rows", COLUMN_NUMBER, false },	/* that fit */
	{ "state", "state", COLUMN_STATE, false },
	{ "wrong at", "seq", COLUMN_NUMBER, false },
	{ NULL, "fault", COLUMN_TEXT, false },
	{ NULL, "head", COLUMN_TEXT, false },		/* of the rows that fit */
	{ "why", "why", COLUMN_TEXT, false },
};

/* A head as somebody noted it: SEQ:HASH. */
struct noted {
	int64_t		 seq;
	unsigned char	 hash[AUDIT_HASH_SIZE];
	bool		 given;
};

struct check {
	struct ctl		*c;
	struct ctl_app		 app;
	struct audit_walk	 walk;
	struct noted		 noted;
	int64_t			 head_seq;
	struct str		 head_hash;		/* in hex, of head */
	struct dbs_result	*head;
	int64_t			 shown_us;
	const char		*fault;			/* NULL: none yet */
	int64_t			 fault_seq;
	char			 why[WHY_SIZE];
};

/* The rows of a page; hash[i] holds what rows[i].hash points to. */
struct page {
	struct dbs_result	*r;
	struct audit_row	 row[PAGE];
	unsigned char		 hash[PAGE][AUDIT_HASH_SIZE];
	size_t			 n;
};

static void	fail_at(struct check *k, const char *fault, int64_t seq, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void
fail_at(struct check *k, const char *fault, int64_t seq, const char *fmt, ...)
{
	va_list ap;

	if (k->fault != NULL)
		return;
	k->fault = fault;
	k->fault_seq = seq;
	va_start(ap, fmt);
	vsnprintf(k->why, sizeof(k->why), fmt, ap);
	va_end(ap);
}

/* ---- rows */

/* Rows after (seq, hash): the hash only matters where one number is there twice. */
static int
read_page(struct check *k, struct page *p, const char *seq, const char *hash)
{
	static const int	column[AUDIT_FIELDS] = { 2, 3, 4, 5, 6, 7 };
	struct audit_row	*row;

	p->r = ctl_query(k->c, CTL_AUDIT_PAGE, 4, (const char *const[]){ k->app.id, seq, hash, PAGE_TEXT }, "audit verify");
	if (p->r == NULL)
		return CTL_FAILED;
	p->n = (size_t)dbs_rows(p->r);
	for (size_t i = 0; i < p->n; i++) {
		row = &p->row[i];
		*row = (struct audit_row){ .seq = INT64_MIN };
		num_i64(dbs_text(p->r, (int)i, 0), INT64_MIN, INT64_MAX, &row->seq);
		num_i64(dbs_text(p->r, (int)i, 1), INT64_MIN, INT64_MAX, &row->at_us);
		for (size_t f = 0; f < AUDIT_FIELDS; f++)
			row->field[f] = dbs_text(p->r, (int)i, column[f]);
		if (hex_decode(p->hash[i], AUDIT_HASH_SIZE, dbs_text(p->r, (int)i, 8)) == AUDIT_HASH_SIZE)
			row->hash = (struct str){ (const char *)p->hash[i], AUDIT_HASH_SIZE };
	}
	return CTL_OK;
}

static void
describe(struct check *k, const struct page *p, size_t at)
{
	int64_t			seq, other, next = p->row[at].seq;
	enum audit_fault	f = audit_explain(&k->walk, &p->row[at], p->n - at, &seq, &other);
	const char		*word = audit_fault_word(f);

	switch (f) {
	case AUDIT_CHANGED:
		fail_at(k, word, seq, "row %lld was changed", (long long)seq);
		break;
	case AUDIT_HASH:
		fail_at(k, word, seq, "the hash of row %lld was changed", (long long)seq);
		break;
	case AUDIT_MISSING:
		if (seq == next - 1)
			fail_at(k, word, seq, "row %lld is missing", (long long)seq);
		else
			fail_at(k, word, seq, "rows %lld to %lld are missing", (long long)seq, (long long)next - 1);
		break;
	case AUDIT_DOUBLE:
		fail_at(k, word, seq, "there is one row %lld too many", (long long)seq);
		break;
	case AUDIT_INSERTED:
		fail_at(k, word, seq, "row %lld was put in: row %lld was in its place", (long long)seq, (long long)other);
		break;
	case AUDIT_EXCHANGED:
		fail_at(k, word, seq, "rows %lld and %lld have changed places", (long long)seq, (long long)other);
		break;
	default:
		fail_at(k, word, seq, "row %lld does not follow row %lld: that one was written anew, or rows between them were taken out "
		    "and the rest numbered anew", (long long)seq, (long long)seq - 1);
		break;
	}
}

/* At the number of the noted head, is its hash the same? */
static void
compare_noted(struct check *k)
{
	if (k->noted.given && k->walk.seq == k->noted.seq && memcmp(k->walk.hash, k->noted.hash, AUDIT_HASH_SIZE) != 0)
		fail_at(k, "noted", k->noted.seq, "row %lld fits what is before it, but is not the one whose head was noted: all up to it "
		    "was written anew", (long long)k->noted.seq);
}

/* true: every row of the page fits. */
static bool
follow(struct check *k, const struct page *p, size_t *at)
{
	for (*at = 0; *at < p->n && k->fault == NULL; ++*at) {
		if (!audit_follows(&k->walk, &p->row[*at]))
			return false;
		compare_noted(k);
	}
	return true;
}

static void
show_progress(struct check *k)
{
	int64_t now = clock_mono_us();

	if (now - k->shown_us < (k->c->err_tty ? PROGRESS_BAR_US : PROGRESS_LINE_US))
		return;
	k->shown_us = now;
	if (k->c->err_tty)
		progress_bar((size_t)k->walk.seq, k->head_seq > 0 ? (size_t)k->head_seq : 0);
	else
		fprintf(stderr, "audit: %s: %lld of %lld rows\n", k->app.name, (long long)k->walk.seq, (long long)k->head_seq);
}

static int
walk(struct check *k, struct page *p)
{
	char	seq[CTL_I64_SIZE] = FIRST_SEQ, hash[HEX_SIZE] = "";
	size_t	at;
	int	code;
	bool	more = true;

	while (more && k->fault == NULL) {
		code = read_page(k, p, seq, hash);
		if (code != CTL_OK)
			return code;
		more = p->n == PAGE;
		if (!follow(k, p, &at)) {
			/* Once more from the wrong row on, so that what comes after it can explain it. */
			if (at > 0 && more) {
				dbs_clear(p->r);
				ctl_i64(seq, k->walk.seq);
				hex_encode(hash, k->walk.hash, AUDIT_HASH_SIZE);
				code = read_page(k, p, seq, hash);
				if (code != CTL_OK)
					return code;
				at = 0;
			}
			describe(k, p, at);
		}
		ctl_i64(seq, k->walk.seq);
		hex_encode(hash, k->walk.hash, AUDIT_HASH_SIZE);
		dbs_clear(p->r);
		show_progress(k);
	}
	return CTL_OK;
}

/* ---- heads */

static int
read_head(struct check *k)
{
	k->head = ctl_query(k->c, CTL_AUDIT_HEAD, 1, (const char *const[]){ k->app.id }, "audit verify");
	if (k->head == NULL)
		return CTL_FAILED;
	if (dbs_rows(k->head) > 0) {
		num_i64(dbs_text(k->head, 0, 0), INT64_MIN, INT64_MAX, &k->head_seq);
		k->head_hash = dbs_text(k->head, 0, 1);
	}
	return CTL_OK;
}

/* All rows that are there fit. Are they all there? */
static void
check_end(struct check *k)
{
	int64_t	last = k->walk.seq;
	char	hex[HEX_SIZE];

	hex_encode(hex, k->walk.hash, last > 0 ? AUDIT_HASH_SIZE : 0);
	if (last > 0 && k->head_hash.p == NULL)
		fail_at(k, "head", last, "the chain's head is gone: rows after %lld may be missing", (long long)last);
	else if (k->head_seq > last)
		fail_at(k, "cut", last + 1, "the end is missing: there are rows up to %lld, the head says %lld", (long long)last,
		    (long long)k->head_seq);
	else if (k->head_seq < last)
		fail_at(k, "head", k->head_seq + 1, "the head says %lld, but there are rows up to %lld", (long long)k->head_seq,
		    (long long)last);
	else if (!str_eq(k->head_hash, str_c(hex)) && last > 0)
		fail_at(k, "head", last, "the head's hash is not that of row %lld", (long long)last);
	if (k->noted.given && k->noted.seq > last)
		fail_at(k, "noted", last + 1, "the end is missing: there are rows up to %lld, the noted head says %lld", (long long)last,
		    (long long)k->noted.seq);
}

/* "12:6f1c...", as `audit head` shows it. */
static int
read_noted(struct noted *n, const char *text)
{
	struct str rest = str_c(text), seq;

	*n = (struct noted){ .given = text != NULL };
	if (text == NULL || (str_cut(&rest, ':', &seq) && num_i64(seq, 1, INT64_MAX, &n->seq) &&
	    hex_decode(n->hash, AUDIT_HASH_SIZE, rest) == AUDIT_HASH_SIZE))
		return CTL_OK;
	return ctl_fail(CTL_USAGE, "option '--head': expected SEQ:HASH as 'ringctl audit head' shows it");
}

/* ---- the command */

static void
put_row(const struct check *k, struct table *t)
{
	char	rows[CTL_I64_SIZE], seq[CTL_I64_SIZE], hex[HEX_SIZE], head[CTL_I64_SIZE + HEX_SIZE];

	hex_encode(hex, k->walk.hash, AUDIT_HASH_SIZE);
	snprintf(head, sizeof(head), "%lld:%s", (long long)k->walk.seq, hex);
	table_cell(t, str_c(k->app.name));
	table_cell(t, str_c(k->app.id));
	table_cell(t, str_c(ctl_i64(rows, k->walk.seq)));
	table_cell(t, k->fault == NULL ? STR("whole") : STR("broken"));
	table_cell(t, k->fault == NULL ? STR_NONE : str_c(ctl_i64(seq, k->fault_seq)));
	table_cell(t, str_c(k->fault));
	table_cell(t, k->walk.seq > 0 ? str_c(head) : STR_NONE);
	table_cell(t, k->fault == NULL ? STR_NONE : str_c(k->why));
}

static int
verify_one(struct ctl *c, const struct ctl_app *app, const struct noted *noted, struct page *p, struct table *t, bool *broken)
{
	struct check	k = { .c = c, .app = *app, .noted = *noted, .shown_us = clock_mono_us() };
	int		code;

	uuid_parse(str_c(app->id), &k.walk.app);
	code = read_head(&k);
	if (code == CTL_OK)
		code = walk(&k, p);
	if (code == CTL_OK) {
		if (k.fault == NULL)
			check_end(&k);
		if (c->err_tty)
			progress_clear();
		put_row(&k, t);
		*broken = *broken || k.fault != NULL;
	}
	dbs_clear(k.head);
	return code;
}

static int
verify_all(struct ctl *c, const struct noted *noted, struct page *p, struct table *t, bool *broken)
{
	struct dbs_result	*r = ctl_query(c, CTL_AUDIT_CHAINS, 0, NULL, "audit verify");
	struct ctl_app		 app;
	int			 code = CTL_OK;

	if (r == NULL)
		return CTL_FAILED;
	for (int i = 0; i < dbs_rows(r) && code == CTL_OK; i++) {
		snprintf(app.id, sizeof(app.id), "%.*s", STR_ARG(dbs_text(r, i, 0)));
		snprintf(app.name, sizeof(app.name), "%.*s", STR_ARG(dbs_text(r, i, 1)));
		code = verify_one(c, &app, noted, p, t, broken);
	}
	dbs_clear(r);
	return code;
}

static int
verify(struct ctl *c, const struct ctl_app *app, const struct noted *noted, struct table *t, bool *broken)
{
	struct page	*p = calloc(1, sizeof(*p));
	int		 code;

	if (p == NULL)
		return ctl_fail(CTL_FAILED, "out of memory");
	code = dbs_script(c->db, SNAPSHOT) ? CTL_OK : ctl_fail(CTL_FAILED, "audit verify: %s", dbs_error(c->db));
	if (code == CTL_OK)
		code = ctl_end(c, app->id[0] != '\0' ? verify_one(c, app, noted, p, t, broken) :
		    verify_all(c, noted, p, t, broken), "audit verify");
	free(p);
	return code;
}

int
ctl_audit_verify(struct ctl *c, const struct args *a)
{
	struct ctl_app	app;
	struct noted	noted;
	struct table	t;
	bool		broken = false;
	int		code = read_noted(&noted, args_text(a, "head"));

	if (code == CTL_OK && noted.given && args_word(a, 0) == NULL)
		return ctl_fail(CTL_USAGE, "option '--head': of which app?");
	if (code != CTL_OK || (code = audit_chain(c, a, &app)) != CTL_OK)
		return code;
	table_init(&t, columns, COUNT(columns));
	code = verify(c, &app, &noted, &t, &broken);
	if (code == CTL_OK)
		code = app.id[0] != '\0' ? ctl_show_record(c, &t) : ctl_show(c, &t, "the audit log is empty");
	table_free(&t);
	return code == CTL_OK && broken ? CTL_FAILED : code;
}
