/*
 * master: the dull parent that survives whatever its children do. It sleeps, serves its signals in order of importance,
 * buries and replaces children, and hands over from generation to generation. Never reads a client's byte, never
 * talks SQL or TLS, takes no lock that a child could hold, has one thread and never waits for a child.
 */
#include <sys/types.h>
#include <sys/select.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "os/sandbox.h"
#include "proc/detach.h"
#include "proc/master.h"
#include "proc/reload.h"
#include "proc/sig.h"
#include "proc/tickets.h"

#define WATCHDOG_AGAIN_MS	1000	/* not alive now: look again */

void
master_report_start(struct master *m, int code, const char *text)
{
	if (m->taking_over)
		takeover_fail(m, code, text);
	if (m->start_fd == -1)
		return;
	detach_report(m->start_fd, code, text);
	m->start_fd = -1;
}

static int64_t
longest_drain(const struct master *m)
{
	const struct generation *all[2 + LEAVING_MAX] = { m->coming, m->serving };
	int64_t longest = 0;

	memcpy(&all[2], m->leaving, sizeof(m->leaving));
	for (size_t i = 0; i < COUNT(all); i++)
		if (all[i] != NULL && generation_drain_ms(all[i]) > longest)
			longest = generation_drain_ms(all[i]);
	return longest;
}

/* Nothing is in the way of stopping twice: TERM first, then QUIT by somebody impatient. */
void
master_stop(struct master *m, int signo)
{
	if (m->stopping == RUNNING && !m->handed_over && !m->taking_over)
		notify_stopping(&m->setup->notify, "stopping");
	if (m->stopping == RUNNING)
		master_report_start(m, EXIT_FAULT, "stopped before it was ready");
	upgrade_cancel(m, signo);
	m->stopping = signo == SIGKILL ? KILLING : DRAINING;
	if (!m->handed_over)	/* else somebody has the admin listener already */
		SCORE_SET(m->board->stopping, 1);
	m->stop_by_ms = clock_mono_ms() + longest_drain(m);
	if (m->coming != NULL)
		listeners_close(&m->coming->listeners, m->serving != NULL ? &m->serving->listeners : NULL);
	if (m->serving != NULL)
		listeners_close_fds(&m->serving->listeners);
	for (size_t i = 0; i < SCORE_SLOTS; i++)
		if (signo == SIGKILL || m->slot[i].state != SLOT_STOPPING)
			slot_tell(m, &m->slot[i], signo);
}

void
master_describe_death(int status, char how[HOW_SIZE])
{
	if (WIFSIGNALED(status))
		snprintf(how, HOW_SIZE, "was killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(how, HOW_SIZE, "ended with exit code %d", WEXITSTATUS(status));
}

/* A child of the serving generation died of itself: when does its successor start? */
static void
plan_successor(struct slot *s, pid_t pid, int status, const char *how)
{
	int64_t served = s->ready_ms != 0 ? clock_mono_ms() - s->ready_ms : 0;
	int64_t wait;

	s->after_crash = !WIFEXITED(status) || WEXITSTATUS(status) != EXIT_OK;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CONFIG) {
		s->state = SLOT_DEAD;
		log_event(LEVEL_ERROR, "child ended, its configuration is bad: not started before the next reload", LOG_C("child", s->name),
		    LOG_INT("child_pid", pid), LOG_C("how", how));
		return;
	}
	wait = backoff_next(&s->backoff, served);
	s->state = SLOT_WAITING;
	s->due_ms = clock_mono_ms() + wait;
	log_event(LEVEL_ERROR, "child ended, started again", LOG_C("child", s->name), LOG_INT("child_pid", pid), LOG_C("how", how),
	    LOG_INT("served_s", served / 1000), LOG_INT("wait_s", wait / 1000));
}

static void
explain_death(const struct slot *s, pid_t pid, int status)
{
	const char *verdict = WIFSIGNALED(status) ? sandbox_verdict(WTERMSIG(status)) : NULL;

	if (verdict != NULL)
		log_event(LEVEL_ERROR, "child ended by its sandbox", LOG_C("child", s->name), LOG_INT("child_pid", pid), LOG_C("reason", verdict));
}

