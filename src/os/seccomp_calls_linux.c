/*
 * seccomp_calls: the list: every system call that a confined process may make, and the few that are refused with an
 * errno because a library asks first and then copes. Anything else kills. Found by tracing the tests and the modules of
 * the resolver, then taken apart by hand; an entry that is not plain says why it is here. To find what is missing, run
 * with "sandbox: log" and read the kernel's log (audit, type=1326).
 *
 * A call of a library that is to be tolerated belongs here; a call of ours that is not here is a call to think about.
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>

#include "base/count.h"
#include "os/sandbox.h"
#include "os/seccomp_linux.h"

/* Numbers above 423 are the same for every processor; the headers may be older than the kernel. */
#ifndef SYS_clone3
#define SYS_clone3	435
#endif
#ifndef SYS_openat2
#define SYS_openat2	437
#endif
#ifndef SYS_faccessat2
#define SYS_faccessat2	439
#endif
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif
#ifndef PR_SET_VMA
#define PR_SET_VMA	0x53564d41
#endif

/* What pthread_create(3) passes: a thread that shares everything, no namespace of its own. musl adds a bit of old. */
#define THREAD		(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | \
			    CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)
#define MUSL_BIT	0x400000

#define O_KIND		(O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))
#define O_APPENDING	(O_ACCMODE | O_APPEND | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))
#define SOCKET_TYPE	0xf	/* without SOCK_CLOEXEC and SOCK_NONBLOCK */

#define YES(name)		{ .call = SYS_##name }
#define YES_FOR(need, name)	{ .call = SYS_##name, .needs = (need) }
#define NO(name, e)		{ .call = SYS_##name, .error = (e) }
#define IF(name, ...)		{ .call = SYS_##name, .test = { __VA_ARGS__ } }
#define IF_FOR(need, name, ...)	{ .call = SYS_##name, .needs = (need), .test = { __VA_ARGS__ } }
#define NO_IF(name, e, ...)	{ .call = SYS_##name, .error = (e), .test = { __VA_ARGS__ } }
#define IS(arg, v)		{ SECCOMP_LOW(arg), UINT32_MAX, (v), false }
#define BITS(arg, m, v)		{ SECCOMP_LOW(arg), (uint32_t)(m), (v), false }
#define IS_SELF(arg)		{ SECCOMP_LOW(arg), UINT32_MAX, 0, true }
#define IS_NULL(arg)		IS(arg, 0), { SECCOMP_HIGH(arg), UINT32_MAX, 0, false }

