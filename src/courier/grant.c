/*
 * grant: see grant.h. A request with an app's token goes: look the token up, send, and when it is refused as 401 renew it
 * once and send once more. Another process may have renewed it meanwhile: then what stands there now is used.
 */
#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "courier/grant.h"

#define TABLE		"dialpad_connections"
#define AGAIN_MS	500	/* somebody else renews the token: look again after this */
#define LOOKS_MAX	8
#define ID_SIZE		4096	/* a list's cursor is long, and percent-encoded */

struct grant_use {
	LIST_ENTRY(grant_use)	 link;
	struct courier		*courier;
	struct uuid		 app, row;
	enum dialpad_endpoint	 endpoint;
	const struct origin	*origin;
	const char		*path;
	bool			 leaving;
	char			 id[ID_SIZE], user[64];
	struct secret		 body;
	bool			 has_body, has_refresh, renewed;
	unsigned		 looks;
	int64_t			 deadline_ms, patience_ms;
	unsigned char		*record;	/* the sealed access token that is used */
	size_t			 record_len;
	struct timer		*timer;
	grant_fn		 fn;
	void			*arg;
};

static void	look_up(struct grant_use *u);

bool
grant_open(struct courier *c, struct secret *plain, const char *column, struct uuid app, struct uuid id, struct str hex)
{
	const struct envelope_place at = { TABLE, column, app, id };
	unsigned char *record = malloc(hex.n / 2 + 1);
	long n = record != NULL ? hex_decode(record, hex.n / 2, hex) : -1;
	bool good = n >= 0 && courier_open(c, plain, &at, (struct str){ (char *)record, (size_t)n }) == ENVELOPE_OK;

	free(record);
	return good;
}

bool
grant_seal(struct courier *c, struct buf *out, const char *column, struct uuid app, struct uuid id, struct str token)
{
	const struct envelope_place at = { TABLE, column, app, id };
	struct secret plain = { 0 };
	bool good = secret_set(&plain, token) && courier_seal(c, out, &at, &plain);

	secret_free(&plain);
	return good && !out->failed;
}

void
grant_bearer(struct secret *header, struct str token)
{
	struct buf b;

	buf_init(&b, token.n + 16);
	buf_puts(&b, "Bearer ");
	buf_str(&b, token);
	if (!b.failed)
		secret_set(header, buf_as_str(&b));
	buf_wipe_free(&b);
}

static void
end(struct grant_use *u, enum grant_outcome outcome, const struct client_answer *answer)
{
	LIST_REMOVE(u, link);
	u->fn(u->arg, outcome, answer);
	timer_free(u->timer);
	secret_free(&u->body);
	free(u->record);
	free(u);
}

static void
look_again(void *arg)
{
	look_up(arg);
}

static void
renewed(void *arg, enum refresh_outcome outcome, const char *why)
{
	struct grant_use *u = arg;

	(void)why;
	switch (outcome) {
	case REFRESH_DONE:
		look_up(u);
		break;
	case REFRESH_NOTHING:
		u->renewed = false;	/* theirs counts only when it is there */
		timer_set(u->timer, AGAIN_MS);
		break;
	case REFRESH_FAILED:
		end(u, GRANT_AWAY, NULL);
		break;
	case REFRESH_DEAD:
		end(u, GRANT_DEAD, NULL);
		break;
	}
}

static void
gave_up(void *arg, const struct db_result *r)
{
	struct grant_use *u = arg;

	log_about_app(u->app);
	if (db_outcome(r) == DB_OK && db_affected(r, 0) == 1) {
		score_count(u->courier->h->score, SCORE_REFRESH_DEAD, 1);
		log_error("Dialpad refuses the token, and a renewed one would not help: the connection needs a new consent");
	}
	end(u, db_outcome(r) == DB_OK ? GRANT_DEAD : GRANT_AWAY, NULL);
}

/* The very token that was refused must still be there: a new consent may have come meanwhile. */
static void
give_up(struct grant_use *u)
{
	struct db_job *j;
	DB_PARAMS(p, 5);

	db_put_uuid(&p, u->app);
	db_put_uuid(&p, u->row);
	db_put_bytes(&p, u->record, u->record_len);
	db_put_cstr(&p, "Dialpad refuses the token");
	db_put_time_ms(&p, clock_real_ms());
	j = db_job_new(u->courier->db, 0, gave_up, u);
	db_job_add(j, C_GRANT_REFUSED, p.p, p.n);
	db_job_submit(j);
}

/* Nothing was sent, because the budget does not allow it for so long. */
static void
end_waiting(struct grant_use *u, int64_t wait_ms)
{
	struct client_answer a = { .outcome = CLIENT_BUSY, .retry_after_ms = wait_ms,
	    .why = "the budget of requests is used up, or the provider asked for a pause" };

	end(u, GRANT_AWAY, wait_ms > 0 ? &a : NULL);
}

