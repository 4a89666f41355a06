/*
 * main: the options, the table of roles, and the first checks. Everything that runs is in proc/ and in the roles. Never
 * starts anything with -n: it has to be harmless beside a running ringd, so it does not even try to bind.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "base/num.h"
#include "conf/conf.h"
#include "courier/courier.h"
#include "os/fds.h"
#include "os/priv.h"
#include "os/sandbox.h"
#include "proc/families.h"
#include "proc/keys.h"
#include "proc/master.h"
#include "proc/metrics.h"
#include "reaper/reaper.h"
#include "version.h"
#include "worker/worker.h"

#ifndef RINGD_CONF_PATH
#define RINGD_CONF_PATH		"/etc/ringd/ringd.yaml"
#endif

#define MAIN_PATH_SIZE		4096
#define MAIN_WHY_SIZE		(MAIN_PATH_SIZE + 512)
#define MAIN_CLOCK_OFFSET	"RINGD_TEST_CLOCK_OFFSET_MS"

struct options {
	const char	*path;
	bool		 check;		/* -n */
	bool		 debug;		/* -d */
	bool		 foreground;	/* -F */
};

static int64_t
count_workers(const struct conf *c)
{
	return c->workers;
}

static int64_t
count_one(const struct conf *c)
{
	(void)c;
	return 1;
}

static int64_t
count_courier(const struct conf *c)
{
	return c->courier_key_file != NULL;
}

static void
purge_worker(struct conf *c)
{
	secret_free(&c->keyring);
	secret_free(&c->dialpad_client_secret);
	secret_free(&c->courier_url);
	secret_free(&c->reaper_url);
	secret_free(&c->owner_url);
}

static void
purge_reaper(struct conf *c)
{
	secret_free(&c->keyring);
	secret_free(&c->dialpad_client_secret);
	secret_free(&c->courier_url);
	secret_free(&c->worker_url);
	secret_free(&c->owner_url);
	secret_free(&c->dialpad_secret);
	secret_free(&c->dialpad_previous_secret);
}

static void
purge_courier(struct conf *c)
{
	secret_free(&c->worker_url);
	secret_free(&c->reaper_url);
	secret_free(&c->owner_url);
	secret_free(&c->dialpad_secret);
	secret_free(&c->dialpad_previous_secret);
}

static const struct role roles[] = {
	{ "worker", count_workers, worker_main, purge_worker, SANDBOX_ACCEPT, true, true },
	{ "reaper", count_one, reaper_main, purge_reaper, 0, false, false },
	{ "courier", count_courier, courier_main, purge_courier, 0, false, false },
};

_Static_assert(COUNT(roles) <= SCORE_ROLES, "SCORE_ROLES is too small");

static void
usage(FILE *out)
{
	fprintf(out,
	    "usage: ringd [-dFn] [-f file]\n"
	    "       ringd --keys | --metrics | --version | --help\n"
	    "  -d         stay in the foreground and log to standard error\n"
	    "  -F         stay in the foreground and log as configured\n"
	    "  -f file    configuration file (default " RINGD_CONF_PATH ")\n"
	    "  -n         check the configuration and exit\n"
	    "  --keys     list the keys of the configuration file and exit\n"
	    "  --metrics  list the metrics that /metrics shows and exit\n"
	    "  --version  print the version and exit\n");
}

/* Also answers the options that only print something: those end the program here. */
static bool
read_options(int argc, char **argv, struct options *o)
{
	static const struct option longer[] = {
		{ "keys", no_argument, NULL, 'K' },
		{ "metrics", no_argument, NULL, 'M' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'H' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "dFf:n", longer, NULL)) != -1) {
		switch (c) {
		case 'd':
			o->debug = true;
			break;
		case 'F':
			o->foreground = true;
			break;
		case 'f':
			o->path = optarg;
			break;
		case 'n':
			o->check = true;
			break;
		case 'K':
			conf_print_keys(stdout);
			exit(fflush(stdout) == 0 ? EXIT_OK : EXIT_FAULT);
		case 'M':
			metrics_print(stdout);
			exit(fflush(stdout) == 0 ? EXIT_OK : EXIT_FAULT);
		case 'V':
			printf("ringd %s\n", RINGD_VERSION);
			exit(EXIT_OK);
		case 'H':
			usage(stdout);
			exit(EXIT_OK);
		default:
			return false;
		}
	}
	return optind == argc;
}

/* A file's directory has to be there; whether we may write to it is known only to who will run ringd. */
static bool
check_directory(const char *key, const char *file, char why[PRIV_WHY_SIZE])
{
	char dir[MAIN_PATH_SIZE];
	const char *slash = file != NULL ? strrchr(file, '/') : NULL;
	struct stat st;

	if (slash == NULL || slash == file)
		return true;
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - file), file);
	if (stat(dir, &st) == -1) {
		snprintf(why, PRIV_WHY_SIZE, "%s: directory %.128s: %s", key, dir, strerror(errno));
		return false;
	}
	if (!S_ISDIR(st.st_mode)) {
		snprintf(why, PRIV_WHY_SIZE, "%s: %.128s is not a directory", key, dir);
		return false;
	}
	return true;
}

