/*
 * audit: see audit.h.
 */
#include <sys/types.h>

#include "base/audit.h"
#include "base/buf.h"

#define ROW_MAX		((size_t)1 << 30)	/* PostgreSQL's own limit of a value */

static const char *const fault_words[AUDIT_FAULTS] = {
	[AUDIT_CHANGED] = "changed",
	[AUDIT_HASH] = "hash",
	[AUDIT_MISSING] = "missing",
	[AUDIT_DOUBLE] = "double",
	[AUDIT_INSERTED] = "inserted",
	[AUDIT_EXCHANGED] = "exchanged",
	[AUDIT_BROKEN] = "broken",
};

static void
put_number(struct buf *b, uint64_t v, int bytes)
{
	while (bytes-- > 0)
		buf_putc(b, (char)(v >> (8 * bytes) & 0xff));
}

static void
put_field(struct buf *b, struct str s)
{
	put_number(b, s.p != NULL ? (uint64_t)s.n : UINT32_MAX, 4);
	buf_str(b, s);
}

/* What row hashes to as number seq after a row with this hash. */
static bool
hash_as(unsigned char out[AUDIT_HASH_SIZE], struct uuid app, struct str previous, const struct audit_row *row, int64_t seq)
{
	struct buf b;
	bool ok;

	buf_init(&b, ROW_MAX);
	buf_str(&b, previous);
	buf_put(&b, app.b, sizeof(app.b));
	put_number(&b, (uint64_t)seq, 8);
	put_number(&b, (uint64_t)row->at_us, 8);
	for (int i = 0; i < AUDIT_FIELDS; i++)
		put_field(&b, row->field[i]);
	ok = !b.failed;
	if (ok)
		hash_sha256(out, buf_as_str(&b));
	buf_free(&b);
	return ok;
}

static struct str
hash_text(const unsigned char *hash, bool any)
{
	return (struct str){ (const char *)hash, any ? AUDIT_HASH_SIZE : 0 };
}

bool
audit_hash(unsigned char out[AUDIT_HASH_SIZE], const struct audit_walk *before, const struct audit_row *row)
{
	return hash_as(out, before->app, hash_text(before->hash, before->seq > 0), row, row->seq);
}

/* Would row, as number seq after a row with hash previous, have this hash? */
static bool
would_be(struct uuid app, struct str previous, const struct audit_row *row, int64_t seq, struct str hash)
{
	unsigned char digest[AUDIT_HASH_SIZE];

	return hash_as(digest, app, previous, row, seq) && str_eq(hash, hash_text(digest, true));
}

bool
audit_follows(struct audit_walk *w, const struct audit_row *row)
{
	unsigned char digest[AUDIT_HASH_SIZE];

	if (row->seq != w->seq + 1 || !audit_hash(digest, w, row) || !str_eq(row->hash, hash_text(digest, true)))
		return false;
	memcpy(w->before, w->hash, AUDIT_HASH_SIZE);
	memcpy(w->hash, digest, AUDIT_HASH_SIZE);
	w->seq = row->seq;
	return true;
}

/* Among the rows after the wrong one, the one that belongs in its place. 0: none. */
static size_t
find_rightful(const struct audit_walk *w, const struct audit_row *rows, size_t nrows)
{
	struct str previous = hash_text(w->hash, w->seq > 0);

	for (size_t j = 1; j < nrows; j++)
		if (would_be(w->app, previous, &rows[j], rows[0].seq, rows[j].hash) ||
		    would_be(w->app, previous, &rows[j], rows[0].seq, rows[0].hash))
			return j;
	return 0;
}

/* rows[j] belongs where rows[0] is. Does rows[0] belong where rows[j] is? */
static bool
exchanged(const struct audit_walk *w, const struct audit_row *rows, size_t j)
{
	struct str mine = hash_text(w->hash, w->seq > 0), before = rows[j == 1 ? 1 : j - 1].hash;

	return would_be(w->app, before, &rows[0], rows[j].seq, rows[0].hash) ||
	    would_be(w->app, mine, &rows[j], rows[0].seq, rows[0].hash);	/* the hashes stayed where they were */
}

enum audit_fault
audit_explain(const struct audit_walk *w, const struct audit_row *rows, size_t nrows, int64_t *seq, int64_t *other)
{
	struct str previous = hash_text(w->hash, w->seq > 0);
	unsigned char digest[AUDIT_HASH_SIZE];
	size_t j;

	*seq = rows[0].seq;
	*other = 0;
	if (rows[0].seq <= w->seq)
		return AUDIT_DOUBLE;
	if (rows[0].seq > w->seq + 1) {
		*seq = w->seq + 1;
		return AUDIT_MISSING;
	}
	j = find_rightful(w, rows, nrows);
	if (j > 0) {
		*other = rows[j].seq;
		return exchanged(w, rows, j) ? AUDIT_EXCHANGED : AUDIT_INSERTED;
	}
	/* One was put in before it with a hash that fits, and this one moved up. */
	if (w->seq > 0 && would_be(w->app, hash_text(w->before, w->seq > 1), &rows[0], w->seq, rows[0].hash)) {
		*seq = w->seq;
		*other = rows[0].seq;
		return AUDIT_INSERTED;
	}
	if (nrows < 2 || rows[1].seq != rows[0].seq + 1)
		return AUDIT_CHANGED;
	if (would_be(w->app, rows[0].hash, &rows[1], rows[1].seq, rows[1].hash))
		return AUDIT_CHANGED;
	if (hash_as(digest, w->app, previous, &rows[0], rows[0].seq) &&
	    would_be(w->app, hash_text(digest, true), &rows[1], rows[1].seq, rows[1].hash))
		return AUDIT_HASH;
	return AUDIT_BROKEN;
}

const char *
audit_fault_word(enum audit_fault f)
{
	return fault_words[f];
}
