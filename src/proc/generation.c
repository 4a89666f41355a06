/*
 * generation: builds everything one configuration needs beside whatever runs, so that a fault found here has changed
 * nothing. Never logs a fault itself: the caller knows whether it was a start or a reload that failed.
 */
#include <sys/types.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/count.h"
#include "os/passfd.h"
#include "proc/generation.h"
#include "proc/master.h"

struct generation *
generation_new(struct conf *conf, const struct generation *before, unsigned number, char why[GENERATION_WHY_SIZE])
{
	struct generation *g = calloc(1, sizeof(*g));

	if (g == NULL) {
		snprintf(why, GENERATION_WHY_SIZE, "%s", strerror(errno));
		conf_free(conf);
		return NULL;
	}
	g->number = number;
	g->conf = conf;
	g->switchboard[0] = g->switchboard[1] = -1;
	g->must_connect = before != NULL && (!secret_equal(&conf->worker_url, &before->conf->worker_url) ||
	    !secret_equal(&conf->reaper_url, &before->conf->reaper_url) ||
	    !secret_equal(&conf->courier_url, &before->conf->courier_url));
	if (conf->courier_key_file != NULL && !passfd_pair(g->switchboard)) {
		snprintf(why, GENERATION_WHY_SIZE, "cannot make the courier's switchboard: %s", strerror(errno));
		generation_free(g);
		return NULL;
	}
	if (!priv_lookup(&g->user, conf->user, conf->group, why) ||
	    !listeners_open(&g->listeners, conf, before != NULL ? &before->listeners : NULL, &g->user, why)) {
		generation_free(g);
		return NULL;
	}
	return g;
}

void
generation_free(struct generation *g)
{
	for (size_t i = 0; i < COUNT(g->switchboard); i++)
		if (g->switchboard[i] != -1)
			close(g->switchboard[i]);
	conf_free(g->conf);
	free(g);
}

int64_t
generation_ready_ms(const struct generation *g)
{
	int64_t connect = g->conf->db_connect_timeout_ms + GENERATION_CONNECT_MS;

	return connect > GENERATION_READY_MS ? connect : GENERATION_READY_MS;
}

int64_t
generation_drain_ms(const struct generation *g)
{
	return g->conf->http_drain_timeout_ms + GENERATION_DRAIN_MS;
}

/* Whether the child of the same role and index in the serving generation has crashed and has no successor yet. */
static bool
predecessor_crashed(const struct master *m, const struct slot *s)
{
	const struct slot *p;

	for (p = m->slot; p < m->slot + SCORE_SLOTS; p++)
		if (p->state != SLOT_FREE && p->generation == m->serving && p->role == s->role && p->index == s->index)
			return p->pid == 0 && p->after_crash;
	return false;
}

bool
generation_start(struct master *m, struct generation *g, char why[GENERATION_WHY_SIZE])
{
	const struct role *role;
	struct slot *s;
	int64_t count;

	g->deadline_ms = clock_mono_ms() + generation_ready_ms(g);
	for (size_t i = 0; i < m->setup->nroles; i++) {
		role = &m->setup->roles[i];
		count = role->count(g->conf);
		for (int64_t k = 0; k < count; k++) {
			s = slot_take(m, g, role, (unsigned)k, count == 1);
			if (s == NULL) {
				snprintf(why, GENERATION_WHY_SIZE, "all %d places for children are taken", SCORE_SLOTS);
				return false;
			}
			s->after_crash = predecessor_crashed(m, s);
			if (!slot_spawn(m, s)) {
				snprintf(why, GENERATION_WHY_SIZE, "cannot start %s: %s", s->name, strerror(errno));
				return false;
			}
		}
	}
	return true;
}

bool
generation_ready(const struct master *m, const struct generation *g)
{
	for (size_t i = 0; i < SCORE_SLOTS; i++)
		if (m->slot[i].generation == g && m->slot[i].state != SLOT_READY)
			return false;
	return true;
}

void
generation_tell(struct master *m, struct generation *g, int signo)
{
	for (size_t i = 0; i < SCORE_SLOTS; i++)
		if (m->slot[i].generation == g)
			slot_tell(m, &m->slot[i], signo);
}

/* Adds to a text of fixed size; what does not fit is cut. */
static void __attribute__((format(printf, 3, 4)))
add(char *text, size_t size, const char *fmt, ...)
{
	size_t len = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + len, size - len, fmt, ap);
	va_end(ap);
}

void
generation_describe(const struct master *m, const struct generation *g, char *text, size_t size)
{
	const struct role *role;
	long long count;

	snprintf(text, size, "generation %u", g->number);
	for (size_t i = 0; i < m->setup->nroles; i++) {
		role = &m->setup->roles[i];
		count = role->count(g->conf);
		if (count == 0)
			continue;
		add(text, size, ", %lld %s%s", count, role->name, count == 1 ? "" : "s");
	}
	for (size_t i = 0; i < g->listeners.nhttp; i++)
		add(text, size, "%s%s", i == 0 ? ", listening on " : " ", g->listeners.http[i].address);
	for (size_t i = 0; i < g->listeners.nadmin; i++)
		add(text, size, "%s%s", i == 0 ? ", admin on " : " ", g->listeners.admin[i].address);
}
