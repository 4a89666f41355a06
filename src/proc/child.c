/*
 * child: the first lines of a child's life, the same for every role: signals, descriptors, name, limits, then root is
 * dropped and proved gone, then the role's code. Never returns into the master's code, and never runs a role when one
 * of these steps has failed: that ends with the code for bad configuration, because trying again would not help.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "os/core.h"
#include "os/fds.h"
#include "os/sandbox.h"
#include "proc/sig.h"
#include "proc/spawn.h"

#define CHILD_UMASK	027

/* The second time the master has closed its end: EPIPE, and nothing to do about it. */
static void
say(const struct heritage *h, const char *bytes, size_t n)
{
	while (write(h->ready_fd, bytes, n) == -1 && errno == EINTR)
		;
}

void
child_ready(const struct heritage *h)
{
	say(h, "\1", 1);
}

void
child_unfit(const struct heritage *h, const char *why)
{
	char message[1 + CHILD_WHY_SIZE];
	int n = snprintf(message + 1, sizeof(message) - 1, "%s", why);

	message[0] = '\0';
	say(h, message, n < CHILD_WHY_SIZE ? (size_t)n + 1 : sizeof(message) - 1);
}

bool
child_is_orphan(const struct heritage *h)
{
	char byte;
	ssize_t n = read(h->master_fd, &byte, 1);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/*
 * Closes what is not inherited by name. The system log is let go before and opened again after: its descriptor is
 * libc's secret, and a number closed behind its back would soon be somebody's connection.
 */
static int
keep_only_heritage(const struct child_setup *s)
{
	const struct heritage *h = &s->heritage;
	int keep[2 * CONF_MAX_LISTEN + 9];
	size_t n = 0;

	for (size_t i = 0; i < s->conf->nlisten; i++)
		keep[n++] = h->listen_fd[i];
	for (size_t i = 0; i < s->conf->nadmin; i++)
		keep[n++] = h->admin_fd[i];
	keep[n++] = h->master_fd;
	keep[n++] = h->ready_fd;
	keep[n++] = h->wake_read_fd;
	keep[n++] = h->wake_write_fd;
	keep[n++] = h->courier_end_fd;
	keep[n++] = h->worker_end_fd;
	keep[n++] = h->use_read_fd;
	keep[n++] = h->use_write_fd;
	keep[n++] = log_fd();
	if (s->log_target == LOG_TO_SYSLOG)
		(void)log_open(LOG_TO_STDERR, NULL, s->conf->log_level);
	fds_close_others(keep, n);
	return s->log_target == LOG_TO_SYSLOG ? log_open(LOG_TO_SYSLOG, NULL, s->conf->log_level) : 0;
}

/* A core would hold keys, tokens and people's calls. */
static bool
settle_core(const struct conf *c)
{
	if (!c->core_dumps) {
		if (core_forbid())
			return true;
		log_errno("cannot forbid core files");
		return false;
	}
	if (core_permit())
		log_warn("core_dumps: true: a core file of this process will hold secrets");
	else
		log_warn("core_dumps: true, but the limit that ringd was started with allows none: %s", strerror(errno));
	return true;
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
	log_set_style(s->conf->log_format, s->conf->log_mask_numbers);
	title_set(s->title, s->name);
	umask(CHILD_UMASK);
	if (priv_is_root() && !priv_drop(s->user, why)) {
		log_error("%s", why);
		child_unfit(&s->heritage, why);
		return false;
	}
	return settle_core(s->conf);
}

void
child_confine(const struct heritage *h, struct reach *reach)
{
	enum conf_sandbox wish = h->conf->sandbox;
	struct sandbox s = { .needs = h->sandbox, .reach = reach, .log_only = wish == CONF_SANDBOX_LOG };
	char what[SANDBOX_TEXT_SIZE];
	enum sandbox_result got;

	if (wish == CONF_SANDBOX_OFF) {
		log_warn("sandbox: none (it is off in the configuration)");
		return;
	}
	if (log_fd() != -1) {
		s.needs |= SANDBOX_APPEND;
		reach_folder_of(reach, REACH_APPEND, h->conf->log_file);
	}
	got = sandbox_enter(&s, what);
	if (got == SANDBOX_BROKEN || (wish == CONF_SANDBOX_REQUIRE && got != SANDBOX_WHOLE)) {
		log_error("sandbox: not as it must be: %s", what);
		exit(EXIT_CONFIG);
	}
	if (got == SANDBOX_WHOLE)
		log_info("sandbox: %s", what);
	else
		log_warn("sandbox: %s: %s", got == SANDBOX_NONE ? "none" : s.log_only ? "logs only" : "in part", what);
}

void
child_main(struct child_setup *s)
{
	sig_child(s->outside);
	log_set_role(s->name);
	if (!settle(s))
		exit(EXIT_CONFIG);
	if (!s->role->serves) {
		conf_forget_keys(s->conf);
		tls_tickets_unmap(s->heritage.tickets);
		s->heritage.tickets = NULL;
		tally_close(s->heritage.tally);
		s->heritage.tally = NULL;
	}
	if (s->role->purge != NULL)
		s->role->purge(s->conf);
	exit(s->role->run(&s->heritage));
}
