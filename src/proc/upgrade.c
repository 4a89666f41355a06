/*
 * upgrade: the old master's side, see upgrade.h. Never gives anything away before the new program has proved itself,
 * and then everything at once. Closes for the new one all that is not named in the handover.
 */
#include <sys/types.h>
#include <sys/select.h>
#include <sys/socket.h>

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "os/fds.h"
#include "proc/detach.h"
#include "proc/master.h"
#include "proc/outcome.h"
#include "proc/reload.h"
#include "proc/sig.h"

#define PATH_SIZE	4096
#define WHY_SIZE	(DETACH_TEXT_MAX + 128)

static void
close_link(struct upgrade *u)
{
	if (u->link_fd != -1)
		close(u->link_fd);
	u->link_fd = -1;
}

static bool
answer(const struct upgrade *u, char byte)
{
	ssize_t n;

	while ((n = write(u->link_fd, &byte, 1)) == -1 && errno == EINTR)
		;
	return n == 1;
}

static void
give_up(struct master *m, int signo)
{
	struct upgrade *u = &m->upgrade;

	if (u->link_fd != -1)
		(void)answer(u, UPGRADE_NO);
	close_link(u);
	u->given_up = true;
	u->deadline_ms = clock_mono_ms() + generation_drain_ms(m->serving);
	kill(u->pid, signo);
}

static void
add_listeners(struct handover *h, const struct listener *l, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		h->listener[h->n].fd = l[i].fd;
		h->listener[h->n++].lent = l[i].lent;
	}
}

static void
fill_handover(const struct master *m, struct handover *h, int link_fd)
{
	const struct listeners *l = &m->serving->listeners;

	memset(h, 0, sizeof(*h));
	h->link_fd = link_fd;
	h->pid_fd = m->pidfile.fd;
	h->must_connect = reload_has_database(m);
	add_listeners(h, l->http, l->nhttp);
	add_listeners(h, l->admin, l->nadmin);
}

static bool
set_environment(const struct master *m, const struct handover *h)
{
	const struct master_setup *s = m->setup;
	char text[HANDOVER_TEXT_SIZE];

	handover_print(h, text);
	return setenv(HANDOVER_VARIABLE, text, 1) == 0 &&
	    (s->birth->notify_path[0] == '\0' || setenv("NOTIFY_SOCKET", s->birth->notify_path, 1) == 0) &&
	    (s->birth->watchdog_usec[0] == '\0' || setenv("WATCHDOG_USEC", s->birth->watchdog_usec, 1) == 0);
}

/*
 * execvp() but for its habit of giving what is no program to a shell: half a program is not to be tried as a script.
 * Returns with errno.
 */
static void
execute(char *const *argv)
{
	struct str rest = str_c(getenv("PATH")), dir;
	char path[PATH_SIZE];

	if (strchr(argv[0], '/') != NULL) {
		execv(argv[0], argv);
		return;
	}
	errno = ENOENT;
	while (errno == ENOENT && str_cut(&rest, ':', &dir))
		if (snprintf(path, sizeof(path), "%.*s%s%s", STR_ARG(dir), dir.n > 0 ? "/" : "", argv[0]) <
		    (int)sizeof(path))
			execv(path, argv);
}

/* As we were started: the same words from the same folder, so that the program is looked for again where it was found. */
static _Noreturn void
become_new_master(const struct master *m, const struct handover *h)
{
	int keep[INHERIT_MAX + 2], moved;
	char why[DETACH_TEXT_MAX];
	size_t n = 0;

	keep[n++] = h->link_fd;
	keep[n++] = h->pid_fd;
	for (size_t i = 0; i < h->n; i++)
		keep[n++] = h->listener[i].fd;
	for (size_t i = 0; i < n; i++)
		if (keep[i] != -1)
			(void)fds_close_on_exec(keep[i], false);
	fds_close_others(keep, n);
	sig_exec(&m->outside);
	moved = chdir(m->setup->start_dir);
	(void)moved;		/* a folder that is gone matters only to relative paths, and then those are not found */
	if (set_environment(m, h))
		execute(m->setup->argv);
	snprintf(why, sizeof(why), "cannot run %s: %s", m->setup->argv[0], strerror(errno));
	detach_say(h->link_fd, EXIT_FAULT, why);
	_exit(EXIT_FAULT);
}

