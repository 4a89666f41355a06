/*
 * ribbon_sign: one answer to one SIP challenge for a session of a ribbon, so that the browser registers without the
 * password. Steps: look, judge, write, answer. Whether the session, the key it began with, the agent, the account and the app are good is
 * asked of the database for each signature: what was revoked a moment ago signs nothing more. What was done, or refused,
 * stands in the audit log before anybody gets an answer.
 */
#include <sys/types.h>

#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "courier/budget.h"
#include "courier/exotel_line.h"
#include "providers/exotel_digest.h"

#define SESSIONS_MAX	4096	/* whose signatures are counted at a time */
#define BODY_MAX	((size_t)16 * 1024)	/* as much as a worker takes of a page */
#define MEMORY		((size_t)32 * 1024)
#define ANSWER_MAX	8192

struct sign {
	struct courier		*courier;
	struct link_request	*rq;
	struct uuid		 app, session;
	const char		*outcome;
	int64_t			 wait_ms;
	struct buf		 authorization;
};

static void
answer(struct sign *s)
{
	struct json_out j;
	struct buf b;

	buf_init(&b, COURIER_JSON_MAX);
	json_out_init(&j, &b);
	json_obj(&j);
	json_kstr(&j, "outcome", str_c(s->outcome));
	json_kstr(&j, "authorization", s->authorization.len > 0 ? buf_as_str(&s->authorization) : STR_NONE);
	json_kint(&j, "wait_ms", s->wait_ms);
	json_obj_end(&j);
	courier_answer_json(s->rq, &j);
}

static void
sign_free(struct sign *s)
{
	buf_wipe_free(&s->authorization);
	free(s);
}

/* ---- write */

static void
written(void *arg, const struct db_result *r)
{
	struct sign *s = arg;

	if (db_outcome(r) != DB_OK)
		courier_answer_db(s->rq, r);
	else
		answer(s);
	sign_free(s);
}

/* A challenge that could not be read has no method to tell. */
static void
write_audit(struct sign *s, const struct sip_challenge *c)
{
	char actor[UUID_TEXT_SIZE + 8] = "session:";
	bool good = strcmp(s->outcome, "ok") == 0;
	struct json_out o;
	struct db_job *j;
	struct buf b;
	DB_PARAMS(p, 5);

	uuid_format(actor + 8, s->session);
	buf_init(&b, BODY_MAX);
	json_out_init(&o, &b);
	json_obj(&o);
	if (!good)
		json_kstr(&o, "code", str_c(s->outcome));
	json_kstr(&o, "method", c != NULL ? c->method : STR_NONE);
	json_kstr(&o, "realm", c != NULL ? c->realm : STR_NONE);
	json_obj_end(&o);
	db_put_uuid(&p, s->app);
	db_put_cstr(&p, actor);
	db_put_cstr(&p, good ? "ribbon.sign" : "ribbon.sign_refused");
	db_put_null(&p);
	db_put_str(&p, buf_as_str(&b));
	j = db_job_new(s->courier->db, 0, written, s);
	db_job_add(j, C_AUDIT, p.p, p.n);
	db_job_submit(j);
	buf_free(&b);
	score_count(s->courier->h->score, good ? SCORE_SIGNATURES : SCORE_SIGNATURES_REFUSED, 1);
}

/* ---- judge */

static bool
rate_allows(struct sign *s)
{
	const struct budget_limit limit = { "sign", { (const char *)s->session.b, sizeof(s->session.b) },
	    s->courier->conf->exotel_sign_rate, ENDPOINT_MINUTE_MS };
	int64_t now = loop_now_ms(s->courier->loop);

	s->wait_ms = budget_take(s->courier->signatures, &limit, 1, now);
	if (s->wait_ms > 0)
		return false;
	budget_done(s->courier->signatures, &limit, 1, now);
	return true;
}

