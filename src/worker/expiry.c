/*
 * expiry: a timer and a stage per certificate. A line is written when a stage is lower than it was.
 */
#include <sys/types.h>

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "worker/expiry.h"

#define LOOK_EVERY_MS	((int64_t)3600 * 1000)
#define DAY_S		((int64_t)86400)
#define STAGE_FAR	4

struct expiry {
	const struct conf	*conf;
	struct timer		*timer;
	int64_t			 stage[CONF_MAX_CERTIFICATES];
};

int64_t
expiry_stage(int64_t left)
{
	if (left <= 0)
		return left / DAY_S;
	if (left <= 3 * DAY_S)
		return 1;
	if (left <= 14 * DAY_S)
		return 2;
	return left <= 30 * DAY_S ? 3 : STAGE_FAR;
}

static void
tell(const struct conf_certificate *c, int64_t left)
{
	char when[CLOCK_RFC3339_SIZE];

	clock_rfc3339(when, c->info.not_after * 1000);
	if (left > 0)
		log_event(LEVEL_WARN, "certificate ends soon", LOG_C("certificate", c->info.name), LOG_INT("days", left / DAY_S),
		    LOG_C("file", c->cert), LOG_C("not_after", when));
	else
		log_event(LEVEL_ERROR, "certificate has ended", LOG_C("certificate", c->info.name), LOG_INT("days_ago", -left / DAY_S),
		    LOG_C("file", c->cert), LOG_C("not_after", when));
}

static void
look(void *arg)
{
	struct expiry	*e = arg;
	int64_t		 now = clock_real_ms() / 1000, left, stage;

	for (size_t i = 0; i < e->conf->ncertificates; i++) {
		left = e->conf->certificate[i].info.not_after - now;
		stage = expiry_stage(left);
		if (stage < e->stage[i])
			tell(&e->conf->certificate[i], left);
		e->stage[i] = stage;
	}
	timer_set(e->timer, LOOK_EVERY_MS);
}

struct expiry *
expiry_new(struct loop *l, const struct conf *c)
{
	struct expiry *e = calloc(1, sizeof(*e));

	if (e == NULL || (e->timer = timer_new(l, look, e)) == NULL) {
		free(e);
		return NULL;
	}
	e->conf = c;
	for (size_t i = 0; i < c->ncertificates; i++)
		e->stage[i] = STAGE_FAR;
	return e;
}

void
expiry_begin(struct expiry *e)
{
	look(e);
}

void
expiry_free(struct expiry *e)
{
	if (e == NULL)
		return;
	timer_free(e->timer);
	free(e);
}
