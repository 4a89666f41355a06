/*
 * stmt_worker: the worker's statements. Reads carry the key check and the tenant setting inside the one statement, so a
 * read is one round trip and a bad key sees nothing; $1 app (text), $2 key hash in each of them.
 */
#ifndef RINGD_STMT_WORKER_H
#define RINGD_STMT_WORKER_H

#include "db/stmt.h"

/* Which filter leads: each has an index of its own that also gives the order, so a page costs the same at any size. */
enum calls_by { CALLS_BY_TIME, CALLS_BY_ACTIVE, CALLS_BY_STATUS, CALLS_BY_DIRECTION, CALLS_BY_NUMBER, CALLS_BY_AGENT_ID,
	CALLS_BY_AGENT_EMAIL, CALLS_BY_RECORDING, CALLS_BY_COUNT };

enum worker_stmt {
	W_KEY_LOOKUP,			/* $1 key hash -> app_id */
	W_KEY_STATE,
	W_INSTANCE_KEYS,		/* name, value in hex */
	W_DAY,				/* $1 now: has its day a partition, the database's time in ms */
	W_HOOKS,			/* $1 changed since, $2 after this token hash among equals */

	/* The beginning of a connect. By API key: $1 app, $2 key hash; the first says what the key is worth. */
	W_CONNECT_KEY,
	W_STATE_BY_KEY,			/* $3 state hash, $4 cookie hash, $5 now, $6 expires, $7 return_to */
	W_TICKET_BY_KEY,		/* $3 ticket hash, $4 now, $5 expires, $6 return_to */
	W_TICKET_TENANT,		/* $1 ticket hash; likewise the next two */
	W_TICKET_LOOK,			/* $2 now: used, expired */
	W_TICKET_START,			/* $2 now */
	W_STATE_BY_TICKET,		/* $1 state hash, $2 cookie hash, $3 now, $4 expires, $5 ticket hash */
	W_CONNECT_AUDIT,		/* $3 request; as all audit rows the last of its job */
	W_TICKET_AUDIT,			/* $1 state hash, $2 request */
	/* Its end: $1 state hash, $2 now. */
	W_STATE_LOOK,			/* $3 cookie hash: used, expired, of this browser, ticket used */
	W_STATE_TAKE,			/* $3 cookie hash: app_id, return_to */
	W_TICKET_USE,

	/* A call a client asks for: $1 app, $2 key hash, $3 id, $4 idempotency key, $5 user, $6 number, $7 custom data. */
	W_DIAL_KEY,			/* what the key is worth */
	W_DIAL_ADD,			/* $8 now */
	W_DIAL_AUDIT,			/* $4 detail, $5 request; the last of its job */
	W_DIAL_FIND,			/* id, same wish, state, provider's call id, error, sent and created in ms */

	W_USAGE,			/* $3 month: key, name, used, limit, refused of each client, one more than USAGE_CLIENTS_MAX at most */
	W_AUDIT,			/* $1 app, $2 actor, $3 action, $4 subject, $5 detail, $6 request; the last of its job: api/audit.h */

	/* The ribbon; what $1.. are says stmt_ribbon.h. */
	W_ORIGIN,			/* $1 origin, $2 with a star: a row when some browser key has it */
	W_SESSION_LOOKUP,		/* $1 token's hash -> app_id */
	W_CLIENT,			/* columns: enum client_col */
	W_SIGNERS,			/* $1 app: hashes in hex */
	W_AGENT,			/* $1 app, $2 the CRM's name for it: id, that name, name, mode, is it active */
	W_SESSION_ADD,
	W_SESSION_LOOKUP_ADD,		/* $1 app, $2 session */
	W_SESSION_AUDIT,		/* $1 app, $2 session, $3 request */
	W_SESSION,			/* columns: enum session_col, as of every BY_SESSION */
	W_SESSION_USAGE,		/* $5 month: as W_USAGE, of the key the session began with */
	W_SESSION_RENEW,		/* its new end in ms */
	W_SESSION_END,
	W_SESSION_END_AUDIT,		/* $1 to $5 as before, $6 request */
	W_RCALL_ADD,
	W_RCALL_LOCK,
	W_USAGE_TAKE,
	W_RCALL_ASK,			/* key, used, limit, mark that was reached or NULL */
	W_USAGE_REFUSE,
	W_RCALL_REFUSE,
	W_RCALL_FIND,
	W_RCALL_GET,			/* columns: enum rcall_col, as the next */
	W_RCALL_LIST,
	W_RCALL_CAME,
	W_RCALL_CAME_AS,
	W_RCALL_END,
	W_RCALL_STATE,
	W_RCALL_NOTE,