static void
answered(void *arg, const struct errand_answer *a)
{
	struct grant_use *u = arg;

	if (a->last == NULL) {
		end_waiting(u, a->wait_ms);
	} else if (a->last->outcome != CLIENT_ANSWERED) {
		end(u, GRANT_AWAY, a->last);
	} else if (a->last->status == 401 && !u->renewed && u->has_refresh) {
		u->renewed = true;
		refresh_now(u->courier, u->app, (struct str){ (char *)u->record, u->record_len }, renewed, u);
	} else if (a->last->status == 401) {
		give_up(u);
	} else {
		end(u, GRANT_ANSWERED, a->last);
	}
}

static bool
remember(struct grant_use *u, struct str hex)
{
	long n;

	free(u->record);
	u->record = malloc(hex.n / 2 + 1);
	n = u->record != NULL ? hex_decode(u->record, hex.n / 2, hex) : -1;
	u->record_len = n > 0 ? (size_t)n : 0;
	return n > 0;
}

static void
send_with(struct grant_use *u, struct str company, struct str hex)
{
	struct secret token = { 0 }, bearer = { 0 };
	struct errand_request rq = { .endpoint = dialpad_api(u->endpoint), .origin = u->origin, .path = u->path, .account = company, .user = str_c(u->user),
	    .id = u->id[0] != '\0' ? u->id : NULL, .authorization = &bearer, .deadline_ms = u->deadline_ms,
	    .patience_ms = u->patience_ms };

	if (!remember(u, hex) || !grant_open(u->courier, &token, "access_token", u->app, u->row, hex)) {
		end(u, GRANT_AWAY, NULL);
		return;
	}
	grant_bearer(&bearer, secret_bytes(&token));
	secret_free(&token);
	if (u->has_body) {
		rq.content_type = "application/json";
		rq.body = secret_bytes(&u->body);
	}
	errand_send(u->courier->errands, &rq, answered, u);
	secret_free(&bearer);
}

/* Columns: id, company, state, access token in hex, has a refresh token, is the app active. */
static void
looked_up(void *arg, const struct db_result *r)
{
	struct grant_use *u = arg;
	struct str state = db_text(r, 0, 0, 2);

	if (db_outcome(r) != DB_OK)
		end(u, GRANT_AWAY, NULL);
	else if (db_rows(r, 0) == 0 || !db_uuid(r, 0, 0, 0, &u->row) || u->leaving != str_eq(state, STR("disconnecting")) ||
	    (!u->leaving && !db_bool(r, 0, 0, 5)))
		end(u, GRANT_NONE, NULL);
	else if (str_eq(state, STR("needs_reconnect")) || db_text(r, 0, 0, 3).p == NULL)
		end(u, GRANT_DEAD, NULL);
	else {
		u->has_refresh = db_bool(r, 0, 0, 4);
		send_with(u, db_text(r, 0, 0, 1), db_text(r, 0, 0, 3));
	}
}

static void
look_up(struct grant_use *u)
{
	struct db_job *j;
	DB_PARAMS(p, 1);

	if (++u->looks > LOOKS_MAX || loop_now_ms(u->courier->loop) >= u->deadline_ms) {
		end(u, GRANT_AWAY, NULL);
		return;
	}
	db_put_uuid(&p, u->app);
	j = db_job_new(u->courier->db, 0, looked_up, u);
	db_job_add(j, C_GRANT, p.p, p.n);
	db_job_submit(j);
}

void
grant_send(struct courier *c, const struct grant_request *rq, grant_fn fn, void *arg)
{
	struct grant_use *u = calloc(1, sizeof(*u));

	if (u == NULL || (u->timer = timer_new(c->loop, look_again, u)) == NULL) {
		log_errno("out of memory for a request to Dialpad");
		abort();	/* a few hundred bytes are not to be had: the master starts a fresh process */
	}
	LIST_INSERT_HEAD(&c->uses, u, link);
	u->courier = c;
	u->app = rq->app;
	u->endpoint = rq->endpoint;
	u->origin = rq->origin != NULL ? rq->origin : &c->origin[ORIGIN_DIALPAD];
	u->path = rq->path;
	u->leaving = rq->leaving;
	u->deadline_ms = rq->deadline_ms;
	u->patience_ms = rq->patience_ms;
	u->fn = fn;
	u->arg = arg;
	u->has_body = rq->body.p != NULL;
	if (snprintf(u->id, sizeof(u->id), "%s", rq->id != NULL ? rq->id : "") >= (int)sizeof(u->id) ||
	    (size_t)snprintf(u->user, sizeof(u->user), "%.*s", STR_ARG(rq->user)) >= sizeof(u->user) ||
	    (u->has_body && !secret_set(&u->body, rq->body)))
		u->deadline_ms = INT64_MIN;	/* does not fit: it ends as a request that came too late */
	timer_set(u->timer, 0);
}

/* Those that wait for a timer: everything else comes back by itself when client and database are closed. */
void
grant_stop(struct courier *c)
{
	struct grant_use *u;

	while ((u = LIST_FIRST(&c->uses)) != NULL)
		end(u, GRANT_AWAY, NULL);
}
