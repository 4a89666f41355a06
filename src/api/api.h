/*
 * api: the journeys of the HTTP surface, one file each, as lists of named steps. Knows model, providers, http and db; knows no
 * process: what a worker lends it stands in struct api.
 */
#ifndef RINGD_API_H
#define RINGD_API_H

#include <sys/queue.h>

#include "base/hash.h"
#include "base/pace.h"
#include "base/tally.h"
#include "base/uuid.h"
#include "conf/conf.h"
#include "db/db.h"
#include "http/router.h"
#include "link/client.h"
#include "loop/loop.h"
#include "model/event.h"
#include "proc/scoreboard.h"

struct keys;			/* key hash -> app, keys.c */
struct ribbon_files;		/* the ribbon's scripts in memory, ribbon_files.c */
struct hooks;			/* the installation's hooks in memory, hooks.c */
struct audit;			/* what was refused, audit.c */

enum store_outcome {
	STORE_OK,
	STORE_DUPLICATE,	/* known already: nothing written */
	STORE_AWAY,		/* the database cannot take it now: 503 */
	STORE_REFUSED,		/* the database will not take this very event */
};

/* One verified event on its way into the database. Lives in its request's arena. */
struct delivery {
	STAILQ_ENTRY(delivery)	 link;
	struct http_request	*rq;
	struct event		 event;
	struct str		 payload;	/* JSON, byte for byte */
	struct str		 facts;		/* the leg's record; absent when no call */
	struct uuid		 app_id;	/* nil: nobody's (verified by the global secret only) */
	struct uuid		 id;
	struct uuid		 hook_id;
	bool			 has_hook;
	const char		*secret_used;	/* word stored with the event */
	int64_t			 received_ms;
	size_t			 cost;		/* bytes it adds to a batch */
	size_t			 held;		/* bytes its request holds until it is answered */
	int64_t			 given_us;	/* monotonic: to the store */
	enum store_outcome	 outcome;
	void			(*done)(struct delivery *d, enum store_outcome outcome);
};

struct api {
	const struct conf	*conf;
	struct loop		*loop;
	struct db		*db;
	struct keys		*keys;
	struct hooks		*hooks;
	struct audit		*audit;
	struct link_client	*courier;	/* NULL: none is configured */
	struct secret		 cursor_key, oauth_key;	/* absent until read from the database */
	struct scoreboard	*board;
	struct ribbon_files	*ribbon;	/* NULL: none is served */
	const struct peer_list	*admins;
	bool			 draining;	/* we were asked to leave */
	bool			 day_missing;	/* events of this moment find no partition */
	int64_t			 clock_ahead_ms;	/* of the database's; 0 also while it is little */
	struct score		*score;
	const struct tally	*tally;		/* counted by all processes; this one is its member */
	unsigned		 member;
	int			 use_fd;	/* to the reaper: which keys are used */
	struct pace		 full, failing;	/* telling of full tables, and of addresses that fail too often */
	/* Takes the delivery and calls d->done once, later or at once: the caller must not touch it afterwards. */
	void			(*store)(void *ctx, struct delivery *d);
	void			*store_ctx;
};

/* routes.c: the two tables. ctx of both is the struct api. */
void	api_public_routes(struct http_routes *rs, struct api *api);
void	api_admin_routes(struct http_routes *rs, struct api *api);
/* Routes as the scoreboard numbers them: 0 is "none" (rq->route is NULL); names[i] is NULL where there is none. */
size_t	api_route_index(const struct http_route *route);
void	api_route_names(const char *names[SCORE_ROUTES]);

/* admin.c: may this request on an admin listener be served? NULL: it may; else why not. */
const char *api_admin_admit(const struct api *api, const struct http_request *rq);

/* problem.c: every error answer of the house. problem+json when Accept asks for it, else the envelope. code is a stable word. */
void	api_problem(struct http_request *rq, int status, const char *code, const char *message);
void	api_away(struct http_request *rq);		/* 503 database_unavailable, Retry-After */
void	api_courier_away(struct http_request *rq);	/* 503 courier_unavailable, Retry-After; courier.c */
/* Asks the courier, and answers with what it says: its JSON as "data". */
void	api_courier_ask(struct http_request *rq, struct api *api, enum frame_kind kind, const struct str *field, size_t nfields,
	    int64_t timeout_ms);
void	api_no_memory(struct http_request *rq);		/* 503 overloaded */
/* Answers what a failed job means for a client: 503 or 500; logs what the database said. */
void	api_db_failed(struct http_request *rq, const struct db_result *r);
/* The first thing in the callback of a request's job: what it took stands in the request's line of the log. */
void	api_took(struct http_request *rq, const struct db_result *r);

/* Handlers. */
void	api_calls(struct http_request *rq, void *ctx);	/* the list, or a call to be placed */
void	api_calls_active(struct http_request *rq, void *ctx);
void	api_call(struct http_request *rq, void *ctx);
void	api_dial(struct http_request *rq, void *ctx);
void	api_ribbon_usage(struct http_request *rq, void *ctx);
void	api_ribbon_init(struct http_request *rq, void *ctx);
void	api_ribbon_renew(struct http_request *rq, void *ctx);
void	api_ribbon_end(struct http_request *rq, void *ctx);
void	api_ribbon_calls(struct http_request *rq, void *ctx);	/* the list, or a call to be placed */
void	api_ribbon_call(struct http_request *rq, void *ctx);
void	api_ribbon_incoming(struct http_request *rq, void *ctx);
void	api_ribbon_call_end(struct http_request *rq, void *ctx);
void	api_ribbon_call_state(struct http_request *rq, void *ctx);
void	api_ribbon_call_note(struct http_request *rq, void *ctx);
void	api_ribbon_sign(struct http_request *rq, void *ctx);
void	api_hook_dialpad(struct http_request *rq, void *ctx);
void	api_hook_exotel(struct http_request *rq, void *ctx);
void	api_oauth_connect(struct http_request *rq, void *ctx);
void	api_oauth_callback(struct http_request *rq, void *ctx);
void	api_ribbon_file(struct http_request *rq, void *ctx);
void	api_health_live(struct http_request *rq, void *ctx);
void	api_health_ready(struct http_request *rq, void *ctx);
void	api_courier_status(struct http_request *rq, void *ctx);
void	api_courier_probe(struct http_request *rq, void *ctx);
void	api_keyring(struct http_request *rq, void *ctx);
void	api_keyring_rekey(struct http_request *rq, void *ctx);
void	api_exotel_sync(struct http_request *rq, void *ctx);
void	api_dialpad_refresh(struct http_request *rq, void *ctx);
void	api_dialpad_rotate(struct http_request *rq, void *ctx);
void	api_dialpad_disconnect(struct http_request *rq, void *ctx);
void	api_status(struct http_request *rq, void *ctx);
void	api_metrics(struct http_request *rq, void *ctx);
void	api_log(struct http_request *rq, void *ctx);

/* On every new database connection: reads what the journeys keep in memory; done(arg) after the first try. */
void	api_database_ready(struct api *api, loop_fn done, void *arg);

#endif