/* What the file alone cannot tell: whether this machine has what it names, and what its names stand for here. */
static bool
check_machine(struct conf *c, char why[KEYRING_WHY_SIZE])
{
	struct service_user user;
	struct peer_list admins;

	return priv_lookup(&user, c->user, c->group, why) &&
	    peer_list_lookup(&admins, c->admin_users, c->nadmin_users, c->admin_groups, c->nadmin_groups, why) &&
	    check_directory("log.to", c->log_file, why) && check_directory("pid_file", c->pid_file, why) &&
	    families_expand(c, why) && keys_load(c, why);
}

static void
warn(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "ringd: warning: %s\n", text);
}

/* NULL with why. */
static struct conf *
load(const char *path, char why[MAIN_WHY_SIZE])
{
	struct conf_error err;
	char machine[KEYRING_WHY_SIZE];
	struct conf *c = conf_load(path, &err);

	if (c == NULL || !conf_read_certificates(c, warn, NULL, &err)) {
		snprintf(why, MAIN_WHY_SIZE, "%s", err.text);
		conf_free(c);
		return NULL;
	}
	if (!check_machine(c, machine)) {
		snprintf(why, MAIN_WHY_SIZE, "%s: %s", path, machine);
		conf_free(c);
		return NULL;
	}
	return c;
}

static int
check(const struct options *o)
{
	char why[MAIN_WHY_SIZE];
	struct conf *c = load(o->path, why);

	if (c == NULL) {
		fprintf(stderr, "ringd: %s\n", why);
		return EXIT_CONFIG;
	}
	if (priv_is_root() && c->user == NULL)
		fprintf(stderr, "ringd: note: started as root it would refuse to run; set user:\n");
	printf("configuration file %s is good\n", o->path);
	conf_free(c);
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAULT;
}

/* The path as it will still be right in another working directory; links are left to be followed at each reload. */
static bool
absolute(const char *path, char out[MAIN_PATH_SIZE])
{
	char here[MAIN_PATH_SIZE];
	int n;

	if (*path == '/')
		n = snprintf(out, MAIN_PATH_SIZE, "%s", path);
	else if (getcwd(here, sizeof(here)) != NULL)
		n = snprintf(out, MAIN_PATH_SIZE, "%s/%s", here, path);
	else
		n = -1;
	return n > 0 && n < MAIN_PATH_SIZE;
}

/* Tests only: real time is shifted for the master and, by fork, for all. */
static bool
shift_clock(void)
{
	const char *text = getenv(MAIN_CLOCK_OFFSET);
	int64_t ms;

	if (text == NULL)
		return true;
	if (!num_i64(str_c(text), INT64_MIN / 2, INT64_MAX / 2, &ms))
		return false;
	clock_set_offset_ms(ms);
	log_warn("the clock is shifted by %lld ms (" MAIN_CLOCK_OFFSET " is set)", (long long)ms);
	return true;
}

/* Told to whoever looks on: a person, and at an upgrade the master before us. */
static int
refuse(const struct birth *b, const char *why)
{
	fprintf(stderr, "ringd: %s\n", why);
	if (b->handover.link_fd != -1)
		master_refuse(b, EXIT_CONFIG, why);
	return EXIT_CONFIG;
}

static int
run(const struct options *o, int argc, char **argv)
{
	char path[MAIN_PATH_SIZE], here[MAIN_PATH_SIZE], why[MAIN_WHY_SIZE];
	struct master_setup setup;
	struct birth birth;

	memset(&setup, 0, sizeof(setup));
	title_init(&setup.title, argc, argv);
	if (!birth_read(&birth, why))
		return refuse(&birth, why);
	if (!absolute(o->path, path))
		return refuse(&birth, "the path of the configuration file is too long");
	if (!notify_init(&setup.notify, birth.notify_path))
		log_warn("NOTIFY_SOCKET is not an address that can be used; nobody is notified");
	setup.roles = roles;
	setup.nroles = COUNT(roles);
	setup.conf_path = path;
	setup.birth = &birth;
	setup.argv = argv;
	setup.start_dir = getcwd(here, sizeof(here)) != NULL ? here : "/";
	setup.detach = !o->debug && !o->foreground && birth.notify_path[0] == '\0';
	setup.log_stderr = o->debug;
	setup.conf = load(path, why);
	return setup.conf != NULL ? master_run(&setup) : refuse(&birth, why);
}

int
main(int argc, char **argv)
{
	struct options o = { RINGD_CONF_PATH, false, false, false };

	if (fds_fill_stdio() == -1)
		return EXIT_FAULT;
	if (!read_options(argc, argv, &o)) {
		usage(stderr);
		return EXIT_CONFIG;
	}
	log_set_role("master");
	if (!shift_clock()) {
		fprintf(stderr, "ringd: " MAIN_CLOCK_OFFSET ": expected a number of milliseconds\n");
		return EXIT_CONFIG;
	}
	return o.check ? check(&o) : run(&o, argc, argv);
}
