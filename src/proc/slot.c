/*
 * slot: one child from fork to burial. Holds no policy: when to start, when to give up and what a death means is for
 * the master and the reload. Never forks with a second thread around, never leaves a pipe end to the wrong process.
 */
#include <sys/types.h>
#include <sys/select.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "proc/generation.h"
#include "proc/master.h"
#include "proc/slot.h"

static struct score *
score_of(struct master *m, const struct slot *s)
{
	return &m->board->slot[s - m->slot];
}

static unsigned
role_index(const struct master *m, const struct slot *s)
{
	return (unsigned)(s->role - m->setup->roles);
}

void
slot_count_death(struct master *m, const struct slot *s, int status)
{
	enum score_cause cause = SCORE_EXIT;

	if (s->late)
		cause = SCORE_TIMEOUT;
	else if (WIFSIGNALED(status))
		cause = WTERMSIG(status) == SIGSYS ? SCORE_SANDBOX : SCORE_SIGNAL;
	SCORE_ADD(m->board->restarts[role_index(m, s)][cause], 1);
}

struct slot *
slot_take(struct master *m, struct generation *g, const struct role *role, unsigned index, bool alone)
{
	struct slot *s = m->slot;

	while (s < m->slot + SCORE_SLOTS && s->state != SLOT_FREE)
		s++;
	if (s == m->slot + SCORE_SLOTS)
		return NULL;
	memset(s, 0, sizeof(*s));
	s->state = SLOT_WAITING;
	s->role = role;
	s->generation = g;
	s->index = index;
	s->ready_fd = -1;
	s->due_ms = clock_mono_ms();
	if (alone)
		snprintf(s->name, sizeof(s->name), "%s", role->name);
	else
		snprintf(s->name, sizeof(s->name), "%s %u", role->name, index);
	return s;
}

static void
fill_heritage(struct master *m, const struct slot *s, struct heritage *h)
{
	const struct generation *g = s->generation;

	memset(h, 0, sizeof(*h));
	h->conf = g->conf;
	h->generation = g->number;
	h->slot = (unsigned)(s - m->slot);
	h->index = s->index;
	h->after_crash = s->after_crash;
	h->sandbox = s->role->sandbox;
	h->must_connect = g->must_connect;
	for (size_t i = 0; i < CONF_MAX_LISTEN; i++) {
		h->listen_fd[i] = i < g->listeners.nhttp ? g->listeners.http[i].fd : -1;
		h->admin_fd[i] = i < g->listeners.nadmin ? g->listeners.admin[i].fd : -1;
	}
	h->admins = &g->admins;
	h->master_fd = m->life[0];
	h->wake_read_fd = m->wake[0];
	h->wake_write_fd = m->wake[1];
	h->courier_end_fd = g->switchboard[0];
	h->worker_end_fd = g->switchboard[1];
	h->use_read_fd = m->use[0];
	h->use_write_fd = m->use[1];
	h->tally = &m->tally;
	h->board = m->board;
	h->tickets = m->tickets;
	h->score = score_of(m, s);
}

/* The child's half of the fork: the other generations' secrets are none of its business. */
static _Noreturn void
become_child(struct master *m, const struct slot *s, int ready_fd)
{
	struct generation *others[2 + LEAVING_MAX] = { m->coming, m->serving };
	struct child_setup setup = {
		.role = s->role,
		.conf = s->generation->conf,
		.user = &s->generation->user,
		.title = &m->setup->title,
		.outside = &m->outside,
		.log_target = master_log_target(m, s->generation->conf),
		.name = s->name,
	};

	memcpy(&others[2], m->leaving, sizeof(m->leaving));
	for (size_t i = 0; i < COUNT(others); i++) {
		if (others[i] != NULL && others[i] != s->generation) {
			conf_free(others[i]->conf);
			others[i]->conf = NULL;
		}
	}
	fill_heritage(m, s, &setup.heritage);
	setup.heritage.ready_fd = ready_fd;
	child_main(&setup);
}

bool
slot_spawn(struct master *m, struct slot *s)
{
	int ready[2], saved;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC | O_NONBLOCK) == -1)
		return false;
	if (ready[0] >= FD_SETSIZE) {	/* the master sleeps in pselect */
		close(ready[0]);
		close(ready[1]);
		errno = EMFILE;
		return false;
	}
	scoreboard_seat(m->board, score_of(m, s), role_index(m, s), s->index, s->generation->number);
	pid = fork();
	if (pid == 0)
		become_child(m, s, ready[1]);
	saved = errno;
	close(ready[1]);
	if (pid == -1) {
		close(ready[0]);
		scoreboard_vacate(score_of(m, s));
		errno = saved;
		return false;
	}
	s->pid = pid;
	s->ready_fd = ready[0];
	s->ready_ms = 0;
	s->reopen_owed = false;
	s->late = false;
	s->why[0] = '\0';
	s->state = SLOT_STARTING;
	s->due_ms = clock_mono_ms() + generation_ready_ms(s->generation);
	SCORE_SET(score_of(m, s)->pid, (int)pid);
	log_debug("%s has pid %ld", s->name, (long)pid);
	return true;
}

static void
close_ready(struct slot *s)
{
	if (s->ready_fd != -1)
		close(s->ready_fd);
	s->ready_fd = -1;
}

void
slot_hear_ready(struct master *m, struct slot *s)
{
	char said[1 + CHILD_WHY_SIZE];
	ssize_t n;

	if (s->state == SLOT_FREE || s->ready_fd == -1)
		return;
	n = read(s->ready_fd, said, sizeof(said));
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	close_ready(s);
	if (n > 1 && said[0] == '\0')
		snprintf(s->why, sizeof(s->why), "%.*s", (int)n - 1, said + 1);
	if (n < 1 || said[0] != 1 || s->state != SLOT_STARTING)
		return;		/* it has died, will leave or will be late */
	s->state = SLOT_READY;
	s->ready_ms = clock_mono_ms();
	scoreboard_set_state(score_of(m, s), SCORE_READY);
	log_debug("%s is ready", s->name);
	if (s->reopen_owed)
		kill(s->pid, SIGUSR1);
	s->reopen_owed = false;
}

void
slot_tell(struct master *m, struct slot *s, int signo)
{
	if (s->state == SLOT_FREE)
		return;
	if (s->pid == 0) {
		slot_free(s);
		return;
	}
	s->state = SLOT_STOPPING;
	scoreboard_set_state(score_of(m, s), SCORE_DRAINING);
	kill(s->pid, signo);
}

void
slot_vacate(struct master *m, struct slot *s)
{
	close_ready(s);
	s->pid = 0;
	crowd_left(m->tally.connections, (size_t)(s - m->slot));
	scoreboard_vacate(score_of(m, s));
}

void
slot_free(struct slot *s)
{
	memset(s, 0, sizeof(*s));
	s->ready_fd = -1;
}

struct slot *
slot_by_pid(struct master *m, pid_t pid)
{
	for (struct slot *s = m->slot; s < m->slot + SCORE_SLOTS; s++)
		if (s->state != SLOT_FREE && s->pid == pid)
			return s;
	return NULL;
}

unsigned
slot_alive(const struct master *m, const struct generation *g)
{
	unsigned n = 0;

	for (size_t i = 0; i < SCORE_SLOTS; i++)
		if (m->slot[i].pid != 0 && (g == NULL || m->slot[i].generation == g))
			n++;
	return n;
}

unsigned
slot_count_free(const struct master *m)
{
	unsigned n = 0;

	for (size_t i = 0; i < SCORE_SLOTS; i++)
		n += m->slot[i].state == SLOT_FREE;
	return n;
}
