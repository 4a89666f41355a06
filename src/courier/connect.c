/*
 * connect: what follows when somebody has agreed: the code becomes tokens, the tokens a company, and both a connection.
 * Steps: exchange, me, place, store. The code is sent once, whatever comes back: nobody can say whether a second time
 * would end what the first began. Nothing is stored before everything is known, so a failure changes nothing.
 */
#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "courier/grant.h"
#include "courier/registrar.h"
#include "providers/dialpad_oauth.h"

#define CONNECT_MEMORY	((size_t)1024 * 1024)
#define PLACES_MAX	3	/* two connects of one app side by side place each other's row at most once */

struct connect {
	struct courier		*courier;
	struct link_request	*rq;
	struct arena		 arena;
	struct uuid		 app, id;
	struct secret		 access, refresh;
	int64_t			 expires_ms;	/* INT64_MIN: not known */
	struct dialpad_me	 me;
	unsigned		 places;
};

static void	place(struct connect *k);

static void
end(struct connect *k, const char *outcome, struct str detail)
{
	struct json_out j;
	struct buf b;

	buf_init(&b, COURIER_JSON_MAX);
	json_out_init(&j, &b);
	json_obj(&j);
	json_kstr(&j, "outcome", str_c(outcome));
	json_kstr(&j, "detail", detail);
	json_obj_end(&j);
	courier_answer_json(k->rq, &j);
	secret_free(&k->access);
	secret_free(&k->refresh);
	arena_free(&k->arena);
	free(k);
}

static void
fail(struct connect *k, const char *outcome, const char *why)
{
	log_about_app(k->app);
	log_event(LEVEL_WARN, "not connected with Dialpad", LOG_C("outcome", outcome), LOG_C("reason", why));
	end(k, outcome, STR_NONE);
}

/* ---- store */

static void
stored(void *arg, const struct db_result *r)
{
	struct connect *k = arg;

	if (db_outcome(r) != DB_OK) {
		fail(k, "unavailable", db_error_text(r));
	} else if (db_affected(r, 0) != 1) {
		place(k);	/* another connect of this app was quicker, or took the row away */
	} else {
		registrar_look(k->courier);
		log_about_app(k->app);
		log_event(LEVEL_INFO, "connected with Dialpad", LOG_STR("company", k->me.company_id));
		end(k, "connected", k->me.name);
	}
}

static void
store(struct connect *k, bool renew)
{
	struct courier *c = k->courier;
	int64_t now = clock_real_ms();
	struct buf access, refresh;
	uint32_t random;
	struct db_job *j;
	bool sealed;
	DB_PARAMS(p, 11);

	hash_random(&random, sizeof(random));
	buf_init(&access, ENVELOPE_MAX);
	buf_init(&refresh, ENVELOPE_MAX);
	sealed = grant_seal(c, &access, "access_token", k->app, k->id, secret_bytes(&k->access)) &&
	    (!secret_present(&k->refresh) ||
	    grant_seal(c, &refresh, "refresh_token", k->app, k->id, secret_bytes(&k->refresh)));
	if (!sealed) {
		buf_free(&access);
		buf_free(&refresh);
		fail(k, "unavailable", "the tokens cannot be sealed");
		return;
	}
	db_put_uuid(&p, k->app);
	db_put_uuid(&p, k->id);
	db_put_str(&p, k->me.company_id);
	db_put_str(&p, k->me.user_id);
	db_put_str(&p, k->me.name);
	db_put_cstr(&p, c->conf->dialpad_scopes);
	db_put_bytes(&p, access.p, access.len);
	if (refresh.len > 0)
		db_put_bytes(&p, refresh.p, refresh.len);
	else
		db_put_null(&p);
	db_put_time_ms(&p, k->expires_ms);
	db_put_time_ms(&p, grant_due_ms(now, k->expires_ms, c->conf->dialpad_refresh_ahead_ms, random));
	db_put_time_ms(&p, now);
	j = db_job_new(c->db, 0, stored, k);
	db_job_add(j, renew ? C_CONNECTION_RENEW : C_CONNECTION_ADD, p.p, p.n);
	db_job_submit(j);
	buf_free(&access);
	buf_free(&refresh);
}

/* ---- place: is there a connection, and is it with this company? */

static void
ignore(void *arg, const struct errand_answer *a)
{
	(void)arg;
	(void)a;
}

/* What was granted by the wrong company is given back; whether that is heard changes nothing here. */
static void
give_back(struct connect *k)
{
	const struct conf *f = k->courier->conf;
	struct secret bearer = { 0 };
	struct errand_request rq = { .endpoint = dialpad_api(DIALPAD_DEAUTHORIZE), .origin = &k->courier->origin[ORIGIN_DIALPAD_OAUTH],
	    .path = f->dialpad_deauthorize_path, .account = k->me.company_id, .authorization = &bearer,
	    .deadline_ms = loop_now_ms(k->courier->loop) + f->courier_timeout_ms };

	grant_bearer(&bearer, secret_bytes(&k->access));
	errand_send(k->courier->errands, &rq, ignore, NULL);
	secret_free(&bearer);
}

