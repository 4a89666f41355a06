/*
 * manage: what an administrator asks for about one connection: a new token now, a new webhook secret, the end. The last two
 * are written down here and done by the registrar, so that they are done in the end whatever happens meanwhile.
 */
#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "base/token.h"
#include "courier/grant.h"
#include "courier/registrar.h"

#define OVERLAP_MAX_MS	((int64_t)30 * 86400 * 1000)

struct wish {
	struct courier		*courier;
	struct link_request	*rq;
	struct uuid		 app;
};

static void
end(struct wish *m, const char *outcome, const char *why)
{
	struct json_out j;
	struct buf b;

	buf_init(&b, COURIER_JSON_MAX);
	json_out_init(&j, &b);
	json_obj(&j);
	json_kstr(&j, "outcome", str_c(outcome));
	json_kstr(&j, "why", str_c(why));
	json_obj_end(&j);
	courier_answer_json(m->rq, &j);
	free(m);
}

static void
end_db(struct wish *m, const struct db_result *r)
{
	courier_answer_db(m->rq, r);
	free(m);
}

/* NULL: the question has been answered. */
static struct wish *
take(struct courier *c, struct link_request *rq, size_t nfields)
{
	struct wish *m;

	if (c->conf->dialpad_client_id == NULL) {
		courier_answer_text(rq, FRAME_INVALID, "dialpad.client_id is not configured");
		return NULL;
	}
	m = calloc(1, sizeof(*m));
	if (m == NULL || rq->nfields != nfields || !uuid_parse(rq->field[0], &m->app)) {
		courier_answer_text(rq, m == NULL ? FRAME_BUSY : FRAME_INVALID,
		    m == NULL ? "out of memory" : "parameter 'app': expected an app's id");
		free(m);
		return NULL;
	}
	m->courier = c;
	m->rq = rq;
	return m;
}

static void
ask_database(struct wish *m, db_fn fn, int stmt, const struct db_params *p)
{
	struct db_job *j = db_job_new(m->courier->db, 0, fn, m);

	db_job_add(j, stmt, p->p, p->n);
	db_job_submit(j);
}

/* ---- a new token */

static void
refreshed(void *arg, enum refresh_outcome outcome, const char *why)
{
	static const char *const words[] = {
		[REFRESH_DONE] = "renewed", [REFRESH_NOTHING] = "busy", [REFRESH_FAILED] = "failed", [REFRESH_DEAD] = "needs_reconnect",
	};

	end(arg, words[outcome], outcome == REFRESH_DONE ? NULL : why);
}

static void
found(void *arg, const struct db_result *r)
{
	struct wish *m = arg;
	struct str state = db_text(r, 0, 0, 3);

	if (db_outcome(r) != DB_OK)
		end_db(m, r);
	else if (db_rows(r, 0) == 0 || state.p == NULL)
		end(m, "not_connected", "the app is not connected with Dialpad");
	else if (str_eq(state, STR("needs_reconnect")))
		end(m, "needs_reconnect", "Dialpad does not take the tokens any more: a new consent is needed");
	else if (!db_bool(r, 0, 0, 4))
		end(m, "failed", "Dialpad gave no refresh token: was offline_access among dialpad.scopes?");
	else
		refresh_now(m->courier, m->app, STR_NONE, refreshed, m);
}

void
courier_refresh(struct courier *c, struct link_request *rq)
{
	struct wish *m = take(c, rq, 1);
	DB_PARAMS(p, 1);

	if (m == NULL)
		return;
	db_put_uuid(&p, m->app);
	ask_database(m, found, C_CONNECTION, &p);
}

/* ---- a new secret */

/* Columns of C_ROTATABLE: state, has a hook, is a rotation under way. */
static void
why_not(void *arg, const struct db_result *r)
{
	struct wish *m = arg;

	if (db_outcome(r) != DB_OK)
		end_db(m, r);
	else if (db_rows(r, 0) == 0)
		end(m, "not_connected", "the app is not connected with Dialpad");
	else if (!str_eq(db_text(r, 0, 0, 0), STR("connected")))
		end(m, "failed", "the connection is being given up, or needs a new consent");
	else if (db_bool(r, 0, 0, 2))
		end(m, "busy", "Dialpad has not been told of the last new secret yet");
	else
		end(m, "no_hook", "nothing is registered at Dialpad yet");
}

static void
rotated(void *arg, const struct db_result *r)
{
	struct wish *m = arg;
	DB_PARAMS(p, 1);

	if (db_outcome(r) != DB_OK) {
		end_db(m, r);
	} else if (db_affected(r, 0) == 1) {
		log_about_app(m->app);
		log_info("a new webhook secret, of which Dialpad is told next");
		registrar_look(m->courier);
		end(m, "rotating", NULL);
	} else {
		db_put_uuid(&p, m->app);
		ask_database(m, why_not, C_ROTATABLE, &p);
	}
}

void
courier_rotate(struct courier *c, struct link_request *rq)
{
	struct wish *m = take(c, rq, 2);
	char secret[TOKEN_SIZE];
	int64_t overlap;
	DB_PARAMS(p, 4);

	if (m == NULL)
		return;
	if (!num_i64(rq->field[1], 0, OVERLAP_MAX_MS, &overlap)) {
		courier_answer_text(rq, FRAME_INVALID, "parameter 'overlap': expected milliseconds, at most 30 days");
		free(m);
		return;
	}
	token_make(secret, TOKEN_HOOK_SECRET);
	db_put_uuid(&p, m->app);
	db_put_cstr(&p, secret);
	db_put_i64(&p, overlap);
	db_put_time_ms(&p, clock_real_ms());
	ask_database(m, rotated, C_ROTATE, &p);
	hash_wipe(secret, sizeof(secret));
}

/* ---- the end */

static void
disconnecting(void *arg, const struct db_result *r)
{
	struct wish *m = arg;

	if (db_outcome(r) != DB_OK) {
		end_db(m, r);
	} else if (db_affected(r, 0) == 1) {
		log_about_app(m->app);
		log_info("disconnecting from Dialpad");
		registrar_look(m->courier);
		end(m, "disconnecting", NULL);
	} else
		end(m, "not_connected", "the app is not connected with Dialpad");
}

void
courier_disconnect(struct courier *c, struct link_request *rq)
{
	struct wish *m = take(c, rq, 1);
	DB_PARAMS(p, 2);

	if (m == NULL)
		return;
	db_put_uuid(&p, m->app);
	db_put_time_ms(&p, clock_real_ms());
	ask_database(m, disconnecting, C_DISCONNECT, &p);
}
