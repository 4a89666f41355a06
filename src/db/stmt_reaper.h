/*
 * stmt_reaper: the reaper's statements. It works for all tenants at once, so its role may see every row of the tables
 * it needs; each statement still joins and writes by app_id. Times come in as parameters (no now() in them: Citus
 * forbids it in DO UPDATE, and the clock of the process is the one tests can shift).
 */
#ifndef RINGD_STMT_REAPER_H
#define RINGD_STMT_REAPER_H

#include "db/stmt.h"

#define REAPER_CALL_LEGS_LOADED	257	/* legs read of one call: one more than CALL_LEGS_MAX */
#define REAPER_LEG_ROWS_MAX	20000	/* legs read for one batch */

enum reaper_stmt {
	R_SETTINGS,		/* once a connection */
	R_BEGIN,
	R_COMMIT,
	R_ROLLBACK,

	/* Columns of a claim: app_id, id, received_at (text), attempts, last_error, next_try_at (ms). */
	R_CLAIM,		/* $1 now, $2 rows, $3 floor: takes events never tried before */
	R_COUNT,		/* $1 now, $2 first wait ms, $3 longest wait ms, $4 jitter percent; takes nothing */
	R_COUNT_RETRY,		/* the same for those tried before */
	R_CLAIM_ONE,		/* $1 app, $2 id */
	R_POSTPONE,		/* $1 app, $2 id, $3 error */
	R_UNCOUNT,		/* $1 app, $2 id, $3 error */
	R_BURY,			/* $1 app, $2 id, $3 now, $4 reason */
	R_EVENTS,		/* $1 apps, $2 ids, $3 received_at (text), $4 bytes, $5 $6 first and last received_at:
				 * ordinal, provider, facts, fits */

	R_LEGS_ADD,		/* $1 apps, $2 providers, $3 leg ids, $4 call ids, $5 states, $6 now */
	R_CALLS_LOCK,		/* $1 apps, $2 providers, $3 leg ids: app_id, id, legs; in this order */
	R_ALIASES,		/* $1 apps, $2 providers, $3 leg ids: ordinal, call_id */
	R_LEGS_LOAD,		/* $1 apps, $2 call ids, $3 bytes: ordinal, leg_id, state, fits */
	R_STATES,		/* $1 apps, $2 providers, $3 leg ids: ordinal, state */

	R_LEGS_WRITE,		/* $1 apps, $2 providers, $3 leg ids, $4 call ids, $5 states, $6 now */
	R_LEGS_MOVE,		/* $1 apps, $2 losers, $3 winners, $4 now; likewise the next three */
	R_REDIRECTS_MOVE,
	R_REDIRECTS_ADD,
	R_RECORDINGS_DROP,	/* $1 apps, $2 losers; likewise the next */
	R_CALLS_DROP,
	R_CALLS_WRITE,		/* $1.. the columns of enum call_column, then now */
	R_DIALS_JOIN,		/* $1 apps, $2 dials, $3 calls */
	R_RIBBON_JOIN,		/* $1 apps, $2 ids at Exotel, $3 ribbon calls (nil: not said), $4 calls, $5 now */
	R_RIBBON_LATE,		/* $1 now, $2 rows: what R_RIBBON_JOIN came too early for */
	R_SILENT,		/* $1 silent since, $2 calls: app_id, leg_id */
	R_RECORDINGS_TRIM,	/* $1 apps, $2 calls, $3 ids: what of these calls is not among the ids goes */
	R_RECORDINGS_WRITE,	/* $1 apps, $2 calls, $3 ids, $4 types, $5 urls, $6 starts, $7 durations */
	R_DEAD_ADD,		/* $1 apps, $2 ids, $3 received_at (text), $4 attempts, $5 reasons, $6 now */

	R_LOOK,			/* $1 now, $2 floor: rows waiting (counted up to 100000), age of the oldest in ms */
	R_SWEEP_SETTINGS,	/* until the end of the transaction */
	R_PARTITIONS_MAKE,	/* $1 days ahead, $2 table */
	R_PARTITIONS_DROP,	/* $1 days kept, $2 table */
	R_DEDUPE_SWEEP,		/* $1 older than, $2 rows */
	R_DEAD_SWEEP,		/* $1 older than, $2 rows */
	R_STATES_SWEEP,		/* $1 expired before, $2 rows; likewise the next */
	R_TICKETS_SWEEP,
	R_LAST_USED,		/* $1 apps, $2 key hashes, $3 times */
	R_DIALS_SWEEP,		/* $1 older than, $2 rows; likewise the next */
	R_SESSIONS_SWEEP,
	R_SESSION_LOOKUP_SWEEP,
	R_RIBBON_CALLS_SWEEP,
	R_UNSENT_SWEEP,
	R_CONFIG_AUDIT,		/* $1 file, $2 generation, $3 fingerprint */
	R_COUNT_OF_STATEMENTS
};

/* The columns of calls that are written, in the order of R_CALLS_WRITE's parameters. */
enum call_column {
	CALL_APP_ID, CALL_ID, CALL_PROVIDER, CALL_PROVIDER_ID, CALL_DIALPAD_ID, CALL_DIRECTION, CALL_FROM, CALL_TO,
	CALL_EXTERNAL, CALL_INTERNAL, CALL_STATUS, CALL_OUTCOME, CALL_STATE, CALL_STATE_AT, CALL_STARTED, CALL_RANG,
	CALL_CONNECTED, CALL_ENDED_AT, CALL_TALK, CALL_HOLD, CALL_DURATION, CALL_AGENT_ID, CALL_AGENT_NAME,
	CALL_AGENT_EMAIL, CALL_GROUP_TYPE, CALL_GROUP_ID, CALL_GROUP_NAME, CALL_CONTACT_ID, CALL_CONTACT_NAME,
	CALL_CUSTOM_DATA, CALL_TRANSCRIPTION, CALL_RECORDING_URL, CALL_RECORDING_TYPE, CALL_HAS_RECORDING,
	CALL_IS_INTERNAL, CALL_IS_TRANSFERRED, CALL_END_INFERRED, CALL_LEGS, CALL_COLUMNS
};

const struct db_stmt_table *stmt_reaper_table(void);

#endif