/* NULL, or why the new program could not be started. */
static const char *
start(struct master *m)
{
	struct upgrade *u = &m->upgrade;
	struct handover h;
	int link[2], saved;

	if (getpid() == 1)
		return "process 1 cannot be replaced by its child; restart the container instead";
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, link) == -1)
		return strerror(errno);
	if (link[0] >= FD_SETSIZE) {	/* the master sleeps in pselect */
		close(link[0]);
		close(link[1]);
		return strerror(EMFILE);
	}
	fill_handover(m, &h, link[1]);
	u->pid = fork();
	if (u->pid == 0)
		become_new_master(m, &h);
	saved = errno;
	close(link[1]);
	if (u->pid == -1) {
		u->pid = 0;
		close(link[0]);
		return strerror(saved);
	}
	u->link_fd = link[0];
	u->given_up = false;
	u->deadline_ms = clock_mono_ms() + generation_ready_ms(m->serving) + UPGRADE_MARGIN_MS;
	return NULL;
}

void
upgrade_begin(struct master *m)
{
	const char *why;

	log_event(LEVEL_INFO, "upgrading", LOG_C("program", m->setup->argv[0]));
	outcome_begin(m, REPORT_UPGRADE);
	why = start(m);
	if (why != NULL)
		outcome_failed(m, why);
	else
		log_event(LEVEL_INFO, "upgrading: the new master was started", LOG_INT("pid_of_new", m->upgrade.pid));
}

static void __attribute__((format(printf, 2, 3)))
fail(struct master *m, const char *fmt, ...)
{
	char why[WHY_SIZE];
	int len = snprintf(why, sizeof(why), "the new program (pid %ld) ", (long)m->upgrade.pid);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why + len, sizeof(why) - (size_t)len, fmt, ap);
	va_end(ap);
	give_up(m, SIGTERM);
	outcome_failed(m, why);
}

/* It is ready: from here on it is the master, and there is no way back. */
static void
hand_over(struct master *m, const char *serving)
{
	struct upgrade *u = &m->upgrade;

	notify_successor(&m->setup->notify, u->pid, serving);
	if (!answer(u, UPGRADE_GO)) {	/* it has died in this very moment */
		notify_successor(&m->setup->notify, getpid(), "");
		fail(m, "was ready and left before it could take over");
		return;
	}
	log_event(LEVEL_INFO, "upgraded: the new master serves, this one drains", LOG_INT("pid_of_new", u->pid), LOG_C("serving", serving));
	close_link(u);
	u->pid = 0;
	m->handed_over = true;
	pidfile_let_go(&m->pidfile);
	listeners_disown(&m->serving->listeners);
	master_stop(m, SIGTERM);
}

static void
hear(struct master *m)
{
	struct upgrade *u = &m->upgrade;
	char said[1 + DETACH_TEXT_MAX];
	ssize_t n = read(u->link_fd, said, sizeof(said) - 1);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {		/* it has died, which we shall hear, or says nothing, which has its time */
		close_link(u);
		return;
	}
	said[n] = '\0';
	if (said[0] == EXIT_OK)
		hand_over(m, said + 1);
	else
		fail(m, "cannot start: %s", said + 1);
}

void
upgrade_turn(struct master *m)
{
	struct upgrade *u = &m->upgrade;

	if (u->pid != 0 && u->link_fd != -1)
		hear(m);
	if (u->pid == 0 || clock_mono_ms() < u->deadline_ms)
		return;
	if (u->given_up) {
		kill(u->pid, SIGKILL);
		u->deadline_ms = INT64_MAX;
		return;
	}
	fail(m, "was not ready within %lld s",
	    (long long)(generation_ready_ms(m->serving) + UPGRADE_MARGIN_MS) / 1000);
}

bool
upgrade_died(struct master *m, pid_t pid, int status)
{
	struct upgrade *u = &m->upgrade;
	char how[HOW_SIZE];

	if (u->pid == 0 || pid != u->pid)
		return false;
	if (u->link_fd != -1)
		hear(m);	/* its last words, if it had any */
	if (u->pid == 0)
		return true;
	if (!u->given_up) {
		master_describe_death(status, how);
		fail(m, "%s before it was ready", how);
	}
	close_link(u);
	u->pid = 0;
	return true;
}

void
upgrade_cancel(struct master *m, int signo)
{
	if (m->upgrade.pid == 0)
		return;
	if (!m->upgrade.given_up)
		log_info("stopping: the upgrade is called off");
	give_up(m, signo);
}
