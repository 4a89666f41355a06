/*
 * stmt_courier: the courier's statements. Its role sees every tenant's credentials, so each names app_id itself.
 */
#ifndef RINGD_STMT_COURIER_H
#define RINGD_STMT_COURIER_H

#include "db/stmt.h"

/* Every column that holds sealed records (crypt/envelope.h); rows are found by (app_id, id). */
struct sealed_column {
	const char	*table, *column;
};

#define SEALED_COLUMNS	5
extern const struct sealed_column sealed_columns[SEALED_COLUMNS];

#define COURIER_PAGE	200	/* rows of one step of a rekey */
#define COURIER_GHOSTS	1000	/* rows of one look for ghosts */

enum courier_stmt {
	/* + index of a sealed column. $1 is the head of a record under the newest key. */
	C_STALE,				/* $1 head: how many values have another */
	C_PAGE = C_STALE + SEALED_COLUMNS,	/* $1 head, $2 $3 after app and id: app_id, id, record in hex if it has another */
	C_RESEAL = C_PAGE + SEALED_COLUMNS,	/* $1 apps, $2 ids, $3 records, $4 their successors */

	/* A connection's beginning. */
	C_CONNECTION = C_RESEAL + SEALED_COLUMNS,	/* $1 app: is the app active, connection id, company, state, has a refresh token */
	C_CONNECTION_ADD,	/* $1 app, $2 id, $3 company, $4 user, $5 user's name, $6 scopes, $7 access, $8 refresh, $9 expires,
				 * $10 when to refresh, $11 now; likewise the next, which keeps the id */
	C_CONNECTION_RENEW,

	/* A token's life. Whoever works on a connection holds its lease: $n owner, until. */
	C_REFRESH_DUE,		/* $1 now, $2 owner, $3 until: app, id, company, refresh token in hex, attempts; one row at most */
	C_REFRESH_OF,		/* the same of one app whatever the hour: $4 app, $5 access token that is no good any more, or NULL */
	C_REFRESHED,		/* $1 app, $2 id, $3 owner, $4 access, $5 refresh or NULL, $6 expires, $7 when next, $8 now */
	C_REFRESH_LATER,	/* $1 app, $2 id, $3 owner, $4 when next, $5 error, $6 now */
	C_NEEDS_RECONNECT,	/* $1 app, $2 id, $3 owner, $4 error, $5 now */
	C_GRANT,		/* $1 app: id, company, state, access token in hex, has a refresh token, is the app active */
	C_GRANT_REFUSED,	/* $1 app, $2 id, $3 access token as it was, $4 error, $5 now */

	/* What is registered at Dialpad. Its own lease: $1 app, $2 id, $3 owner in all but the first. */
	C_HOOKS_DUE,		/* $1 now, $2 owner, $3 until: app, id; one row at most */
	C_HOOKS_ROW,		/* state, attempts, hook id, address in hex, webhook, subscription, is a rotation under way,
				 * the hook's secret, is it enabled */
	C_HOOKS_HOLD,		/* $4 until: state; no row: the lease is not ours any more */
	C_HOOK_MAKE,		/* $4 hook id, $5 address; the next two after it in one job */
	C_HOOK_ADD,		/* $4 hook id */
	C_HOOK_LOOKUP_ADD,	/* $4 hook id, $5 token's hash, $6 secret */
	C_HOOKS_ROTATED,	/* before C_HOOKS_DONE: the secret before the last now has an end */
	C_HOOKS_DONE,		/* $4 webhook, $5 subscription, $6 address or NULL, $7 when next, $8 now, $9 a rotation is done */
	C_HOOKS_LATER,		/* $4 when next, $5 error, $6 now, $7 state it is about, $8 webhook or NULL, $9 subscription or NULL */
	C_FORGET_HOOK,		/* these four in one job: the end of a connection */
	C_FORGET_LOOKUP,
	C_FORGET_GAPS,		/* and $4 now: nobody can ask for them any more */
	C_FORGET,

	/* What administrators ask for. */
	C_DISCONNECT,		/* $1 app, $2 now */
	C_ROTATE,		/* $1 app, $2 secret, $3 overlap ms, $4 now: one row affected, or there is nothing to rotate now */
	C_ROTATABLE,		/* $1 app: state, has a hook, is a rotation under way */
	/* A call: $1 app, $2 id. */
	C_DIAL_TAKE,		/* $3 now: user, number, custom data, if nobody has it */
	C_DIAL_DONE,		/* $3 state, $4 Dialpad's call id, $5 error */

