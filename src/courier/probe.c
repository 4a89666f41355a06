/*
 * probe: does a provider answer, and what is in the way if not? Asks whose token this is, without one: 401 is the right
 * answer then. Goes the whole way of any other request: budget, allow-list, TLS, limits.
 */
#include <sys/types.h>

#include <stdlib.h>

#include "base/log.h"
#include "base/count.h"
#include "courier/internal.h"
#include "providers/dialpad_api.h"
#include "providers/exotel_api.h"

struct probe {
	struct courier		*courier;
	const char		*provider;
	const struct origin	*origin;
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
	origin_text(origin, p->origin);
	json_obj(&j);
	json_kstr(&j, "provider", str_c(p->provider));
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
	const struct { const char *name; const struct endpoint *endpoint; enum courier_origin origin; } known[] = {
		{ "dialpad", dialpad_api(DIALPAD_ME), ORIGIN_DIALPAD },
		{ "exotel", exotel_api(EXOTEL_APP), ORIGIN_EXOTEL },
		{ "exotel-api", exotel_api(EXOTEL_PING), ORIGIN_EXOTEL_API },
	};
	struct errand_request errand = { .deadline_ms = rq->deadline_ms - FRAME_MARGIN_MS };
	struct probe *p;
	size_t i = 0;

	while (i < COUNT(known) && (rq->nfields != 1 || !str_eq(rq->field[0], str_c(known[i].name))))
		i++;
	if (i == COUNT(known)) {
		courier_answer_text(rq, FRAME_INVALID, "unknown provider; expected dialpad, exotel or exotel-api");
		return;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL) {
		courier_answer_text(rq, FRAME_BUSY, "out of memory");
		return;
	}
	p->courier = c;
	p->rq = rq;
	p->provider = known[i].name;
	p->origin = errand.origin = &c->origin[known[i].origin];
	errand.endpoint = known[i].endpoint;
	errand_send(c->errands, &errand, came_back, p);
}
