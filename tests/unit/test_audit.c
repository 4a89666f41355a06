/*
 * The audit log's chain against rows whose hashes were made elsewhere, by ringd_audit() of the database; what is told of
 * a chain somebody has changed; that every bit of a row counts.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/audit.h"
#include "base/count.h"

#define ROWS	4
#define APP	"01a21a7f-d6ca-7ce1-82cf-477a48eac447"

static const struct {
	int64_t		 at_us;
	const char	*field[AUDIT_FIELDS], *hash;
} stored[ROWS] = {
	{ INT64_C(1795740939254382), { "ringctl:ada", "key.create", "k1", "{\"kind\":\"server\"}", NULL, "ringd_owner" },
	    "c0904cedca86fb96e04f60f6e5f1c1bd245b8f66a7055152b4d6a4a249b1795d" },
	{ INT64_C(1795740939261257), { "key:1", "ribbon.init", NULL, "", "r-\xc3\xa9", "ringd_owner" },
	    "a73d49c5cdac33dc51de19dcf92a8db563381bc9ed9b62c64b5764f5b3a87874" },
	{ INT64_C(1795740939276266), { "session:9", "ribbon.sign", "", "{}", "", "ringd_worker" },
	    "7a8973c102dc548e2a35d96f54c064b9c81821fcc6b86c7dd99624303f08c75f" },
	{ INT64_C(1795740939281269), { "courier", "ribbon.dial", NULL, NULL, NULL, "ringd_owner" },
	    "f12f4647d7b8ad5b8a390ad9e1d8e542cab509ec32f70aaa72bd36b7365bc042" },
};

struct chain {
	struct audit_row	row[ROWS + 1];
	unsigned char		hash[ROWS + 1][AUDIT_HASH_SIZE];
	size_t			n;
};

static void
begin(struct audit_walk *w, struct chain *k)
{
	*w = (struct audit_walk){ .seq = 0 };
	assert_true(uuid_parse(STR(APP), &w->app));
	memset(k, 0, sizeof(*k));
	k->n = ROWS;
	for (size_t i = 0; i < ROWS; i++) {
		k->row[i].seq = (int64_t)i + 1;
		k->row[i].at_us = stored[i].at_us;
		for (size_t f = 0; f < AUDIT_FIELDS; f++)
			k->row[i].field[f] = str_c(stored[i].field[f]);
		assert_int_equal(hex_decode(k->hash[i], AUDIT_HASH_SIZE, str_c(stored[i].hash)), AUDIT_HASH_SIZE);
		k->row[i].hash = (struct str){ (const char *)k->hash[i], AUDIT_HASH_SIZE };
	}
}

/* The first row that does not follow; k->n: all do. */
static size_t
follow(struct audit_walk *w, const struct chain *k)
{
	size_t i;

	for (i = 0; i < k->n && audit_follows(w, &k->row[i]); i++)
		;
	return i;
}

static void
tells(struct audit_walk *w, const struct chain *k, enum audit_fault fault, int64_t seq, int64_t other)
{
	int64_t said, said_other;
	size_t i = follow(w, k);

	assert_true(i < k->n);
	assert_int_equal(audit_explain(w, &k->row[i], k->n - i, &said, &said_other), fault);
	assert_int_equal(said, seq);
	assert_int_equal(said_other, other);
}

static void
what_the_database_made_fits(void **unused)
{
	struct audit_walk w;
	struct chain k;

	(void)unused;
	begin(&w, &k);
	assert_int_equal(follow(&w, &k), ROWS);
	assert_int_equal(w.seq, ROWS);
	assert_memory_equal(w.hash, k.hash[ROWS - 1], AUDIT_HASH_SIZE);
	assert_memory_equal(w.before, k.hash[ROWS - 2], AUDIT_HASH_SIZE);
	/* The same rows are not another app's. */
	begin(&w, &k);
	w.app.b[15] ^= 1;
	assert_int_equal(follow(&w, &k), 0);
}

static void
every_field_counts(void **unused)
{
	struct audit_walk w;
	struct chain k;

	(void)unused;
	for (size_t i = 0; i < ROWS; i++) {
		for (size_t f = 0; f < AUDIT_FIELDS; f++) {
			begin(&w, &k);
			k.row[i].field[f] = k.row[i].field[f].p == NULL ? STR("") : k.row[i].field[f].n == 0 ? STR_NONE : STR("x");
			tells(&w, &k, AUDIT_CHANGED, (int64_t)i + 1, 0);
		}
		begin(&w, &k);
		k.row[i].at_us++;
		tells(&w, &k, AUDIT_CHANGED, (int64_t)i + 1, 0);
	}
}

/* What moves from the end of one field to the beginning of the next is not the same. */
static void
fields_have_walls(void **unused)
{
	struct audit_walk w;
	struct chain k;

	(void)unused;
	begin(&w, &k);
	k.row[0].field[AUDIT_ACTOR] = STR("ringctl:adak");
	k.row[0].field[AUDIT_ACTION] = STR("ey.create");
	tells(&w, &k, AUDIT_CHANGED, 1, 0);
}

