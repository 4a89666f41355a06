/*
 * outcome: see outcome.h. The file exists because whoever sent the signal has to learn the answer even when the admin
 * listener has just moved, or is not there; it is made anew each time and put in place by its name, so a reader sees a
 * whole one, and a link that somebody planted there is replaced and not followed.
 */
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "proc/master.h"
#include "proc/outcome.h"

#define PATH_SIZE	4352

/* false: there is no file to write. Without a pid file nobody can find us, and until we are the master it is another's. */
static bool
path_of(const struct master *m, const char *suffix, char path[PATH_SIZE])
{
	return m->pidfile.fd != -1 && !m->taking_over &&
	    snprintf(path, PATH_SIZE, "%s" REPORT_FILE_SUFFIX "%s", m->pidfile.path, suffix) < PATH_SIZE;
}

static bool
write_whole(const char *path, struct str text)
{
	int fd, saved;
	ssize_t n;

	if (unlink(path) == -1 && errno != ENOENT)
		return false;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd == -1)
		return false;
	n = write(fd, text.p, text.n);
	saved = n == -1 ? errno : ENOSPC;
	close(fd);
	errno = saved;
	return n == (ssize_t)text.n;
}

static void
write_file(const struct master *m)
{
	char path[PATH_SIZE], fresh[PATH_SIZE];
	struct buf text;

	if (!path_of(m, "", path) || !path_of(m, ".new", fresh))
		return;
	buf_init(&text, REPORT_FILE_MAX);
	report_print(&m->report, &text);
	if (text.failed)
		errno = ENOMEM;
	if (text.failed || !write_whole(fresh, buf_as_str(&text)) || rename(fresh, path) == -1)
		log_event(LEVEL_WARN, "ringctl cannot tell how a reload went", LOG_C("file", path), LOG_C("error", strerror(errno)));
	buf_free(&text);
}

static void
publish(struct master *m)
{
	m->report.pid = getpid();
	SCORE_SET(m->board->master_pid, (int)getpid());
	report_publish(&m->board->report, &m->report);
	write_file(m);
}

void
outcome_begin(struct master *m, enum report_what what)
{
	report_begin(&m->report, what, clock_real_ms());
	publish(m);
	if (m->serving != NULL)
		notify_reloading(&m->setup->notify);
}

void
outcome_change(void *master, const char *line)
{
	struct master *m = master;

	log_event(LEVEL_INFO, "configuration", LOG_C("change", line));
	report_change(&m->report, line);
}

void
outcome_done(struct master *m, const char *text)
{
	report_end(&m->report, REPORT_DONE, text, clock_real_ms());
	publish(m);
	notify_ready(&m->setup->notify, text);
}

void
outcome_failed(struct master *m, const char *why)
{
	static const char *const sentences[] = { [REPORT_START] = "start failed", [REPORT_RELOAD] = "reload failed",
	    [REPORT_UPGRADE] = "upgrade failed" };
	const char *sentence = sentences[m->report.what];
	char status[NOTIFY_TEXT_MAX];

	log_event(LEVEL_ERROR, sentence, LOG_C("reason", why), LOG_INT("still_serving", m->serving->number));
	SCORE_ADD(m->board->reloads_failed, m->report.what == REPORT_RELOAD ? 1 : 0);
	m->report.changes[0] = '\0';		/* they did not happen */
	report_end(&m->report, REPORT_FAILED, why, clock_real_ms());
	publish(m);
	snprintf(status, sizeof(status), "%s: %s; generation %u keeps serving", sentence, why, m->serving->number);
	notify_ready(&m->setup->notify, status);
}

void
outcome_forget(struct master *m)
{
	char path[PATH_SIZE];

	if (path_of(m, "", path))
		unlink(path);
}
