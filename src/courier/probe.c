/*
 * probe: does the provider answer, and what is in the way if not? Asks Dialpad whose token this is, without one: from
 * there 401 is the right answer. Goes the whole way of any other request: budget, allow-list, TLS, limits.
 */
#include <sys/types.h>

#include <stdlib.h>

#include "base/log.h"
#include "courier/internal.h"

struct probe {
	struct courier		*courier;
	struct link_request	*rq;
};

/* The same names whether anything was sent or not. */
static void
write_answer(struct json_out *j, const struct errand_answer *whole)
{
	static const struct client_answer none = { .outcome = CLIENT_BUSY,
	    .why = "the budget of requests is used up, or the provider asked for a pause" };
	const struct client_answer *a = whole->last != NULL ? whole->last : &none;

	json_kstr(j, "outcome", str_c(whole->last != NULL ? client_outcome_word(a->outcome) : "waiting"));
	json_kstr(j, "why", a->why[0] != '\0' ? str_c(a->why) : STR_NONE);
	json_key(j, "status");
	if (a->status != 0)
		json_int(j, a->status);
	else
		json_null(j);
	json_kstr(j, "address", a->address[0] != '\0' ? str_c(a->address) : STR_NONE);
	json_kbool(j, "connection_reused", a->reused);
	json_kint(j, "body_bytes", (int64_t)a->body.n);
	json_kint(j, "took_ms", a->took_ms);
}

static void
came_back(void *arg, const struct errand_answer *a)
{
	struct probe *p = arg;
	char origin[ORIGIN_TEXT_SIZE];
	struct json_out j;
	struct buf b;

	buf_init(&b, COURIER_JSON_MAX);
	json_out_init(&j, &b);
	origin_text(origin, &p->courier->origin[0]);
	json_obj(&j);
	json_kstr(&j, "provider", STR("dialpad"));
	json_kstr(&j, "origin", str_c(origin));
	write_answer(&j, a);
	json_kint(&j, "wait_ms", a->wait_ms);
	json_kint(&j, "tries", a->tries);
	json_obj_end(&j);
	courier_answer_json(p->rq, &j);
	free(p);
}

void
courier_probe(struct courier *c, struct link_request *rq)
{
	struct errand_request errand = { .endpoint = DIALPAD_ME, .deadline_ms = rq->deadline_ms - FRAME_MARGIN_MS };
	struct probe *p;

	if (rq->nfields != 1 || !str_eq(rq->field[0], STR("dialpad"))) {
		courier_answer_text(rq, FRAME_INVALID, "unknown provider; expected dialpad");
		return;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL) {
		courier_answer_text(rq, FRAME_BUSY, "out of memory");
		return;
	}
	p->courier = c;
	p->rq = rq;
	errand_send(c->errands, &errand, came_back, p);
}
