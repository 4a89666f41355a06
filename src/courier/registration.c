/*
 * registration: one connection's webhook and subscription at Dialpad: list the one kind, list the other, then do what
 * dialpad_plan says, one thing at a time. Nothing is made before both lists were read to their ends. To disconnect:
 * what is ours goes, the grant is given back, and the row goes last; where Dialpad is away the next look goes on, and
 * what Dialpad refuses for good is told and left behind.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/percent.h"
#include "courier/registrar.h"

#define PAGES_MAX	400		/* of one list */
#define LIST_MEMORY	((size_t)8 * 1024 * 1024)
#define WORDS_MEMORY	((size_t)256 * 1024)
#define BODY_MAX	8192

static void	act(struct registration *r);
static void	ask_page(struct registration *r);

/* ---- when it does not go as it should */

static bool
good(enum grant_outcome outcome, const struct client_answer *a)
{
	return outcome == GRANT_ANSWERED && a->status >= 200 && a->status < 300;
}

/* A no that stays one. 401 never comes here: it is GRANT_DEAD. */
static bool
is_final(int status)
{
	return status >= 400 && status < 500 && status != 408 && status != 425 && status != 429;
}

static bool
refused_for_good(enum grant_outcome outcome, const struct client_answer *a)
{
	return outcome == GRANT_DEAD || (outcome == GRANT_ANSWERED && is_final(a->status));
}

/* For people: what is probably behind it. */
static const char *
hint(enum dialpad_endpoint e, int status)
{
	switch (status) {
	case 403:
		return ": whoever agreed has to be a company administrator; connect anew as one";
	case 404:
		return ": somebody deleted it in this moment";
	case 409:
		return e == DIALPAD_SUBSCRIPTION_CREATE ? ": its limits are 100 call subscriptions and 10 company-wide ones; delete one of those" : "";
	default:
		return "";
	}
}

static void
refused(struct registration *r, enum dialpad_endpoint e, const struct client_answer *a)
{
	int64_t wait = registration_backoff(r);
	struct arena arena;
	struct str words;

	if (a->retry_after_ms > wait)
		wait = a->retry_after_ms;
	if (is_final(a->status) && a->status != 404)
		wait = registration_slowly(r);
	arena_init(&arena, WORDS_MEMORY);
	words = dialpad_complaint(&arena, a->body);
	registration_later(r, wait, "Dialpad answers %d to %s%s%.*s%s%s", a->status, dialpad_api(e)->name, words.n > 0 ? " (" : "",
	    STR_ARG(words), words.n > 0 ? ")" : "", hint(e, a->status));
	arena_free(&arena);
}

/* Anything but a 2xx. */
static void
trouble(struct registration *r, enum dialpad_endpoint e, enum grant_outcome outcome, const struct client_answer *a)
{
	int64_t wait = registration_backoff(r);

	switch (outcome) {
	case GRANT_ANSWERED:
		refused(r, e, a);
		break;
	case GRANT_NONE:
		registration_later(r, registration_slowly(r), "the app is not connected, or not active");
		break;
	case GRANT_DEAD:
		registration_later(r, registration_slowly(r), "Dialpad does not take the token: a new consent is needed");
		break;
	case GRANT_AWAY:
		if (a != NULL && a->retry_after_ms > wait)
			wait = a->retry_after_ms;
		registration_later(r, wait, "%s: %s", dialpad_api(e)->name,
		    a != NULL && a->why[0] != '\0' ? a->why : "cannot be asked just now");
		break;
	}
}

static void
left_behind(const struct registration *r, const char *what, enum grant_outcome outcome, const struct client_answer *a)
{
	log_about_app(r->app);
	if (outcome == GRANT_DEAD)
		log_event(LEVEL_WARN, "disconnecting: left as it is, Dialpad does not take the token any more", LOG_C("what", what));
	else
		log_event(LEVEL_WARN, "disconnecting: left as it is", LOG_C("what", what), LOG_INT("status", a->status));
}

