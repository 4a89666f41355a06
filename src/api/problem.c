/*
 * problem: what an error looks like. Never says more than the client may know: no SQL, no path, no secret; the request id
 * leads an administrator from the answer to the log.
 */
#include <sys/types.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "base/json_write.h"
#include "base/log.h"

#define PROBLEM_MAX		4096
#define RETRY_AFTER_SECONDS	"2"	/* Dialpad's own retries come after 2, 4 and 8 seconds */

static bool
wants_problem(const struct http_request *rq)
{
	struct str accept = http_header(rq, "accept"), one;

	while (str_cut(&accept, ',', &one)) {
		struct str type;
		str_cut(&one, ';', &type);
		if (str_ieq(str_trim(type), STR("application/problem+json")))
			return true;
	}
	return false;
}

void
api_problem(struct http_request *rq, int status, const char *code, const char *message)
{
	bool problem = wants_problem(rq);
	struct json_out j;
	struct buf b;

	buf_init(&b, PROBLEM_MAX);
	json_out_init(&j, &b);
	json_obj(&j);
	if (problem) {
		json_kstr(&j, "type", STR("about:blank"));
		json_kstr(&j, "title", str_c(http_reason(status)));
		json_kint(&j, "status", status);
		json_kstr(&j, "detail", str_c(message));
	} else {
		json_kbool(&j, "success", false);
		json_kstr(&j, "error", str_c(message));
	}
	json_kstr(&j, "code", str_c(code));
	json_kstr(&j, "request_id", str_c(rq->id));
	json_obj_end(&j);
	http_answer(rq, status, problem ? "application/problem+json" : "application/json", &b);
	buf_free(&b);
}

void
api_away(struct http_request *rq)
{
	http_add_header(rq, "Retry-After", RETRY_AFTER_SECONDS);
	api_problem(rq, 503, "database_unavailable", "The database is unavailable; try again");
}

void
api_no_memory(struct http_request *rq)
{
	http_add_header(rq, "Retry-After", RETRY_AFTER_SECONDS);
	api_problem(rq, 503, "overloaded", "The server is out of memory for this request; try again");
}

void
api_took(struct http_request *rq, const struct db_result *r)
{
	rq->db_wait_us += db_wait_us(r);
	rq->db_run_us += db_run_us(r);
}

void
api_db_failed(struct http_request *rq, const struct db_result *r)
{
	if (db_outcome(r) != DB_FAILED) {
		api_away(rq);
		return;
	}
	log_event(LEVEL_ERROR, "statement failed", LOG_C("error", db_error_text(r)), LOG_C("sqlstate", db_error_sqlstate(r)),
	    LOG_C("step", rq->step));
	/* 57: operator intervention, a timeout included; 53: out of resources; 40: a collision. All pass. */
	if (strncmp(db_error_sqlstate(r), "57", 2) == 0 || strncmp(db_error_sqlstate(r), "53", 2) == 0 ||
	    strncmp(db_error_sqlstate(r), "40", 2) == 0)
		api_away(rq);
	else
		api_problem(rq, 500, "internal_error", "The request could not be served; the log has the reason");
}
