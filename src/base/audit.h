/*
 * audit: the chain of an app's audit log, as ringd_audit() of the database makes it and `ringctl audit verify` reads it
 * again. A row's hash is SHA-256 over
 *
 *	the hash of the row before it (nothing before the first)
 *	the app, 16 bytes; seq, and the time in microseconds since 1970, 8 bytes each, big-endian
 *	actor, action, subject, detail, request_id, db_role, each as its length in 4 bytes, big-endian, and its bytes in
 *	UTF-8; where there is none, ff ff ff ff
 *
 * so every column is covered to the last bit, and a row says which rows were before it. Pure: knows no database.
 *
 * Who may rewrite everything, rows and heads, can make another chain that fits. Only a head that was noted elsewhere
 * shows that.
 */
#ifndef RINGD_AUDIT_H
#define RINGD_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/str.h"
#include "base/uuid.h"

#define AUDIT_HASH_SIZE	SHA256_SIZE

enum audit_field { AUDIT_ACTOR, AUDIT_ACTION, AUDIT_SUBJECT, AUDIT_DETAIL, AUDIT_REQUEST, AUDIT_ROLE, AUDIT_FIELDS };

struct audit_row {
	int64_t		seq, at_us;
	struct str	field[AUDIT_FIELDS];	/* absent: NULL in the database */
	struct str	hash;			/* raw bytes, as stored */
};

/* How far a chain has been followed. Begins zeroed, but for the app. */
struct audit_walk {
	struct uuid	app;
	int64_t		seq;				/* of the last row; 0: none yet */
	unsigned char	hash[AUDIT_HASH_SIZE];		/* its hash */
	unsigned char	before[AUDIT_HASH_SIZE];	/* the hash of the row before that */
};

enum audit_fault {
	AUDIT_CHANGED,		/* the row's text is not what was hashed */
	AUDIT_HASH,		/* the row is as it was, its hash is not */
	AUDIT_MISSING,		/* rows before it are gone */
	AUDIT_DOUBLE,		/* its number was there already, or is none */
	AUDIT_INSERTED,		/* was put in; *other is the row that belongs there, whatever number it has now */
	AUDIT_EXCHANGED,	/* stands where *other belongs, and that one here */
	AUDIT_BROKEN,		/* does not follow from the row before it, and nothing more can be said */
	AUDIT_FAULTS
};

bool	audit_hash(unsigned char out[AUDIT_HASH_SIZE], const struct audit_walk *before, const struct audit_row *row);	/* false: no memory */
/* Is this the next row? Then the walk goes on to it. */
bool	audit_follows(struct audit_walk *w, const struct audit_row *row);
/* Why not rows[0], given what comes after it. *seq is the first number that is wrong; *other as above, else 0. */
enum audit_fault audit_explain(const struct audit_walk *w, const struct audit_row *rows, size_t nrows, int64_t *seq, int64_t *other);
const char *audit_fault_word(enum audit_fault f);

#endif
