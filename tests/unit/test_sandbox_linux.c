/*
 * The sandbox on Linux, tried from inside: each act runs in a process of its own, confined as a role is, and must end
 * as the table says: killed by SIGSYS, refused with exactly that errno, or done.
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <sys/ioctl.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/count.h"
#include "os/sandbox.h"

#define WORKER	(SANDBOX_ACCEPT | SANDBOX_APPEND)
#define REAPER	SANDBOX_APPEND
#define SILENT	0u		/* a reaper that logs to standard error */

#define KILLED	(-1)
#define ABORTED	(-2)
#define DONE	0

#define BIG	(64 * 1024 * 1024)

/* Where the acts act: a log folder, a file that may be read, one that may not, sockets. */
static struct {
	char		dir[64], log[96], readable[96], foreign[96], unix_path[96], abstract[32];
	unsigned	port, other_port;
	int		listener;
	bool		filtered, fenced;	/* what this kernel has */
	int		level;			/* of Landlock */
} place;

static int
result(long rc)
{
	return rc == -1 ? errno : 0;
}

/* ---- acts; each returns 0 or an errno, if it returns */

static int act_exec(void) { char *const argv[] = { (char *)"true", NULL }; return result(execv("/bin/true", argv)); }
static int act_execveat(void) { return result(syscall(SYS_execveat, -1, "/bin/true", NULL, NULL, 0)); }
static int act_vfork(void) { return result(syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0)); }
static int act_new_user(void) { return result(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)); }
static int act_clone3(void) { return result(syscall(SYS_clone3, NULL, 0)); }
static int act_unshare(void) { return result(unshare(CLONE_NEWNS)); }
static int act_setns(void) { return result(setns(-1, 0)); }
static int act_mount(void) { return result(mount("none", "/mnt", "tmpfs", 0, NULL)); }
static int act_chroot(void) { return result(chroot("/")); }
static int act_setuid(void) { return result(setuid(65534)); }
static int act_setresgid(void) { return result(setresgid(65534, 65534, 65534)); }
static int act_ptrace(void) { return result(ptrace(PTRACE_TRACEME, 0, NULL, NULL)); }
static int act_vm_read(void) { return result(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0)); }
static int act_pidfd(void) { return result(syscall(SYS_pidfd_open, getppid(), 0)); }
static int act_kill(void) { return result(kill(getppid(), 0)); }
static int act_tgkill(void) { return result(syscall(SYS_tgkill, getppid(), getppid(), 0)); }
static int act_tkill(void) { return result(syscall(SYS_tkill, getppid(), 0)); }
static int act_personality(void) { return result(personality(0xffffffff)); }
static int act_io_uring(void) { return result(syscall(SYS_io_uring_setup, 1, NULL)); }
static int act_bpf(void) { return result(syscall(SYS_bpf, 0, NULL, 0)); }
static int act_perf(void) { return result(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0)); }
static int act_userfaultfd(void) { return result(syscall(SYS_userfaultfd, 0)); }
static int act_memfd(void) { return result(syscall(SYS_memfd_create, "x", 0)); }
static int act_module(void) { return result(syscall(SYS_init_module, NULL, 0, "")); }
static int act_keyctl(void) { return result(syscall(SYS_keyctl, 0, 0, 0, 0, 0)); }
static int act_handle(void) { return result(syscall(SYS_open_by_handle_at, -1, NULL, 0)); }
static int act_undump(void) { return result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)); }
static int act_seccomp(void) { return result(syscall(SYS_seccomp, 0, 0, NULL)); }
static int act_landlock(void) { return result(syscall(444, NULL, 0, 1)); }
static int act_unlink(void) { return result(unlink(place.log)); }
static int act_rename(void) { return result(rename(place.log, place.foreign)); }
static int act_mkdir(void) { return result(mkdir("/tmp/never", 0700)); }
static int act_chmod(void) { return result(chmod(place.log, 0777)); }
static int act_link(void) { return result(symlink("/etc/shadow", place.dir)); }
static int act_truncate(void) { return result(truncate(place.log, 0)); }
static int act_netlink(void) { return result(socket(AF_NETLINK, SOCK_RAW, 0)); }
static int act_packet(void) { return result(socket(AF_PACKET, SOCK_DGRAM, 0)); }
static int act_raw(void) { return result(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)); }
static int act_mptcp(void) { return result(socket(AF_INET, SOCK_STREAM, 262)); }
static int act_accept(void) { return result(accept4(-1, NULL, NULL, 0)); }
static int act_listen(void) { return result(listen(place.listener, 1)); }
static int act_future(void) { return result(syscall(999)); }
static int act_ioctl(void) { return result(ioctl(place.listener, FIOCLEX)); }
static int act_setlimit(void) { struct rlimit l = { 1, 1 }; return result(setrlimit(RLIMIT_NOFILE, &l)); }
static int act_getlimit(void) { struct rlimit l; return result(getrlimit(RLIMIT_NOFILE, &l)); }
static int act_abort(void) { abort(); }

