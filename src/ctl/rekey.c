/*
 * rekey: has the running courier seal everything anew, step by step, and shows how far it is. It holds no key itself. An
 * interrupt stops it between two steps; a courier that is away for a while is waited for; and whatever happens, the same
 * command goes on where this one ended, because what is done can be seen from the rows.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/num.h"
#include "crypt/key_file.h"
#include "ctl/admin.h"
#include "ctl/keyring.h"
#include "ctl/nouns.h"
#include "ctl/progress.h"
#include "ctl/stop.h"

#define STEP_TIMEOUT_MS	60000
#define PATIENCE_MS	60000	/* without any answer */
#define AGAIN_MS	500
#define PATH_SIZE	256

static const struct table_column columns[] = {
	{ "newest key", "newest", COLUMN_NUMBER, false },
	{ "sealed anew", "resealed", COLUMN_NUMBER, false },
	{ "could not be opened", "unreadable", COLUMN_NUMBER, false },
};

struct rekey {
	const char	*address;
	struct stop	 stop;
	bool		 tty, stopped;
	int64_t		 total, newest;
	int64_t		 resealed, unreadable;	/* as told: a courier killed after its commit has told nobody */
	int64_t		 heard_ms;	/* when the courier last answered */
	int64_t		 shown_us;
	char		 path[PATH_SIZE];	/* of the next step */
	bool		 done;
};

static void
show_progress(struct rekey *k, bool last)
{
	int64_t	now = clock_mono_us(), done = k->resealed + k->unreadable;

	if (!last && now - k->shown_us < (k->tty ? PROGRESS_BAR_US : PROGRESS_LINE_US))
		return;
	k->shown_us = now;
	if (!k->tty) {
		if (!last)
			fprintf(stderr, "rekey: %lld of %lld\n", (long long)done, (long long)k->total);
		return;
	}
	progress_bar((size_t)done, (size_t)(k->total > done ? k->total : done));
	fflush(stderr);
	if (last)
		progress_clear();
}

/* What does not open, each on its line. */
static void
tell_problems(struct rekey *k, struct admin_reply *r)
{
	static const char *const	names[] = { "table", "column", "why", "app_id", "id" };
	struct str			v[COUNT(names)];

	for (struct json e = json_first(json_get(r->data, "problems")); json_type(e) != JSON_ABSENT; e = json_next(e)) {
		if (k->tty)
			progress_clear();
		for (size_t i = 0; i < COUNT(names); i++)
			v[i] = json_text(json_get(e, names[i]), &r->arena);
		ctl_warn("%.*s.%.*s %.*s (app %.*s, row %.*s)", STR_ARG(v[0]), STR_ARG(v[1]), STR_ARG(v[2]), STR_ARG(v[3]),
		    STR_ARG(v[4]));
	}
}

/* Adds up one step's work and finds where the next begins. */
static int
take_step(struct rekey *k, struct admin_reply *r)
{
	struct str	next = json_text(json_get(r->data, "next"), &r->arena);
	int64_t		resealed = 0, unreadable = 0, newest = k->newest;
	size_t		n;

	k->heard_ms = clock_mono_ms();
	json_i64(json_get(r->data, "newest"), &newest);
	json_i64(json_get(r->data, "resealed"), &resealed);
	json_i64(json_get(r->data, "unreadable"), &unreadable);
	if (newest != k->newest)
		return ctl_fail(CTL_FAILED, "the key ring was reloaded meanwhile: run this again");
	k->resealed += resealed;
	k->unreadable += unreadable;
	tell_problems(k, r);
	k->done = next.p == NULL;
	if (next.p != NULL && sizeof("/keyring/rekey?after=") + next.n > sizeof(k->path))
		return ctl_fail(CTL_FAILED, "the daemon's answer is not understood");
	snprintf(k->path, sizeof(k->path), "/keyring/rekey?after=%.*s", STR_ARG(next));
	for (n = 0; k->path[n] != '\0'; n++)
		if (k->path[n] == ' ')
			k->path[n] = '+';
	return CTL_OK;
}

