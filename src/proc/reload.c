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
#include "proc/outcome.h"
#include "proc/reload.h"
#include "version.h"

#define TEXT_SIZE	1024

const char *
reload_blocked(const struct master *m)
{
	if (m->upgrade.pid != 0)
		return "an upgrade is under way";
	if (m->taking_over)
		return "this process is about to take over";
	if (m->serving == NULL || m->coming != NULL)
		return "a generation is getting ready";
	if (m->nleaving == LEAVING_MAX || (m->nleaving > 0 && slot_count_free(m) < SCORE_SLOTS / 2))
		return "too many processes are draining";
	return NULL;
}

bool
reload_has_database(const struct master *m)
{
	for (size_t i = 0; i < SCORE_SLOTS; i++) {
		const struct score *s = &m->board->slot[i];

		if (scoreboard_state(s) == SCORE_READY && SCORE_GET(s->generation) == m->serving->number &&
		    SCORE_GET(s->db) == SCORE_DB_UP)
			return true;
	}
	return false;
}

static void
log_warning(void *arg, const char *text)
{
	(void)arg;
	log_warn("%s", text);
}

/* The file as a configuration that could take over, or NULL with why. */
static struct conf *
load_next(struct master *m, char why[GENERATION_WHY_SIZE])
{
	struct conf_error err;
	struct conf *next = conf_load(m->setup->conf_path, &err);
	char fault[KEYRING_WHY_SIZE];

	if (next == NULL || !conf_read_certificates(next, log_warning, NULL, &err)) {
		snprintf(why, GENERATION_WHY_SIZE, "%s", err.text);
		conf_free(next);
		return NULL;
	}
	if (!families_expand(next, fault) || !keys_load(next, fault)) {
		snprintf(why, GENERATION_WHY_SIZE, "%s: %s", m->setup->conf_path, fault);
		conf_free(next);
		return NULL;
	}
	conf_diff(m->serving->conf, next, outcome_change, m);
	if (!conf_keep(m->serving->conf, next)) {
		snprintf(why, GENERATION_WHY_SIZE, "out of memory");
		conf_free(next);
		return NULL;
	}
	return next;
}

/* One that no living generation has: children are told apart by it. */
static unsigned
next_number(const struct master *m)
{
	unsigned highest = m->serving->number;

	for (size_t i = 0; i < m->nleaving; i++)
		if (m->leaving[i]->number > highest)
			highest = m->leaving[i]->number;
	return highest + 1;
}

void
reload_begin(struct master *m)
{
	char why[GENERATION_WHY_SIZE];
	struct generation *g;
	struct conf *next;

	log_event(LEVEL_INFO, "reloading", LOG_C("file", m->setup->conf_path));
	outcome_begin(m, REPORT_RELOAD);
	next = load_next(m, why);
	g = next != NULL ? generation_new(next, m->serving, NULL, next_number(m), why) : NULL;
	if (g == NULL) {
		outcome_failed(m, why);
		return;
	}
	if (reload_has_database(m))
		g->must_connect = true;
	m->coming = g;
	if (master_open_log(m, g->conf, &g->user) == -1) {
		snprintf(why, sizeof(why), "log.to: cannot open %s: %s", g->conf->log_file,
		    strerror(errno));
		reload_fail(m, EXIT_FAULT, why);
	} else if (!generation_start(m, g, why)) {
		reload_fail(m, EXIT_FAULT, why);
	}
}

/* There is room: reload_blocked() has seen to it. */
static void
add_leaving(struct master *m, struct generation *g)
{
	m->leaving[m->nleaving++] = g;
}

/* Nobody serves yet, and now nobody will. After an upgrade's start somebody else does, and clients may be with us. */
static void
fail_start(struct master *m, int code, const char *why)
{
	log_event(LEVEL_ERROR, "cannot start", LOG_C("reason", why));
	m->exit_code = code;
	master_report_start(m, code, why);
	master_stop(m, m->taking_over ? SIGTERM : SIGKILL);
}

void
reload_fail(struct master *m, int code, const char *why)
{
	struct generation *g = m->coming;

	m->coming = NULL;
	add_leaving(m, g);
	generation_reject(m, g);
	listeners_close(&g->listeners, m->serving != NULL ? &m->serving->listeners : NULL);
	if (m->serving == NULL) {
		fail_start(m, code, why);
		return;
	}
	if (master_open_log(m, m->serving->conf, &m->serving->user) == -1)
		log_errno("cannot open the log of the serving generation again");
	outcome_failed(m, why);
}

static void
ask_to_leave(struct master *m, struct generation *old)
{
	add_leaving(m, old);
	old->deadline_ms = clock_mono_ms() + generation_drain_ms(old);
	generation_tell(m, old, SIGTERM);
	listeners_close(&old->listeners, &m->serving->listeners);
	SCORE_ADD(m->board->reloads, 1);
	log_event(LEVEL_INFO, "reloaded: the old generation drains", LOG_INT("generation", old->number));
}

static void
commit(struct master *m)
{
	struct generation *old = m->serving;
	char what[TEXT_SIZE];

	m->serving = m->coming;
	m->coming = NULL;
	m->serving->must_connect = false;	/* proved; a successor may find the database away */
	scoreboard_certify(m->board, m->serving->conf);
	SCORE_SET(m->board->generation, m->serving->number);
	if (m->taking_over) {
		takeover_ready(m);
		return;
	}
	generation_describe(m, m->serving, what, sizeof(what));
	if (old == NULL)
		log_event(LEVEL_INFO, "started", LOG_C("version", RINGD_VERSION), LOG_C("serving", what));
	else
		log_event(LEVEL_INFO, "now serving", LOG_C("serving", what));
	outcome_done(m, what);
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

/* true: the last of it has gone. */
static bool
see_off(struct master *m, struct generation *g)
{
	unsigned alive = slot_alive(m, g);

	if (alive == 0) {
		log_event(LEVEL_INFO, "generation gone", LOG_INT("generation", g->number));
		generation_free(g);
		return true;
	}
	if (!g->killed && clock_mono_ms() >= g->deadline_ms) {
		log_event(LEVEL_WARN, "generation did not drain in time: killed", LOG_INT("generation", g->number),
		    LOG_INT("seconds", generation_drain_ms(g) / 1000), LOG_INT("children", alive));
		g->killed = true;
		generation_tell(m, g, SIGKILL);
	}
	return false;
}

void
reload_turn(struct master *m)
{
	size_t left = 0;

	if (m->coming != NULL && generation_ready(m, m->coming))
		commit(m);
	else if (m->coming != NULL && clock_mono_ms() >= m->coming->deadline_ms)
		give_up_waiting(m);
	for (size_t i = 0; i < m->nleaving; i++)
		if (!see_off(m, m->leaving[i]))
			m->leaving[left++] = m->leaving[i];
	while (m->nleaving > left)
		m->leaving[--m->nleaving] = NULL;
}