static int
act_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return result(pid);
}

static int
act_spawn(void)
{
	char *const argv[] = { (char *)"true", NULL };
	pid_t pid;

	return posix_spawn(&pid, "/bin/true", NULL, NULL, argv, NULL);
}

static int
open_as(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd != -1)
		close(fd);
	return result(fd);
}

static int act_read_shadow(void) { return open_as("/etc/shadow", O_RDONLY); }
static int act_read_foreign(void) { return open_as(place.foreign, O_RDONLY); }
static int act_list_root(void) { return open_as("/", O_RDONLY | O_DIRECTORY); }
static int act_read_proc(void) { return open_as("/proc/self/mem", O_RDONLY); }
static int act_write_foreign(void) { return open_as(place.foreign, O_WRONLY); }
static int act_append_foreign(void) { return open_as(place.foreign, O_WRONLY | O_APPEND); }
static int act_create(void) { return open_as("/tmp/ringd-test-never", O_WRONLY | O_CREAT | O_APPEND); }
static int act_tmpfile(void) { return open_as(place.dir, O_TMPFILE | O_RDWR); }
static int act_truncate_log(void) { return open_as(place.log, O_WRONLY | O_APPEND | O_TRUNC); }
static int act_overwrite_log(void) { return open_as(place.log, O_WRONLY); }
static int act_read_log(void) { return open_as(place.log, O_RDONLY); }
static int act_append_log(void) { return open_as(place.log, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY); }
static int act_read_allowed(void) { return open_as(place.readable, O_RDONLY); }
static int act_read_hosts(void) { return open_as("/etc/hosts", O_RDONLY); }
static int act_openat2(void) { return result(syscall(437, AT_FDCWD, "/etc/hosts", NULL, 0)); }

/* As after a rotation: the file is gone, a new one is made. */
static int
act_new_log(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s.%ld", place.log, (long)getpid());
	return open_as(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY);
}

static int
mapped(int prot, int flags, int fd)
{
	return mmap(NULL, 4096, prot, flags, fd, 0) == MAP_FAILED ? errno : 0;
}

static int act_map_wx(void) { return mapped(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1); }
static int act_map_x(void) { return mapped(PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1); }
static int act_map_shared_x(void) { return mapped(PROT_READ | PROT_EXEC, MAP_SHARED, 0); }

static int
act_protect_x(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : result(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int
act_bind(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd == -1 ? ENOTSOCK : result(bind(fd, (struct sockaddr *)&sin, sizeof(sin)));
}

static int
act_socketpair(void)
{
	int fds[2];

	return result(socketpair(AF_INET, SOCK_STREAM, 0, fds));
}

static int
connect_tcp(unsigned port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	    .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);

	return fd == -1 ? ENOTSOCK : result(connect(fd, (struct sockaddr *)&sin, sizeof(sin)));
}

static int act_connect(void) { return connect_tcp(place.port); }
static int act_connect_other(void) { return connect_tcp(place.other_port); }

/* Data with the first packet: connects without connect(2), and Landlock does not see it. */
static int
fast_open(bool by_message)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	    .sin_port = htons((uint16_t)place.other_port) };
	struct iovec iov = { (char *)"x", 1 };
	struct msghdr msg = { .msg_name = &sin, .msg_namelen = sizeof(sin), .msg_iov = &iov, .msg_iovlen = 1 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return result(by_message ? sendmsg(fd, &msg, MSG_FASTOPEN) :
	    sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&sin, sizeof(sin)));
}

