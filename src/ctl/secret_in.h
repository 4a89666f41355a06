/*
 * secret_in: a secret from where others cannot see it: a file, standard input, the environment. Never the command line.
 */
#ifndef RINGD_CTL_SECRET_IN_H
#define RINGD_CTL_SECRET_IN_H

#include "base/secret.h"

/*
 * From the file, or for file NULL from standard input (asked for as `what`, without echo, when that is a terminal).
 * Blanks and line ends around it are no part of it. CTL_OK, or the failure has been told.
 */
int	secret_in(struct secret *out, const char *file, const char *what);

/* One line from the terminal, without echo; empty is an answer too. Only where secret_terminal(). */
int	secret_ask(struct secret *out, const char *what);
bool	secret_terminal(void);

#endif
