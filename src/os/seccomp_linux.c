/*
 * seccomp: turns the list into a program for the kernel's filter machine and installs it. The architecture is checked
 * first, because numbers mean something only within one; a call through another one kills. Must be installed after
 * whatever else needs a rare system call, and knows nothing of any single one.
 */
#include <sys/types.h>
#include <sys/syscall.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/sandbox.h"
#include "os/seccomp_linux.h"

/* Little-endian machines only: SECCOMP_LOW() is an offset. */
#if defined(__x86_64__) && defined(__LP64__)
#define ARCHITECTURE	AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__LP64__) && defined(__AARCH64EL__)
#define ARCHITECTURE	AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE	AUDIT_ARCH_RISCV64
#else
#define ARCHITECTURE	0
#endif

#define X32_BIT		0x40000000	/* x86_64's second set of numbers; too high to be a call anywhere else */
#define PROGRAM_MAX	1024

struct program {
	struct sock_filter	code[PROGRAM_MAX];
	unsigned short		n;
	bool			full;
};

static void
add(struct program *p, unsigned code, uint32_t k, size_t yes, size_t no)
{
	if (p->n == PROGRAM_MAX) {
		p->full = true;
		return;
	}
	p->code[p->n++] = (struct sock_filter){ (unsigned short)code, (unsigned char)yes, (unsigned char)no, k };
}

static void
load(struct program *p, size_t offset)
{
	add(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void
verdict(struct program *p, uint32_t action)
{
	add(p, BPF_RET | BPF_K, action, 0, 0);
}

static uint32_t
action_of(const struct seccomp_row *row, uint32_t otherwise, bool log_only)
{
	if (row->error == 0)
		return SECCOMP_RET_ALLOW;
	/* ENOSYS is what makes libc take another way; it is no restriction. */
	if (log_only && row->error != ENOSYS)
		return otherwise;
	return SECCOMP_RET_ERRNO | ((uint32_t)row->error & SECCOMP_RET_DATA);
}

/* How many instructions row's tests take: load, mask unless it is all, compare. */
static size_t
tests_length(const struct seccomp_row *row)
{
	size_t n = 0;

	for (size_t i = 0; i < SECCOMP_TESTS_MAX && row->test[i].mask != 0; i++)
		n += row->test[i].mask == UINT32_MAX ? 2 : 3;
	return n;
}

/* Falls through to the next row, with the call's number loaded, unless the row fits. */
static void
add_row(struct program *p, const struct seccomp_row *row, uint32_t action)
{
	size_t left = tests_length(row);
	size_t reload = left > 0 ? 1 : 0;

	add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)row->call, 0, left + 1 + reload);
	for (size_t i = 0; i < SECCOMP_TESTS_MAX && row->test[i].mask != 0; i++) {
		const struct seccomp_test *t = &row->test[i];

		load(p, offsetof(struct seccomp_data, args) + (size_t)t->half * sizeof(uint32_t));
		if (t->mask != UINT32_MAX)
			add(p, BPF_ALU | BPF_AND | BPF_K, t->mask, 0, 0);
		left -= t->mask == UINT32_MAX ? 2 : 3;
		add(p, BPF_JMP | BPF_JEQ | BPF_K, t->self ? (uint32_t)getpid() : t->value, 0, left + 1);
	}
	verdict(p, action);
	if (reload > 0)
		load(p, offsetof(struct seccomp_data, nr));
}

static void
build(struct program *p, unsigned needs, uint32_t otherwise, bool log_only)
{
	load(p, offsetof(struct seccomp_data, arch));
	add(p, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
	verdict(p, otherwise);
	load(p, offsetof(struct seccomp_data, nr));
	add(p, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	verdict(p, otherwise);
	for (size_t i = 0; i < seccomp_nrows; i++)
		if (seccomp_rows[i].needs == 0 || (seccomp_rows[i].needs & needs) != 0)
			add_row(p, &seccomp_rows[i], action_of(&seccomp_rows[i], otherwise, log_only));
	add(p, BPF_JMP | BPF_JGT | BPF_K, SECCOMP_NEWEST, 0, 1);
	verdict(p, SECCOMP_RET_ERRNO | ENOSYS);
	verdict(p, otherwise);
}

/*
 * Without the flag, kernels before 5.16 slow the whole process down to keep code that it does not trust from measuring
 * it; there is none in here. Kernels before 4.17 do not know the flag, nor the slowing down.
 */
static bool
install(struct program *p)
{
	struct sock_fprog fprog = { p->n, p->code };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &fprog) == 0 ||
	    (errno == EINVAL && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &fprog) == 0);
}

bool
seccomp_enter(unsigned needs, bool log_only, char why[SECCOMP_WHY_SIZE])
{
	uint32_t otherwise = log_only ? SECCOMP_RET_LOG : SECCOMP_RET_KILL_PROCESS;
	struct program p = { .n = 0 };

	if (ARCHITECTURE == 0) {
		snprintf(why, SECCOMP_WHY_SIZE, "no list for this processor");
		return false;
	}
	/* A kernel that does not know the action would end one thread and leave the others. */
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &otherwise) == -1) {
		snprintf(why, SECCOMP_WHY_SIZE, "%s", errno == ENOSYS || errno == EINVAL || errno == EOPNOTSUPP ?
		    "not in this kernel" : strerror(errno));
		return false;
	}
	build(&p, needs, otherwise, log_only);
	if (p.full) {
		snprintf(why, SECCOMP_WHY_SIZE, "the list is too long");
		return false;
	}
	if (!install(&p)) {
		snprintf(why, SECCOMP_WHY_SIZE, "%s", strerror(errno));
		return false;
	}
	return true;
}
