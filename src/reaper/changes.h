/*
 * changes: what a batch does to the tables, as columns ready to be sent. Computed from the groups of a batch alone: a
 * call's row is a function of its legs and of nothing else.
 */
#ifndef RINGD_CHANGES_H
#define RINGD_CHANGES_H

#include "db/array.h"
#include "db/stmt_reaper.h"
#include "reaper/batch.h"

#define CHANGES_COLUMN_MAX	((size_t)64 << 20)	/* bytes of one column of one batch */
#define DEAD_REASON_MAX		500			/* bytes */

/* In the order of the statements' parameters. */
enum leg_column { LEGS_APP, LEGS_PROVIDER, LEGS_ID, LEGS_CALL, LEGS_STATE, LEGS_COLUMNS };
enum merged_column { MERGED_APP, MERGED_LOSER, MERGED_WINNER, MERGED_COLUMNS };
enum dial_column { DIAL_APP, DIAL_ID, DIAL_CALL, DIAL_COLUMNS };
enum ribbon_column { RIBBON_APP, RIBBON_SID, RIBBON_ID, RIBBON_CALL, RIBBON_COLUMNS };
enum recording_column { REC_APP, REC_CALL, REC_ID, REC_TYPE, REC_URL, REC_START, REC_DURATION, REC_COLUMNS };
enum dead_column { DEAD_APP, DEAD_ID, DEAD_RECEIVED, DEAD_ATTEMPTS, DEAD_REASON, DEAD_COLUMNS };

struct changes {
	struct db_array	legs[LEGS_COLUMNS];		/* stored legs that changed, or moved */
	struct db_array	merged[MERGED_COLUMNS];
	struct db_array	calls[CALL_COLUMNS];
	struct db_array	dials[DIAL_COLUMNS];		/* calls that say which dial they come from */
	struct db_array	ribbon[RIBBON_COLUMNS];		/* calls of Exotel: one may be a ribbon's */
	struct db_array	recordings[REC_COLUMNS];
	struct db_array	dead[DEAD_COLUMNS];
};

void	changes_begin(struct changes *c);
void	changes_end(struct changes *c);
/* false: no memory, or a column beyond its limit. */
bool	changes_from_batch(struct changes *c, struct batch *b);
/* The aliases with what the batch says of each, as new legs; `legs` as in struct changes. false: as above. */
bool	changes_new_legs(struct db_array legs[LEGS_COLUMNS], struct batch *b);

void	columns_begin(struct db_array *columns, const enum db_type *types, size_t n);
void	columns_end(struct db_array *columns, size_t n);
bool	columns_failed(const struct db_array *columns, size_t n);
extern const enum db_type leg_types[LEGS_COLUMNS];

#endif
