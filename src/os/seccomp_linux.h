/*
 * seccomp: Linux' filter of system calls. Private to sandbox_linux.c; the list stands in seccomp_calls_linux.c.
 */
#ifndef RINGD_SECCOMP_LINUX_H
#define RINGD_SECCOMP_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECCOMP_TESTS_MAX	3
#define SECCOMP_NEWEST		450	/* what has a higher number was made after this list: libc copes with ENOSYS */
#define SECCOMP_WHY_SIZE	96

#define SECCOMP_LOW(arg)	(2 * (arg))	/* the halves of a 64-bit argument */
#define SECCOMP_HIGH(arg)	(2 * (arg) + 1)

/* One half of an argument, masked, is this value. */
struct seccomp_test {
	int		half;
	uint32_t	mask;		/* 0: no test, and the last */
	uint32_t	value;
	bool		self;		/* value is our process id */
};

/* The first row whose call and tests fit decides; without one the process is killed. */
struct seccomp_row {
	int			call;
	unsigned		needs;	/* only for roles that need one of these; 0: for all */
	int			error;	/* 0: let it pass; else refuse it with this errno */
	struct seccomp_test	test[SECCOMP_TESTS_MAX];
};

extern const struct seccomp_row seccomp_rows[];
extern const size_t seccomp_nrows;

/* Filters this thread and all that it starts. false with why: this kernel or processor cannot; nothing has changed. */
bool	seccomp_enter(unsigned needs, bool log_only, char why[SECCOMP_WHY_SIZE]);

#endif
