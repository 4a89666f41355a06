/*
 * sandbox on Linux: no_new_privs, then Landlock, then seccomp, which would not let the others through. Two fences: one
 * says which system calls, the other which files and ports. Either may be missing in an old kernel or be forbidden in a
 * container; the other still counts, and the words say which.
 */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "os/landlock_linux.h"
#include "os/sandbox.h"
#include "os/seccomp_linux.h"

/*
 * The sanitizers' runtimes fork, trace and read the process when they report and when they look for leaks. Such a build
 * is for tests: its list only logs and it is not fenced in.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INSTRUMENTED	true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || __has_feature(thread_sanitizer)
#define INSTRUMENTED	true
#endif
#endif
#ifndef INSTRUMENTED
#define INSTRUMENTED	false
#endif

/* Both fences are put around one thread; another would stay outside. Not seen where /proc is not mounted. */
static bool
has_threads(void)
{
	struct stat st;

	return stat("/proc/self/task", &st) == 0 && st.st_nlink > 3;	/* two, and one for each */
}

enum sandbox_result
sandbox_enter(const struct sandbox *s, char what[SANDBOX_TEXT_SIZE])
{
	bool log_only = s->log_only || INSTRUMENTED, fenced = false, filtered;
	char landlock[LANDLOCK_TEXT_SIZE] = "Landlock none (it cannot only log)", why[SECCOMP_WHY_SIZE];

	if (has_threads()) {
		snprintf(what, SANDBOX_TEXT_SIZE, "a thread was started before it");
		return SANDBOX_BROKEN;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) {
		snprintf(what, SANDBOX_TEXT_SIZE, "no_new_privs: %s", strerror(errno));
		return SANDBOX_BROKEN;
	}
	if (!log_only)
		fenced = landlock_enter(s->reach, landlock);
	filtered = seccomp_enter(s->needs, log_only, why);
	if (filtered)
		snprintf(what, SANDBOX_TEXT_SIZE, "no_new_privs, seccomp%s, %s", !log_only ? "" : INSTRUMENTED ?
		    " only logs (this build is instrumented)" : " only logs", landlock);
	else
		snprintf(what, SANDBOX_TEXT_SIZE, "no_new_privs, seccomp none (%s), %s", why, landlock);
	return filtered && fenced ? SANDBOX_WHOLE : SANDBOX_PART;
}

const char *
sandbox_verdict(int signo)
{
	if (signo != SIGSYS)
		return NULL;
	return "killed by its sandbox for a system call that is not on its list; the kernel's log (audit, type=1326) "
	    "has the call's number, and \"sandbox: log\" lets such calls pass";
}
