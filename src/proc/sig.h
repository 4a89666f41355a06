/*
 * sig: the master's signals. Blocked everywhere but inside its pselect, so that a flag is only ever raised while the
 * master sleeps and no signal can slip in between looking at the flags and going to sleep.
 */
#ifndef RINGD_SIG_H
#define RINGD_SIG_H

#include <signal.h>
#include <stdbool.h>

/* Blocks and catches QUIT TERM INT CHLD HUP USR1 USR2, ignores PIPE. *outside: the mask to sleep with. */
bool	sig_start(sigset_t *outside);
bool	sig_raised(int signo);		/* has it come since it was last taken? */
bool	sig_take(int signo);		/* the same, and the flag is down again */
/* In a child after fork: default actions (INT, HUP, USR1, USR2, PIPE ignored, see child.h), nothing blocked. */
void	sig_child(const sigset_t *outside);
/* Between fork and exec of another program: all actions default, nothing blocked. */
void	sig_exec(const sigset_t *outside);

#endif
