/*
 * reload: tells the daemon to take its configuration, or its program, anew, and waits for what becomes of it. The
 * signal goes to the holder of the pid file's lock, and the answer is read from the report beside that file: so it also
 * works while the admin listener moves. Checks nothing itself, because only the daemon has the daemon's environment and
 * rights: what it says is the truth.
 */
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_write.h"
#include "base/report.h"
#include "ctl/display.h"
#include "ctl/nouns.h"
#include "os/pidfile.h"

#define POLL_MS		20
#define PATH_SIZE	4352
#define LINE_SIZE	4096

struct change {
	enum report_what	what;
	const char		*pid_file;
	char			 own_path[LINE_SIZE];	/* pid_file, when it was found in a bad configuration */
	pid_t			 pid;			/* whom we asked */
	struct report		 before;		/* what it told last; pid 0: nothing */
	int64_t			 timeout_ms;
};

/*
 * The file cannot be loaded here: it is bad, or names a variable that only the daemon has. The daemon shall say so, and
 * to find it one line is enough. Returns the path, or NULL.
 */
static const char *
find_pid_file(const char *config, char line[LINE_SIZE])
{
	static const char name[] = "pid_file:";
	FILE *f = fopen(config, "re");
	char *path = NULL;
	size_t n;

	if (f == NULL)
		return NULL;
	while (path == NULL && fgets(line, LINE_SIZE, f) != NULL)
		if (strncmp(line, name, sizeof(name) - 1) == 0)
			path = line + sizeof(name) - 1 + strspn(line + sizeof(name) - 1, " \t'\"");
	fclose(f);
	if (path == NULL || *path != '/')
		return NULL;
	n = strcspn(path, "\r\n'\"#");
	while (n > 0 && (path[n - 1] == ' ' || path[n - 1] == '\t'))
		n--;
	path[n] = '\0';
	return path;
}

static int
find_file(struct ctl *c, const struct args *a, struct change *k)
{
	struct conf_error err;
	const char *found;

	k->pid_file = args_text(a, "pid-file");
	if (k->pid_file != NULL)
		return CTL_OK;
	c->conf = conf_load(c->config_path, &err);
	found = c->conf != NULL ? c->conf->pid_file : find_pid_file(c->config_path, k->own_path);
	k->pid_file = found;
	if (found != NULL)
		return CTL_OK;
	if (c->conf == NULL)
		return ctl_fail(CTL_FAILED, "%s", err.text);
	return ctl_fail(CTL_USAGE, "%s names no pid_file, so nobody can be found: set it, or give --pid-file",
	    c->config_path);
}

/* The last report; pid 0: there is none that can be read. */
static void
read_report(const struct change *k, struct report *r)
{
	char path[PATH_SIZE], text[REPORT_FILE_MAX];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "%s" REPORT_FILE_SUFFIX, k->pid_file);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd != -1) {
		n = read(fd, text, sizeof(text));
		close(fd);
	}
	if (n <= 0 || !report_parse(r, (struct str){ text, (size_t)n }))
		memset(r, 0, sizeof(*r));
}

static int
ask(struct change *k)
{
	k->pid = pidfile_holder(k->pid_file);
	if (k->pid == -1)
		return ctl_fail(CTL_FAILED, "%s: %s", k->pid_file, strerror(errno));
	if (k->pid == 0)
		return ctl_fail(CTL_FAILED, "ringd is not running: nobody holds %s", k->pid_file);
	read_report(k, &k->before);
	if (k->before.pid != k->pid)
		return ctl_fail(CTL_FAILED, "process %ld does not say in %s" REPORT_FILE_SUFFIX " how it fares; is it an "
		    "older ringd, still starting, or may we not read it? Nothing was sent", (long)k->pid, k->pid_file);
	if (kill(k->pid, k->what == REPORT_RELOAD ? SIGHUP : SIGUSR2) == -1)
		return ctl_fail(CTL_FAILED, "process %ld: %s", (long)k->pid, strerror(errno));
	return CTL_OK;
}

/* The outcome of what began after we asked, or of an upgrade that ended with another process. */
static bool
is_ours(const struct change *k, const struct report *r)
{
	if (r->pid == 0 || r->state == REPORT_RUNNING)
		return false;
	return r->pid != k->pid || (r->number > k->before.number && r->what == k->what);
}

