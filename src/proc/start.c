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

#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "os/fds.h"
#include "proc/detach.h"
#include "proc/master.h"
#include "proc/reload.h"
#include "proc/sig.h"

#define MASTER_UMASK	027

static int
take_pidfile(struct master *m)
{
	const char *path = m->setup->conf->pid_file;
	pid_t owner;

	if (path == NULL || pidfile_take(&m->pidfile, path, &owner) == 0)
		return EXIT_OK;
	if (errno == EWOULDBLOCK && owner != 0)
		log_error("already running, pid %ld (%s is locked)", (long)owner, path);
	else if (errno == EWOULDBLOCK)
		log_error("already running (%s is locked)", path);
	else
		log_errno("pid_file: %s", path);
	return EXIT_FAULT;
}

static bool
make_shared(struct master *m)
{
	m->board = scoreboard_new();
	if (m->board == NULL || pipe2(m->wake, O_CLOEXEC | O_NONBLOCK) == -1 ||
	    pipe2(m->use, O_CLOEXEC | O_NONBLOCK) == -1 || !tally_open(&m->tally, SCORE_SLOTS) ||
	    pipe2(m->life, O_CLOEXEC | O_NONBLOCK) == -1) {
		log_errno("cannot make what is shared with children");
		return false;
	}
	SCORE_SET(m->board->started_ms, (uint64_t)clock_real_ms());
	return true;
}

/* Everything that can fail because of the machine or the configuration, while whoever typed the command still looks. */
static int
prepare(struct master *m)
{
	struct conf *conf = m->setup->conf;
	char why[GENERATION_WHY_SIZE];

	if (priv_is_root() && conf->user == NULL) {
		log_error("refusing to run workers as root; set user: in %s", m->setup->conf_path);
		conf_free(conf);
		return EXIT_CONFIG;
	}
	if (fds_raise_limit() == -1)
		log_warn("cannot raise the limit of open files: %s", strerror(errno));
	if (take_pidfile(m) != EXIT_OK || !make_shared(m)) {
		conf_free(conf);
		return EXIT_FAULT;
	}
	umask(MASTER_UMASK);
	m->coming = generation_new(conf, NULL, 1, why);
	if (m->coming == NULL) {
		log_error("%s", why);
		return EXIT_FAULT;
	}
	if (master_open_log(m, conf, &m->coming->user) == -1) {
		log_errno("log.to: cannot open %s", conf->log_file);
		return EXIT_FAULT;
	}
	if (!priv_is_root() && conf->user != NULL && m->coming->user.uid != geteuid())
		log_warn("not started as root: running as uid %u, not as user: %s", (unsigned)geteuid(), conf->user);
	return EXIT_OK;
}

/* From here on faults are told to the log, and to whoever waits for the start. */
static bool
settle(struct master *m)
{
	if (m->setup->detach) {
		m->start_fd = detach();
		if (m->start_fd == -1) {
			log_errno("cannot detach");
			return false;
		}
	}
	if (!sig_start(&m->outside)) {
		log_errno("cannot catch signals");
		return false;
	}
	if (pidfile_write(&m->pidfile) == -1) {
		log_errno("pid_file: %s", m->pidfile.path);
		return false;
	}
	/* In the foreground standard error stays: what libc or a sanitizer has to say belongs in the journal. */
	if (fds_null_stdio(!m->setup->detach || master_log_target(m, m->coming->conf) == LOG_TO_STDERR) == -1) {
		log_errno("/dev/null");
		return false;
	}
	return true;
}

static void
finish(struct master *m)
{
	struct generation *all[] = { m->leaving, m->coming, m->serving };

	master_report_start(m, EXIT_FAULT, "cannot start; the log says why");
	for (size_t i = 0; i < COUNT(all); i++) {
		if (all[i] == NULL)
			continue;
		listeners_close(&all[i]->listeners, NULL);
		generation_free(all[i]);
	}
	pidfile_remove(&m->pidfile);
}

int
master_run(const struct master_setup *setup)
{
	char why[GENERATION_WHY_SIZE];
	struct master m;

	memset(&m, 0, sizeof(m));
	m.setup = setup;
	m.pidfile.fd = -1;
	m.start_fd = -1;
	m.exit_code = prepare(&m);
	if (m.exit_code == EXIT_OK && !settle(&m))
		m.exit_code = EXIT_FAULT;
	if (m.exit_code == EXIT_OK) {
		if (!generation_start(&m, m.coming, why))
			reload_fail(&m, EXIT_FAULT, why);
		master_loop(&m);
		log_info("ringd stopped");
	}
	finish(&m);
	return m.exit_code;
}