static void
every_bit_of_a_hash_counts(void **unused)
{
	struct audit_walk w;
	struct chain k;

	(void)unused;
	for (size_t bit = 0; bit < 8 * AUDIT_HASH_SIZE; bit++) {
		begin(&w, &k);
		k.hash[1][bit / 8] ^= (unsigned char)(1 << bit % 8);
		tells(&w, &k, AUDIT_HASH, 2, 0);
	}
	begin(&w, &k);
	k.row[1].hash = STR_NONE;
	tells(&w, &k, AUDIT_HASH, 2, 0);
	begin(&w, &k);
	k.row[1].hash.n = AUDIT_HASH_SIZE - 1;
	tells(&w, &k, AUDIT_HASH, 2, 0);
}

static void
rows_that_are_gone(void **unused)
{
	struct audit_walk w;
	struct chain k;

	(void)unused;
	begin(&w, &k);
	memmove(&k.row[1], &k.row[3], sizeof(k.row[0]));
	k.n = 2;
	tells(&w, &k, AUDIT_MISSING, 2, 0);
	begin(&w, &k);
	k.row[1] = k.row[0];
	tells(&w, &k, AUDIT_DOUBLE, 1, 0);
	begin(&w, &k);
	k.row[0].seq = INT64_MIN;
	tells(&w, &k, AUDIT_DOUBLE, INT64_MIN, 0);
	begin(&w, &k);
	k.row[0].seq = INT64_MAX;
	tells(&w, &k, AUDIT_MISSING, 1, 0);
	/* A gap that whoever made it has hashed over. */
	begin(&w, &k);
	assert_int_equal(follow(&w, &k), ROWS);
	k.row[ROWS] = k.row[0];
	k.row[ROWS].seq = ROWS + 5;
	assert_true(audit_hash(k.hash[ROWS], &w, &k.row[ROWS]));
	k.row[ROWS].hash = (struct str){ (const char *)k.hash[ROWS], AUDIT_HASH_SIZE };
	k.n = ROWS + 1;
	w.seq = 0;
	tells(&w, &k, AUDIT_MISSING, ROWS + 1, 0);
	/* One taken out, the rest numbered anew: what its hash was is nowhere any more. */
	begin(&w, &k);
	for (size_t i = 1; i + 1 < ROWS; i++) {
		k.row[i] = k.row[i + 1];
		k.row[i].seq = (int64_t)i + 1;
	}
	k.n = ROWS - 1;
	tells(&w, &k, AUDIT_BROKEN, 2, 0);
}

static void
rows_that_have_moved(void **unused)
{
	struct audit_walk w;
	struct chain k;
	struct audit_row row;

	(void)unused;
	for (size_t i = 0; i < ROWS; i++)
		for (size_t j = i + 1; j < ROWS; j++) {
			begin(&w, &k);
			row = k.row[i];
			k.row[i] = k.row[j];
			k.row[j] = row;
			k.row[i].seq = (int64_t)i + 1;
			k.row[j].seq = (int64_t)j + 1;
			tells(&w, &k, AUDIT_EXCHANGED, (int64_t)i + 1, (int64_t)j + 1);
			/* The same, but the hashes stay where they were. */
			begin(&w, &k);
			row = k.row[i];
			k.row[i] = k.row[j];
			k.row[j] = row;
			k.row[j].hash = k.row[i].hash;
			k.row[i].hash = row.hash;
			k.row[i].seq = (int64_t)i + 1;
			k.row[j].seq = (int64_t)j + 1;
			tells(&w, &k, AUDIT_EXCHANGED, (int64_t)i + 1, (int64_t)j + 1);
		}
}

static void
rows_that_were_put_in(void **unused)
{
	struct audit_walk w, before;
	struct chain k;

	(void)unused;
	for (size_t at = 0; at < ROWS; at++)
		for (int right = 0; right < 2; right++) {
			begin(&w, &k);
			before = w;
			for (size_t i = 0; i < at; i++)
				assert_true(audit_follows(&before, &k.row[i]));
			memmove(&k.row[at + 1], &k.row[at], (ROWS - at) * sizeof(k.row[0]));
			for (size_t i = at + 1; i <= ROWS; i++)
				k.row[i].seq++;
			k.row[at].field[AUDIT_ACTOR] = STR("ringctl:eve");
			if (right)
				assert_true(audit_hash(k.hash[ROWS], &before, &k.row[at]));
			k.row[at].hash = (struct str){ (const char *)k.hash[ROWS], AUDIT_HASH_SIZE };
			k.n = ROWS + 1;
			tells(&w, &k, AUDIT_INSERTED, (int64_t)at + 1, (int64_t)at + 2);
		}
}

static void
every_fault_has_a_word(void **unused)
{
	(void)unused;
	for (int f = 0; f < AUDIT_FAULTS; f++)
		assert_non_null(audit_fault_word((enum audit_fault)f));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_database_made_fits),
		cmocka_unit_test(every_field_counts),
		cmocka_unit_test(fields_have_walls),
		cmocka_unit_test(every_bit_of_a_hash_counts),
		cmocka_unit_test(rows_that_are_gone),
		cmocka_unit_test(rows_that_have_moved),
		cmocka_unit_test(rows_that_were_put_in),
		cmocka_unit_test(every_fault_has_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
