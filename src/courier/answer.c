/*
 * answer: what a worker gets back, and the courier's own status. Secrets never go into an answer.
 */
#include <sys/types.h>

#include <string.h>

#include "base/log.h"
#include "courier/internal.h"

void
courier_answer_json(struct link_request *rq, struct json_out *j)
{
	if (json_done(j))
		link_answer(rq, FRAME_OK, buf_as_str(j->b));
	else
		courier_answer_text(rq, FRAME_BUSY, "out of memory for the answer");
	buf_free(j->b);
}

void
courier_answer_text(struct link_request *rq, enum frame_code code, const char *text)
{
	link_answer(rq, code, str_c(text));
}

void
courier_answer_db(struct link_request *rq, const struct db_result *r)
{
	if (db_outcome(r) != DB_FAILED) {
		courier_answer_text(rq, FRAME_DATABASE, "the courier's database is away");
		return;
	}
	log_event(LEVEL_ERROR, "statement failed", LOG_C("error", db_error_text(r)), LOG_C("sqlstate", db_error_sqlstate(r)));
	/* As in the API: what passes by itself is "away". */
	if (strncmp(db_error_sqlstate(r), "57", 2) == 0 || strncmp(db_error_sqlstate(r), "53", 2) == 0 ||
	    strncmp(db_error_sqlstate(r), "40", 2) == 0)
		courier_answer_text(rq, FRAME_DATABASE, "the courier's database is busy");
	else
		courier_answer_text(rq, FRAME_FAILED, "a statement failed; the log has the reason");
}

void
courier_write_keys(const struct courier *c, struct json_out *j)
{
	json_kint(j, "newest", keyring_newest(&c->keys)->id);
	json_key(j, "keys");
	json_arr(j);
	for (size_t i = 0; i < c->keys.n; i++)
		json_int(j, c->keys.key[i].id);
	json_arr_end(j);
}

void
courier_status(struct courier *c, struct link_request *rq)
{
	const struct client_stats *s = client_stats(c->client);
	struct json_out j;
	struct buf b;

	buf_init(&b, COURIER_JSON_MAX);
	json_out_init(&j, &b);
	json_obj(&j);
	json_kint(&j, "generation", c->h->generation);
	courier_write_keys(c, &j);
	json_kint(&j, "sealed", (int64_t)c->sealed);
	json_kint(&j, "opened", (int64_t)c->opened);
	json_kint(&j, "unopened", (int64_t)c->unopened);
	json_kint(&j, "workers", (int64_t)link_server_peers(c->line));
	json_kint(&j, "questions", (int64_t)link_server_requests(c->line));
	json_kint(&j, "provider_requests", (int64_t)s->requests);
	json_kint(&j, "provider_requests_reused", (int64_t)s->reused);
	json_kint(&j, "provider_requests_under_way", (int64_t)s->under_way);
	json_kint(&j, "provider_requests_waiting", (int64_t)errands_waiting(c->errands));
	json_kint(&j, "gaps_found", (int64_t)score_own(c->h->score, SCORE_GAPS_FOUND));
	json_kint(&j, "gaps_done", (int64_t)score_own(c->h->score, SCORE_GAPS_DONE));
	json_kint(&j, "gaps_failed", (int64_t)score_own(c->h->score, SCORE_GAPS_FAILED));
	json_kint(&j, "repaired_events", (int64_t)score_own(c->h->score, SCORE_EVENTS_REPAIRED));
	json_kint(&j, "ends_inferred", (int64_t)score_own(c->h->score, SCORE_ENDS_INFERRED));
	json_obj_end(&j);
	courier_answer_json(rq, &j);
}
