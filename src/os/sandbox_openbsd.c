/*
 * sandbox on OpenBSD: unveil(2) for the files, pledge(2) for the rest. inet and unix also allow bind(2) and listen(2);
 * pledge has no finer word, so a role that must not listen could. An unveiled name may come to mean a new file, so
 * reach_stale() never speaks here.
 *
 * Reviewed against the manual pages of 2025; compiled on Linux with prototypes of pledge and unveil written by hand, not with
 * OpenBSD's headers; never run.
 */
#include <sys/types.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/count.h"
#include "os/sandbox.h"

/* What libc and libpq read. The resolver's own files come with the promise dns, the zone files with stdio. */
static const char *const system_paths[] = {
	"/etc/hosts", "/etc/resolv.conf", "/etc/services", "/etc/ssl/openssl.cnf", "/etc/ssl/cert.pem", "/dev/null",
};

static bool
unveil_one(const struct reach_path *p)
{
	static const char *const permission[] = {
		[REACH_READ] = "r", [REACH_APPEND] = "wc", [REACH_SOCKET] = "rw",
	};

	/* A folder on the way that is not there: the process could not have used it either. */
	return *p->path == '@' || unveil(p->path, permission[p->kind]) == 0 || errno == ENOENT || errno == ENOTDIR ||
	    errno == EACCES;
}

static bool
unveil_all(struct reach *r)
{
	for (size_t i = 0; i < COUNT(system_paths); i++)
		reach_path(r, REACH_READ, system_paths[i]);
	if (r->incomplete) {
		errno = E2BIG;
		return false;
	}
	for (size_t i = 0; i < r->npaths; i++)
		if (!unveil_one(&r->path[i]))
			return false;
	return unveil(NULL, NULL) == 0;
}

enum sandbox_result
sandbox_enter(const struct sandbox *s, char what[SANDBOX_TEXT_SIZE])
{
	const char *promises = (s->needs & SANDBOX_APPEND) != 0 ? "stdio rpath wpath cpath inet unix dns" :
	    "stdio rpath inet unix dns";

	if (s->log_only) {
		snprintf(what, SANDBOX_TEXT_SIZE, "pledge and unveil cannot only log");
		return SANDBOX_NONE;
	}
	if (!unveil_all(s->reach) || pledge(promises, NULL) == -1) {
		snprintf(what, SANDBOX_TEXT_SIZE, "unveil, pledge: %s", strerror(errno));
		return SANDBOX_BROKEN;
	}
	snprintf(what, SANDBOX_TEXT_SIZE, "pledge \"%s\", %zu paths unveiled", promises, s->reach->npaths);
	return SANDBOX_WHOLE;
}

const char *
sandbox_verdict(int signo)
{
	return signo == SIGABRT ? "if that was pledge(2), dmesg(8) names the process and the system call" : NULL;
}
