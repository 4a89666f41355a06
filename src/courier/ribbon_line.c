/*
 * ribbon_line: who an agent is at SIP. The user's name and the domain are what a browser that registers by itself must
 * know; the password stays here, and ribbon_sign.c uses it.
 */
#include <sys/types.h>

#include <stdlib.h>

#include "courier/exotel_line.h"

struct look {
	struct courier		*courier;
	struct link_request	*rq;
	struct uuid		 app;
};

static void
answer(struct look *k, enum line_state state, const struct exotel_line *l)
{
	char domain[EXOTEL_DOMAIN_SIZE] = "";
	struct json_out j;
	struct buf b;

	if (state == LINE_OK && (!exotel_agent_has_sip(&l->agent) ||
	    !exotel_sip_domain(domain, &l->account, k->courier->conf->exotel_sip_domain_suffix)))
		state = LINE_NOT_LINKED;
	buf_init(&b, COURIER_JSON_MAX);
	json_out_init(&j, &b);
	json_obj(&j);
	json_kstr(&j, "outcome", str_c(line_state_word(state)));
	json_kstr(&j, "user", state == LINE_OK ? l->agent.sip_user : STR_NONE);
	json_kstr(&j, "domain", state == LINE_OK ? str_c(domain) : STR_NONE);
	json_kstr(&j, "server", state == LINE_OK ? str_c(k->courier->conf->exotel_sip_server) : STR_NONE);
	json_obj_end(&j);
	courier_answer_json(k->rq, &j);
}

static void
looked(void *arg, const struct db_result *r)
{
	struct look *k = arg;
	struct exotel_line line;
	enum line_state state;

	if (db_outcome(r) != DB_OK) {
		courier_answer_db(k->rq, r);
	} else if (db_rows(r, 0) == 0) {
		answer(k, LINE_AGENT_UNKNOWN, NULL);
	} else {
		state = exotel_line_read(&line, k->courier, k->app, r, 0, 0);
		answer(k, state, &line);
		exotel_line_free(&line);
	}
	free(k);
}

void
courier_ribbon_line(struct courier *c, struct link_request *rq)
{
	struct uuid app, agent;
	struct db_job *j;
	struct look *k;
	DB_PARAMS(p, 2);

	if (rq->nfields != 2 || !uuid_parse(rq->field[0], &app) || !uuid_parse(rq->field[1], &agent)) {
		courier_answer_text(rq, FRAME_INVALID, "expected an app and an agent");
		return;
	}
	k = calloc(1, sizeof(*k));
	if (k == NULL) {
		courier_answer_text(rq, FRAME_BUSY, "out of memory");
		return;
	}
	*k = (struct look){ c, rq, app };
	db_put_uuid(&p, app);
	db_put_uuid(&p, agent);
	j = db_job_new(c->db, 0, looked, k);
	db_job_add(j, C_RIBBON_LINE, p.p, p.n);
	db_job_submit(j);
}
