/*
 * fds: what a child does with the descriptors it was born with.
 */
#ifndef RINGD_FDS_H
#define RINGD_FDS_H

#include <stdbool.h>
#include <stddef.h>

/* Closes every descriptor from 3 up that is not among keep[]; negative entries are passed over; keep[] gets sorted. */
void	fds_close_others(int *keep, size_t n);
/* Puts /dev/null on standard input and output, and on standard error unless it is kept. 0, or -1 with errno. */
int	fds_null_stdio(bool keep_stderr);
/* Started with one of 0, 1, 2 closed: puts /dev/null there, before something of ours gets that number. 0, or -1. */
int	fds_fill_stdio(void);
/* Whether fd is closed by exec. 0, or -1 with errno: no descriptor. */
int	fds_close_on_exec(int fd, bool closed);
/* Raises the limit of open descriptors as far as we are allowed to. 0, or -1 with errno. */
int	fds_raise_limit(void);

#endif