	/* Events no delivery brought. $1 app, $2 now unless said otherwise. */
	C_DEDUPE_LOOK,		/* $2 digests: those known, in hex */
	C_LEGS_LOOK,		/* $2 legs: leg, record */
	C_DEDUPE_ADD,		/* $3 digests */
	C_EVENTS_ADD,		/* $3 digests, $4 ids, $5 types, $6 times, $7 legs, $8 facts, $9 payloads */
	C_QUEUE_ADD,		/* $3 ids */

	/* Spans in which events may have been lost. $1 now. */
	C_GAPS_DOWNTIME,	/* $2 a beat before this was the last of its life, $3 not further back: a gap for each connection */
	C_BEAT,
	C_GAPS_ROUTINE,		/* $2 those not looked back over since, $3 not further back, $4 up to */
	C_GAPS_SWEEP,		/* $1 what was done with before this is forgotten */
	C_GAP_CLAIM,		/* $2 owner, $3 until, $4 spans that end before this: app, id, from, to (ms), reason, cursor, attempts,
				 * seen, found; one row at most */
	/* Of a claimed one: $1 app, $2 id, $3 owner. */
	C_GAP_PAGE,		/* $4 cursor, $5 seen, $6 found, $7 reached, $8 lease until or NULL */
	C_GAP_DONE,		/* $4 now, $5 seen, $6 found, $7 reached */
	C_GAP_LATER,		/* $4 when, $5 error, $6 from the first page again, $7 state: open or failed, $8 now */
	C_GAP_RELEASE,		/* whoever comes may go on with it */
	C_GAP_RECONCILED,	/* $1 app, $2 id: the connection remembers how far a routine came */
	C_GAP_FORGET,		/* $1 app, $2 id: one that found nothing leaves no trace */

	/* Legs of live calls without a sign of life. */
	C_GHOSTS_FIND,		/* $1 now, $2 silent since: all apps' */
	C_GHOSTS_OLD,		/* the same of one app's: $3 begun before, $4 app */
	C_GHOSTS_FORGET,	/* those whose call went on or ended */
	C_GHOST_TURN,		/* $1 now, $2 the app's next turn, $3 the ghost's: app, leg, attempts; one row at most, to be asked about */
	C_GHOST_ORPHAN,		/* $1 now, $2 the ghost's next turn: app, leg; one row at most, of an app that nobody can ask for */
	C_GHOST_LATER,		/* $1 app, $2 leg, $3 next turn, $4 attempts */

	/* Exotel and the ribbon. LINE: is the app active; the account: id, credentials in hex, is it active, caller id; the agent: id,
	 * credentials in hex, is it active, telephone. NULLs where there is none. */
	C_RIBBON_LINE,		/* $1 app, $2 agent: LINE */
	C_RIBBON_CALL_TAKE,	/* $1 app, $2 call, $3 now: mode, number, LINE, if nobody has it */
	C_RIBBON_CALL_DONE,	/* $1 app, $2 call, $3 state, $4 CallSid, $5 error, $6 give it back to the quota if it failed, $7 now */
	C_RIBBON_ABANDONED,	/* $1 asked for before, $2 now: fail, and are given back to the quota; a row for each key and month */
	C_RIBBON_SESSION,	/* $1 app, $2 session, $3 now: are session and key good, LINE */
	/* Agents fetched: $1 app. */
	C_EXOTEL_ACCOUNT,	/* is the app active, id, credentials in hex, is the account active */
	C_EXOTEL_AGENTS,	/* id, agent, name, e-mail, telephone, credentials in hex */
	C_AGENT_ADD,		/* $2 id, $3 name, $4 e-mail, $5 telephone, $6 credentials, $7 now, $8 agent, $9 mode */
	C_AGENT_CHANGE,		/* as far as $7 the same */
	C_AGENTS_SEEN,		/* $2 ids, $3 now */
	C_EXOTEL_SYNCED,	/* $2 account, $3 now, $4 error or NULL */
	C_AUDIT,		/* $1 app, $2 actor, $3 action, $4 subject, $5 detail */
	C_COUNT,
};

extern const struct db_stmt_table stmt_courier;

#endif
