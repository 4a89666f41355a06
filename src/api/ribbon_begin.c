/*
 * ribbon_begin: a session for somebody who may have one. Steps: line, store. The courier says who the agent is to SIP, never their
 * password; then the session is stored, if the key is still good, and only then its token told, once.
 */
#include <sys/types.h>

#include "api/reply.h"
#include "api/ribbon_init.h"
#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "base/token.h"
#include "db/stmt_worker.h"

#define ANSWER_MAX	((size_t)16 * 1024)

enum { CLIENT, ADDED };		/* statements of the job */

static void	store(struct init *i);

static void
line(void *arg, enum link_outcome outcome, const struct frame *f)
{
	static const struct json_limits limits = { .depth = 4, .tokens = 32 };
	struct init *i = arg;
	struct arena *a = &i->rq->arena;
	struct json_error err;
	struct json_doc doc;
	struct str word = STR_NONE;
	struct json root;

	http_resume(i->rq);
	if (outcome != LINK_ANSWERED || f->code == FRAME_BUSY) {
		api_courier_away(i->rq);
		return;
	}
	if (f->code == FRAME_DATABASE) {
		api_away(i->rq);
		return;
	}
	if (f->code == FRAME_OK && f->nfields == 1 && json_parse(&doc, a, arena_str(a, f->field[0]), &limits, &err)) {
		root = json_root(&doc);
		word = json_text(json_get(root, "outcome"), a);
		i->sip_user = json_text(json_get(root, "user"), a);
		i->sip_domain = json_text(json_get(root, "domain"), a);
		i->sip_server = json_text(json_get(root, "server"), a);
	}
	if (str_eq(word, STR("ok")) && i->sip_user.p != NULL && i->sip_domain.p != NULL && i->sip_server.p != NULL)
		store(i);
	else if (str_eq(word, STR("not_linked")) || str_eq(word, STR("inactive")))
		init_refuse(i, 403, "account_inactive", "The account at Exotel is not linked or switched off");
	else if (str_eq(word, STR("agent_unknown")))
		init_refuse(i, 403, "agent_unknown", "There is no such agent");
	else {
		log_event(LEVEL_ERROR, "the courier knows no line for an agent", LOG_STR("outcome", word), LOG_C("agent", i->agent));
		api_problem(i->rq, 500, "internal_error", "The request could not be served; the log has the reason");
	}
}

void
init_begin(struct init *i)
{
	struct str field[2] = { str_c(i->caller.app), str_c(i->agent) };

	i->rq->step = "line";
	if (i->api->courier == NULL || !link_client_up(i->api->courier))
		api_courier_away(i->rq);	/* calls need it too, whatever the mode */
	else if (!i->webrtc)
		store(i);
	else
		link_call(i->api->courier, FRAME_RIBBON_LINE, field, COUNT(field), i->api->conf->db_job_timeout_ms + FRAME_MARGIN_MS,
		    line, i);
}

static void
put_sip(struct json_out *j, const struct init *i)
{
	json_key(j, "sip");
	if (!i->webrtc) {
		json_null(j);
		return;
	}
	json_obj(j);
	json_kstr(j, "user", i->sip_user);
	json_kstr(j, "domain", i->sip_domain);
	json_kstr(j, "server", i->sip_server);
	json_obj_end(j);
}

static void
put_usage(struct json_out *j, const struct init *i)
{
	json_key(j, "usage");
	json_obj(j);
	json_kstr(j, "month", str_c(i->month));
	json_kint(j, "used", i->used);
	json_key(j, "limit");
	if (i->limit >= 0)
		json_int(j, i->limit);
	else
		json_null(j);
	json_obj_end(j);
}

static void
begun(struct init *i)
{
	const struct conf *c = i->api->conf;
	char id[UUID_TEXT_SIZE];
	struct json_out j;
	struct buf b;

	uuid_format(id, i->session);
	reply_begin(&j, &b, ANSWER_MAX, true);
	json_key(&j, "session");
	json_obj(&j);
	json_kstr(&j, "token", str_c(i->token_text));
	hash_wipe(i->token_text, sizeof(i->token_text));
	json_kstr(&j, "id", str_c(id));
	json_ktime(&j, "expires_at", i->expires_ms);
	json_kint(&j, "renew_in_ms", ribbon_renew_in(i->expires_ms - i->now_ms));
	json_obj_end(&j);
	json_key(&j, "agent");
	json_obj(&j);
	json_kstr(&j, "id", i->agent_id);
	json_kstr(&j, "name", i->name);
	json_obj_end(&j);
	json_kstr(&j, "mode", i->webrtc ? STR("webrtc") : STR("callback"));
	put_sip(&j, i);
	put_usage(&j, i);
	json_key(&j, "dispositions");
	json_arr(&j);
	for (size_t k = 0; k < c->nribbon_dispositions; k++)
		json_str(&j, str_c(c->ribbon_disposition[k]));
	json_arr_end(&j);
	reply_end(i->rq, &j, 200);
}

static void
stored(void *arg, const struct db_result *r)
{
	struct init *i = arg;

	api_took(i->rq, r);
	if (db_outcome(r) == DB_DISTURBED && !i->again) {
		i->again = true;
		store(i);
	} else if (db_outcome(r) != DB_OK)
		api_db_failed(i->rq, r);
	else if (db_affected(r, ADDED) > 0) {
		score_count(i->api->score, SCORE_RIBBON_SESSIONS, 1);
		auth_begun(i->api, &i->begun, db_text(r, CLIENT, 0, KEY_OWN_LIMIT));
		begun(i);
	} else if (init_client_good(i, r, CLIENT))	/* it ended in this very moment */
		api_away(i->rq);
}

static void
store(struct init *i)
{
	struct db_job *j = db_job_new(i->api->db, 0, stored, i);
	DB_PARAMS(p, 10);
	DB_PARAMS(q, 3);

	i->rq->step = "store";
	token_make(i->token_text, TOKEN_SESSION);
	i->begun = i->caller;
	token_hash(i->begun.key_hash, str_c(i->token_text));
	i->now_ms = clock_real_ms();
	i->expires_ms = i->now_ms + i->api->conf->ribbon_session_ms;
	i->session = uuid_v7(i->now_ms);
	init_client_params(&p, i);
	db_job_add(j, W_CLIENT, p.p, p.n);
	db_put_uuid(&p, i->session);
	db_put_bytes(&p, i->begun.key_hash, SHA256_SIZE);
	db_put_uuid(&p, i->agent_uuid);
	db_put_time_ms(&p, i->now_ms);
	db_put_time_ms(&p, i->expires_ms);
	db_job_add(j, W_SESSION_ADD, p.p, p.n);
	db_put_cstr(&q, i->caller.app);
	db_put_uuid(&q, i->session);
	db_job_add(j, W_SESSION_LOOKUP_ADD, q.p, q.n);
	db_put_cstr(&q, i->rq->id);
	db_job_add(j, W_SESSION_AUDIT, q.p, q.n);
	db_job_submit(j);
}