/* ---- the end of a grant */

static void
deauthorized(void *arg, enum grant_outcome outcome, const struct client_answer *a)
{
	struct registration *r = arg;

	if (registration_dropped(r))
		return;
	if (good(outcome, a) || refused_for_good(outcome, a)) {
		if (!good(outcome, a) && outcome == GRANT_ANSWERED && a->status != 404)
			left_behind(r, "the grant", outcome, a);
		registration_forget(r);
	} else
		trouble(r, DIALPAD_DEAUTHORIZE, outcome, a);
}

static void
deauthorize(struct registration *r)
{
	const struct grant_request rq = { .app = r->app, .endpoint = DIALPAD_DEAUTHORIZE, .origin = &r->courier->origin[ORIGIN_DIALPAD_OAUTH],
	    .path = r->courier->conf->dialpad_deauthorize_path, .leaving = true, .deadline_ms = r->deadline_ms };

	grant_send(r->courier, &rq, deauthorized, r);
}

/* ---- one thing after the other */

/* The id of what was made; absent in an answer that makes no sense. */
static struct str
made_id(struct arena *a, struct str body)
{
	static const struct json_limits limits = { .depth = 32, .tokens = 4096 };
	struct json_error err;
	struct json_doc doc;

	return json_parse(&doc, a, body, &limits, &err) ? dialpad_item_id(json_root(&doc)) : STR_NONE;
}

static void
was_made(struct registration *r, const struct client_answer *a)
{
	struct arena arena;
	struct str id;

	arena_init(&arena, LIST_MEMORY);
	id = made_id(&arena, a->body);
	if (id.p != NULL)
		dialpad_plan_done(&r->plan, &r->step, id);
	arena_free(&arena);
	if (id.p != NULL)
		act(r);
	else	/* it may stand there nevertheless: the next look finds it in the list */
		registration_later(r, registration_backoff(r), "Dialpad's answer to %s names no id", dialpad_api(r->step.endpoint)->name);
}

static void
stepped(void *arg, enum grant_outcome outcome, const struct client_answer *a)
{
	struct registration *r = arg;
	enum dialpad_endpoint e = r->step.endpoint;
	bool deletion = e == DIALPAD_WEBHOOK_DELETE || e == DIALPAD_SUBSCRIPTION_DELETE;

	if (registration_dropped(r))
		return;
	r->changed = true;
	if (good(outcome, a) && (e == DIALPAD_WEBHOOK_CREATE || e == DIALPAD_SUBSCRIPTION_CREATE)) {
		was_made(r, a);
	} else if (good(outcome, a) || (deletion && outcome == GRANT_ANSWERED && a->status == 404)) {
		dialpad_plan_done(&r->plan, &r->step, STR_NONE);
		act(r);
	} else if (r->leaving && refused_for_good(outcome, a)) {
		left_behind(r, e == DIALPAD_WEBHOOK_DELETE ? "the webhook" : "the call subscription", outcome, a);
		dialpad_plan_done(&r->plan, &r->step, STR_NONE);
		act(r);
	} else
		trouble(r, e, outcome, a);
}

static void
send_step(struct registration *r)
{
	struct grant_request rq = { .app = r->app, .endpoint = r->step.endpoint, .leaving = r->leaving,
	    .id = r->step.id[0] != '\0' ? r->step.id : NULL, .deadline_ms = r->deadline_ms };
	struct buf body;

	buf_init(&body, BODY_MAX);
	buf_reserve(&body, BODY_MAX);		/* at once, so that no copy of the secret is left behind by growing */
	dialpad_plan_body(&r->plan, &r->step, &body);
	if (body.len > 0)
		rq.body = buf_as_str(&body);
	grant_send(r->courier, &rq, stepped, r);
	buf_wipe_free(&body);
}

