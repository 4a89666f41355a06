/*
 * stop: the signals are blocked and looked for; so there is no handler that does anything and no global it would set.
 */
#include <sys/types.h>
#include <sys/select.h>

#include <errno.h>
#include <string.h>
#include <time.h>

#include "ctl/stop.h"

/* Only a caught signal ends pselect. */
static void
caught(int signo)
{
	(void)signo;
}

static sigset_t
signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	return set;
}

static void
set_handler(void (*handler)(int))
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

void
stop_begin(struct stop *s)
{
	sigset_t set = signals();

	sigprocmask(SIG_BLOCK, &set, &s->before);
	set_handler(caught);
}

bool
stop_asked(void)
{
	sigset_t pending;

	sigemptyset(&pending);
	sigpending(&pending);
	return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1;
}

bool
stop_wait(const struct stop *s, int64_t ms)
{
	struct timespec t = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };

	return pselect(0, NULL, NULL, NULL, &t, &s->before) < 0 && errno == EINTR;
}

/* What is still pending has been obeyed: it must not kill us now. */
void
stop_end(const struct stop *s)
{
	set_handler(SIG_IGN);
	sigprocmask(SIG_SETMASK, &s->before, NULL);
	set_handler(SIG_DFL);
}
