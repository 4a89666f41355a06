/*
 * child: the first lines of a child's life, the same for every role: signals, descriptors, name, limits, then root is
 * dropped and proved gone, then the role's code. Never returns into the master's code, and never runs a role when one
 * of these steps has failed: that ends with the code for bad configuration, because trying again would not help.
 */
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "os/fds.h"
#include "proc/sig.h"
#include "proc/spawn.h"

#define CHILD_UMASK	027

void
child_ready(const struct heritage *h)
{
	char byte = 1;

	/* The second time the master has closed its end: EPIPE, and nothing to do about it. */
	while (write(h->ready_fd, &byte, 1) == -1 && errno == EINTR)
		;
}

/*
 * Closes what is not inherited by name. The system log is let go before and opened again after: its descriptor is
 * libc's secret, and a number closed behind its back would soon be somebody's connection.
 */
static int
keep_only_heritage(const struct child_setup *s)
{
	const struct heritage *h = &s->heritage;
	int keep[2 * CONF_MAX_LISTEN + 7];
	size_t n = 0;

	for (size_t i = 0; i < s->conf->nlisten; i++)
		keep[n++] = h->listen_fd[i];
	for (size_t i = 0; i < s->conf->nadmin; i++)
		keep[n++] = h->admin_fd[i];
	keep[n++] = h->master_fd;
	keep[n++] = h->ready_fd;
	keep[n++] = h->wake_read_fd;
	keep[n++] = h->wake_write_fd;
	keep[n++] = h->use_read_fd;
	keep[n++] = h->use_write_fd;
	keep[n++] = log_fd();
	if (s->log_target == LOG_TO_SYSLOG)
		(void)log_open(LOG_TO_STDERR, NULL, s->conf->log_level);
	fds_close_others(keep, n);
	return s->log_target == LOG_TO_SYSLOG ? log_open(LOG_TO_SYSLOG, NULL, s->conf->log_level) : 0;
}

static bool
no_core(void)
{
	struct rlimit none = { 0, 0 };	/* a core would hold keys, tokens and people's calls */

	return setrlimit(RLIMIT_CORE, &none) == 0;
}

static bool
settle(const struct child_setup *s)
{
	char why[PRIV_WHY_SIZE];

	if (keep_only_heritage(s) == -1) {
		log_errno("cannot open the log again");
		return false;
	}
	log_set_level(s->conf->log_level);
	title_set(s->title, s->name);
	if (!no_core()) {
		log_errno("cannot forbid core files");
		return false;
	}
	umask(CHILD_UMASK);
	if (!priv_is_root())
		return true;
	if (!priv_drop(s->user, why)) {
		log_error("%s", why);
		return false;
	}
	return true;
}

void
child_main(struct child_setup *s)
{
	sig_child(s->outside);
	log_set_role(s->name);
	if (!settle(s))
		exit(EXIT_CONFIG);
	if (s->role->purge != NULL)
		s->role->purge(s->conf);
	exit(s->role->run(&s->heritage));
}
