/*
 * start: everything between a loaded configuration and the first fork, and what is left to do after the last child.
 * As much as possible happens while whoever typed the command still looks on: the log is standard error until the
 * real one is open, and detaching comes last.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/count.h"
#include "base/clock.h"
#include "base/log.h"
#include "os/fds.h"
#include "proc/detach.h"
#include "proc/master.h"
#include "proc/outcome.h"
#include "proc/reload.h"
#include "proc/sig.h"

#define MASTER_UMASK	027

#define WHY_SIZE	GENERATION_WHY_SIZE

/* The lock of the master before us is ours too; it writes its own number there until it lets go. */
static bool
adopt_pidfile(struct master *m, const char *path, int fd, char why[WHY_SIZE])
{
	if (path != NULL && pidfile_adopt(&m->pidfile, fd, path) == 0)
		return true;
	if (fd != -1)
		close(fd);
	snprintf(why, WHY_SIZE, "pid_file: %s is not the one of the running ringd; it can change only at a restart",
	    path != NULL ? path : "none");
	return false;
}

static bool
take_pidfile(struct master *m, char why[WHY_SIZE])
{
	const char *path = m->setup->conf->pid_file;
	pid_t owner;

	if (m->taking_over && m->setup->birth->handover.pid_fd != -1)
		return adopt_pidfile(m, path, m->setup->birth->handover.pid_fd, why);
	if (path == NULL || pidfile_take(&m->pidfile, path, &owner) == 0)
		return true;
	if (errno == EWOULDBLOCK && owner != 0)
		snprintf(why, WHY_SIZE, "already running, pid %ld (%s is locked)", (long)owner, path);
	else if (errno == EWOULDBLOCK)
		snprintf(why, WHY_SIZE, "already running (%s is locked)", path);
	else
		snprintf(why, WHY_SIZE, "pid_file: %s: %s", path, strerror(errno));
	return false;
}

static bool
make_shared(struct master *m, char why[WHY_SIZE])
{
	const char *roles[SCORE_ROLES];

	for (size_t i = 0; i < m->setup->nroles; i++)
		roles[i] = m->setup->roles[i].name;
	m->board = scoreboard_new(roles, (unsigned)m->setup->nroles);
	m->tickets = tls_tickets_new();
	m->tickets_ms = clock_mono_ms();
	if (m->board == NULL || m->tickets == NULL || pipe2(m->wake, O_CLOEXEC | O_NONBLOCK) == -1 ||
	    pipe2(m->use, O_CLOEXEC | O_NONBLOCK) == -1 || !tally_open(&m->tally, SCORE_SLOTS) ||
	    pipe2(m->life, O_CLOEXEC | O_NONBLOCK) == -1) {
		snprintf(why, WHY_SIZE, "cannot make what is shared with children: %s", strerror(errno));
		return false;
	}
	log_share_levels(&m->board->log_levels);
	return true;
}

/* Everything that can fail because of the machine or the configuration, while whoever typed the command still looks. */
static int
prepare(struct master *m, char why[WHY_SIZE])
{
	struct conf *conf = m->setup->conf;
	struct birth *birth = m->setup->birth;

	if (priv_is_root() && conf->user == NULL) {
		snprintf(why, WHY_SIZE, "refusing to run workers as root; set user: in %s", m->setup->conf_path);
		conf_free(conf);
		return EXIT_CONFIG;
	}
	if (fds_raise_limit() == -1)
		log_event(LEVEL_WARN, "cannot raise the limit of open files", LOG_C("reason", strerror(errno)));
	if (!take_pidfile(m, why) || !make_shared(m, why)) {
		conf_free(conf);
		return EXIT_FAULT;
	}
	umask(MASTER_UMASK);
	m->coming = generation_new(conf, NULL, &birth->inherited, 1, why);
	if (m->coming == NULL)
		return EXIT_FAULT;
	m->coming->must_connect = birth->handover.must_connect;
	inherit_close_rest(&birth->inherited);
	if (master_open_log(m, conf, &m->coming->user) == -1) {
		snprintf(why, WHY_SIZE, "log.to: cannot open %s: %s", conf->log_file, strerror(errno));
		return EXIT_FAULT;
	}
	if (!priv_is_root() && conf->user != NULL && m->coming->user.uid != geteuid())
		log_event(LEVEL_WARN, "not started as root, so not running as the configured user", LOG_INT("uid", geteuid()), LOG_C("user", conf->user));
	return EXIT_OK;
}

/* A new master is where a detached one would be, but for its folder: the one before us had left the terminal. */
static bool
leave_terminal(struct master *m)
{
	if (!m->setup->detach)
		return true;
	if (m->taking_over)
		return chdir("/") == 0;
	m->start_fd = detach();
	return m->start_fd != -1;
}

/* From here on faults are told to the log, and to whoever waits for the start. */
static bool
settle(struct master *m, char why[WHY_SIZE])
{
	const char *what = NULL;

	if (!leave_terminal(m))
		what = "cannot detach";
	else if (!sig_start(&m->outside))
		what = "cannot catch signals";
	else if (!m->taking_over && pidfile_write(&m->pidfile) == -1)
		what = m->pidfile.path;
	/* In the foreground standard error stays: what libc or a sanitizer has to say belongs in the journal. */
	else if (fds_null_stdio(!m->setup->detach || master_log_target(m, m->coming->conf) == LOG_TO_STDERR) == -1)
		what = "/dev/null";
	if (what != NULL)
		snprintf(why, WHY_SIZE, "%s: %s", what, strerror(errno));
	return what == NULL;
}

static void
finish(struct master *m)
{
	struct generation *all[2 + LEAVING_MAX] = { m->coming, m->serving };

	memcpy(&all[2], m->leaving, sizeof(m->leaving));
	for (size_t i = 0; i < COUNT(all); i++) {
		if (all[i] == NULL)
			continue;
		listeners_close(&all[i]->listeners, NULL);
		generation_free(all[i]);
	}
	outcome_forget(m);
	if (m->taking_over)
		pidfile_let_go(&m->pidfile);
	else
		pidfile_remove(&m->pidfile);
}

int
master_run(const struct master_setup *setup)
{
	char why[WHY_SIZE] = "cannot start; the log says why";
	struct master m;

	memset(&m, 0, sizeof(m));
	m.setup = setup;
	m.pidfile.fd = -1;
	m.start_fd = -1;
	m.upgrade.link_fd = -1;
	m.link_fd = setup->birth->handover.link_fd;
	m.taking_over = m.link_fd != -1;
	m.exit_code = prepare(&m, why);
	if (m.exit_code == EXIT_OK && !settle(&m, why))
		m.exit_code = EXIT_FAULT;
	if (m.exit_code != EXIT_OK) {
		log_error("%s", why);
		master_report_start(&m, m.exit_code, why);
	} else {
		outcome_begin(&m, m.taking_over ? REPORT_UPGRADE : REPORT_START);
		if (!generation_start(&m, m.coming, why))
			reload_fail(&m, EXIT_FAULT, why);
		master_loop(&m);
		log_info("ringd stopped");
	}
	finish(&m);
	return m.exit_code;
}