static void
placed(void *arg, const struct db_result *r)
{
	struct connect *k = arg;
	struct str company = db_text(r, 0, 0, 2);
	bool renew;

	if (db_outcome(r) != DB_OK) {
		fail(k, "unavailable", db_error_text(r));
	} else if (!db_bool(r, 0, 0, 0)) {
		give_back(k);
		fail(k, "unknown", "the app is not active");
	} else if (str_eq(db_text(r, 0, 0, 3), STR("disconnecting"))) {
		fail(k, "unavailable", "the app is being disconnected");	/* whose tokens a giving back would end too early */
	} else if (company.p != NULL && k->me.company_id.p != NULL && !str_eq(company, k->me.company_id)) {
		give_back(k);
		fail(k, "wrong_company", "the app is connected with another company");
	} else {
		renew = db_uuid(r, 0, 0, 1, &k->id);
		if (!renew)
			k->id = uuid_v7(clock_real_ms());
		if (k->me.company_id.p == NULL)
			k->me.company_id = arena_str(&k->arena, company);
		store(k, renew);
	}
}

static void
place(struct connect *k)
{
	struct db_job *j;
	DB_PARAMS(p, 1);

	if (++k->places > PLACES_MAX) {
		fail(k, "unavailable", "others connect the same app at the same time");
		return;
	}
	db_put_uuid(&p, k->app);
	j = db_job_new(k->courier->db, 0, placed, k);
	db_job_add(j, C_CONNECTION, p.p, p.n);
	db_job_submit(j);
}

/* ---- me */

/* A server that is no Dialpad may know no such address: then the company stays unknown, and everything else works. */
static void
got_me(void *arg, const struct errand_answer *a)
{
	struct connect *k = arg;
	int status = a->last != NULL ? a->last->status : 0;

	if (status == 404)
		k->me = (struct dialpad_me){ .company_id = STR_NONE };
	else if (status != 200) {
		fail(k, status == 401 || status == 403 ? "refused" : "provider_down", "cannot be asked whose token it is");
		return;
	} else if (!dialpad_me_answer(&k->me, &k->arena, arena_str(&k->arena, a->last->body))) {
		fail(k, "provider_down", "says nothing of a company");
		return;
	}
	if (!k->me.is_admin && status == 200)
		log_warn("the Dialpad user who agreed is no administrator: company-wide events may be refused");
	place(k);
}

static void
ask_me(struct connect *k)
{
	struct secret bearer = { 0 };
	struct errand_request rq = { .endpoint = dialpad_api(DIALPAD_ME), .origin = &k->courier->origin[ORIGIN_DIALPAD], .path = k->courier->conf->dialpad_me_path,
	    .authorization = &bearer, .deadline_ms = k->rq->deadline_ms - FRAME_MARGIN_MS };

	grant_bearer(&bearer, secret_bytes(&k->access));
	errand_send(k->courier->errands, &rq, got_me, k);
	secret_free(&bearer);
}

/* ---- exchange */

static void
exchanged(void *arg, const struct errand_answer *a)
{
	static const char *const words[] = {
		[DIALPAD_TOKEN_AGAIN] = "provider_down", [DIALPAD_TOKEN_REFUSED] = "refused",
		[DIALPAD_TOKEN_MISCONFIGURED] = "misconfigured", [DIALPAD_TOKEN_UNREADABLE] = "provider_down",
	};
	struct connect *k = arg;
	const struct client_answer *last = a->last;
	enum dialpad_token_outcome o;
	struct dialpad_tokens t;
	struct arena arena;

	arena_init(&arena, CONNECT_MEMORY);
	o = dialpad_token_answer(&t, &arena, last != NULL ? last->status : 0, last != NULL ? last->body : STR_NONE);
	if (o != DIALPAD_TOKEN_OK) {
		arena_wipe_free(&arena);
		fail(k, words[o], last != NULL && last->why[0] != '\0' ? last->why : t.why);
		return;
	}
	if (!secret_set(&k->access, t.access) || (t.refresh.p != NULL && !secret_set(&k->refresh, t.refresh))) {
		arena_wipe_free(&arena);
		fail(k, "unavailable", "out of memory");
		return;
	}
	k->expires_ms = t.expires_in_s >= 0 ? clock_real_ms() + t.expires_in_s * 1000 : INT64_MIN;
	arena_wipe_free(&arena);
	ask_me(k);
}

void
courier_connect(struct courier *c, struct link_request *rq)
{
	struct connect *k;

	if (rq->nfields != 3 || c->conf->dialpad_client_id == NULL) {
		courier_answer_text(rq, FRAME_INVALID, rq->nfields != 3 ? "expected app, code and verifier" : "no client id is configured");
		return;
	}
	k = calloc(1, sizeof(*k));
	if (k == NULL || !uuid_parse(rq->field[0], &k->app)) {
		courier_answer_text(rq, k == NULL ? FRAME_BUSY : FRAME_INVALID, k == NULL ? "out of memory" : "no app");
		free(k);
		return;
	}
	k->courier = c;
	k->rq = rq;
	arena_init(&k->arena, CONNECT_MEMORY);
	if (!token_exchange(c, rq->field[1], rq->field[2], rq->deadline_ms - FRAME_MARGIN_MS, exchanged, k))
		fail(k, "unavailable", "the code does not fit");
}