static int act_fast_open(void) { return fast_open(false); }
static int act_fast_open_message(void) { return fast_open(true); }

static int
connect_unix(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + (*path == '@' ? 0 : 1));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (*path == '@')
		un.sun_path[0] = '\0';
	return fd == -1 ? ENOTSOCK : result(connect(fd, (struct sockaddr *)&un, n));
}

static int act_connect_unix(void) { return connect_unix(place.unix_path); }
static int act_connect_abstract(void) { return connect_unix(place.abstract); }

/* What calls through another set of numbers come to: they are not the ones the list speaks of. */
static int
act_x32(void)
{
	return result(syscall(0x40000000 | SYS_getpid));
}

static void *
look_up(void *arg)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;

	*(int *)arg = getaddrinfo("localhost", "5432", &hints, &found);
	if (*(int *)arg == 0)
		freeaddrinfo(found);
	return NULL;
}

static int
act_resolver_thread(void)
{
	pthread_t thread[2];
	int answer[2] = { -1, -1 }, error;

	for (size_t i = 0; i < COUNT(thread); i++)
		if ((error = pthread_create(&thread[i], NULL, look_up, &answer[i])) != 0)
			return error;
	for (size_t i = 0; i < COUNT(thread); i++)
		pthread_join(thread[i], NULL);
	return answer[0] == 0 && answer[1] == 0 ? 0 : EADDRNOTAVAIL;
}

static void *
kill_by_thread(void *arg)
{
	(void)personality(0xffffffff);
	return arg;
}

/* Not only the thread that made it: the whole process. */
static int
act_thread_forbidden(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, kill_by_thread, NULL) == 0)
		pthread_join(thread, NULL);
	return 0;
}

static int
act_memory(void)
{
	char *p = malloc(BIG), *q;

	if (p == NULL)
		return ENOMEM;
	memset(p, 1, BIG);
	q = realloc(p, 2 * (size_t)BIG);
	if (q == NULL)
		return ENOMEM;
	free(q);
	return 0;
}

static int
by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* The libc calls that ask the kernel where one would not think so. */
static int
act_everyday(void)
{
	static int numbers[50000];
	struct timespec ts = { 0, 1000000 };
	struct pollfd p = { 0, 0, 0 };
	char buf[64];
	FILE *f;
	int fds[2];

	for (size_t i = 0; i < COUNT(numbers); i++)
		numbers[i] = (int)(i * 7919 % 50021);
	qsort(numbers, COUNT(numbers), sizeof(numbers[0]), by_value);
	if (clock_gettime(CLOCK_REALTIME, &ts) == -1 || nanosleep(&(struct timespec){ 0, 1000000 }, NULL) == -1 ||
	    poll(&p, 1, 0) == -1 || getentropy(buf, sizeof(buf)) == -1 || pipe2(fds, O_CLOEXEC) == -1 ||
	    gethostname(buf, sizeof(buf)) == -1 || sysconf(_SC_NPROCESSORS_ONLN) < 1 || sysconf(_SC_OPEN_MAX) < 1)
		return errno != 0 ? errno : EINVAL;
	f = fopen(place.readable, "r");
	if (f == NULL || fgets(buf, sizeof(buf), f) == NULL || fclose(f) != 0)
		return EIO;
	openlog("ringd-test", LOG_NDELAY, LOG_DAEMON);
	closelog();
	fprintf(stdout, "%s", "");
	fflush(stdout);
	signal(SIGUSR1, SIG_IGN);
	return raise(SIGUSR1) == 0 ? 0 : errno;
}

static int
act_module_of_the_resolver(void)
{
	return dlopen("libnss_compat.so.2", RTLD_NOW) != NULL ? 0 : ENOEXEC;
}

/* ---- the table */

