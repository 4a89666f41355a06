/*
 * dialpad_plan: see dialpad_plan.h. The one to keep is chosen so that least has to be done: of webhooks the one we know,
 * of subscriptions one that is good already, else one that a patch makes good. So nothing new is asked for where
 * something of ours can be used again, which keeps within Dialpad's limits, and what is kept is put right before what is
 * surplus goes, so that no event is lost in between.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "providers/dialpad_plan.h"

static void
set_id(char to[DIALPAD_ID_SIZE], struct str id)
{
	snprintf(to, DIALPAD_ID_SIZE, "%.*s", STR_ARG(id));
}

static void
add_spare(struct dialpad_spares *s, struct str id)
{
	if (s->n == DIALPAD_SPARE_MAX)
		s->more = true;
	else
		set_id(s->id[s->n++], id);
}

static void
keep(struct dialpad_thing *t, struct str id, bool fit)
{
	set_id(t->id, id);
	t->fitness = fit ? DIALPAD_FIT : DIALPAD_UNFIT;
}

void
dialpad_plan_init(struct dialpad_plan *p, struct str address, struct str secret, struct str known_hook,
    struct str known_subscription)
{
	*p = (struct dialpad_plan){ .address = address, .secret = secret };
	set_id(p->known_hook, known_hook);
	set_id(p->known_subscription, known_subscription);
}

void
dialpad_plan_hook(struct dialpad_plan *p, struct json item, struct arena *a)
{
	enum dialpad_hook_verdict	verdict = dialpad_judge_hook(item, a, p->address, p->secret);
	struct str			id = dialpad_item_id(item);
	bool				known = str_eq(id, str_c(p->known_hook));

	if (id.p == NULL || (verdict == DIALPAD_HOOK_FOREIGN && !known))
		return;
	if (p->hook.fitness != DIALPAD_MISSING && !known) {
		add_spare(&p->hooks, id);
		return;
	}
	if (p->hook.fitness != DIALPAD_MISSING)
		add_spare(&p->hooks, str_c(p->hook.id));
	keep(&p->hook, id, verdict == DIALPAD_HOOK_OURS);
}

/* Of a webhook of ours that is not the one to keep; or what we made, now of no webhook at all. */
static bool
is_astray(const struct dialpad_plan *p, struct json item)
{
	if (str_eq(dialpad_item_id(item), str_c(p->known_subscription)) && dialpad_subscription_hook(item).p == NULL &&
	    json_type(json_get(item, "websocket")) != JSON_OBJECT)
		return true;
	if (dialpad_judge_subscription(item, str_c(p->known_hook)) != DIALPAD_SUBSCRIPTION_FOREIGN)
		return true;
	for (size_t i = 0; i < p->hooks.n; i++)
		if (dialpad_judge_subscription(item, str_c(p->hooks.id[i])) != DIALPAD_SUBSCRIPTION_FOREIGN)
			return true;
	return false;
}

void
dialpad_plan_subscription(struct dialpad_plan *p, struct json item)
{
	enum dialpad_subscription_verdict	verdict = dialpad_judge_subscription(item, str_c(p->hook.id));
	struct str				id = dialpad_item_id(item);
	bool					fit = verdict == DIALPAD_SUBSCRIPTION_GOOD;

	p->in_all++;
	if (id.p == NULL || (verdict == DIALPAD_SUBSCRIPTION_FOREIGN && !is_astray(p, item)))
		return;
	if (p->subscription.fitness == DIALPAD_MISSING || (fit && p->subscription.fitness != DIALPAD_FIT)) {
		if (p->subscription.fitness != DIALPAD_MISSING)
			add_spare(&p->subscriptions, str_c(p->subscription.id));
		keep(&p->subscription, id, fit);
	} else
		add_spare(&p->subscriptions, id);
}

static bool
step(struct dialpad_step *s, enum dialpad_endpoint endpoint, const char *id)
{
	s->endpoint = endpoint;
	set_id(s->id, str_c(id));
	return true;
}

static bool
next_to_mend(const struct dialpad_plan *p, struct dialpad_step *s)
{
	if (p->hook.fitness == DIALPAD_MISSING)
		return step(s, DIALPAD_WEBHOOK_CREATE, "");
	if (p->hook.fitness == DIALPAD_UNFIT)
		return step(s, DIALPAD_WEBHOOK_CHANGE, p->hook.id);
	if (p->subscription.fitness == DIALPAD_MISSING)
		return step(s, DIALPAD_SUBSCRIPTION_CREATE, "");
	if (p->subscription.fitness == DIALPAD_UNFIT)
		return step(s, DIALPAD_SUBSCRIPTION_CHANGE, p->subscription.id);
	return false;
}

/* Subscriptions before the webhooks they are of. */
static bool
next_to_delete(const struct dialpad_plan *p, bool all, struct dialpad_step *s)
{
	if (p->subscriptions.n > 0)
		return step(s, DIALPAD_SUBSCRIPTION_DELETE, p->subscriptions.id[p->subscriptions.n - 1]);
	if (all && p->subscription.fitness != DIALPAD_MISSING)
		return step(s, DIALPAD_SUBSCRIPTION_DELETE, p->subscription.id);
	if (p->hooks.n > 0)
		return step(s, DIALPAD_WEBHOOK_DELETE, p->hooks.id[p->hooks.n - 1]);
	if (all && p->hook.fitness != DIALPAD_MISSING)
		return step(s, DIALPAD_WEBHOOK_DELETE, p->hook.id);
	return false;
}

bool
dialpad_plan_next(const struct dialpad_plan *p, bool none, struct dialpad_step *s)
{
	return (!none && next_to_mend(p, s)) || next_to_delete(p, none, s);
}

void
dialpad_plan_body(const struct dialpad_plan *p, const struct dialpad_step *s, struct buf *b)
{
	if (s->endpoint == DIALPAD_WEBHOOK_CREATE || s->endpoint == DIALPAD_WEBHOOK_CHANGE)
		dialpad_hook_body(b, p->address, p->secret);
	else if (s->endpoint == DIALPAD_SUBSCRIPTION_CREATE || s->endpoint == DIALPAD_SUBSCRIPTION_CHANGE)
		dialpad_subscription_body(b, str_c(p->hook.id));
}

/* A spare one if there are any: next_to_delete() names them first. */
static void
gone(struct dialpad_spares *spares, struct dialpad_thing *kept)
{
	if (spares->n > 0)
		spares->n--;
	else
		*kept = (struct dialpad_thing){ .fitness = DIALPAD_MISSING };
}

void
dialpad_plan_done(struct dialpad_plan *p, const struct dialpad_step *s, struct str id)
{
	switch (s->endpoint) {
	case DIALPAD_WEBHOOK_CREATE:
		keep(&p->hook, id, true);
		break;
	case DIALPAD_SUBSCRIPTION_CREATE:
		keep(&p->subscription, id, true);
		break;
	case DIALPAD_WEBHOOK_CHANGE:
		p->hook.fitness = DIALPAD_FIT;
		break;
	case DIALPAD_SUBSCRIPTION_CHANGE:
		p->subscription.fitness = DIALPAD_FIT;
		break;
	case DIALPAD_WEBHOOK_DELETE:
		gone(&p->hooks, &p->hook);
		break;
	case DIALPAD_SUBSCRIPTION_DELETE:
		gone(&p->subscriptions, &p->subscription);
		break;
	default:
		break;
	}
}
