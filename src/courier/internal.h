/*
 * internal: what the files of courier/ share. Each kind of question a worker may ask has one function, which leads to
 * exactly one link_answer().
 */
#ifndef RINGD_COURIER_INTERNAL_H
#define RINGD_COURIER_INTERNAL_H

#include <sys/queue.h>

#include "base/json_write.h"
#include "courier/client.h"
#include "courier/errand.h"
#include "crypt/envelope.h"
#include "db/db.h"
#include "db/param.h"
#include "db/stmt_courier.h"
#include "link/server.h"
#include "loop/loop.h"
#include "proc/child.h"

#define COURIER_JSON_MAX	((size_t)128 * 1024)	/* of an answer; well below FRAME_MAX */

enum courier_origin {
	ORIGIN_DIALPAD,
	ORIGIN_DIALPAD_OAUTH,
	ORIGIN_EXOTEL,			/* agents and their calls */
	ORIGIN_EXOTEL_API,		/* calls from telephone to telephone */
	ORIGINS,
};

LIST_HEAD(wishes, wish);	/* wish.h */

struct courier {
	const struct heritage	*h;
	const struct conf	*conf;
	struct loop		*loop;
	struct db		*db;
	struct link_server	*line;
	struct origin		 origin[ORIGINS];	/* whom we may ask */
	struct client		*client;
	struct errands		*errands;
	struct keyring		 keys;
	struct keeper		*keeper;	/* refresh.c */
	struct registrar	*registrar;
	LIST_HEAD(, grant_use)	 uses;		/* grant.c */
	struct wishes		 dials, ribbon_dials;	/* dial.c, ribbon_dial.c */
	LIST_HEAD(, exotel_sync) exotel_syncs;	/* exotel_sync.c */
	struct gaps		*gaps;		/* gaps.c */
	struct repair		*repair;	/* repair.c */
	struct ghosts		*ghosts;	/* ghosts.c */
	struct timer		*ribbon_sweep;
	struct budget		*signatures;	/* ribbon_sign.c: how many each session had */
	uint64_t		 sealed, opened, unopened;	/* records, since the start */
	struct reach		 reach;		/* what the sandbox lets us touch */
	struct timer		*last_call, *stale;
	struct watch		*master;
	bool			 attempted;	/* the first attempt to connect has finished */
	bool			 leaving;
	bool			 hung_up;	/* leaving, and nobody asks any more */
	size_t			 renewals;	/* of tokens, under way: the last one's end is waited for */
	int			 exit_code;
};

/* courier.c: what a leaving courier still waited for is done, perhaps. */
void	courier_leave_if_done(struct courier *c);

/* seal.c: the ring's use, counted. */
bool	courier_seal(struct courier *c, struct buf *out, const struct envelope_place *at, const struct secret *plain);
/* Logs what does not open, with its place. */
enum envelope_result courier_open(struct courier *c, struct secret *plain, const struct envelope_place *at,
	    struct str record);

/* answer.c */
void	courier_answer_json(struct link_request *rq, struct json_out *j);	/* frees the buf of j */
void	courier_answer_text(struct link_request *rq, enum frame_code code, const char *text);
void	courier_answer_db(struct link_request *rq, const struct db_result *r);	/* a job that did not end well */
void	courier_write_keys(const struct courier *c, struct json_out *j);	/* their ids, into an open object */
void	courier_status(struct courier *c, struct link_request *rq);

/* rekey.c */
void	courier_keys(struct courier *c, struct link_request *rq);
void	courier_rekey(struct courier *c, struct link_request *rq);

/* connect.c */
void	courier_connect(struct courier *c, struct link_request *rq);

/* manage.c */
void	courier_refresh(struct courier *c, struct link_request *rq);
void	courier_rotate(struct courier *c, struct link_request *rq);
void	courier_disconnect(struct courier *c, struct link_request *rq);

/* dial.c */
void	courier_dial(struct courier *c, struct link_request *rq);

/* ribbon_line.c, ribbon_dial.c, ribbon_sign.c */
void	courier_ribbon_line(struct courier *c, struct link_request *rq);
void	courier_ribbon_dial(struct courier *c, struct link_request *rq);
void	courier_ribbon_sign(struct courier *c, struct link_request *rq);
bool	signatures_start(struct courier *c);	/* false without memory; budget_free() ends it */

/* ribbon_sweep.c */
bool	ribbon_sweep_start(struct courier *c);	/* false without memory */
void	ribbon_sweep_stop(struct courier *c);

/* exotel_sync.c */
void	courier_exotel_sync(struct courier *c, struct link_request *rq);

/* probe.c */
void	courier_probe(struct courier *c, struct link_request *rq);

#endif