static int
wait_for_outcome(const struct change *k, struct report *r)
{
	const struct timespec pause = { 0, POLL_MS * 1000000L };
	int64_t until = clock_mono_ms() + k->timeout_ms;
	bool gone;

	for (;;) {
		gone = kill(k->pid, 0) == -1 && errno == ESRCH;		/* before the last look, not after it */
		read_report(k, r);
		if (is_ours(k, r))
			return CTL_OK;
		if (gone && pidfile_holder(k->pid_file) == 0)
			return ctl_fail(CTL_FAILED, "process %ld has ended; the log says why", (long)k->pid);
		if (clock_mono_ms() >= until)
			return ctl_fail(CTL_FAILED, "process %ld was told, and has not come to an end with it after %lld s",
			    (long)k->pid, (long long)k->timeout_ms / 1000);
		nanosleep(&pause, NULL);
	}
}

static int
show_json(const struct report *r, bool ok)
{
	struct str rest = str_c(r->changes), line;
	struct json_out j;
	struct buf b;
	int code;

	buf_init(&b, REPORT_FILE_MAX * 8);
	json_out_init(&j, &b);
	json_obj(&j);
	json_kbool(&j, "ok", ok);
	json_kstr(&j, "what", str_c(report_what_name(r->what)));
	json_kint(&j, "pid", r->pid);
	json_kint(&j, "seq", r->number);
	json_ktime(&j, "at", r->at_ms);
	json_kstr(&j, "reason", ok ? STR_NONE : str_c(r->text));
	json_kstr(&j, "serving", ok ? str_c(r->text) : STR_NONE);
	json_key(&j, "changes");
	json_arr(&j);
	while (str_cut(&rest, '\n', &line))
		if (line.n > 0)
			json_str(&j, line);
	json_arr_end(&j);
	json_obj_end(&j);
	buf_putc(&b, '\n');
	code = ctl_print(&b);
	buf_free(&b);
	return code;
}

static int
show_text(const struct report *r, bool ok)
{
	struct str rest = str_c(r->changes), line;
	struct buf b;
	int code;

	buf_init(&b, REPORT_FILE_MAX * 8);
	while (str_cut(&rest, '\n', &line))
		if (line.n > 0) {
			display_put(&b, line, SIZE_MAX);
			buf_putc(&b, '\n');
		}
	if (ok && r->changes[0] == '\0' && r->what == REPORT_RELOAD)
		buf_puts(&b, "no key changed\n");
	if (ok) {
		buf_printf(&b, "%s: process %lld, ", r->what == REPORT_RELOAD ? "reloaded" : "upgraded", (long long)r->pid);
		display_put(&b, str_c(r->text), SIZE_MAX);
		buf_putc(&b, '\n');
	}
	code = ctl_print(&b);
	buf_free(&b);
	return code;
}

/* Another process answers than the one that was asked to reload: it has read the file when it started, but when? */
static int
judge(const struct ctl *c, const struct change *k, struct report *r)
{
	bool ok = r->state == REPORT_DONE && (r->pid != k->pid) == (k->what == REPORT_UPGRADE);
	int code = CTL_OK;

	if (r->pid != k->pid && k->what == REPORT_RELOAD)
		snprintf(r->text, sizeof(r->text), "process %lld took the place of %ld meanwhile; try again",
		    (long long)r->pid, (long)k->pid);
	if (c->json || ok)
		code = c->json ? show_json(r, ok) : show_text(r, ok);
	if (ok || c->json)
		return ok ? code : CTL_FAILED;
	return ctl_fail(CTL_FAILED, "%s failed, nothing was changed: %s", report_what_name(k->what), r->text);
}

static int
change(struct ctl *c, const struct args *a, enum report_what what)
{
	struct change k = { .what = what, .timeout_ms = args_number(a, "timeout") };
	struct report r;
	int code = find_file(c, a, &k);

	if (code == CTL_OK)
		code = ask(&k);
	if (code == CTL_OK)
		code = wait_for_outcome(&k, &r);
	return code == CTL_OK ? judge(c, &k, &r) : code;
}

int
ctl_reload(struct ctl *c, const struct args *a)
{
	return change(c, a, REPORT_RELOAD);
}

int
ctl_upgrade(struct ctl *c, const struct args *a)
{
	return change(c, a, REPORT_UPGRADE);
}