	W_CALL,				/* $3 id: one row per recording */
	W_CALLS,			/* + enum calls_by: a page; see stmt_worker.c for $3.. */
	W_CALLS_TOTAL = W_CALLS + CALLS_BY_COUNT,	/* + enum calls_by: how many, capped */
	W_DEDUPE_LOOK = W_CALLS_TOTAL + CALLS_BY_COUNT,	/* + size class */
	W_DEDUPE_ADD = W_DEDUPE_LOOK + 4,
	W_EVENTS_ADD = W_DEDUPE_ADD + 4,
	W_QUEUE_ADD = W_EVENTS_ADD + 4,
	W_REQUESTS_ADD = W_QUEUE_ADD + 4,
	W_NO_WAIT = W_REQUESTS_ADD + 4,	/* the rest of the job's transaction does not wait for the disk */
	W_COUNT,
};

/* Rows per statement of a size class: VALUES lists of fixed lengths (unnest is dear on Citus, equal on PostgreSQL). */
#define WORKER_BATCH_CLASSES	4
#define WORKER_BATCH_MAX	64
extern const int worker_batch_rows[WORKER_BATCH_CLASSES];	/* 64 16 4 1 */

#define USAGE_CLIENTS_MAX	5000

#define W_DEDUPE_COLS	3	/* app_id, digest, received_at (look: the first two) */
#define W_EVENT_COLS	15
#define W_QUEUE_COLS	4	/* app_id, id, received_at, next_try_at */
#define W_REQUEST_COLS	12

/* The first columns of every statement by key: what it is worth, and its own limit ("5000/900": requests, seconds) or NULL. */
enum key_col { KEY_STATE, KEY_OWN_LIMIT, KEY_COLUMNS };

/* A browser key's, and a session's. */
enum client_col { CLIENT_ID = KEY_COLUMNS, CLIENT_LIMIT, CLIENT_USED, CLIENT_APP };
enum session_col { SESSION_ID = KEY_COLUMNS, SESSION_AGENT, SESSION_COLUMNS };
enum rcall_col { RC_ID = SESSION_COLUMNS, RC_STATE, RC_CALL_SID, RC_NUMBER, RC_CONTEXT, RC_MODE, RC_STATUS, RC_OUTCOME, RC_END_REASON,
	RC_ERROR, RC_HELD, RC_MUTED, RC_DISPOSITION, RC_NOTE, RC_CREATED, RC_CONNECTED, RC_ENDED, RC_DIRECTION };

/* Columns of a call row in W_CALL and W_CALLS after those; from C_LEGS on in W_CALL only. */
enum call_col { C_ID = KEY_COLUMNS, C_PROVIDER, C_PROVIDER_CALL_ID, C_DIALPAD_CALL_ID, C_DIRECTION, C_FROM, C_TO, C_STATUS, C_OUTCOME,
	C_PROVIDER_STATE, C_STARTED, C_RANG, C_CONNECTED, C_ENDED, C_TALK, C_HOLD, C_DURATION, C_AGENT_ID, C_AGENT_NAME, C_AGENT_EMAIL,
	C_GROUP_TYPE, C_GROUP_ID, C_GROUP_NAME, C_CONTACT_ID, C_CONTACT_NAME, C_CUSTOM_DATA, C_RECORDING_URL,
	C_RECORDING_TYPE, C_HAS_RECORDING, C_IS_INTERNAL, C_IS_TRANSFERRED, C_END_INFERRED, C_UPDATED, C_LEGS, C_TRANSCRIPTION, C_REC_ID, C_REC_TYPE, C_REC_URL, C_REC_STARTED, C_REC_DURATION };

/* The table, built on first use (the VALUES lists are long); lives as long as the process. */
const struct db_stmt_table *stmt_worker_table(void);

#endif