static void
bury(struct master *m, struct slot *s, int status)
{
	bool forced = s->generation->killed || s->generation->failed || m->stopping == KILLING;
	bool expected = WIFSIGNALED(status) ? WTERMSIG(status) == SIGTERM : WEXITSTATUS(status) == EXIT_OK;
	char how[HOW_SIZE], why[GENERATION_WHY_SIZE];
	pid_t pid = s->pid;

	master_describe_death(status, how);
	explain_death(s, pid, status);
	slot_vacate(m, s);
	if (s->state == SLOT_STOPPING) {
		if (!expected && !forced)
			log_event(LEVEL_WARN, "child was asked to leave and ended otherwise", LOG_C("child", s->name), LOG_INT("child_pid", pid),
			    LOG_C("how", how));
		slot_free(s);
		return;
	}
	slot_count_death(m, s, status);
	if (s->generation != m->coming) {
		plan_successor(s, pid, status, how);
		return;
	}
	if (s->why[0] != '\0')
		snprintf(why, sizeof(why), "%s (pid %ld): %s", s->name, (long)pid, s->why);
	else
		snprintf(why, sizeof(why), "%s (pid %ld) %s before generation %u was ready", s->name, (long)pid, how,
		    s->generation->number);
	slot_free(s);
	reload_fail(m, WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CONFIG ? EXIT_CONFIG : EXIT_FAULT, why);
}

static void
reap(struct master *m)
{
	struct slot *s;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		s = slot_by_pid(m, pid);
		if (s != NULL)
			bury(m, s, status);
		else	/* the new master, or inherited from whoever became us by exec */
			(void)upgrade_died(m, pid, status);
	}
}

enum log_target
master_log_target(const struct master *m, const struct conf *c)
{
	return m->setup->log_stderr ? LOG_TO_STDERR : c->log_target;
}

/* Children open the file again after a rotation, and they are not root. */
static void
give_log_file(const struct master *m, const struct conf *c, const struct service_user *user)
{
	char why[PRIV_WHY_SIZE];

	if (master_log_target(m, c) != LOG_TO_FILE || !priv_is_root())
		return;
	if (!priv_give_file(log_fd(), c->log_file, user, why))
		log_event(LEVEL_WARN, "the log file stays root's, children cannot open it again after a rotation", LOG_C("file", c->log_file),
		    LOG_C("reason", why));
}

int
master_open_log(const struct master *m, const struct conf *c, const struct service_user *user)
{
	if (log_open(master_log_target(m, c), c->log_file, c->log_level) == -1)
		return -1;
	log_set_style(c->log_format, c->log_mask_numbers);
	give_log_file(m, c, user);
	return 0;
}

/* The master first: as root it makes the new file and gives it away, and only then can a child open it. */
static void
reopen_logs(struct master *m)
{
	const struct generation *g = m->serving != NULL ? m->serving : m->coming;

	if (log_reopen() == -1) {
		log_errno("cannot open the log again, the old file is still written");
		return;
	}
	if (g != NULL)
		give_log_file(m, g->conf, &g->user);
	for (struct slot *s = m->slot; s < m->slot + SCORE_SLOTS; s++) {
		if (s->pid != 0 && s->ready_ms != 0)
			kill(s->pid, SIGUSR1);
		else if (s->state == SLOT_STARTING)
			s->reopen_owed = true;	/* it ignores the signal until it is ready */
	}
	log_info("log reopened");
}

static void
drain(struct master *m)
{
	if (m->stopping != RUNNING)
		return;
	log_event(LEVEL_INFO, "stopping: children have to drain", LOG_INT("children", slot_alive(m, NULL)));
	master_stop(m, SIGTERM);
}

/* Both need the house quiet: one that comes too early stays raised until its time has come. */
static void
serve_changes(struct master *m)
{
	const char *blocked = reload_blocked(m);

	if (m->stopping != RUNNING || (!sig_raised(SIGHUP) && !sig_raised(SIGUSR2)))
		return;
	if (blocked != NULL) {
		if (!m->wait_told)
			log_event(LEVEL_INFO, sig_raised(SIGHUP) ? "reload waits" : "upgrade waits", LOG_C("reason", blocked));
		m->wait_told = true;
		return;
	}
	m->wait_told = false;
	if (sig_take(SIGHUP))
		reload_begin(m);
	else if (sig_take(SIGUSR2))
		upgrade_begin(m);
}

/* In order of importance. */
static void
serve_signals(struct master *m)
{
	if (sig_take(SIGQUIT)) {
		log_info("stopping at once");
		master_stop(m, SIGKILL);
	}
	if (sig_take(SIGTERM) || sig_take(SIGINT))
		drain(m);
	for (size_t i = 0; i < SCORE_SLOTS; i++)	/* before the dead: one of them may have been ready */
		slot_hear_ready(m, &m->slot[i]);
	if (sig_take(SIGCHLD))
		reap(m);
	serve_changes(m);
	if (sig_take(SIGUSR1))
		reopen_logs(m);
}

static void
start_successor(struct master *m, struct slot *s)
{
	log_event(LEVEL_INFO, "starting child again", LOG_C("child", s->name));
	if (slot_spawn(m, s))
		return;
	s->due_ms = clock_mono_ms() + backoff_next(&s->backoff, 0);
	log_errno("cannot start %s", s->name);
}

