/*
 * takeover: the new master's side of an upgrade, see upgrade.h. Until it has the other's word it is nobody: it has
 * opened what it needs and changed nothing that a stranger could see.
 */
#include <sys/types.h>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "proc/detach.h"
#include "proc/master.h"
#include "proc/outcome.h"
#include "version.h"

#define TEXT_SIZE	1024

/* alone: nobody told the service manager about us. */
static void
take(struct master *m, bool alone)
{
	char what[TEXT_SIZE];

	m->taking_over = false;
	if (m->link_fd != -1)
		close(m->link_fd);
	m->link_fd = -1;
	if (pidfile_write(&m->pidfile) == -1)
		log_errno("pid_file: %s", m->pidfile.path);
	listeners_own(&m->serving->listeners);
	inherit_remove_rest(&m->setup->birth->inherited);
	if (m->stopping != RUNNING)	/* told to stop in this very moment: it is ours to clean up, and that is all */
		return;
	generation_describe(m, m->serving, what, sizeof(what));
	log_event(LEVEL_INFO, "took over", LOG_C("version", RINGD_VERSION), LOG_C("serving", what));
	if (alone)
		notify_successor(&m->setup->notify, getpid(), what);
	outcome_done(m, what);
}

void
master_refuse(const struct birth *b, int code, const char *why)
{
	detach_report(b->handover.link_fd, code, why);
}

void
takeover_fail(struct master *m, int code, const char *why)
{
	if (m->link_fd == -1 || m->link_said)
		return;
	detach_say(m->link_fd, code, why);
	m->link_said = true;
}

void
takeover_ready(struct master *m)
{
	char what[TEXT_SIZE];

	if (m->link_fd == -1) {
		take(m, true);
		return;
	}
	generation_describe(m, m->serving, what, sizeof(what));
	detach_say(m->link_fd, EXIT_OK, what);
	m->link_said = true;
}

void
takeover_turn(struct master *m)
{
	char byte = UPGRADE_NO;
	ssize_t n;

	if (!m->taking_over || m->link_fd == -1)
		return;
	n = read(m->link_fd, &byte, 1);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == 1 && byte == UPGRADE_GO && m->serving != NULL) {
		take(m, false);
		return;
	}
	close(m->link_fd);
	m->link_fd = -1;
	if (m->stopping != RUNNING)
		return;
	if (n == 1) {
		log_error("the running master does not want us; leaving");
		m->exit_code = EXIT_FAULT;
		master_stop(m, SIGTERM);
		return;
	}
	log_warn("the running master has died; going on without it");
	if (m->serving != NULL)
		take(m, true);
}
