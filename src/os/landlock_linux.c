/*
 * landlock: by raw system calls, because libc has no names for them, and by the kernel's level (ABI), which tells how
 * much it can refuse: all it knows is asked for, what it does not know yet is left out and never an error. A permission
 * is bound to a file, not to its name: reach_stale() tells when a name has come to mean another file.
 */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/count.h"
#include "os/landlock_linux.h"

/* The kernel's interface, here by its documentation: the headers of a distribution are older than its next kernel. */
#define CREATE_RULESET	444
#define ADD_RULE	445
#define RESTRICT_SELF	446
#define ASK_LEVEL	0x1u
#define RULE_PATH	1
#define RULE_PORT	2

#define FS_WRITE_FILE	(UINT64_C(1) << 1)
#define FS_READ_FILE	(UINT64_C(1) << 2)
#define FS_READ_DIR	(UINT64_C(1) << 3)
#define FS_MAKE_REG	(UINT64_C(1) << 8)
#define FS_OF_FILES	(FS_WRITE_FILE | FS_READ_FILE)	/* of ours, what makes sense for one file */
#define FS_LEVEL_1	((UINT64_C(1) << 13) - 1)	/* run, read, write, list, make and remove */
#define FS_REFER	(UINT64_C(1) << 13)		/* level 2: link and rename between folders */
#define FS_TRUNCATE	(UINT64_C(1) << 14)		/* level 3 */
#define FS_IOCTL	(UINT64_C(1) << 15)		/* level 5: of devices */
#define NET_BIND	(UINT64_C(1) << 0)		/* level 4 */
#define NET_CONNECT	(UINT64_C(1) << 1)
#define SCOPE_ABSTRACT	(UINT64_C(1) << 0)		/* level 6: connect to abstract Unix sockets outside */
#define SCOPE_SIGNAL	(UINT64_C(1) << 1)

#define PORT_DNS	53	/* an answer too long for a datagram */
#define PORT_KERBEROS	88

struct ruleset {
	uint64_t	fs, net, scoped;
};

struct rule_path {
	uint64_t	access;
	int32_t		folder_fd;
} __attribute__((packed));

struct rule_port {
	uint64_t	access;
	uint64_t	port;
};

/* What libc and libpq read, wherever a distribution keeps it; what is not there is no rule. Nothing with a secret. */
static const char *const system_paths[] = {
	/* names, addresses, services */
	"/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/services",
	"/usr/etc", "/run/systemd/resolve", "/run/NetworkManager", "/run/resolvconf", "/var/lib/sss/mc",
	/* a user's home */
	"/etc/passwd", "/run/systemd/userdb",
	/* the resolver's modules, and those of OpenSSL and Kerberos */
	"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache",
	/* certificates of authorities, and settings of TLS and Kerberos; private keys stay outside */
	"/etc/ssl/openssl.cnf", "/etc/ssl/certs", "/etc/ssl/cert.pem", "/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates", "/etc/ca-certificates", "/var/lib/ca-certificates", "/etc/pki/ca-trust",
	"/etc/pki/tls/certs", "/etc/pki/tls/cert.pem", "/etc/pki/tls/openssl.cnf", "/etc/crypto-policies",
	"/usr/share/crypto-policies", "/etc/krb5.conf", "/etc/krb5.conf.d", "/etc/gss",
	/* syslog(3) writes local time */
	"/etc/localtime", "/usr/share/zoneinfo",
	"/dev/null", "/dev/urandom",
};

static struct ruleset
wanted(long level, const struct reach *r)
{
	struct ruleset w = { FS_LEVEL_1, 0, 0 };

	if (level >= 2)
		w.fs |= FS_REFER;
	if (level >= 3)
		w.fs |= FS_TRUNCATE;
	if (level >= 4)
		w.net = r->any_port ? NET_BIND : NET_BIND | NET_CONNECT;
	if (level >= 5)
		w.fs |= FS_IOCTL;
	if (level >= 6)
		w.scoped = SCOPE_SIGNAL | SCOPE_ABSTRACT;
	for (size_t i = 0; i < r->npaths; i++)	/* PostgreSQL can listen on one */
		if (r->path[i].kind == REACH_SOCKET && r->path[i].path[0] == '@')
			w.scoped &= ~SCOPE_ABSTRACT;
	return w;
}

/* A path that cannot be opened is no rule: the process could not have used it either. */
static bool
allow_path(int set, struct reach_path *p)
{
	struct rule_path rule = { .access = FS_READ_FILE | FS_READ_DIR };
	struct stat st;
	bool done;

	if (p->kind == REACH_APPEND)
		rule.access = FS_WRITE_FILE | FS_MAKE_REG;
	rule.folder_fd = open(p->path, O_PATH | O_CLOEXEC);
	if (rule.folder_fd == -1)
		return true;
	done = fstat(rule.folder_fd, &st) == 0;
	if (done) {
		p->device = st.st_dev;
		p->inode = st.st_ino;
		if (!S_ISDIR(st.st_mode))
			rule.access &= FS_OF_FILES;
		done = syscall(ADD_RULE, set, RULE_PATH, &rule, 0) == 0;
	}
	close(rule.folder_fd);
	return done;
}

static bool
allow_all(int set, struct reach *r, uint64_t net)
{
	for (size_t i = 0; i < r->npaths; i++)
		if (r->path[i].kind != REACH_SOCKET && !allow_path(set, &r->path[i]))
			return false;
	for (size_t i = 0; i < r->nports && (net & NET_CONNECT) != 0; i++) {
		struct rule_port rule = { NET_CONNECT, r->port[i] };

		if (syscall(ADD_RULE, set, RULE_PORT, &rule, 0) == -1)
			return false;
	}
	return true;
}

static void
describe(long level, const struct ruleset *w, char text[LANDLOCK_TEXT_SIZE])
{
	snprintf(text, LANDLOCK_TEXT_SIZE, "Landlock level %ld (files%s%s%s)", level, w->net != 0 ? ", TCP ports" : "",
	    w->scoped != 0 ? ", signals" : "", (w->scoped & SCOPE_ABSTRACT) != 0 ? ", abstract sockets" : "");
}

static bool
no_fence(char text[LANDLOCK_TEXT_SIZE])
{
	snprintf(text, LANDLOCK_TEXT_SIZE, "Landlock none (%s)", errno == ENOSYS ? "not in this kernel" :
	    errno == EOPNOTSUPP ? "switched off in this kernel" : strerror(errno));
	return false;
}

bool
landlock_enter(struct reach *r, char text[LANDLOCK_TEXT_SIZE])
{
	long level = syscall(CREATE_RULESET, NULL, 0, ASK_LEVEL);
	struct ruleset w;
	bool done;
	int set;

	if (level < 1)
		return no_fence(text);
	for (size_t i = 0; i < COUNT(system_paths); i++)
		reach_path(r, REACH_READ, system_paths[i]);
	reach_port(r, PORT_DNS);
	reach_port(r, PORT_KERBEROS);
	if (r->incomplete) {
		errno = E2BIG;
		return no_fence(text);
	}
	w = wanted(level, r);
	set = (int)syscall(CREATE_RULESET, &w, sizeof(w), 0);
	if (set == -1)
		return no_fence(text);
	done = allow_all(set, r, w.net) && syscall(RESTRICT_SELF, set, 0) == 0;
	if (done) {
		r->bound = true;
		describe(level, &w, text);
	} else {
		no_fence(text);
	}
	close(set);
	return done;
}
