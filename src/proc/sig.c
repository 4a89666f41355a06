/*
 * sig: one flag per signal and a handler that raises it and does nothing else; a second signal of another kind cannot
 * overwrite the first. The flags are this file's, because a handler can reach nothing but static memory.
 */
#include <sys/types.h>

#include <stddef.h>
#include <string.h>

#include "base/count.h"
#include "proc/sig.h"

static const int watched[] = { SIGQUIT, SIGTERM, SIGINT, SIGCHLD, SIGHUP, SIGUSR1, SIGUSR2 };

#define WATCHED	(COUNT(watched))

static volatile sig_atomic_t raised[WATCHED];

static size_t
place(int signo)
{
	size_t i = 0;

	while (i < WATCHED - 1 && watched[i] != signo)
		i++;
	return i;
}

static void
raise_flag(int signo)
{
	raised[place(signo)] = 1;
}

static bool
set_action(int signo, void (*action)(int))
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = action;
	sa.sa_flags = signo == SIGCHLD ? SA_NOCLDSTOP : 0;
	sigfillset(&sa.sa_mask);
	return sigaction(signo, &sa, NULL) == 0;
}

bool
sig_start(sigset_t *outside)
{
	sigset_t block;

	sigemptyset(&block);
	for (size_t i = 0; i < WATCHED; i++)
		sigaddset(&block, watched[i]);
	if (sigprocmask(SIG_BLOCK, &block, outside) == -1)
		return false;
	for (size_t i = 0; i < WATCHED; i++) {
		sigdelset(outside, watched[i]);	/* whoever started us may have left it blocked */
		if (!set_action(watched[i], raise_flag))
			return false;
	}
	return set_action(SIGPIPE, SIG_IGN);
}

bool
sig_raised(int signo)
{
	return raised[place(signo)] != 0;
}

bool
sig_take(int signo)
{
	size_t i = place(signo);
	bool was = raised[i] != 0;

	raised[i] = 0;
	return was;
}

void
sig_child(const sigset_t *outside)
{
	static const int left[] = { SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE };
	static const int defaults[] = { SIGTERM, SIGQUIT, SIGCHLD };

	for (size_t i = 0; i < COUNT(left); i++)
		set_action(left[i], SIG_IGN);
	for (size_t i = 0; i < COUNT(defaults); i++)
		set_action(defaults[i], SIG_DFL);
	sigprocmask(SIG_SETMASK, outside, NULL);
}

void
sig_exec(const sigset_t *outside)
{
	for (size_t i = 0; i < WATCHED; i++)
		set_action(watched[i], SIG_DFL);
	set_action(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, outside, NULL);
}