/* The serving generation's slots whose time has come. */
static void
serve_slots(struct master *m)
{
	int64_t now = clock_mono_ms();

	for (struct slot *s = m->slot; s < m->slot + SCORE_SLOTS; s++) {
		if (s->state == SLOT_FREE || s->generation != m->serving || now < s->due_ms)
			continue;
		if (s->state == SLOT_WAITING) {
			start_successor(m, s);
		} else if (s->state == SLOT_STARTING) {
			log_event(LEVEL_ERROR, "child was not ready in time: killing it", LOG_C("child", s->name), LOG_INT("child_pid", s->pid),
			    LOG_INT("seconds", generation_ready_ms(s->generation) / 1000));
			s->due_ms = INT64_MAX;	/* once; its death is buried as any other */
			s->late = true;
			kill(s->pid, SIGKILL);
		}
	}
}

static void
serve_stop(struct master *m)
{
	if (m->stopping != DRAINING || clock_mono_ms() < m->stop_by_ms)
		return;
	log_event(LEVEL_WARN, "children did not drain in time: killing them", LOG_INT("children", slot_alive(m, NULL)));
	master_stop(m, SIGKILL);
}

/* The service manager's watchdog: we are alive while this loop turns and somebody serves. */
static void
serve_watchdog(struct master *m)
{
	int64_t period = m->setup->birth->watchdog_ms, now = clock_mono_ms();

	if (period == 0 || now < m->alive_due_ms || m->serving == NULL || m->taking_over)
		return;
	if (generation_serves(m, m->serving)) {
		notify_alive(&m->setup->notify);
		m->alive_due_ms = now + period;
	} else {
		m->alive_due_ms = now + (period < WATCHDOG_AGAIN_MS ? period : WATCHDOG_AGAIN_MS);
	}
}

static void
earlier(int64_t *when, int64_t other)
{
	if (other < *when)
		*when = other;
}

/* When something is due even if no signal comes; INT64_MAX: never. */
static int64_t
next_due(const struct master *m)
{
	int64_t when = INT64_MAX;

	if (m->stopping == DRAINING)
		return m->stop_by_ms;
	if (m->stopping == KILLING)
		return INT64_MAX;
	earlier(&when, tickets_due(m));
	for (const struct slot *s = m->slot; s < m->slot + SCORE_SLOTS; s++)
		if (s->generation == m->serving && (s->state == SLOT_WAITING || s->state == SLOT_STARTING))
			earlier(&when, s->due_ms);
	if (m->coming != NULL)
		earlier(&when, m->coming->deadline_ms);
	for (size_t i = 0; i < m->nleaving; i++)
		if (!m->leaving[i]->killed)
			earlier(&when, m->leaving[i]->deadline_ms);
	if (m->upgrade.pid != 0)
		earlier(&when, m->upgrade.deadline_ms);
	if (m->setup->birth->watchdog_ms > 0 && m->serving != NULL && !m->taking_over)
		earlier(&when, m->alive_due_ms);
	return when;
}

static void
wait_for_word(int fd, fd_set *ready, int *highest)
{
	if (fd == -1)
		return;
	FD_SET(fd, ready);
	if (fd > *highest)
		*highest = fd;
}

/* Until a signal, a child's word or the next thing that is due. Flags and pipes are looked at by the caller. */
static void
sleep_until_needed(const struct master *m)
{
	int64_t when = next_due(m), left = when - clock_mono_ms();
	struct timespec timeout;
	int highest = -1;
	fd_set ready;

	if (left < 0)
		left = 0;
	timeout.tv_sec = (time_t)(left / 1000);
	timeout.tv_nsec = (long)(left % 1000) * 1000000;
	FD_ZERO(&ready);
	for (size_t i = 0; i < SCORE_SLOTS; i++)
		if (m->slot[i].state != SLOT_FREE)
			wait_for_word(m->slot[i].ready_fd, &ready, &highest);
	wait_for_word(m->upgrade.link_fd, &ready, &highest);
	wait_for_word(m->link_fd, &ready, &highest);
	if (pselect(highest + 1, &ready, NULL, NULL, when == INT64_MAX ? NULL : &timeout, &m->outside) == -1 &&
	    errno != EINTR)
		log_errno("pselect");
}

void
master_loop(struct master *m)
{
	for (;;) {
		serve_signals(m);
		if (m->stopping == RUNNING) {
			serve_slots(m);
			reload_turn(m);
			serve_watchdog(m);
			tickets_turn(m);
		}
		upgrade_turn(m);
		takeover_turn(m);
		serve_stop(m);
		if (m->stopping != RUNNING && slot_alive(m, NULL) == 0 && m->upgrade.pid == 0)
			return;
		/* A change may have become possible only now, and its signal will not come a second time. */
		if (m->stopping == RUNNING && (sig_raised(SIGHUP) || sig_raised(SIGUSR2)) && reload_blocked(m) == NULL)
			continue;
		sleep_until_needed(m);
	}
}