const struct seccomp_row seccomp_rows[] = {
	/* The hot path, first because kernels before 5.11 go through the list for every call. */
	YES(recvfrom), YES(epoll_ctl), YES(epoll_pwait), YES(write), YES(read), YES(close), YES(setsockopt),
	YES(getpid), YES(getrandom), YES(futex),
	/* With MSG_FASTOPEN they would connect, to ports that Landlock keeps from connect(2) only. */
	IF(sendmsg, BITS(2, MSG_FASTOPEN, 0)), IF(sendto, BITS(3, MSG_FASTOPEN, 0)),
	IF(sendmmsg, BITS(3, MSG_FASTOPEN, 0)),
	YES_FOR(SANDBOX_ACCEPT, accept4),
#ifdef SYS_epoll_wait
	YES(epoll_wait),
#endif

	/* Time; where the kernel's page for it does not serve. */
	YES(clock_gettime), YES(clock_getres), YES(gettimeofday), YES(clock_nanosleep), YES(nanosleep),

	/* Input and output on what is open. */
	YES(readv), YES(writev), YES(pread64), YES(recvmsg), YES(recvmmsg), YES(shutdown), YES(lseek),
	YES(ppoll), YES(pselect6), YES(epoll_pwait2),
	YES(getsockopt), YES(getsockname), YES(getpeername),
	YES(dup3),			/* a reopened log takes the old one's number */
	YES(pipe2),			/* a thread's answer */
	IF(socketpair, IS(0, AF_UNIX)),	/* a worker's line to the courier; libcurl's way to wake itself */
	YES(eventfd2),			/* the same in newer ones */
	IF(fcntl, IS(1, F_GETFL)), IF(fcntl, IS(1, F_SETFL)), IF(fcntl, IS(1, F_GETFD)), IF(fcntl, IS(1, F_SETFD)),
	IF(fcntl, IS(1, F_DUPFD_CLOEXEC)),
	IF(fcntl, IS(1, F_SETLK)), IF(fcntl, IS(1, F_SETLKW)),		/* Kerberos locks its tickets */
	IF(fcntl, IS(1, F_OFD_SETLK)), IF(fcntl, IS(1, F_OFD_SETLKW)),
	NO(fcntl, EINVAL),
	IF(ioctl, IS(1, FIONREAD)),	/* the resolver: how long is the answer */
	IF(ioctl, IS(1, FIONBIO)),
	NO(ioctl, ENOTTY),		/* stdio asks whether a file is a terminal */

	/* Connecting out: PostgreSQL, name servers, nscd and its like, the system log. No other family, nothing raw. */
	YES(connect),
	IF(socket, IS(0, AF_UNIX), BITS(1, SOCKET_TYPE, SOCK_STREAM)),
	IF(socket, IS(0, AF_UNIX), BITS(1, SOCKET_TYPE, SOCK_DGRAM)),
	IF(socket, IS(0, AF_INET), BITS(1, SOCKET_TYPE, SOCK_STREAM), IS(2, 0)),
	IF(socket, IS(0, AF_INET6), BITS(1, SOCKET_TYPE, SOCK_STREAM), IS(2, 0)),
	IF(socket, IS(0, AF_INET), BITS(1, SOCKET_TYPE, SOCK_STREAM), IS(2, IPPROTO_TCP)),
	IF(socket, IS(0, AF_INET6), BITS(1, SOCKET_TYPE, SOCK_STREAM), IS(2, IPPROTO_TCP)),
	IF(socket, IS(0, AF_INET), BITS(1, SOCKET_TYPE, SOCK_DGRAM), IS(2, 0)),
	IF(socket, IS(0, AF_INET6), BITS(1, SOCKET_TYPE, SOCK_DGRAM), IS(2, 0)),
	IF(socket, IS(0, AF_INET), BITS(1, SOCKET_TYPE, SOCK_DGRAM), IS(2, IPPROTO_UDP)),
	IF(socket, IS(0, AF_INET6), BITS(1, SOCKET_TYPE, SOCK_DGRAM), IS(2, IPPROTO_UDP)),
	NO_IF(socket, EAFNOSUPPORT, IS(0, AF_NETLINK)),	/* getaddrinfo(3) would like to know our addresses */
#ifndef __GLIBC__
	YES(bind),			/* musl's resolver, before it asks; without listen(2) it opens no port of TCP */
#endif

	/* Files to read, and the log to go on with; where, is Landlock's to say. Never to overwrite, never to run. */
	IF(openat, BITS(2, O_KIND, O_RDONLY)),
	IF_FOR(SANDBOX_APPEND, openat, BITS(2, O_APPENDING, O_WRONLY | O_APPEND)),
	NO(openat, EACCES),
	NO(openat2, ENOSYS),		/* its flags are behind a pointer */
	YES(newfstatat), YES(fstat), YES(statx), YES(faccessat), YES(faccessat2), YES(readlinkat), YES(getdents64),

	/* Memory. Nothing that can be written can be run; modules of the resolver are mapped from files. */
	YES(munmap), YES(mremap), YES(brk), YES(madvise),
	IF(mmap, BITS(2, PROT_EXEC, 0)),
	IF(mmap, BITS(2, PROT_EXEC | PROT_WRITE, PROT_EXEC), BITS(3, MAP_TYPE | MAP_ANONYMOUS, MAP_PRIVATE)),
	IF(mprotect, BITS(2, PROT_EXEC, 0)),

	/* Threads: offloaded calls. No process. */
	NO(clone3, ENOSYS),		/* its flags are behind a pointer; libc then uses clone(2) */
	IF(clone, BITS(0, ~MUSL_BIT, THREAD)),
	YES(set_robust_list), YES(rseq), YES(sched_yield), YES(sched_getaffinity), YES(gettid), YES(exit),
	NO(membarrier, ENOSYS),

	/* Signals: our own, and abort(3). */
	YES(rt_sigaction), YES(rt_sigprocmask), YES(rt_sigreturn), YES(rt_sigpending), YES(rt_sigtimedwait),
	YES(restart_syscall),
	IF(tgkill, IS_SELF(0)),
	IF(tkill, IS_SELF(0)),

	/* What a process may ask about itself and the machine. */
	YES(getuid), YES(geteuid), YES(getgid), YES(getegid), YES(getppid), YES(uname), YES(sysinfo),
	IF(prlimit64, IS(0, 0), IS_NULL(2)),
	IF(prctl, IS(0, PR_SET_NAME)),
	NO_IF(prctl, EINVAL, IS(0, PR_SET_VMA)),	/* libc names its memory, or not */
	NO_IF(prctl, EINVAL, IS(0, PR_CAPBSET_READ)),	/* libcap counts, when a module of the resolver brings it */
	NO(statfs, ENOSYS), NO(fstatfs, ENOSYS),	/* libselinux likewise */
	NO(keyctl, ENOSYS), NO(add_key, ENOSYS), NO(request_key, ENOSYS),	/* Kerberos keeps tickets there */
	YES(exit_group),

	/* x86_64 has older names for some; which one is called is libc's choice. */
#ifdef SYS_open
	YES(poll), YES(select), YES(time), YES(stat), YES(lstat), YES(access), YES(readlink), YES(dup2), YES(getrlimit),
	IF(open, BITS(1, O_KIND, O_RDONLY)),
	IF_FOR(SANDBOX_APPEND, open, BITS(1, O_APPENDING, O_WRONLY | O_APPEND)),
	NO(open, EACCES),
#endif
};

const size_t seccomp_nrows = COUNT(seccomp_rows);