static const struct act {
	const char	*name;
	int		(*fn)(void);
	int		 worker, reaper, silent;	/* how it ends in each role */
} acts[] = {
#define ALL(fn, how)	{ #fn, fn, how, how, how }
	ALL(act_exec, KILLED), ALL(act_execveat, KILLED), ALL(act_fork, KILLED), ALL(act_vfork, KILLED),
	ALL(act_spawn, KILLED), ALL(act_new_user, KILLED), ALL(act_clone3, ENOSYS),
	ALL(act_unshare, KILLED), ALL(act_setns, KILLED), ALL(act_mount, KILLED), ALL(act_chroot, KILLED),
	ALL(act_setuid, KILLED), ALL(act_setresgid, KILLED),
	ALL(act_ptrace, KILLED), ALL(act_vm_read, KILLED), ALL(act_pidfd, KILLED),
	ALL(act_kill, KILLED), ALL(act_tgkill, KILLED), ALL(act_tkill, KILLED),
	ALL(act_personality, KILLED), ALL(act_io_uring, KILLED), ALL(act_bpf, KILLED), ALL(act_perf, KILLED),
	ALL(act_userfaultfd, KILLED), ALL(act_memfd, KILLED), ALL(act_module, KILLED), ALL(act_handle, KILLED),
	ALL(act_undump, KILLED), ALL(act_seccomp, KILLED), ALL(act_landlock, KILLED), ALL(act_setlimit, KILLED),
	ALL(act_keyctl, ENOSYS), ALL(act_openat2, ENOSYS), ALL(act_future, ENOSYS), ALL(act_ioctl, ENOTTY),
	ALL(act_unlink, KILLED), ALL(act_rename, KILLED), ALL(act_mkdir, KILLED), ALL(act_chmod, KILLED),
	ALL(act_link, KILLED), ALL(act_truncate, KILLED),
	ALL(act_map_wx, KILLED), ALL(act_map_x, KILLED), ALL(act_map_shared_x, KILLED), ALL(act_protect_x, KILLED),
	ALL(act_thread_forbidden, KILLED),
	ALL(act_netlink, EAFNOSUPPORT), ALL(act_packet, KILLED), ALL(act_raw, KILLED), ALL(act_mptcp, KILLED),
	ALL(act_fast_open, KILLED), ALL(act_fast_open_message, KILLED),
	ALL(act_socketpair, KILLED), ALL(act_listen, KILLED),
#ifdef __GLIBC__		/* another libc's resolver binds; Landlock then knows what is TCP */
	ALL(act_bind, KILLED),
#endif
	{ "accept", act_accept, EBADF, KILLED, KILLED },
	ALL(act_write_foreign, EACCES), ALL(act_tmpfile, EACCES), ALL(act_truncate_log, EACCES),
	ALL(act_overwrite_log, EACCES),
	ALL(act_read_allowed, DONE), ALL(act_read_hosts, DONE), ALL(act_connect, DONE), ALL(act_connect_unix, DONE),
	{ "append_log", act_append_log, DONE, DONE, EACCES },
	{ "new_log", act_new_log, DONE, DONE, EACCES },
	ALL(act_resolver_thread, DONE), ALL(act_memory, DONE), ALL(act_everyday, DONE), ALL(act_getlimit, DONE),
	ALL(act_module_of_the_resolver, DONE),
	ALL(act_abort, ABORTED),
#ifdef __x86_64__
	ALL(act_x32, KILLED),
#endif
}, fenced_acts[] = {		/* what only Landlock refuses */
	ALL(act_read_shadow, EACCES), ALL(act_read_foreign, EACCES), ALL(act_list_root, EACCES),
	ALL(act_read_proc, EACCES), ALL(act_append_foreign, EACCES), ALL(act_create, EACCES), ALL(act_read_log, EACCES),
}, port_acts[] = {
	ALL(act_connect_other, EACCES),
}, scope_acts[] = {
	ALL(act_connect_abstract, EPERM),
};

static void
fill_reach(struct reach *r, unsigned needs)
{
	memset(r, 0, sizeof(*r));
	reach_path(r, REACH_READ, place.readable);
	reach_path(r, REACH_SOCKET, place.unix_path);
	reach_port(r, place.port);
	if ((needs & SANDBOX_APPEND) != 0)
		reach_folder_of(r, REACH_APPEND, place.log);
}

