/*
 * reload: build the next generation whole beside the running one, let it say that it is ready, only then ask the old
 * one to leave. Any fault on the way (a bad file, a busy port, a child that dies or is late) kills the new one and
 * leaves everything as it was, with a line that says why. Never waits: the master's loop comes by each turn.
 */
#include <sys/types.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "proc/families.h"
#include "proc/keys.h"
#include "proc/master.h"
#include "proc/reload.h"
#include "version.h"

#define TEXT_SIZE	1024

bool
reload_possible(const struct master *m)
{
	return m->coming == NULL && m->leaving == NULL && m->serving != NULL;
}

static void
refused(struct master *m, const char *why)
{
	char status[TEXT_SIZE];

	log_error("reload failed: %s", why);
	log_info("generation %u keeps serving, nothing was changed", m->serving->number);
	SCORE_ADD(m->board->reloads_failed, 1);
	snprintf(status, sizeof(status), "reload failed: %s; generation %u keeps serving", why, m->serving->number);
	notify_ready(&m->setup->notify, status);
}

/* Is the database there for the generation that serves? Then the next one must not do without. */
static bool
serving_has_database(const struct master *m)
{
	for (size_t i = 0; i < SCORE_SLOTS; i++) {
		const struct score *s = &m->board->slot[i];

		if (SCORE_GET(s->state) == SCORE_READY && SCORE_GET(s->generation) == m->serving->number &&
		    SCORE_GET(s->db) == SCORE_DB_UP)
			return true;
	}
	return false;
}

static void
log_change(void *arg, const char *text)
{
	(void)arg;
	log_info("configuration: %s", text);
}

/* The file as a configuration that could take over, or NULL with why. */
static struct conf *
load_next(const struct master *m, char why[GENERATION_WHY_SIZE])
{
	struct conf_error err;
	struct conf *next = conf_load(m->setup->conf_path, &err);
	char fault[KEYRING_WHY_SIZE];
	const char *key;

	if (next == NULL) {
		snprintf(why, GENERATION_WHY_SIZE, "%s", err.text);
		return NULL;
	}
	if (!families_expand(next, fault) || !keys_load(next, fault)) {
		snprintf(why, GENERATION_WHY_SIZE, "%s: %s", m->setup->conf_path, fault);
		conf_free(next);
		return NULL;
	}
	conf_diff(m->serving->conf, next, log_change, NULL);
	if (!conf_can_reload(m->serving->conf, next, &key)) {
		snprintf(why, GENERATION_WHY_SIZE, "%s: %s can change only at a restart", m->setup->conf_path, key);
		conf_free(next);
		return NULL;
	}
	return next;
}

void
reload_begin(struct master *m)
{
	char why[GENERATION_WHY_SIZE];
	struct generation *g;
	struct conf *next;

	log_info("reloading %s", m->setup->conf_path);
	notify_reloading(&m->setup->notify);
	next = load_next(m, why);
	g = next != NULL ? generation_new(next, m->serving, m->serving->number + 1, why) : NULL;
	if (g != NULL && serving_has_database(m))
		g->must_connect = true;
	if (g == NULL) {
		refused(m, why);
		return;
	}
	m->coming = g;
	if (master_open_log(m, g->conf, &g->user) == -1) {
		snprintf(why, sizeof(why), "log.to: cannot open %s: %s", g->conf->log_file,
		    strerror(errno));
		reload_fail(m, EXIT_FAULT, why);
	} else if (!generation_start(m, g, why)) {
		reload_fail(m, EXIT_FAULT, why);
	}
}

void
reload_fail(struct master *m, int code, const char *why)
{
	struct generation *g = m->coming;

	m->coming = NULL;
	m->leaving = g;
	g->killed = true;
	generation_tell(m, g, SIGKILL);
	if (m->serving == NULL) {
		listeners_close(&g->listeners, NULL);
		log_error("cannot start: %s", why);
		m->exit_code = code;
		master_report_start(m, code, why);
		master_stop(m, SIGKILL);
		return;
	}
	listeners_close(&g->listeners, &m->serving->listeners);
	if (master_open_log(m, m->serving->conf, &m->serving->user) == -1)
		log_errno("cannot open the log of generation %u again", m->serving->number);
	refused(m, why);
}

static void
ask_to_leave(struct master *m, struct generation *old)
{
	m->leaving = old;
	old->deadline_ms = clock_mono_ms() + generation_drain_ms(old);
	generation_tell(m, old, SIGTERM);
	listeners_close(&old->listeners, &m->serving->listeners);
	SCORE_ADD(m->board->reloads, 1);
	log_info("reloaded: generation %u drains", old->number);
}

static void
commit(struct master *m)
{
	struct generation *old = m->serving;
	char what[TEXT_SIZE];

	m->serving = m->coming;
	m->coming = NULL;
	m->serving->must_connect = false;	/* proved; a successor may find the database away */
	SCORE_SET(m->board->generation, m->serving->number);
	generation_describe(m, m->serving, what, sizeof(what));
	if (old == NULL)
		log_info("ringd %s started: %s", RINGD_VERSION, what);
	else
		log_info("now serving: %s", what);
	notify_ready(&m->setup->notify, what);
	if (old == NULL)
		master_report_start(m, EXIT_OK, "");
	else
		ask_to_leave(m, old);
}

static void
give_up_waiting(struct master *m)
{
	char why[GENERATION_WHY_SIZE];
	const struct slot *s = m->slot;

	while (s->generation != m->coming || s->state != SLOT_STARTING)
		s++;	/* there is one: the generation is not ready */
	snprintf(why, sizeof(why), "%s (pid %ld) was not ready within %lld s", s->name, (long)s->pid,
	    (long long)generation_ready_ms(m->coming) / 1000);
	reload_fail(m, EXIT_FAULT, why);
}

static void
see_off(struct master *m)
{
	struct generation *g = m->leaving;
	unsigned alive = slot_alive(m, g);

	if (alive == 0) {
		log_info("generation %u is gone", g->number);
		m->leaving = NULL;
		generation_free(g);
	} else if (!g->killed && clock_mono_ms() >= g->deadline_ms) {
		log_warn("generation %u did not drain in %lld s: killing %u left", g->number,
		    (long long)generation_drain_ms(g) / 1000, alive);
		g->killed = true;
		generation_tell(m, g, SIGKILL);
	}
}

void
reload_turn(struct master *m)
{
	if (m->coming != NULL && generation_ready(m, m->coming))
		commit(m);
	else if (m->coming != NULL && clock_mono_ms() >= m->coming->deadline_ms)
		give_up_waiting(m);
	if (m->leaving != NULL)
		see_off(m);
}