static void
act(struct registration *r)
{
	if (dialpad_plan_next(&r->plan, r->leaving, &r->step))
		registration_hold(r, send_step);
	else if (r->leaving)
		registration_hold(r, deauthorize);
	else
		registration_done(r);
}

/* At a hundred there is no room whichever they are; how many of them count as company-wide only Dialpad knows. */
static void
plan_is_made(struct registration *r)
{
	if (!r->leaving && r->plan.subscription.fitness == DIALPAD_MISSING && r->plan.in_all >= DIALPAD_SUBSCRIPTIONS_MAX)
		registration_later(r, registration_slowly(r), "the company has %zu call subscriptions already, and Dialpad allows %d: delete one",
		    r->plan.in_all, DIALPAD_SUBSCRIPTIONS_MAX);
	else
		act(r);
}

/* ---- the lists */

/* false: it is no list, or goes on without end. */
static bool
read_page(struct registration *r, struct str body)
{
	bool hooks = r->step.endpoint == DIALPAD_WEBHOOKS, readable;
	struct dialpad_page page;
	struct arena arena;

	arena_init(&arena, LIST_MEMORY);
	readable = dialpad_page(&page, &arena, body);
	for (struct json e = json_first(page.items); readable && json_type(e) != JSON_ABSENT; e = json_next(e)) {
		if (hooks)
			dialpad_plan_hook(&r->plan, e, &arena);
		else
			dialpad_plan_subscription(&r->plan, e);
	}
	r->cursor[0] = '\0';
	if (readable && page.cursor.p != NULL) {
		snprintf(r->cursor, sizeof(r->cursor), "%.*s", STR_ARG(page.cursor));
		readable = ++r->pages < PAGES_MAX;
	}
	arena_wipe_free(&arena);		/* lists of webhooks hold their secrets */
	return readable;
}

static void
begin_list(struct registration *r, enum dialpad_endpoint e)
{
	r->step.endpoint = e;
	r->pages = 0;
	r->cursor[0] = '\0';
	registration_hold(r, ask_page);
}

static void
got_page(void *arg, enum grant_outcome outcome, const struct client_answer *a)
{
	struct registration *r = arg;
	enum dialpad_endpoint e = r->step.endpoint;

	if (registration_dropped(r))
		return;
	if (r->leaving && refused_for_good(outcome, a)) {
		left_behind(r, e == DIALPAD_WEBHOOKS ? "the webhook" : "the call subscription", outcome, a);
		act(r);
	} else if (!good(outcome, a))
		trouble(r, e, outcome, a);
	else if (!read_page(r, a->body))
		registration_later(r, registration_backoff(r), "Dialpad's answer to %s is no list", dialpad_api(e)->name);
	else if (r->cursor[0] != '\0')
		registration_hold(r, ask_page);
	else if (e == DIALPAD_WEBHOOKS)
		begin_list(r, DIALPAD_SUBSCRIPTIONS);
	else
		plan_is_made(r);
}

static void
ask_page(struct registration *r)
{
	struct grant_request rq = { .app = r->app, .endpoint = r->step.endpoint, .leaving = r->leaving, .deadline_ms = r->deadline_ms };
	struct buf query;

	buf_init(&query, 4 * DIALPAD_CURSOR_MAX);
	if (r->cursor[0] != '\0') {
		buf_putc(&query, '?');
		percent_pair(&query, "cursor", str_c(r->cursor));
		buf_putc(&query, '\0');
		rq.id = query.failed ? NULL : query.p;
	}
	grant_send(r->courier, &rq, got_page, r);
	buf_free(&query);
}

void
registration_begin(struct registration *r)
{
	r->plan.address = secret_bytes(&r->address);
	r->plan.secret = secret_bytes(&r->secret);
	if (r->leaving && !secret_present(&r->address) && r->plan.known_hook[0] == '\0')
		registration_hold(r, deauthorize);	/* nothing was ever registered */
	else
		begin_list(r, DIALPAD_WEBHOOKS);
}