/* Runs fn confined; how it ended, in the table's terms. */
static int
run(int (*fn)(void), unsigned needs, bool log_only)
{
	struct rlimit no_core = { 0, 0 };
	char what[SANDBOX_TEXT_SIZE];
	struct reach reach;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct sandbox s = { needs, &reach, log_only };

		setrlimit(RLIMIT_CORE, &no_core);
		fill_reach(&reach, needs);
		if (sandbox_enter(&s, what) == SANDBOX_BROKEN)
			_exit(250);
		errno = 0;
		_exit(fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return WTERMSIG(status) == SIGSYS ? KILLED : WTERMSIG(status) == SIGABRT ? ABORTED : -100 - WTERMSIG(status);
}

static void
expect(const struct act *list, size_t n)
{
	size_t wrong = 0;

	for (size_t i = 0; i < n; i++) {
		const int want[] = { list[i].worker, list[i].reaper, list[i].silent };
		static const unsigned needs[] = { WORKER, REAPER, SILENT };
		static const char *const role[] = { "worker", "reaper", "reaper without a log file" };

		for (size_t k = 0; k < COUNT(want); k++) {
			int got = run(list[i].fn, needs[k], false);

			if (got == want[k])
				continue;
			print_error("%s in a %s: %d, not %d\n", list[i].name, role[k], got, want[k]);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void
every_act_ends_as_it_must(void **state)
{
	(void)state;
	if (!place.filtered)
		skip();
	expect(acts, COUNT(acts));
}

static void
files_outside_are_out_of_reach(void **state)
{
	(void)state;
	if (!place.fenced || !place.filtered)
		skip();
	expect(fenced_acts, COUNT(fenced_acts));
}

static void
ports_and_sockets_outside_are_out_of_reach(void **state)
{
	(void)state;
	if (!place.fenced || !place.filtered || place.level < 4)
		skip();
	expect(port_acts, COUNT(port_acts));
	if (place.level >= 6)
		expect(scope_acts, COUNT(scope_acts));
}

static int
act_forbidden_then_allowed(void)
{
	(void)personality(0xffffffff);
	return open_as(place.foreign, O_WRONLY);
}

static void
logging_refuses_nothing(void **state)
{
	(void)state;
	if (!place.filtered)
		skip();
	assert_int_equal(run(act_forbidden_then_allowed, REAPER, true), DONE);
	assert_int_equal(run(act_fork, REAPER, true), DONE);
}

#ifdef __x86_64__
static int
act_32_bit(void)
{
	long pid = 20;		/* getpid, for a 32-bit program */

	__asm__ volatile ("int $0x80" : "+a" (pid) : : "memory");
	return 0;
}
#endif

/* A number of another architecture is killed; a kernel without that architecture does not even get so far. */
static void
another_architecture_is_no_way_out(void **state)
{
	(void)state;
#ifdef __x86_64__
	int how = place.filtered ? run(act_32_bit, WORKER, false) : KILLED;

	assert_true(how == KILLED || how == -100 - SIGSEGV);
#else
	skip();
#endif
}

static void *
wait_here(void *arg)
{
	pause();
	return arg;
}

/* A thread made before would stay outside of both fences. */
static void
with_a_thread_it_is_broken(void **state)
{
	struct reach reach;
	struct sandbox s = { REAPER, &reach, false };
	char what[SANDBOX_TEXT_SIZE];
	pthread_t thread;
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		fill_reach(&reach, REAPER);
		pthread_create(&thread, NULL, wait_here, NULL);
		_exit(sandbox_enter(&s, what) == SANDBOX_BROKEN && strstr(what, "thread") != NULL ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A file put in another's place cannot be opened, and that is noticed. */
static int
act_replace(void)
{
	struct reach reach;
	struct sandbox s = { REAPER, &reach, false };
	char what[SANDBOX_TEXT_SIZE], other[128];
	int go[2], ready[2], status, fd;
	pid_t pid;

	fill_reach(&reach, REAPER);
	snprintf(other, sizeof(other), "%s.new", place.readable);
	if (pipe(go) == -1 || pipe(ready) == -1 || (pid = fork()) == -1)
		return 1;
	if (pid == 0) {
		close(go[1]);
		if (sandbox_enter(&s, what) == SANDBOX_BROKEN || reach_stale(&reach) != NULL ||
		    write(ready[1], "", 1) != 1)
			_exit(2);
		if (read(go[0], what, 1) != 0)
			_exit(3);
		if (reach_stale(&reach) == NULL || strcmp(reach_stale(&reach), place.readable) != 0)
			_exit(4);
		_exit(open_as(place.readable, O_RDONLY) == EACCES ? 0 : 5);
	}
	close(go[0]);
	close(ready[1]);
	if (read(ready[0], what, 1) != 1)
		return 8;
	fd = open(other, O_WRONLY | O_CREAT, 0600);
	if (fd == -1 || write(fd, "new\n", 4) != 4 || close(fd) == -1 || rename(other, place.readable) == -1)
		return 6;
	close(go[1]);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 7;
}

static void
a_replaced_file_is_noticed(void **state)
{
	(void)state;
	if (!place.fenced)
		skip();
	assert_int_equal(act_replace(), 0);
}

static void
the_verdict_is_for_its_signal_only(void **state)
{
	(void)state;
	assert_non_null(sandbox_verdict(SIGSYS));
	assert_null(sandbox_verdict(SIGKILL));
	assert_null(sandbox_verdict(SIGSEGV));
	assert_null(sandbox_verdict(SIGABRT));
}

/* ---- the place */

static void
make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd != -1);
	assert_int_equal(write(fd, "text\n", 5), 5);
	close(fd);
}

static int
listen_on(const struct sockaddr *address, socklen_t n)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd != -1);
	assert_int_equal(bind(fd, address, n), 0);
	assert_int_equal(listen(fd, 100), 0);
	return fd;
}

static unsigned
listen_tcp(int *fd)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(sin);

	*fd = listen_on((struct sockaddr *)&sin, sizeof(sin));
	assert_int_equal(getsockname(*fd, (struct sockaddr *)&sin, &n), 0);
	return ntohs(sin.sin_port);
}

static void
listen_unix(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + (*path == '@' ? 0 : 1));

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (*path == '@')
		un.sun_path[0] = '\0';
	listen_on((struct sockaddr *)&un, n);
}