/* One step, or one attempt at it. */
static int
step(struct rekey *k)
{
	struct admin_reply	r;
	int			code = admin_ask(k->address, k->path, STR(""), STEP_TIMEOUT_MS, &r);

	if (code == CTL_OK && json_type(r.data) == JSON_OBJECT)
		code = take_step(k, &r);
	else if (code == CTL_OK && ((r.status != 0 && r.status != 503) || clock_mono_ms() - k->heard_ms > PATIENCE_MS)) {
		admin_fail(k->address, "/keyring/rekey", &r);
		code = ctl_fail(CTL_FAILED, "not finished: run this again to go on");
	} else if (code == CTL_OK)
		k->stopped = stop_wait(&k->stop, AGAIN_MS);
	admin_free(&r);
	return code;
}

static int
report(struct ctl *c, const struct rekey *k)
{
	const int64_t	numbers[] = { k->newest, k->resealed, k->unreadable };
	char		text[CTL_I64_SIZE];
	struct table	t;
	int		code;

	table_init(&t, columns, COUNT(columns));
	for (size_t i = 0; i < COUNT(numbers); i++)
		table_cell(&t, str_c(ctl_i64(text, numbers[i])));
	code = ctl_show_record(c, &t);
	table_free(&t);
	if (code == CTL_OK && k->unreadable > 0)
		code = ctl_fail(CTL_FAILED, "%lld values could not be opened and stay as they are", (long long)k->unreadable);
	return code;
}

/* Also what an interrupted one has done. */
static void
note(struct ctl *c, const struct rekey *k)
{
	char newest[CTL_I64_SIZE], resealed[CTL_I64_SIZE], unreadable[CTL_I64_SIZE];

	if (k->done || k->resealed > 0)
		ctl_audit_installation(c, "keyring.rekey", ctl_i64(newest, k->newest), "resealed", ctl_i64(resealed, k->resealed),
		    "unreadable", ctl_i64(unreadable, k->unreadable), "state", k->done ? "done" : "stopped", NULL);
}

/* A key was added and the daemon not told: it would seal everything with the one before. Whoever cannot read the file
 * cannot have added one. */
static int
check_reloaded(struct ctl *c, const struct args *a, const struct courier_keys *courier)
{
	char		 why[KEYRING_WHY_SIZE];
	struct secret	 text = { 0 };
	struct keyring	 k = { .n = 0 };
	uint32_t	 newest;
	const char	*path = args_text(a, "key-file");
	bool		 asked = path != NULL;

	if (path == NULL && access(c->config_path, R_OK) == 0 && ctl_conf(c) == CTL_OK)
		path = c->conf->courier_key_file;
	if (path == NULL || (!asked && access(path, R_OK) != 0))
		return CTL_OK;
	if (!key_file_read(path, &text, &k, why))
		return ctl_fail(CTL_FAILED, "%s", why);
	newest = keyring_newest(&k)->id;
	keyring_wipe(&k);
	secret_free(&text);
	return newest == courier->newest ? CTL_OK : ctl_fail(CTL_FAILED,
	    "the newest key of %s is %lu, that of the running courier %lu: reload ringd (SIGHUP) first", path,
	    (unsigned long)newest, (unsigned long)courier->newest);
}

int
ctl_keyring_rekey(struct ctl *c, const struct args *a)
{
	struct rekey		k = { .tty = c->err_tty, .path = "/keyring/rekey" };
	struct courier_keys	courier;
	int			code = admin_address(c, a, &k.address);

	if (code != CTL_OK || (code = ctl_keyring_courier(c, a, &courier)) != CTL_OK)
		return code;
	if (!courier.answered)
		return ctl_fail(CTL_FAILED, "%s", courier.why);
	code = check_reloaded(c, a, &courier);
	if (code != CTL_OK)
		return code;
	k.total = courier.stale;
	k.newest = courier.newest;
	k.heard_ms = clock_mono_ms();
	stop_begin(&k.stop);
	while (code == CTL_OK && !k.done && !k.stopped) {
		code = step(&k);
		show_progress(&k, false);
		k.stopped = k.stopped || stop_asked();
	}
	show_progress(&k, true);
	stop_end(&k.stop);
	note(c, &k);
	if (code == CTL_OK && k.stopped && !k.done)
		code = ctl_fail(CTL_FAILED, "stopped after %lld of %lld: run this again to go on",
		    (long long)(k.resealed + k.unreadable), (long long)k.total);
	return code != CTL_OK ? code : report(c, &k);
}