static const char *
compute(struct sign *s, const struct exotel_line *l, const struct sip_challenge *c)
{
	const struct conf *f = s->courier->conf;
	char domain[EXOTEL_DOMAIN_SIZE], cnonce[SIP_CNONCE_SIZE];
	unsigned char random[(SIP_CNONCE_SIZE - 1) / 2];
	struct sip_rules rules = { .realm = l->account.sip_realm, .method = f->exotel_sign_methods,
	    .nmethods = f->nexotel_sign_methods };
	struct secret password = { 0 };
	enum sip_verdict verdict;

	if (!exotel_agent_has_sip(&l->agent) || !exotel_sip_domain(domain, &l->account, f->exotel_sip_domain_suffix))
		return "not_linked";
	rules.domain = str_c(domain);
	verdict = sip_challenge_judge(c, &rules);
	if (verdict != SIP_OK)
		return sip_verdict_word(verdict);
	if (!secret_set(&password, l->agent.sip_secret))
		return "broken";
	hash_random(random, sizeof(random));
	hex_encode(cnonce, random, sizeof(random));
	sip_authorization(&s->authorization, l->agent.sip_user, &password, c, str_c(cnonce));
	secret_free(&password);
	if (!s->authorization.failed)
		return "ok";
	buf_wipe_free(&s->authorization);
	return "broken";
}

static void
judge(struct sign *s, const struct db_result *r)
{
	struct sip_challenge challenge;
	struct exotel_line line = { .caller_id = STR_NONE };
	struct arena arena;
	bool readable;

	arena_init(&arena, MEMORY);
	readable = sip_challenge_read(&challenge, &arena, s->rq->field[2]);
	if (!db_bool(r, 0, 0, 0))
		s->outcome = "session";
	else if (!rate_allows(s))
		s->outcome = "limit";
	else if (!readable)
		s->outcome = "algorithm";
	else
		switch (exotel_line_read(&line, s->courier, s->app, r, 0, 1)) {
		case LINE_OK:
			s->outcome = compute(s, &line, &challenge);
			break;
		case LINE_NOT_LINKED:
		case LINE_BROKEN:
		case LINE_STATES:
			s->outcome = "not_linked";
			break;
		case LINE_INACTIVE:
		case LINE_AGENT_UNKNOWN:
			s->outcome = "session";
			break;
		}
	exotel_line_free(&line);
	write_audit(s, readable ? &challenge : NULL);
	arena_free(&arena);
}

/* ---- look */

static void
looked(void *arg, const struct db_result *r)
{
	struct sign *s = arg;

	if (db_outcome(r) != DB_OK) {
		courier_answer_db(s->rq, r);
		sign_free(s);
	} else if (db_rows(r, 0) == 0) {		/* no such session: nobody it could be written down about */
		s->outcome = "session";
		score_count(s->courier->h->score, SCORE_SIGNATURES_REFUSED, 1);
		answer(s);
		sign_free(s);
	} else {
		judge(s, r);
	}
}

void
courier_ribbon_sign(struct courier *c, struct link_request *rq)
{
	struct uuid app, session;
	struct db_job *j;
	struct sign *s;
	DB_PARAMS(p, 3);

	if (rq->nfields != 3 || !uuid_parse(rq->field[0], &app) || !uuid_parse(rq->field[1], &session) || rq->field[2].n > BODY_MAX) {
		courier_answer_text(rq, FRAME_INVALID, "expected an app, a session and a challenge");
		return;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL) {
		courier_answer_text(rq, FRAME_BUSY, "out of memory");
		return;
	}
	*s = (struct sign){ .courier = c, .rq = rq, .app = app, .session = session, .wait_ms = -1 };
	buf_init(&s->authorization, ANSWER_MAX);
	db_put_uuid(&p, app);
	db_put_uuid(&p, session);
	db_put_time_ms(&p, clock_real_ms());
	j = db_job_new(c->db, 0, looked, s);
	db_job_add(j, C_RIBBON_SESSION, p.p, p.n);
	db_job_submit(j);
}

bool
signatures_start(struct courier *c)
{
	c->signatures = budget_new(SESSIONS_MAX);
	return c->signatures != NULL;
}