/* What this kernel, and this build, can do at all. */
static void
probe(void)
{
	struct reach reach;
	struct sandbox s = { REAPER, &reach, false };
	char what[SANDBOX_TEXT_SIZE] = "";
	const char *level;
	int fds[2], status;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		fill_reach(&reach, REAPER);
		(void)sandbox_enter(&s, what);
		_exit(write(fds[1], what, strlen(what)) > 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(read(fds[0], what, sizeof(what) - 1) > 0);
	close(fds[0]);
	close(fds[1]);
	place.filtered = strstr(what, "seccomp none") == NULL && strstr(what, "only logs") == NULL;
	level = strstr(what, "Landlock level ");
	place.fenced = level != NULL;
	if (level != NULL)
		place.level = (int)strtol(level + strlen("Landlock level "), NULL, 10);
	print_message("sandbox: %s\n", what);
}

static int
set_up(void **state)
{
	int other;

	(void)state;
	snprintf(place.dir, sizeof(place.dir), "/tmp/test_sandbox.XXXXXX");
	assert_non_null(mkdtemp(place.dir));
	snprintf(place.log, sizeof(place.log), "%s/log", place.dir);
	assert_int_equal(mkdir(place.log, 0700), 0);
	snprintf(place.log, sizeof(place.log), "%s/log/ringd.log", place.dir);
	snprintf(place.readable, sizeof(place.readable), "%s/readable", place.dir);
	snprintf(place.foreign, sizeof(place.foreign), "%s/foreign", place.dir);
	snprintf(place.unix_path, sizeof(place.unix_path), "%s/socket", place.dir);
	snprintf(place.abstract, sizeof(place.abstract), "@ringd-test-%ld", (long)getpid());
	make_file(place.log);
	make_file(place.readable);
	make_file(place.foreign);
	place.port = listen_tcp(&place.listener);
	place.other_port = listen_tcp(&other);
	listen_unix(place.unix_path);
	listen_unix(place.abstract);
	probe();
	return 0;
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", place.dir);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_act_ends_as_it_must),
		cmocka_unit_test(files_outside_are_out_of_reach),
		cmocka_unit_test(ports_and_sockets_outside_are_out_of_reach),
		cmocka_unit_test(logging_refuses_nothing),
		cmocka_unit_test(another_architecture_is_no_way_out),
		cmocka_unit_test(with_a_thread_it_is_broken),
		cmocka_unit_test(a_replaced_file_is_noticed),
		cmocka_unit_test(the_verdict_is_for_its_signal_only),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
